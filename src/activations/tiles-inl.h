// Walks a (rows, units) matrix in tiles of a few rows and one vector of columns. All loads of a
// tile come before its stores (a store holds up later loads whose address agrees in the last 12
// bits, as rows of 4 KiB do). What is summed per unit stays in registers down a narrow matrix, and
// is added to memory once a tile in a wide one, where walking down all rows would leave the cache.
// The order of summation depends on the shape alone. Included once per target.

#if defined(UNDYING_ACTIVATIONS_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_TILES_INL_H_
#undef UNDYING_ACTIVATIONS_TILES_INL_H_
#else
#define UNDYING_ACTIVATIONS_TILES_INL_H_
#endif

#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Tile {
  std::int64_t row;
  std::int64_t column;
  std::size_t lanes;  // of the vector, where it is partial
};

inline constexpr int kTileRows = 4;
inline constexpr std::int64_t kNarrow = 4;  // vectors

// A body has a type Column (what one vector of columns needs and gathers), start<partial>(tile),
// run<rows, partial>(tile, column) and finish<partial>(tile, column).
template <bool kPartial, class Body>
HWY_INLINE void walk_down(Tile tile, std::int64_t rows, const Body& body) {
  auto column = body.template start<kPartial>(tile);
  for (; tile.row + kTileRows <= rows; tile.row += kTileRows)
    body.template run<kTileRows, kPartial>(tile, column);
  for (; tile.row < rows; ++tile.row) body.template run<1, kPartial>(tile, column);
  body.template finish<kPartial>(tile, column);
}

template <int kRows, bool kPartial, class Body>
HWY_INLINE void visit(const Tile& tile, const Body& body) {
  auto column = body.template start<kPartial>(tile);
  body.template run<kRows, kPartial>(tile, column);
  body.template finish<kPartial>(tile, column);
}

template <int kRows, class Body>
HWY_INLINE void walk_across(std::int64_t row, std::int64_t units, const Body& body) {
  const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
  Tile tile{row, 0, 0};
  for (; tile.column + n <= units; tile.column += n) visit<kRows, false>(tile, body);
  tile.lanes = static_cast<std::size_t>(units - tile.column);
  if (tile.lanes > 0) visit<kRows, true>(tile, body);
}

template <class Body>
HWY_INLINE void walk_narrow(std::int64_t rows, std::int64_t units, const Body& body) {
  const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
  Tile tile{0, 0, 0};
  for (; tile.column + n <= units; tile.column += n) walk_down<false>(tile, rows, body);
  tile.lanes = static_cast<std::size_t>(units - tile.column);
  if (tile.lanes > 0) walk_down<true>(tile, rows, body);
}

template <class Body>
HWY_INLINE void walk(std::int64_t rows, std::int64_t units, const Body& shared) {
  const Body body = shared;  // a copy that no store can alias
  if (units <= kNarrow * static_cast<std::int64_t>(hn::Lanes(D())))
    return walk_narrow(rows, units, body);
  std::int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) walk_across<kTileRows>(row, units, body);
  for (; row < rows; ++row) walk_across<1>(row, units, body);
}

// The bias of a tile's units. -0 is the neutral element of addition: -0 + 0 would lose the sign of
// a zero.
template <bool kPartial>
HWY_INLINE V bias_of(const float* bias, const Tile& tile) {
  const D d;
  return bias == nullptr ? hn::Set(d, -0.0f) : load<kPartial>(d, bias + tile.column, tile.lanes);
}

// The per-unit sums of a tile's units so far, where they are kept at all. Loaded before the tile
// stores anything.
template <bool kPartial, class Tag>
HWY_INLINE hn::Vec<Tag> sums_of(Tag d, const hn::TFromD<Tag>* sums, const Tile& tile) {
  return sums == nullptr ? hn::Zero(d) : load<kPartial>(d, sums + tile.column, tile.lanes);
}

template <bool kPartial, class Tag>
HWY_INLINE void keep_sums(Tag d, hn::Vec<Tag> v, hn::TFromD<Tag>* sums, const Tile& tile) {
  if (sums != nullptr) store<kPartial>(d, v, sums + tile.column, tile.lanes);
}

// The sum of a tile's rows, pairwise: one addition a tile waits for the tile before, not one a row.
template <int kRows>
HWY_INLINE V sum_of(const V (&rows)[kRows]) {
  static_assert(kRows == 1 || kRows == 4);
  if constexpr (kRows == 1)
    return rows[0];
  else
    return hn::Add(hn::Add(rows[0], rows[1]), hn::Add(rows[2], rows[3]));
}

// Adds 1 to the lanes of a count in which the mask is set.
HWY_INLINE VU count_up(VU count, M mask) {
  const DU du;
  return hn::IfThenElse(hn::RebindMask(du, mask), hn::Add(count, hn::Set(du, 1)), count);
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_TILES_INL_H_
