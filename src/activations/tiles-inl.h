// Walks a (rows, units) matrix in tiles: some rows of one, two or four vectors of columns, so that what is summed per unit stays in
// registers down the rows. The order of summation depends on the shape alone. Included once per target.

#if defined(UNDYING_ACTIVATIONS_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_TILES_INL_H_
#undef UNDYING_ACTIVATIONS_TILES_INL_H_
#else
#define UNDYING_ACTIVATIONS_TILES_INL_H_
#endif

#include <algorithm>

#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Tile {
  std::int64_t first;   // row
  std::int64_t last;    // row behind
  std::int64_t column;  // first unit
  std::size_t lanes;    // of the vector, where it is partial
};

// Rows of a tile in a matrix wider than kNarrow floats, where walking down all rows would leave the cache.
inline constexpr std::int64_t kTileRows = 16;
inline constexpr std::int64_t kNarrow = 256;

// Calls body.run<vectors, partial>(tile) for every tile.
template <class Body>
HWY_INLINE void walk(std::int64_t rows, std::int64_t units, const Body& body) {
  const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t tile_rows = units > kNarrow ? kTileRows : std::max<std::int64_t>(rows, 1);
  for (std::int64_t first = 0; first < rows; first += tile_rows) {
    Tile tile{first, std::min(first + tile_rows, rows), 0, 0};
    for (; tile.column + 4 * n <= units; tile.column += 4 * n) body.template run<4, false>(tile);
    for (; tile.column + 2 * n <= units; tile.column += 2 * n) body.template run<2, false>(tile);
    for (; tile.column + n <= units; tile.column += n) body.template run<1, false>(tile);
    tile.lanes = static_cast<std::size_t>(units - tile.column);
    if (tile.lanes > 0) body.template run<1, true>(tile);
  }
}

// Adds a vector of per-unit sums to where they are kept.
template <bool kPartial, class Tag>
HWY_INLINE void add_to(Tag d, hn::TFromD<Tag>* sums, hn::Vec<Tag> v, std::size_t lanes) {
  store<kPartial>(d, hn::Add(load<kPartial>(d, sums, lanes), v), sums, lanes);
}

// Adds 1 to the lanes of a count in which the mask is set.
HWY_INLINE VU count_up(VU count, M mask) {
  const DU du;
  return hn::IfThenElse(hn::RebindMask(du, mask), hn::Add(count, hn::Set(du, 1)), count);
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_TILES_INL_H_
