// Elements are repeated: along dimensions that are 1, or whole.

#include <algorithm>
#include <array>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

ConstantPtr filled(const Lowering& lowering, const Shape& dims) {
  std::int64_t count = 0;
  if (!multiply_extents(dims, 16 * kMostIntegers, count))
    refuse("repeats " + describe(lowering.net(), lowering.operation().inputs[0]) + " too often");
  return make_floats(dims, std::vector<float>(static_cast<std::size_t>(count), 1.0f));
}

// A product with ones, where it repeats anything.
void expand(Lowering& lowering) {
  const ConstantPtr& target = lowering.constant(1);
  if (!target->integer) malformed(lowering.operation(), "its shape is not a list of integers");
  const std::vector<Integer> from = lowering.net().dims(lowering.operation().inputs[0]);
  const std::size_t rank = std::max(from.size(), target->integers.size());
  const std::size_t more = rank - from.size();  // dimensions in front
  Batch batch = lowering.batch();
  batch.axis += static_cast<std::int64_t>(more);
  Shape ones;
  bool repeats = more > 0;
  for (std::size_t i = 0; i < rank; ++i) {
    const Integer own = i < more ? Integer{1, false} : from[i - more];
    const std::size_t missing = rank - target->integers.size();
    const Integer wanted = i < missing ? Integer{1, false} : target->integers[i - missing];
    const bool of_batch = lowering.batch_axes() > 0 && static_cast<std::int64_t>(i) == batch.axis;
    const bool same = wanted == Integer{1, false} || wanted == own ||
                      (of_batch && wanted == Integer{own.value * lowering.net().batch, false});
    const bool broadcast = own == Integer{1, false} && !wanted.batch && wanted.value > 0;
    if (!same && !broadcast)
      refuse("repeats " + describe(lowering.net(), lowering.operation().inputs[0]) +
             " over the examples of a batch");
    if (of_batch && !batch.folded()) continue;
    ones.push_back(same ? 1 : wanted.value);
    repeats = repeats || !same;
  }
  if (!repeats) return lowering.output(lowering.value(0), lowering.is_scalar(0));
  const Source factor = lowering.add(
      "constant", {}, {{"shape", ones}},
      {{.constant = filled(lowering, ones), .shape = ones, .trained = false, .role = "ones"}});
  lowering.output(lowering.add("mul", {lowering.value(0), factor}), false, batch);
}

// Copies joined along each axis.
void tile(Lowering& lowering) {
  const auto repeats = lowering.list(1);
  const std::int64_t rank = lowering.rank(0);
  if (static_cast<std::int64_t>(repeats.size()) != rank)
    malformed(lowering.operation(), "has " + std::to_string(repeats.size()) + " repeats for " +
                                        std::to_string(rank) + " dimensions");
  Source result = lowering.value(0);
  std::int64_t count = ops::element_count(lowering.shape(0));
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t times = repeats[axis];
    if (times == 1) continue;
    if (times >= 1 && times <= kMostIntegers) count *= times;
    if (times < 1 || times > kMostIntegers || count > kMostElements)
      refuse("repeats a dimension " + std::to_string(times) + " times");
    const std::int64_t along = lowering.example_axis(axis, rank);
    result = lowering.add("concat", std::vector<Source>(static_cast<std::size_t>(times), result),
                          {{"axis", along}});
  }
  lowering.output(result, lowering.is_scalar(0));
}

constexpr std::array kRepeatRules = {
    Rule{"Expand", 2, 2, "", expand},
    Rule{"Tile", 2, 2, "", tile},
};

}  // namespace

std::span<const Rule> repeat_rules() { return kRepeatRules; }

}  // namespace undying::onnx
