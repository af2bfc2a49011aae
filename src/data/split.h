#ifndef UNDYING_DATA_SPLIT_H_
#define UNDYING_DATA_SPLIT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

// Whether each of `size` examples is held out. `labels` (classes are kept in proportion) and
// `groups` (kept together) may be empty. Throws Error{kBadData} that names the data set where a
// part would be too small to say anything.
std::vector<bool> draw_held_out(const std::string& name, std::int64_t size,
                                std::span<const std::int32_t> labels,
                                std::span<const std::int32_t> groups, const SplitRule& rule);

// "held out for testing: 30 of 150 examples, drawn with seed 1, classes in proportion": a Split's
// note.
std::string held_out_note(std::int64_t train, std::int64_t test, bool classes, bool groups,
                          const SplitRule& rule);

// Both parts as one set, in the order of their source where that was parted here; the name says so.
Dataset joined(const Split& split);

}  // namespace undying::data

#endif  // UNDYING_DATA_SPLIT_H_
