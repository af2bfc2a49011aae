#include "engine/passes/memory.h"

#include <algorithm>
#include <numeric>

#include "base/buffer.h"

namespace undying::engine {
namespace {

struct Placed {
  std::int64_t offset;
  std::int64_t end;
  int last;
};

}  // namespace

Placement place(std::span<const Lifetime> lifetimes) {
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return lifetimes[a].first < lifetimes[b].first; });

  Placement placement{.offsets = std::vector<std::int64_t>(lifetimes.size(), 0)};
  std::vector<Placed> alive;  // by offset
  for (const std::size_t index : order) {
    const Lifetime& buffer = lifetimes[index];
    std::erase_if(alive, [&](const Placed& placed) { return placed.last < buffer.first; });
    const auto size = static_cast<std::int64_t>(padded(static_cast<std::size_t>(buffer.size)));
    std::int64_t offset = 0;
    auto at = alive.begin();
    while (at != alive.end() && at->offset < offset + size) offset = std::max(offset, (at++)->end);
    placement.offsets[index] = offset;
    placement.total = std::max(placement.total, offset + size);
    alive.insert(at, {offset, offset + size, buffer.last});
  }
  return placement;
}

}  // namespace undying::engine
