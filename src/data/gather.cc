// Copies of chosen rows as float32. Bytes become byte / 255 exactly as a division would give (for
// the default scale).

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

// byte / 255, rounded as a division would round it, which is what other frameworks feed. With fused
// products a division is a product and its correction by what is left of it (Markstein 1990), at a
// fraction of the time; the test holds all 256 bytes against the quotient.
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
HWY_INLINE void convert_row(const std::uint8_t* bytes, std::int64_t n, float scale, float offset,
                            float* dst) {
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
    hn::StoreU(hn::Add(divide ? share_of_255(d, value) : hn::Mul(value, factor), shift), d,
               dst + i);
  }
  for (; i < n; ++i)
    dst[i] =
        (divide ? static_cast<float>(bytes[i]) / 255.0f : static_cast<float>(bytes[i]) * scale) +
        offset;
}

HWY_ATTR void convert_example(const Dataset& data, const std::uint8_t* bytes, float* dst) {
  if (data.mean.empty()) return convert_row(bytes, data.features(), 1.0f / 255.0f, 0.0f, dst);
  const std::size_t pieces = data.mean.size();
  const std::int64_t width = data.features() / static_cast<std::int64_t>(pieces);
  for (std::size_t i = 0; i < pieces; ++i, bytes += width, dst += width) {
    const float scale = 1.0f / data.deviation[i];
    convert_row(bytes, width, scale, -data.mean[i] * scale, dst);
  }
}

// dst = (src - mean) / deviation, one of each a feature.
HWY_INLINE void scale_columns(const float* src, std::int64_t n, const float* mean,
                              const float* deviation, float* dst) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Div(hn::Sub(hn::LoadU(d, src + i), hn::LoadU(d, mean + i)),
                       hn::LoadU(d, deviation + i)),
               d, dst + i);
  for (; i < n; ++i) dst[i] = (src[i] - mean[i]) / deviation[i];
}

// The same with one for all, or for each of several stretches of equal width.
HWY_INLINE void scale_stretch(const float* src, std::int64_t n, float mean, float deviation,
                              float* dst) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto shift = hn::Set(d, mean);
  const auto divisor = hn::Set(d, deviation);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Div(hn::Sub(hn::LoadU(d, src + i), shift), divisor), d, dst + i);
  for (; i < n; ++i) dst[i] = (src[i] - mean) / deviation;
}

HWY_ATTR void scale_example(const Dataset& data, const float* src, float* dst) {
  const std::int64_t features = data.features();
  const auto pieces = static_cast<std::int64_t>(data.mean.size());
  if (pieces == features)
    return scale_columns(src, features, data.mean.data(), data.deviation.data(), dst);
  const std::int64_t width = features / pieces;
  for (std::int64_t i = 0; i < pieces; ++i) {
    const auto at = static_cast<std::size_t>(i);
    scale_stretch(src + i * width, width, data.mean[at], data.deviation[at], dst + i * width);
  }
}

}  // namespace undying::data::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying {
namespace data {

HWY_EXPORT(convert_example);
HWY_EXPORT(scale_example);

void convert(const Dataset& data, const std::uint8_t* bytes, float* dst) {
  HWY_DYNAMIC_DISPATCH(convert_example)(data, bytes, dst);
}

void convert(const Dataset& data, const float* values, float* dst) {
  if (!data.mean.empty()) return HWY_DYNAMIC_DISPATCH(scale_example)(data, values, dst);
  if (values != dst) std::copy_n(values, data.features(), dst);
}

}  // namespace data

void gather(const Dataset& data, std::span<const std::uint32_t> indices, float* dst) {
  const std::int64_t width = data.features();
  for (const std::uint32_t index : indices) {
    const std::int64_t at = static_cast<std::int64_t>(index) * width;
    if (data.bytes.empty()) {
      data::convert(data, data.values.data() + at, dst);
    } else {
      data::convert(data, data.bytes.data() + at, dst);
    }
    dst += width;
  }
}

}  // namespace undying
#endif  // HWY_ONCE
