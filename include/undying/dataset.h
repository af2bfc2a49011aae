#ifndef UNDYING_DATASET_H_
#define UNDYING_DATASET_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace undying {

// Examples in memory, shared and read-only once built. Inputs are (size, features) row-major, held either as bytes (images: 1 byte a
// value of a channel, value = scale * byte + offset) or as float32. Targets are class indices or float32 values.
struct Dataset {
  std::string name;                            // as people write it: "fashion-mnist train"
  std::int64_t size = 0;                       // examples
  std::vector<std::int64_t> shape;             // of one example: {channels, height, width} or {features}
  std::vector<std::uint8_t> bytes;             // (size, features), or empty
  std::vector<float> values;                   // (size, features), or empty
  std::vector<float> scale = {1.0f / 255.0f};  // of bytes: one for all, or one a channel
  std::vector<float> offset = {0.0f};          // as many as scales
  std::int64_t classes = 0;                    // 0: regression
  std::vector<std::int32_t> labels;            // (size), each in [0, classes), when classes > 0
  std::vector<std::string> class_names;        // (classes), or empty where the source has none
  std::int64_t outputs = 0;                    // values per target, when classes == 0
  std::vector<float> targets;                  // (size, outputs), when classes == 0

  std::int64_t features() const;  // product of shape
  std::int64_t channels() const;  // of images, examples of shape (channels, height, width); 1 for all others
};

// Copies the rows named by `indices` into dst (indices.size(), features()) as float32.
void gather(const Dataset& data, std::span<const std::uint32_t> indices, float* dst);

// Checks sizes against each other, labels in range, every value finite. Throws Error{kBadData} that names the data set.
void validate(const Dataset& data);

struct Split {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;
  std::string note;  // what a reader must know, such as "held out: every 6th example"; else empty
};

enum class Normalize {
  kUnit,      // images to [0, 1], other data as it is
  kStandard,  // zero mean and unit variance, learned on train: one mean and deviation a channel for images held as bytes, one a column
              // otherwise
};

// Opens what `--data` names: "fashion-mnist", "idx:DIR", "images:DIR[:size=HxW]", "npy:X.npy,Y.npy", "npz:FILE",
// "csv:FILE[:label=NAME]", "spirals", "abs", "slowly-changing". `directory` overrides where fashion-mnist is looked for; `seed` feeds the
// synthetic sets. Where the source has no test part, every 6th example is held out and `note` says so. Throws Error: kInvalidArgument
// (unknown name), kNotFound, kBadData (with file, what was found, what was expected).
Split open_dataset(std::string_view specification, Normalize normalize = Normalize::kUnit, const std::filesystem::path& directory = {},
                   std::uint64_t seed = 1);

// A named float32 tensor, row-major.
struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// safetensors files (float32 only). The reader refuses a header over 100 MB, holes, overlap, duplicate keys, sizes that do not match.
std::vector<Tensor> read_safetensors(const std::filesystem::path& file);
void write_safetensors(const std::filesystem::path& file, std::span<const Tensor> tensors);

}  // namespace undying

#endif  // UNDYING_DATASET_H_
