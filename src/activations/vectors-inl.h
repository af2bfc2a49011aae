// Vector types and the loads and stores of a partial last vector, which touch nothing beyond its
// lanes. Included once per target.

#if defined(UNDYING_ACTIVATIONS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_VECTORS_INL_H_
#undef UNDYING_ACTIVATIONS_VECTORS_INL_H_
#else
#define UNDYING_ACTIVATIONS_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<D>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
using VU = hn::Vec<DU>;
using M = hn::Mask<D>;

// Highway's masked accesses below AVX2 read and write whole vectors.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2  // better targets have lower numbers
inline constexpr bool kMaskedAccess = true;
#else
inline constexpr bool kMaskedAccess = false;
#endif

// `lanes` counts only where the vector is partial; absent lanes read as 0.
template <bool kPartial, class Tag, class T = hn::TFromD<Tag>>
HWY_INLINE hn::Vec<Tag> load(Tag d, const T* from, std::size_t lanes) {
  if constexpr (!kPartial) {
    return hn::LoadU(d, from);
  } else if constexpr (kMaskedAccess) {
    return hn::MaskedLoad(hn::FirstN(d, lanes), d, from);
  } else {
    HWY_ALIGN T whole[hn::MaxLanes(Tag())] = {};
    for (std::size_t i = 0; i < lanes; ++i) whole[i] = from[i];
    return hn::Load(d, whole);
  }
}

template <bool kPartial, class Tag, class T = hn::TFromD<Tag>>
HWY_INLINE void store(Tag d, hn::Vec<Tag> v, T* to, std::size_t lanes) {
  if constexpr (!kPartial) {
    hn::StoreU(v, d, to);
  } else if constexpr (kMaskedAccess) {
    hn::BlendedStore(v, hn::FirstN(d, lanes), d, to);
  } else {
    HWY_ALIGN T whole[hn::MaxLanes(Tag())];
    hn::Store(v, d, whole);
    for (std::size_t i = 0; i < lanes; ++i) to[i] = whole[i];
  }
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_VECTORS_INL_H_
