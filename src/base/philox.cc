#include "base/philox.h"

#include <cmath>
#include <numbers>

namespace undying {

std::array<double, 2> Random::normal_pair(std::uint64_t index) const {
  const auto words = block(index);
  const std::uint64_t high = (std::uint64_t{words[0]} << 21) ^ (words[1] >> 11);
  const double u = (static_cast<double>(high) + 0.5) * 0x1p-53;  // (0, 1): the logarithm is finite
  const double radius = std::sqrt(-2.0 * std::log(u));
  const double angle = 2.0 * std::numbers::pi * (words[2] * 0x1p-32);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

std::uint64_t Random::below(std::uint64_t index, std::uint64_t bound) const {
  const auto words = block(index);
  __extension__ typedef unsigned __int128 Wide;
  const Wide bits = (Wide{words[0]} << 32) | words[1];
  return static_cast<std::uint64_t>((bits * bound) >> 64);
}

}  // namespace undying
