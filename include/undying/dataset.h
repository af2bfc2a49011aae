#ifndef UNDYING_DATASET_H_
#define UNDYING_DATASET_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace undying {

// One of several inputs of a network, or what it takes for it.
struct InputPart {
  std::string name;
  std::vector<std::int64_t> shape;  // of one example
  bool integer = false;             // whole numbers that stand for something: never scaled
  std::int64_t rows = 0;            // of the table that they are the rows of; 0: no limit is known
};

// One of several outputs of a network, and its targets.
struct TargetPart {
  std::string name;
  std::int64_t width = 0;  // elements of the output
  // > 0: one column holds the class; else a column an element holds the value.
  std::int64_t classes = 0;
  std::int64_t first = 0;  // of its columns
  std::int64_t columns() const { return classes > 0 ? 1 : width; }
};

// Examples in memory, shared and read-only once built. Inputs are (size, features) row-major as
// their source has them, held either as bytes (images: 1 byte a value of a channel) or as float32.
// A network sees (stored - mean) / deviation: gather() does that. Targets are class indices or
// float32 values.
struct Dataset {
  std::string name;                 // as people write it: "fashion-mnist train"
  std::int64_t size = 0;            // examples
  std::vector<std::int64_t> shape;  // of one example: {channels, height, width} or {features}
  std::vector<std::uint8_t> bytes;  // (size, features), or empty
  std::vector<float> values;        // (size, features), or empty
  std::vector<float> mean;          // one for all, one a channel or one a feature; empty: 0
  std::vector<float>
      deviation;             // as many as means, each above 0; empty: 255 for bytes, 1 for values
  std::int64_t classes = 0;  // 0: regression
  std::vector<std::int32_t> labels;      // (size), each in [0, classes), when classes > 0
  std::vector<std::string> class_names;  // (classes), or empty where the source has none
  std::int64_t outputs = 0;              // values per target, when classes == 0
  std::vector<float> targets;            // (size, outputs), when classes == 0
  std::vector<float>
      target_mean;  // (outputs), or empty: 0. Networks are trained on (target - mean) / deviation
  // One for all outputs, so that a squared loss is in units of its square.
  float target_deviation = 1.0f;
  std::vector<std::string> columns;  // (features) names, or empty where the source has none
  std::string target;                // name of what is to be predicted, or empty
  std::vector<std::uint32_t>
      rows;  // where each example stands in its source, counted from 0; empty: in order
  std::vector<std::uint8_t> missing;  // (size, features): 1 where the source has no value, and
                                      // `values` a mean instead; or empty
  std::vector<float>
      weights;  // (size): how much an example counts in the loss of training steps; empty: 1 each
  std::vector<std::int32_t> groups;  // (size): examples of one group are never parted; or empty
  // That an example is made of, one behind the other in `shape`; empty: it is one.
  std::vector<InputPart> inputs = {};
  // That `targets` are made of, for several outputs; empty: they are for one.
  std::vector<TargetPart> parts = {};

  std::int64_t features() const;  // product of shape
  double loss_unit() const {
    return static_cast<double>(target_deviation) * target_deviation;
  }  // of a loss, in squared units of targets
  std::int64_t channels()
      const;  // of images, examples of shape (channels, height, width); 1 for all others
};

// Copies the rows named by `indices` into dst (indices.size(), features()) as float32, as a network
// sees them.
void gather(const Dataset& data, std::span<const std::uint32_t> indices, float* dst);

// Checks sizes against each other, labels in range, every value finite. Throws Error{kBadData} that
// names the data set.
void validate(const Dataset& data);

enum class Normalize {
  kAuto,      // images to [0, 1]; tables and the targets of a regression to zero mean and unit
              // variance; other data as it is
  kUnit,      // images to [0, 1], other data as it is
  kStandard,  // all to zero mean and unit variance: one mean and deviation a channel for images
              // held as bytes, one a column otherwise
};

// How a part is held out for testing.
struct SplitRule {
  double share = 0.2;      // of the examples, in (0, 1)
  std::uint64_t seed = 1;  // of the draw
  bool ordered = false;    // the last examples are held out, and nothing is drawn: for series
  bool needed = true;  // false: of too few examples none is held out, and each part is all of them
};

// How a column of a table becomes features.
struct TableColumn {
  std::string name;
  std::vector<std::string> values;  // of text, sorted: a feature each, 1 where the row has it;
                                    // empty: the number itself is the feature
  std::optional<float>
      fill;  // what stands where a number is missing; none: a row that misses it cannot be read
};

// What became of a source, beyond its examples.
struct Reading {
  std::vector<TableColumn>
      columns;  // in the order of the features; empty where the source is no table
  std::vector<std::pair<std::string, std::string>> dropped;  // columns left out, with the reason
  std::string task;                   // why these are classes, or values: "label=species: text"
  std::vector<std::string> remarks;   // what was found out or done: "fields are separated by ;"
  std::vector<std::string> warnings;  // what may not be as it was meant
};

// How the data of a network became its inputs and targets. It travels in the ONNX file, so that
// whoever uses the network reads data the same way.
struct DataForm {
  std::vector<float> mean;  // as Dataset's, but never empty
  std::vector<float> deviation;
  std::vector<float> target_mean;
  float target_deviation = 1.0f;
  std::vector<TableColumn> columns;
  std::vector<std::string> class_names;
  std::string target;
};

// Data that goes on: examples in an order of their own, a stretch of them at a time. A stretch is a
// function of its index (and of the seed the stream was opened with) alone.
struct DataStream {
  std::string name;           // as people write it
  std::string stretch_name;   // what a stretch is: "20,000 examples", "task"
  std::int64_t stretch = 0;   // examples of one; the last one may have fewer
  std::int64_t examples = 0;  // in all; 0: without end
  std::function<std::shared_ptr<const Dataset>(std::int64_t index)> read;
  // The same with other draws; empty: there is nothing drawn in it.
  std::function<std::shared_ptr<const DataStream>(std::uint64_t seed)> redraw = {};
};

struct Split {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;
  std::string note;   // what a reader must know, such as "held out for testing: 30 of 150 examples,
                      // drawn with seed 1"; else empty
  bool given = true;  // the source came with a test part, or the user named one; else `rule` says
                      // how it was held out
  SplitRule rule = {};
  Normalize normalize = Normalize::kUnit;
  Reading reading = {};
  // Where the source goes on: both parts are its first stretch then.
  std::shared_ptr<const DataStream> stream = {};
};

DataForm form_of(const Split& split);

// Holds a part out for testing: classes in proportion, at least one example of each left for
// training; groups kept together. Both parts keep the order of the source. A function of the
// examples and the rule alone. Throws Error{kBadData} where there are too few examples.
Split hold_out(Dataset all, const SplitRule& rule = {});

// Pools both parts of a split that hold_out() made and draws them again with another seed; what was
// learned of the training part (mean and deviation) is learned anew. Throws Error{kInvalidArgument}
// for a split that was given, or is ordered.
Split redraw(const Split& split, std::uint64_t seed);

// What is left of a data set, and a part of it drawn as hold_out() draws: rows for validation, cut
// off the training part.
struct HeldOut {
  Dataset rest;
  Dataset held_out;
};
HeldOut hold_out_rows(const Dataset& data, double share, std::uint64_t seed);

// The training part parted once more, for whatever is chosen on the way: a fifth of it, at most
// 10,000 rows, is the `test` part of what is returned. Drawn as the split itself is: classes in
// proportion, groups together, of a series the last rows. Does not look at the test part. Throws
// Error{kBadData} below 10 training examples.
Split validation_split(const Split& split, std::uint64_t seed);

// Called now and then while a large file is read, with its name, the bytes read so far and those it
// has (0 where that is not known). False ends the reading with Error{kInterrupted}.
using ReadingWatch =
    std::function<bool(const std::string& file, std::int64_t bytes, std::int64_t of)>;

// What a network at hand takes and gives, by its own names. Arrays of an NPZ file and columns of a
// table are found by them.
struct NetworkInterface {
  std::vector<InputPart> inputs;
  std::vector<TargetPart>
      outputs;  // those that may have targets; the classes of one that must be classes, else 0
  bool chosen = false;  // all of the outputs must have targets
};

struct DataOptions {
  Normalize normalize = Normalize::kAuto;
  // False: the targets of a regression stay as they are, whatever `normalize` says.
  bool scale_targets = true;
  // Where fashion-mnist is, if not where Debian's package puts it.
  std::filesystem::path directory = {};
  std::uint64_t seed = 1;  // of the synthetic sets
  SplitRule rule = {};     // where the source has no test part
  // A source of the same kind that is the test part: "FILE" or, with its kind, "csv:FILE".
  std::string test = {};
  std::optional<DataForm> form = {};  // of a network that is at hand: data is read as its was, and
                                      // nothing is learned of this one
  std::optional<NetworkInterface> network = {};  // that is at hand: images are laid out as it takes
                                                 // them, and labels may leave classes out
  // The column of a table whose equal values are never parted; no feature then.
  std::string group = {};
  ReadingWatch watch = {};
};

// Opens what `--data` names: "fashion-mnist", "idx:DIR", "images:DIR[:size=HxW]",
// "npy:X.npy,Y.npy", "npz:FILE", "csv:FILE" with the options of docs/data.md, "spirals", "abs",
// "slowly-changing", or a stream: "stream:slowly-changing[:PERIOD]", "stream:permuted:SOURCE",
// "stream:npz:FILE". Where the source has no test part, hold_out() makes one and `note` says so.
// Throws Error: kInvalidArgument (unknown name), kNotFound, kBadData (with file, what was found,
// what was expected).
Split open_dataset(std::string_view specification, const DataOptions& options = {});

// What was read, for people: every command prints it, every report holds it.
struct DataSummary {
  struct ClassCount {
    std::string name;
    std::int64_t train = 0;
    std::int64_t test = 0;
  };
  std::string name;
  std::int64_t train = 0;  // examples
  std::int64_t test = 0;
  std::vector<std::int64_t> shape;   // of an example
  std::vector<std::string> columns;  // of a table, as kept: "age", "sex (female, male)"
  std::vector<std::pair<std::string, std::string>> dropped;
  std::string target;               // the column to predict, or empty
  std::string task;                 // "3 classes (label=species: text)"
  std::vector<ClassCount> classes;  // when there are any
  double target_lowest = 0.0;       // of values to predict, over both parts
  double target_highest = 0.0;
  double target_mean = 0.0;
  // Where it goes on: "a stream without end, in stretches of 20,000 examples"; else empty.
  std::string stream;
  std::string held_out;  // "30 of 150 examples, drawn with seed 1, classes in proportion"
  std::string scaling;   // what was done to inputs and targets
  std::string baseline;  // what must be beaten, where the caller has put it
  std::vector<std::string> remarks;
  std::vector<std::string> warnings;
};
DataSummary summarise(const Split& split);

// A named float32 tensor, row-major.
struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// safetensors files (float32 only). The reader refuses a header over 100 MB, holes, overlap,
// duplicate keys, sizes that do not match.
std::vector<Tensor> read_safetensors(const std::filesystem::path& file);
void write_safetensors(const std::filesystem::path& file, std::span<const Tensor> tensors);

}  // namespace undying

#endif  // UNDYING_DATASET_H_
