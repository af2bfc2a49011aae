#ifndef UNDYING_ONNX_LOWER_LOWER_H_
#define UNDYING_ONNX_LOWER_LOWER_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/net.h"
#include "undying/graph.h"

namespace undying::onnx {

// What a step reads: a value of the net, or the output of an earlier step.
struct Source {
  int value = -1;
  int step = -1;
};

// A tensor that a step owns, as elements of a constant.
struct Owned {
  ConstantPtr constant;
  bool transpose = false;  // the constant is a matrix, the tensor its transpose
  float scale = 1.0f;      // the tensor is the constant times this
  Shape shape;
  bool trained = true;
  std::string role;  // "weight": the last part of its name where the file gives it none
};

// One operator of the engine.
struct Step {
  std::string op;
  std::vector<Source> inputs;
  Attributes attributes;
  std::vector<Owned> owned;
  // Where the units of an activation are told apart (a slope each, CReLU): the dimension they stand
  // along; -1: they are not.
  std::int64_t unit_axis = -1;
};

// Where an output of an operation comes from.
struct Output {
  Source source;
  bool scalar = false;  // Value::scalar
  Batch batch;
  bool integer = false;  // Value::integer
  Examples examples = Examples::kCounted;
};

// What an operation becomes.
struct Lowered {
  std::vector<Step> steps;
  std::vector<Output> outputs;
};

// Builds what one operation becomes. Axes of ONNX count the batch; those of the engine do not.
class Lowering {
 public:
  Lowering(const Net& net, const Operation& operation);

  const Net& net() const { return net_; }
  const Operation& operation() const { return operation_; }
  int batch_axes() const {
    return batch_axes_;
  }  // of the operation: 0 where none of its inputs counts examples

  bool has(std::size_t index) const { return has_input(operation_, index); }
  bool is_constant(std::size_t index) const {
    return has(index) && net_.value(operation_.inputs[index]).constant != nullptr;
  }
  // An input that must be known, or must be computed at run time; refuses otherwise.
  const ConstantPtr& constant(std::size_t index) const;
  const Shape& shape(std::size_t index) const;  // of one example
  std::int64_t rank(std::size_t index) const;   // in ONNX
  bool is_scalar(std::size_t index) const {
    return rank(index) == batch_axes() && !batch(index).folded();
  }
  const Batch& batch(std::size_t index = 0) const {
    return net_.value(operation_.inputs[index]).batch;
  }
  // Whether this axis of the first input counts examples, of which the file was made with one, so
  // that it may be dropped.
  bool is_only_example(std::int64_t axis) const;
  // The integers of an input; `otherwise` where it is absent.
  std::vector<std::int64_t> list(std::size_t index, std::vector<std::int64_t> otherwise = {}) const;

  // The dimension of an example that an axis of ONNX names, of a value with `rank` dimensions, the
  // batch included, which counts examples where the first input does. Refuses the batch.
  std::int64_t example_axis(std::int64_t axis, std::int64_t rank) const;
  std::vector<std::int64_t> example_axes(const std::vector<std::int64_t>& axes,
                                         std::int64_t rank) const;

  // An attribute of extents, offsets and the like: `otherwise` where it is absent, malformed()
  // where it has another number of entries than `count` or an absurd one.
  std::vector<std::int64_t> extents(const std::string& name, std::size_t count,
                                    std::int64_t otherwise) const;
  void only_first_output() const;  // refuses where another one is read

  Source value(std::size_t index) const;  // an input computed at run time
  Source add(std::string op, std::vector<Source> inputs, Attributes attributes = {},
             std::vector<Owned> owned = {});
  Source activation(const std::string& specification, Source input);
  // A constant as an operand of elementwise arithmetic whose other operand has `rank` dimensions,
  // the batch included, which stands at `batch`; integers become floats.
  Source operand(const ConstantPtr& constant, std::int64_t rank, const Batch& batch = {});
  // A constant that has an element for each example the file was made with, at dimension `axis`:
  // that of one, which has extent 1 there. Refuses where they differ.
  ConstantPtr of_one_example(const ConstantPtr& constant, std::int64_t axis) const;
  // An input that meets such a value: a constant as above; one without a dimension for examples as
  // if it had one; others as they are.
  Source meeting(std::size_t index, std::int64_t rank, const Batch& batch);
  bool counts(std::size_t index) const {  // examples; computed at run time
    return has(index) && !is_constant(index) &&
           net_.value(operation_.inputs[index]).examples == Examples::kCounted;
  }
  Source number(float value);  // that meets anything
  Step& last() { return lowered_.steps.back(); }
  // Unless said otherwise, an output is a scalar where no input has dimensions, as of elementwise
  // operations. It counts examples where the first input computed at run time does.
  void output(Source source);
  void output(Source source, bool scalar);
  void output(Source source, bool scalar, const Batch& batch) {
    output(source, scalar, batch, gives_integers());
  }
  void output(Source source, bool scalar, const Batch& batch, bool whole) {
    lowered_.outputs.push_back({source, scalar, batch, whole, gives_examples()});
  }
  // One that the file, made with one example, has no dimension for any more.
  void output_without_batch(Source source, bool scalar) {
    lowered_.outputs.push_back({source, scalar, {}, gives_integers(), Examples::kDropped});
  }
  // One that has that dimension again, the first.
  void output_with_batch(Source source, bool scalar) {
    lowered_.outputs.push_back({source, scalar, {}, gives_integers(), Examples::kCounted});
  }
  Lowered take() { return std::move(lowered_); }

 private:
  const Value* first_computed() const;
  bool gives_integers() const;
  Examples gives_examples() const;

  const Net& net_;
  const Operation& operation_;
  int batch_axes_ = 0;
  Lowered lowered_;
};

// A constant whose elements are floats: itself, or its whole numbers as floats.
ConstantPtr to_floats(const Operation& operation, const ConstantPtr& constant);

// One ONNX operator, or one of ours: what it may have, and how it becomes operators of the engine.
struct Rule {
  std::string_view op;
  int least = 1;  // inputs
  int most = 1;
  std::string_view settings;  // the names of its attributes, between spaces
  void (*lower)(Lowering& lowering);
  bool examples_first = false;  // it needs the examples along the first axis
};

std::span<const Rule> layer_rules();        // with weights, and normalisation
std::span<const Rule> pool_rules();         // pooling and reductions
std::span<const Rule> elementwise_rules();  // arithmetic, softmax, dropout
std::span<const Rule> activation_rules();
std::span<const Rule> arrangement_rules();  // elements are moved, not changed
std::span<const Rule> repeat_rules();       // elements are repeated
std::span<const Rule> reshape_rules();      // nor moved
std::span<const Rule> sequence_rules();     // attention and recurrent layers
std::span<const Rule> image_rules();        // resizing and its like; random values
std::span<const Rule> index_rules();        // elements are chosen: by indices, by size, by numbers
std::span<const Rule> einsum_rules();
std::span<const Rule> quantised_rules();

// How the refusal of a rule begins whose `examples_first` is not met.
inline constexpr const char* kExamplesFirst = "needs the examples first";

const Rule* find_rule(std::string_view op);

// The entries of a Reshape's shape, a file's numbers, that may hold the batch: more than one where
// these do not tell. Which it is, is the setting kBatchEntry. Empty: there is none, or nothing to
// choose. Throws as lower() does.
std::vector<std::int64_t> batch_entries(const Net& net, const Operation& operation);
inline constexpr const char* kBatchEntry = ".batch_entry";

// Checks inputs and attributes against the rule and applies it. Throws Refusal, Error{kBadData}.
Lowered lower(const Net& net, const Operation& operation);

// The shape of what `source` reads, where shapes of steps are in `steps`.
const Shape& shape_of(const Net& net, const std::vector<Shape>& steps, const Source& source);
// The shapes of all steps, by the operators' own inference. Refuses what they reject.
std::vector<Shape> infer(const Net& net, const Lowered& lowered);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_LOWER_H_
