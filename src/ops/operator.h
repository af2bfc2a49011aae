#ifndef UNDYING_OPS_OPERATOR_H_
#define UNDYING_OPS_OPERATOR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "activations/kernels.h"
#include "undying/graph.h"

namespace undying::ops {

// A tensor a node owns. Those that are trained live in the parameter arena, the others (running statistics) beside it.
struct ParameterSpec {
  std::string name;  // as in files: "layer.3.weight"
  Shape shape;
  enum class Role { kWeight, kBias, kSlope, kScale, kShift, kRunningMean, kRunningVariance } role = Role::kWeight;
  float initial = 0.0f;  // the value it starts with, unless it is a weight, which is drawn

  bool trained() const { return role != Role::kRunningMean && role != Role::kRunningVariance; }
  bool decays() const { return role != Role::kSlope; }
};

// Where one shard finds its tensors while a kernel runs. Rows are the examples of the shard; buffers are row-major and dense.
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

  const float* src = nullptr;
  float* dst = nullptr;
  float* saved = nullptr;                   // Kernel::saved floats a row, kept from forward to backward
  float* scratch = nullptr;                 // Kernel::scratch floats a row, free for any use within one call
  float* shared = nullptr;                  // Kernel::shared floats a shard, of all shards; complete after a phase
  float* diff_dst = nullptr;                // may be overwritten
  float* diff_src = nullptr;                // null when nobody wants it
  std::span<float* const> parameters;       // in the order of the row's specs
  std::span<float* const> diff_parameters;  // the same for this shard's gradients; null for what is not trained

  activations::Counters counters;
  const activations::CensusCounters* census = nullptr;  // set: an evaluation pass that counts everything
};

// What a node compiles to. Stateless: one kernel serves all shards at once.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Phases are separated by a barrier over all shards; most kernels have one.
  virtual void forward(const Pass& pass, int phase) const = 0;
  // Fills diff_src (where wanted) and diff_parameters (overwriting them).
  virtual void backward(const Pass& pass, int phase) const = 0;

  int phases = 1;            // in training; evaluation always has one
  bool needs_src = false;    // backward reads src
  bool needs_dst = false;    // backward reads dst
  bool in_place = false;     // dst may be src
  std::int64_t saved = 0;    // floats a row
  std::int64_t scratch = 0;  // floats a row
  std::int64_t shared = 0;   // floats a shard
};

// One operator, whole: a missing member does not compile into a working row, so a missing backward cannot happen silently.
struct Operator {
  std::string_view name;
  std::string_view onnx;  // the ONNX operator it maps to

  // The shape of the output for one example. Throws Error{kInvalidArgument} that names the node and the shapes.
  Shape (*infer)(const Node& node, const Shape& src);

  std::vector<ParameterSpec> (*parameters)(const Node& node, const Shape& src);

  // `follower`: the activation node that the kernel is asked to apply to its own output, where `fuses_activation`; else null.
  std::unique_ptr<Kernel> (*plan)(const Node& node, const Shape& src, const Node* follower);
  bool fuses_activation = false;

  // The naive formula in double, training mode: src (rows, ...) -> dst (rows, ...).
  std::vector<double> (*reference)(const Node& node, const Shape& src_shape, std::int64_t rows, const std::vector<double>& src,
                                   const std::vector<std::vector<double>>& parameters, const Pass& pass);
};

// All rows, in one order. operator_named() throws Error{kInvalidArgument} listing the names there are.
std::span<const Operator> operators();
const Operator& operator_named(const Node& node);

std::int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "(128, 784)"

// The number of units an activation node counts when its input has this shape: the last dimension of one example.
std::int64_t unit_count(const Shape& src);

}  // namespace undying::ops

#endif  // UNDYING_OPS_OPERATOR_H_
