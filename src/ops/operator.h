#ifndef UNDYING_OPS_OPERATOR_H_
#define UNDYING_OPS_OPERATOR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "activations/kernels.h"
#include "ops/traits.h"
#include "undying/node.h"
#include "undying/precision.h"

namespace undying::ops {

// How the values of one example lie in memory. The channels of a value in channels-last layout
// stand together at each position, so that units are the last dimension in memory in either layout:
// an activation, a bias or a normalisation sees (positions, units).
enum class Layout {
  kPlain,         // row-major, as the shape says
  kChannelsLast,  // (C, H, W) is stored as (H, W, C), (C, L) as (L, C)
};

// A value on an edge of the graph, for one example.
struct Value {
  Shape shape;
  Layout layout = Layout::kPlain;
};

// What an operator wants of its inputs and gives its output. The plan puts reorders where a value
// lies otherwise.
enum class LayoutRule {
  kPlain,         // inputs and output plain
  kChannelsLast,  // inputs and output channels-last
  kAny,  // whatever the inputs have, the same for all and for the output: channels-last where any
         // input is and all ranks are equal
};

// A tensor a node owns. Those that are trained live in the parameter arena, the others (running
// statistics, constants) beside it.
struct ParameterSpec {
  std::string name;  // as in files: "layer.3.weight"
  Shape shape;
  enum class Role {
    kWeight,
    kBias,
    kSlope,
    kScale,
    kShift,
    kRunningMean,
    kRunningVariance,
    kConstant
  } role = Role::kWeight;
  float initial = 0.0f;  // the value it starts with, unless it is a weight, which is drawn

  bool trained() const {
    return role != Role::kRunningMean && role != Role::kRunningVariance && role != Role::kConstant;
  }
  bool decays() const { return role != Role::kSlope; }
};

// Where one shard finds its tensors while a kernel runs. Rows are the examples of the shard;
// buffers are dense, (rows, example in its layout).
struct Pass {
  std::int64_t rows = 0;
  std::int64_t first_row = 0;   // of the shard in its batch
  std::int64_t batch_rows = 0;  // of the whole batch
  int shard = 0;
  int shards = 1;
  bool training = true;
  std::uint64_t seed = 1;
  std::uint64_t step = 0;
  bool replace_statistics = false;  // running statistics become those of this batch

  std::span<const float* const> src;  // one an input
  float* dst = nullptr;
  float* saved = nullptr;    // Kernel::saved floats a row, kept from forward to backward
  float* scratch = nullptr;  // Kernel::scratch floats a row and Kernel::workspace floats, free for
                             // any use within one call
  float* shared = nullptr;   // Kernel::shared floats a shard, of all shards; complete after a phase
  float* diff_dst = nullptr;         // may be overwritten
  std::span<float* const> diff_src;  // one an input; null when nobody wants it
  std::span<float* const>
      parameters;  // in the order of the row's specs, then those of a folded norm and of a follower
  std::span<float* const>
      diff_parameters;  // the same for this shard's gradients; null for what is not trained

  activations::Counters counters;
  // Set: an evaluation pass that counts everything.
  const activations::CensusCounters* census = nullptr;
};

// What a node compiles to. Stateless but for what reserve() builds: one kernel serves all shards at
// once.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Called before a pass with these numbers of rows in a shard and in its batch, and not beside any
  // other call: builds what depends on them.
  virtual void reserve(std::int64_t /*rows*/, std::int64_t /*batch_rows*/) {}

  // Phases are separated by a barrier over all shards; most kernels have one.
  virtual void forward(const Pass& pass, int phase) const = 0;
  // Fills diff_src (where wanted) and diff_parameters, overwriting them.
  virtual void backward(const Pass& pass, int phase) const = 0;

  // Whether the shortcuts it takes hold at these values of its parameters. Where not, the plan is
  // compiled again with `exact`.
  virtual bool usable(std::span<const float* const> /*parameters*/) const { return true; }

  // What `train --explain` prints of it: the implementation that runs, such as oneDNN's name for
  // it.
  virtual std::string implementation() const { return {}; }

  int phases = 1;              // in training; evaluation, and a frozen plan, have one
  bool needs_src = false;      // backward reads src
  bool needs_dst = false;      // backward reads dst
  bool in_place = false;       // dst may be src[0]
  bool view = false;           // dst is src[0], and diff_src[0] is diff_dst: nothing runs
  bool shares_diff = false;    // after backward, every diff_src would be diff_dst as it is: nothing
                               // is copied where they can be one buffer
  bool keeps_diff = false;     // backward leaves diff_dst as it found it
  bool divides = false;        // of the gradient of its first parameter each shard writes the rows
                               // [n s / S, n (s + 1) / S) alone, and those for the whole batch
  std::int64_t saved = 0;      // floats a row
  std::int64_t scratch = 0;    // floats a row
  std::int64_t workspace = 0;  // floats
  std::int64_t shared = 0;     // floats a shard
};

// What a row is asked to compile.
struct PlanRequest {
  const Node& node;
  std::span<const Value> src;  // in the layout the row's rule gives
  const Value& dst;            // the node's own output, before a follower
  const Node* norm = nullptr;  // evaluation: the batch norm behind it, to be folded into it, where
                               // `folds_batch_norm`
  const Node* follower = nullptr;  // the activation node the kernel is asked to apply to its own
                                   // output, where `fuses_activation`
  bool training = true;
  bool frozen = false;  // with training: the gradients of the network as it evaluates; passes then
                        // say training = false
  bool exact = false;   // no shortcut that depends on the values of parameters
  Precision precision = Precision::kFloat32;
  std::int64_t rows = 0;  // most rows of a shard
  int shards = 1;
  bool shares = false;  // its parameters are another node's too, or computed from others
};

// One operator, whole: a missing member does not compile into a working row, so a missing backward
// cannot happen silently.
struct Operator {
  std::string_view name;

  LayoutRule layout = LayoutRule::kPlain;
  int inputs = 1;  // -1: one or more

  // The shape of the output for one example. Throws Error{kInvalidArgument} that names the node and
  // the shapes.
  Shape (*infer)(const Node& node, std::span<const Value> src);

  std::vector<ParameterSpec> (*parameters)(const Node& node, std::span<const Value> src);

  std::unique_ptr<Kernel> (*plan)(const PlanRequest& request);
  bool fuses_activation = false;

  // The naive formula in double, training mode, all values plain: src, each (rows, ...) -> dst
  // (rows, ...).
  struct ReferenceArgs {
    const Node& node;
    std::span<const Value> values;  // of the inputs; `src` is plain whatever their layout, which
                                    // tells what the units are
    std::int64_t rows;
    std::span<const std::vector<double>> src;
    std::span<const std::vector<double>> parameters;
    const Pass& pass;  // seed, step and first row of random operators
  };
  std::vector<double> (*reference)(const ReferenceArgs& args);

  bool folds_batch_norm = false;

  // Whether a training step gives something else than evaluation does for the same input and
  // parameters: a draw, the statistics of a batch, rounded factors. Null: never.
  bool (*training_differs)(const Node& node, Precision precision) = nullptr;

  Traits traits = {};
};

// All rows, in one order. operator_named() throws Error{kInvalidArgument} listing the names there
// are.
std::span<const Operator> operators();
const Operator& operator_named(const Node& node);

std::int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "(128, 784)"

// Throws Error{kInvalidArgument, "[OP NAME]", message}.
[[noreturn]] void reject(const Node& node, const std::string& message);

// The number of units of a value, and of the positions at which each stands in one example: the
// last dimension in memory, and the product of the others.
std::int64_t unit_count(const Value& value);
std::int64_t position_count(const Value& value);

// What a node gives, and what it gets: `src` in the layout that its row's rule asks for. Values of
// one dimension are always plain.
std::vector<Value> arranged(const Node& node, std::span<const Value> src);
Value infer(const Node& node, std::span<const Value> src);

// The output of every node of a graph, in topological order.
std::vector<Value> values(std::span<const Node> nodes);
// The inputs of one of its nodes, arranged.
std::vector<Value> sources(const Node& node, std::span<const Value> values);

// Asked of a node's row. An input, which has none, has the kind kInput and never differs.
const Traits& traits_of(const Node& node);
bool training_differs(const Node& node, Precision precision);
// Whether a gradient of its output reaches that input of the node.
bool passes_gradient(const Node& node, std::size_t input);

bool is_input(const Node& node);
// Null where the node is none.
const Activation* activation_of(const Node& node);
bool is_batch_norm(const Node& node);
// In evaluation: the same values under another shape; units apart; units of its own weights.
bool is_view(const Node& node);
bool keeps_units(const Node& node);
bool makes_units(const Node& node);
// Whether it gives elements of its inputs as they are, all or some, at other places.
bool moves_elements(const Node& node);
// Units stand along the first dimension of an example, (C, H, W), whatever it reads.
bool has_channels(const Node& node);

// What turns logits into probabilities.
enum class Head { kNone, kSoftmax, kSigmoid };
Head head_of(const Node& node);

// Each weight once at each position of the output, as of linear layers and convolutions.
double weights_at_each_position(std::span<const ParameterSpec> specs, const Value& dst);

// Of operators that multiply: in bfloat16 the factors are rounded in training alone.
bool rounds_factors(const Node& node, Precision precision);

// No tensors of its own.
std::vector<ParameterSpec> no_parameters(const Node& node, std::span<const Value> src);

}  // namespace undying::ops

#endif  // UNDYING_OPS_OPERATOR_H_
