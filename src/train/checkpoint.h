#ifndef UNDYING_TRAIN_CHECKPOINT_H_
#define UNDYING_TRAIN_CHECKPOINT_H_

#include <cstdint>
#include <filesystem>

namespace undying::train {

// After how many steps the run stands that a checkpoint holds. Throws Error that names the file:
// kIo, kBadData where it is none or damaged.
std::int64_t steps_kept(const std::filesystem::path& file);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_CHECKPOINT_H_
