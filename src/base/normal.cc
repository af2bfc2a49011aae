// Normal draws as vector code: Philox, the logarithm and the angle for as many blocks at once as a
// vector has doubles.

#include "base/philox.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/normal.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace undying::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<double>;
using D64 = hn::RebindToUnsigned<D>;
using V64 = hn::Vec<D64>;

// A word of the generator: the low 32 bits of each 64-bit lane; the high ones are anything.
struct Words {
  V64 word[4];
};

V64 set_word(std::uint32_t value) { return hn::Set(D64(), value); }

V64 product(V64 a, std::uint32_t factor) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Mul(hn::And(a, set_word(0xFFFFFFFF)), set_word(factor));
#else
  const hn::Repartition<std::uint32_t, D64> d32;
  return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, set_word(factor)));
#endif
}

// philox4x32() of base/philox.h, a block a lane.
Words blocks(V64 index, std::array<std::uint32_t, 2> stream, std::array<std::uint32_t, 2> key) {
  Words at = {{index, hn::ShiftRight<32>(index), set_word(stream[0]), set_word(stream[1])}};
  for (int round = 0; round < 10; ++round) {
    const V64 product0 = product(at.word[0], 0xD2511F53);
    const V64 product1 = product(at.word[2], 0xCD9E8D57);
    at = {{hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), at.word[1]), set_word(key[0])), product1,
           hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), at.word[3]), set_word(key[1])), product0}};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  for (V64& word : at.word) word = hn::And(word, set_word(0xFFFFFFFF));
  return at;
}

hn::Vec<D> to_double(V64 below_2_53) {
  return hn::ConvertTo(D(), hn::BitCast(hn::RebindToSigned<D64>(), below_2_53));
}

void normals(std::array<std::uint32_t, 2> key, std::array<std::uint32_t, 2> stream,
             std::uint64_t first, std::span<double> draws) {
  const D d;
  const D64 d64;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  HWY_ALIGN double run[2 * kLanes];
  std::size_t skip = first % 2;  // of the first run
  std::uint64_t block = first / 2;
  for (std::size_t done = 0; done < draws.size(); block += hn::Lanes(d)) {
    const Words words = blocks(hn::Add(hn::Iota(d64, 0), hn::Set(d64, block)), stream, key);
    const auto high =
        to_double(hn::Xor(hn::ShiftLeft<21>(words.word[0]), hn::ShiftRight<11>(words.word[1])));
    const auto u = hn::Mul(hn::Add(high, hn::Set(d, 0.5)),
                           hn::Set(d, 0x1p-53));  // (0, 1]: the logarithm is finite
    const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), hn::Log(d, u)));
    const auto angle =
        hn::Mul(to_double(words.word[2]), hn::Set(d, 2.0 * std::numbers::pi * 0x1p-32));
    hn::StoreInterleaved2(hn::Mul(radius, hn::Cos(d, angle)), hn::Mul(radius, hn::Sin(d, angle)), d,
                          run);
    const std::size_t count = std::min(2 * hn::Lanes(d) - skip, draws.size() - done);
    std::copy_n(run + skip, count, draws.begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
    skip = 0;
  }
}

}  // namespace undying::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying {

HWY_EXPORT(normals);

void Random::normals(std::uint64_t first, std::span<double> draws) const {
  HWY_DYNAMIC_DISPATCH(normals)(key_, stream_, first, draws);
}

double Random::normal(std::uint64_t index) const {
  double draw = 0.0;
  normals(index, {&draw, 1});
  return draw;
}

}  // namespace undying
#endif  // HWY_ONCE
