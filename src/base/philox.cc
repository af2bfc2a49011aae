#include "base/philox.h"

namespace undying {

std::uint64_t Random::below(std::uint64_t index, std::uint64_t bound) const {
  const auto words = block(index);
  __extension__ typedef unsigned __int128 Wide;
  const Wide bits = (Wide{words[0]} << 32) | words[1];
  return static_cast<std::uint64_t>((bits * bound) >> 64);
}

}  // namespace undying
