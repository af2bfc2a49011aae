// Copies of chosen rows as float32. Bytes become byte / 255 exactly as a division would give (for the default scale).

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/gather.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>

#include "data/convert.h"
#include "undying/dataset.h"

HWY_BEFORE_NAMESPACE();
namespace undying::data::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// byte / 255, rounded as a division would round it, which is what other frameworks feed. With fused products a division is a product and
// its correction by what is left of it (Markstein 1990), at a fraction of the time; the test holds all 256 bytes against the quotient.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V share_of_255(D d, V value) {
  const V divisor = hn::Set(d, 255.0f);
#if HWY_NATIVE_FMA
  const V inverse = hn::Set(d, 1.0f / 255.0f);
  const V quotient = hn::Mul(value, inverse);
  return hn::MulAdd(hn::NegMulAdd(quotient, divisor, value), inverse, quotient);
#else
  return hn::Div(value, divisor);
#endif
}

// dst = scale * byte + offset.
HWY_INLINE void convert_row(const std::uint8_t* bytes, std::int64_t n, float scale, float offset, float* dst) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::int32_t, decltype(d)> words;
  const hn::Rebind<std::uint8_t, decltype(d)> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const bool divide = scale == 1.0f / 255.0f;
  const auto factor = hn::Set(d, scale);
  const auto shift = hn::Set(d, offset);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto value = hn::ConvertTo(d, hn::PromoteTo(words, hn::LoadU(narrow, bytes + i)));
    hn::StoreU(hn::Add(divide ? share_of_255(d, value) : hn::Mul(value, factor), shift), d, dst + i);
  }
  for (; i < n; ++i) dst[i] = (divide ? static_cast<float>(bytes[i]) / 255.0f : static_cast<float>(bytes[i]) * scale) + offset;
}

HWY_ATTR void convert_example(const Dataset& data, const std::uint8_t* bytes, float* dst) {
  const std::size_t pieces = data.scale.size();
  const std::int64_t width = data.features() / static_cast<std::int64_t>(pieces);
  for (std::size_t i = 0; i < pieces; ++i, bytes += width, dst += width) convert_row(bytes, width, data.scale[i], data.offset[i], dst);
}

}  // namespace undying::data::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying {
namespace data {

HWY_EXPORT(convert_example);

void convert(const Dataset& data, const std::uint8_t* bytes, float* dst) { HWY_DYNAMIC_DISPATCH(convert_example)(data, bytes, dst); }

}  // namespace data

void gather(const Dataset& data, std::span<const std::uint32_t> indices, float* dst) {
  const std::int64_t width = data.features();
  for (const std::uint32_t index : indices) {
    const std::int64_t at = static_cast<std::int64_t>(index) * width;
    if (data.bytes.empty()) {
      std::copy_n(data.values.data() + at, width, dst);
    } else {
      data::convert(data, data.bytes.data() + at, dst);
    }
    dst += width;
  }
}

}  // namespace undying
#endif  // HWY_ONCE
