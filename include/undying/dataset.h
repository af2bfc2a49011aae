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

// Examples in memory, shared and read-only once built. Inputs are (size, features) row-major as their source has them, held either as bytes
// (images: 1 byte a value of a channel) or as float32. A network sees (stored - mean) / deviation: gather() does that. Targets are class
// indices or float32 values.
struct Dataset {
  std::string name;                      // as people write it: "fashion-mnist train"
  std::int64_t size = 0;                 // examples
  std::vector<std::int64_t> shape;       // of one example: {channels, height, width} or {features}
  std::vector<std::uint8_t> bytes;       // (size, features), or empty
  std::vector<float> values;             // (size, features), or empty
  std::vector<float> mean;               // one for all, one a channel or one a feature; empty: 0
  std::vector<float> deviation;          // as many as means, each above 0; empty: 255 for bytes, 1 for values
  std::int64_t classes = 0;              // 0: regression
  std::vector<std::int32_t> labels;      // (size), each in [0, classes), when classes > 0
  std::vector<std::string> class_names;  // (classes), or empty where the source has none
  std::int64_t outputs = 0;              // values per target, when classes == 0
  std::vector<float> targets;            // (size, outputs), when classes == 0
  std::vector<std::uint32_t> rows;       // where each example stands in its source, counted from 0; empty: in order
  std::vector<std::int32_t> groups;      // (size): examples of one group are never parted; or empty

  std::int64_t features() const;  // product of shape
  std::int64_t channels() const;  // of images, examples of shape (channels, height, width); 1 for all others
};

// Copies the rows named by `indices` into dst (indices.size(), features()) as float32, as a network sees them.
void gather(const Dataset& data, std::span<const std::uint32_t> indices, float* dst);

// Checks sizes against each other, labels in range, every value finite. Throws Error{kBadData} that names the data set.
void validate(const Dataset& data);

enum class Normalize {
  kUnit,      // images to [0, 1], other data as it is
  kStandard,  // zero mean and unit variance, learned on train: one mean and deviation a channel for images held as bytes, one a column
              // otherwise
};

// How a part is held out for testing.
struct SplitRule {
  double share = 0.2;      // of the examples, in (0, 1)
  std::uint64_t seed = 1;  // of the draw
  bool ordered = false;    // the last examples are held out, and nothing is drawn: for series
};

struct Split {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;
  std::string note;   // what a reader must know, such as "held out for testing: 30 of 150 examples, drawn with seed 1"; else empty
  bool given = true;  // the source came with a test part, or the user named one; else `rule` says how it was held out
  SplitRule rule = {};
  Normalize normalize = Normalize::kUnit;
};

// Holds a part out for testing: classes in proportion, at least one example of each left for training; groups kept together. Both parts
// keep the order of the source. A function of the examples and the rule alone. Throws Error{kBadData} where there are too few examples.
Split hold_out(Dataset all, const SplitRule& rule = {});

// Pools both parts of a split that hold_out() made and draws them again with another seed; what was learned of the training part
// (mean and deviation) is learned anew. Throws Error{kInvalidArgument} for a split that was given, or is ordered.
Split redraw(const Split& split, std::uint64_t seed);

// What is left of a data set, and a part of it drawn as hold_out() draws: rows for validation, cut off the training part.
struct HeldOut {
  Dataset rest;
  Dataset held_out;
};
HeldOut hold_out_rows(const Dataset& data, double share, std::uint64_t seed);

// Opens what `--data` names: "fashion-mnist", "idx:DIR", "images:DIR[:size=HxW]", "npy:X.npy,Y.npy", "npz:FILE",
// "csv:FILE[:label=NAME]", "spirals", "abs", "slowly-changing". `directory` overrides where fashion-mnist is looked for; `seed` feeds the
// synthetic sets. Where the source has no test part, hold_out() makes one and `note` says so. Throws Error: kInvalidArgument
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
