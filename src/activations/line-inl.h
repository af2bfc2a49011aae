// Maps a function of one element over arrays as over one line: for passes in which rows and columns
// do not matter. Included once per target.

#if defined(UNDYING_ACTIVATIONS_LINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_LINE_INL_H_
#undef UNDYING_ACTIVATIONS_LINE_INL_H_
#else
#define UNDYING_ACTIVATIONS_LINE_INL_H_
#endif

#include <hwy/cache_control.h>

#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

// From this many bytes on, an output goes past the caches: it would be evicted before it is read,
// and need not be read before it is written.
inline constexpr std::int64_t kStreamBytes = 32 << 20;

template <class Function, class... Inputs>
HWY_INLINE void map_part(const Function& f, std::size_t lanes, float* to, Inputs... from) {
  const D d;
  store<true>(d, f(load<true>(d, from, lanes)...), to, lanes);
}

template <bool kStream>
HWY_INLINE void store_whole(V v, float* to) {
  if constexpr (kStream)
    hn::Stream(v, D(), to);
  else
    hn::StoreU(v, D(), to);
}

// A store holds up later loads whose address agrees in the last 12 bits. Where the output lies a
// little ahead of an input, modulo 4 KiB, the walk goes down instead of up: those loads are then
// behind it.
inline bool holds_up(const float* to, const float* from) {
  const auto ahead =
      (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from)) % 4096;
  return ahead > 0 && ahead <= 2048;
}

// to[i] = f(from[i]...) for i < count.
template <bool kStream, class Function, class... Inputs>
HWY_INLINE void map_line(const Function& shared, std::int64_t count, float* to, Inputs... from) {
  const D d;
  const Function f = shared;  // a copy that no store can alias
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t first = 0;
  if constexpr (kStream) {
    const auto past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(to) /
                                                sizeof(float) % hn::Lanes(d));
    if (past != 0) first = n - past;
    if (first > 0) map_part(f, static_cast<std::size_t>(first), to, from...);
  }
  const std::int64_t blocks = (count - first) / (4 * n);
  const bool down = !kStream && (holds_up(to, from) || ...);
  const std::int64_t step = down ? -4 * n : 4 * n;
  std::int64_t i = down ? first + (blocks - 1) * 4 * n : first;
  for (std::int64_t block = 0; block < blocks; ++block, i += step) {
    const V v0 = f(hn::LoadU(d, from + i)...);
    const V v1 = f(hn::LoadU(d, from + i + n)...);
    const V v2 = f(hn::LoadU(d, from + i + 2 * n)...);
    const V v3 = f(hn::LoadU(d, from + i + 3 * n)...);
    store_whole<kStream>(v0, to + i);
    store_whole<kStream>(v1, to + i + n);
    store_whole<kStream>(v2, to + i + 2 * n);
    store_whole<kStream>(v3, to + i + 3 * n);
  }
  for (i = first + blocks * 4 * n; i + n <= count; i += n)
    store_whole<kStream>(f(hn::LoadU(d, from + i)...), to + i);
  if (i < count) map_part(f, static_cast<std::size_t>(count - i), to + i, from + i...);
  if constexpr (kStream) hwy::FlushStream();
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_LINE_INL_H_
