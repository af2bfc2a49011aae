#ifndef UNDYING_ONNX_NORMALISE_EVALUATE_H_
#define UNDYING_ONNX_NORMALISE_EVALUATE_H_

#include <span>
#include <string_view>
#include <vector>

#include "onnx/net.h"

namespace undying::onnx {

// Computes operations whose inputs are all known: shape arithmetic, in which a batch of N examples
// is carried along as N, and arithmetic on weights. What has no evaluation of its own here is
// computed by the operators it becomes. What a file can make grow is bounded by `budget`.
class Evaluator {
 public:
  // Whether operations of this kind are computed at all.
  static bool knows(std::string_view op);

  // The outputs of an operation of the newest opset whose inputs are constants. Throws Refusal,
  // Error{kBadData}.
  std::vector<ConstantPtr> evaluate(const Net& net, const Operation& operation);

  // Elements that may still be computed, over all operations of a model, beside those that its own
  // tensors are worth.
  std::int64_t budget = std::int64_t{1} << 26;
};

// The pieces, by what they do. Each takes the inputs, null where one is absent.
using Inputs = std::span<const ConstantPtr>;
using Outputs = std::vector<ConstantPtr>;
using Evaluation = Outputs (*)(const Operation& operation, Inputs inputs);
struct Evaluated {
  std::string_view op;
  Evaluation evaluation;
};
std::span<const Evaluated> arithmetic();   // elementwise, with broadcasting
std::span<const Evaluated> arrangement();  // elements are moved, not changed
std::span<const Evaluated> origins();      // new: given, counted, of another type

// Of all of them; null: none.
Evaluation find_evaluation(std::string_view op);

inline Outputs one(Constant constant) { return {std::make_shared<Constant>(std::move(constant))}; }

// By the operators an operation becomes, its first input as a value of no batch.
std::vector<ConstantPtr> evaluate_by_operators(const Net& net, const Operation& operation);

// Numbers of TensorProto.DataType: whole numbers and truth values.
bool is_integer_type(std::int64_t type);

// The shape two operands broadcast to. Throws Error{kBadData} where they do not fit.
Shape broadcast(const Operation& operation, const Shape& a, const Shape& b);

// Input number `index`, which must be there. Throws Error{kBadData}.
const Constant& required(const Operation& operation, Inputs inputs, std::size_t index);

// The integers of an input that must be plain numbers: no N among them.
std::vector<std::int64_t> plain_integers(const Operation& operation, const Constant& constant);

// The sizes of the parts of a Split that names none: equal, or, where it says how many there are,
// the last one smaller.
std::vector<std::int64_t> equal_parts(const Operation& operation, std::int64_t extent);

// An axis in [0, rank). Throws Error{kBadData}.
std::int64_t checked_axis(const Operation& operation, std::int64_t axis, std::int64_t rank);

// How many elements an output of this shape has; refuses one that is absurdly large.
std::int64_t checked_count(const Operation& operation, const Shape& dims);

// One range of a slice: the first index, how many are taken, and the step.
struct Range {
  std::int64_t start = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;
};
Range slice_range(const Operation& operation, std::int64_t start, std::int64_t end,
                  std::int64_t step, std::int64_t extent);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_EVALUATE_H_
