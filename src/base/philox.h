#ifndef UNDYING_BASE_PHILOX_H_
#define UNDYING_BASE_PHILOX_H_

#include <array>
#include <cstdint>
#include <span>

namespace undying {

// Philox4x32-10, a counter-based random number generator (Salmon et al. 2011, "Parallel random
// numbers: as easy as 1, 2, 3"). A draw is a function of (seed, stream, index) alone, never of the
// order of calls.
inline std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                               std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// What a sequence of draws is for; the high half of a stream number. The low half tells sequences
// of one purpose apart.
enum class Stream : std::uint32_t {
  kInitialDraw = 1,
  kDataOrder = 2,
  kDropout = 3,
  kRandomSlope = 4,
  kSyntheticData = 5,
  kBootstrap = 6,
  kTest = 7,
  kAugmentation = 8,
  kSplit = 9,
  kKeepAlive = 10
};

// A sequence of independent draws, addressed by index.
class Random {
 public:
  Random(std::uint64_t seed, Stream purpose, std::uint32_t sequence = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        stream_{sequence, static_cast<std::uint32_t>(purpose)} {}

  // 32 random bits. Four neighbouring indices share one Philox block: bits(i) is word i % 4 of
  // block i / 4.
  std::uint32_t bits(std::uint64_t index) const { return block(index / 4)[index % 4]; }

  std::array<std::uint32_t, 4> block(std::uint64_t index) const {
    return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                       stream_[0], stream_[1]},
                      key_);
  }

  // Uniform in [0, 1), from 24 bits: exact in float32.
  double uniform(std::uint64_t index) const { return (bits(index) >> 8) * 0x1p-24; }

  // Standard normal (Box and Muller 1958): indices 2k and 2k + 1 share block k. A draw belongs to
  // its index, however a run of them is cut; across vector extensions its last bits may differ.
  double normal(std::uint64_t index) const;
  void normals(std::uint64_t first, std::span<double> draws) const;  // draws[i] = normal(first + i)

  // Uniform in {0, ..., bound - 1}, from the block of its own index (64 bits, so the bias is below
  // bound / 2^64).
  std::uint64_t below(std::uint64_t index, std::uint64_t bound) const;

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 2> stream_;
};

}  // namespace undying

#endif  // UNDYING_BASE_PHILOX_H_
