#ifndef UNDYING_OPS_TRAITS_H_
#define UNDYING_OPS_TRAITS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "undying/node.h"

namespace undying::ops {

struct ParameterSpec;
struct Value;

// What an operator is, said once in its row and asked by all who walk a graph: initial draws, the
// doctor, prune, ONNX. A trait says what the operator does, never who wants to know; what is not
// said of an operator is not taken for granted by anybody.

// What becomes of the units of what it reads: neurons along the last dimension of an example,
// channels along the first of an image.
enum class Kind {
  kMixed,       // they cannot be told apart in its output
  kInput,       // an input of the graph: reads nothing
  kTensor,      // a tensor of its own, the same for every example: reads nothing
  kWeights,     // it sums over them with weights of its own, and makes units
  kTable,       // rows of a table of its own, chosen by number, side by side
  kActivation,  // a function of the family: what it reads are the pre-activations of a layer's
                // units
  kElement,     // element by element, with broadcasting
  kChannel,     // images: each channel for itself
  kAxis,  // along one axis, or all from one on (attribute "axis"), together; along others each for
          // itself
  kView,  // the same elements in the same order under another shape
  kConcat,     // one input's behind another's (attribute "axis")
  kSlice,      // a part of them (attributes "starts", "ends", "axes", "steps")
  kTake,       // some of them (attributes "axis", "indices")
  kPad,        // as many, or more around them (attribute "pads")
  kTranspose,  // along another axis (attribute "perm")
  kResize,     // as many, at other positions
  kReduce,     // along some axes (attributes "axes", "keepdims") together; along others each for
               // itself
};

// How the values of two inputs meet.
enum class Arithmetic {
  kNone,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kProduct
};  // the last one of matrices

// By whose mean and variance it normalises.
enum class Norm { kNone, kBatch, kExample };

// What stands for the values in a window.
enum class Pool { kNone, kMax, kMean };

struct Range {
  double least = -std::numeric_limits<double>::infinity();
  double greatest = std::numeric_limits<double>::infinity();
};

struct Traits {
  Kind kind = Kind::kMixed;
  Arithmetic arithmetic = Arithmetic::kNone;
  Norm norm = Norm::kNone;
  Pool pool = Pool::kNone;
  bool keeps_units = false;  // in evaluation units stay apart, as many and in order, and one that
                             // is 0 everywhere is 0
  // An activation behind it still decides how the weights before it are drawn.
  bool keeps_spread = false;
  // In evaluation its values lie between the least and the greatest of its inputs', to which
  // counts_zeros may add.
  bool within_inputs = false;
  bool sums_to_one = false;  // its values are the probabilities of classes
  // Its weight is (inputs, outputs / groups, ...), not (outputs, inputs / groups, ...).
  bool transposed = false;

  bool recurrent = false;  // its units, which it has beside what its row says of units, are hidden
                           // units over all positions
  // Of those, which are sigmoids, in the order of its weights.
  std::span<const std::string_view> gates = {};

  // The interval its values lie in, whatever it reads; null: not known.
  Range (*range)(const Node& node) = nullptr;

  // Whether zeros stand beside its inputs, as padding that an average counts does; null: never.
  bool (*counts_zeros)(const Node& node) = nullptr;

  // For one example, of what its weights multiply; null: not counted.
  double (*multiply_adds)(std::span<const ParameterSpec> specs, const Value& dst) = nullptr;

  // Has its attributes name the extents of another output: that of the node as it was with another
  // extent along one axis. `src`: the shapes of its inputs as they were. Null: no attribute names
  // any.
  void (*reshape)(Node& node, std::span<const Shape> src, const Shape& dst) = nullptr;

  // Whether a gradient goes back to that input; null: to each. None goes where a value changes in
  // steps: a comparison, a place, a number that chooses.
  bool (*passes_gradient)(const Node& node, std::size_t input) = nullptr;
};

}  // namespace undying::ops

#endif  // UNDYING_OPS_TRAITS_H_
