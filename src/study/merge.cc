#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "study/store.h"
#include "train/fingerprint.h"
#include "undying/error.h"
#include "undying/study.h"

namespace undying {

MergedStores merge_stores(std::span<const std::filesystem::path> parts,
                          const std::filesystem::path& into) {
  if (parts.empty())
    throw Error(ErrorCode::kInvalidArgument, "merge",
                "has no parts; expected the stores that compare --part wrote");
  std::deque<study::Store> stores;
  for (const auto& part : parts) {
    if (std::filesystem::weakly_canonical(part) == std::filesystem::weakly_canonical(into))
      throw Error(ErrorCode::kInvalidArgument, into.string(),
                  "is a part and what the parts go into; expected another file");
    const study::Store& store = stores.emplace_back(part);
    if (store.fingerprint() != stores.front().fingerprint())
      throw Error(
          ErrorCode::kInvalidArgument, part.string(),
          fmt::format("is a part of another study than {}: {}", parts.front().string(),
                      train::difference(stores.front().fingerprint(), store.fingerprint())));
  }
  study::Store merged(into, stores.front().fingerprint());
  MergedStores result;
  merged.together([&] {
    for (const study::Store& store : stores) {
      result.added += merged.add(store);
      result.instruction_sets.push_back(store.instruction_sets());
    }
  });
  merged.each([&](const study::StoredRun& run) { ++result.runs[run.arm]; });
  return result;
}

}  // namespace undying
