#include "base/philox.h"

#include <cmath>
#include <numbers>

namespace undying {

double Random::normal(std::uint64_t index) const {
  const auto words = block(index);
  const std::uint64_t high = (std::uint64_t{words[0]} << 21) ^ (words[1] >> 11);
  const double u = (static_cast<double>(high) + 0.5) * 0x1p-53;  // (0, 1): the logarithm is finite
  const double v = words[2] * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

std::uint64_t Random::below(std::uint64_t index, std::uint64_t bound) const {
  const auto words = block(index);
  __extension__ typedef unsigned __int128 Wide;
  const Wide bits = (Wide{words[0]} << 32) | words[1];
  return static_cast<std::uint64_t>((bits * bound) >> 64);
}

}  // namespace undying
