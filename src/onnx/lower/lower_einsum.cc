// Einsum of one value, or of two: sums over labels as transposes, one product of matrices, and
// transposes back.

#include <algorithm>
#include <array>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

using List = std::vector<std::int64_t>;
using Labels = std::string;

bool holds(const Labels& labels, char label) { return labels.find(label) != Labels::npos; }

// Of "ij,jk->ik": the labels of each operand, and of the result, which without an arrow are those
// named once, in order.
struct Equation {
  std::vector<Labels> operands = {""};
  Labels result;
};

Equation parsed(const Operation& operation) {
  std::string written = text(operation, "equation", "");
  std::erase(written, ' ');
  const std::size_t arrow = written.find("->");
  Equation equation;
  const auto fail = [&] { malformed(operation, "its equation is " + printable(written)); };
  for (const char c : written.substr(0, arrow)) {
    if (c == '.') refuse("has an ellipsis in its equation");
    if (c == ',') {
      equation.operands.emplace_back();
      continue;
    }
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) fail();
    if (holds(equation.operands.back(), c)) refuse("takes a diagonal");
    equation.operands.back() += c;
  }
  Labels all;
  for (const Labels& each : equation.operands) all += each;
  if (arrow != std::string::npos) {
    equation.result = written.substr(arrow + 2);
  } else {
    std::ranges::copy_if(all, std::back_inserter(equation.result),
                         [&](char c) { return std::ranges::count(all, c) == 1; });
    std::ranges::sort(equation.result);
  }
  for (const char c : equation.result)
    if (!holds(all, c) || std::ranges::count(equation.result, c) != 1) fail();
  return equation;
}

// A value on the way: its dimensions are labels.
struct Factor {
  Source source;
  Labels labels;
  Shape shape;
};

Factor transposed(Lowering& lowering, Factor factor, const Labels& order) {
  if (factor.labels == order) return factor;
  List perm;
  Shape shape;
  for (const char c : order) {
    perm.push_back(static_cast<std::int64_t>(factor.labels.find(c)));
    shape.push_back(factor.shape[perm.back()]);
  }
  return {lowering.add("transpose", {factor.source}, {{"perm", perm}}), order, shape};
}

// Without the labels that only this one has.
Factor summed(Lowering& lowering, const Factor& factor, const Labels& wanted) {
  List axes;
  Factor left;
  for (std::size_t i = 0; i < factor.labels.size(); ++i) {
    if (!holds(wanted, factor.labels[i])) axes.push_back(static_cast<std::int64_t>(i));
    if (holds(wanted, factor.labels[i])) left.labels += factor.labels[i];
    if (holds(wanted, factor.labels[i])) left.shape.push_back(factor.shape[i]);
  }
  if (axes.empty()) return factor;
  left.source =
      lowering.add("reduce_sum", {factor.source}, {{"axes", axes}, {"keepdims", std::int64_t{0}}});
  return left;
}

Shape extents_of(const Factor& factor, const Labels& labels) {
  Shape extents;
  for (const char c : labels) extents.push_back(factor.shape[factor.labels.find(c)]);
  return extents;
}

Labels chosen(const Labels& from, const auto& holds_for) {
  Labels labels;
  std::ranges::copy_if(from, std::back_inserter(labels), holds_for);
  return labels;
}

// (shared, rows, inner) (shared, inner, columns), where several labels make one dimension of a
// matrix.
Factor product(Lowering& lowering, const Factor& a, const Factor& b, const Labels& result) {
  const Labels shared =
      chosen(a.labels, [&](char c) { return holds(b.labels, c) && holds(result, c); });
  const Labels inner =
      chosen(a.labels, [&](char c) { return holds(b.labels, c) && !holds(result, c); });
  const Labels rows = chosen(a.labels, [&](char c) { return !holds(b.labels, c); });
  const Labels columns = chosen(b.labels, [&](char c) { return !holds(a.labels, c); });
  if (extents_of(a, shared + inner) != extents_of(b, shared + inner))
    malformed(lowering.operation(), "its operands do not fit each other: " +
                                        ops::to_string(a.shape) + ", " + ops::to_string(b.shape));
  const std::int64_t m = ops::element_count(extents_of(a, rows));
  const std::int64_t k = ops::element_count(extents_of(a, inner));
  const std::int64_t n = ops::element_count(extents_of(b, columns));
  const auto matrices = [&](const Factor& factor, const Labels& order, std::int64_t first,
                            std::int64_t second) {
    Shape shape = extents_of(factor, shared);
    shape.push_back(first);
    shape.push_back(second);
    const Factor sorted = transposed(lowering, factor, order);
    return sorted.shape == shape ? sorted.source
                                 : lowering.add("reshape", {sorted.source}, {{"shape", shape}});
  };
  const Source left = matrices(a, shared + rows + inner, m, k);
  const Source right = matrices(b, shared + inner + columns, k, n);
  Factor result_factor{lowering.add("matmul", {left, right}), shared + rows + columns,
                       extents_of(a, shared + rows)};
  const Shape behind = extents_of(b, columns);
  result_factor.shape.insert(result_factor.shape.end(), behind.begin(), behind.end());
  if (rows.size() != 1 || columns.size() != 1) {
    const Shape to = result_factor.shape.empty() ? Shape{1} : result_factor.shape;
    result_factor.source = lowering.add("reshape", {result_factor.source}, {{"shape", to}});
  }
  return result_factor;
}

// The label that counts examples, which all values computed at run time share.
char batch_label(const Lowering& lowering, const Equation& equation) {
  char label = 0;
  for (std::size_t i = 0; i < equation.operands.size() && lowering.batch_axes() > 0; ++i) {
    if (lowering.is_constant(i)) continue;
    if (lowering.batch(i).folded())
      refuse("works along dimensions that are folded with the examples of a batch");
    const char own = equation.operands[i][lowering.batch(i).axis];
    if (label != 0 && own != label) refuse("combines the examples of a batch");
    label = own;
  }
  if (label != 0 && !holds(equation.result, label)) refuse("adds the examples of a batch up");
  return label;
}

Factor operand(Lowering& lowering, std::size_t index, Labels labels, char batch) {
  const bool known = lowering.is_constant(index);
  const std::int64_t rank = known ? static_cast<std::int64_t>(lowering.constant(index)->dims.size())
                                  : lowering.rank(index);
  if (rank != static_cast<std::int64_t>(labels.size()))
    malformed(lowering.operation(), "names " + std::to_string(labels.size()) + " of " +
                                        std::to_string(rank) + " dimensions");
  Factor factor;
  if (known) {
    const std::size_t at = labels.find(batch);
    // A batch axis beyond the operand's own dimensions is one that it has not.
    const Batch where{.axis =
                          batch != 0 && at != Labels::npos ? static_cast<std::int64_t>(at) : rank};
    factor.source = lowering.operand(lowering.constant(index), rank, where);
    factor.shape = lowering.last().attributes.get<List>("shape");
  } else {
    factor.source = lowering.value(index);
    factor.shape = lowering.net().value(lowering.operation().inputs[index]).dims();
  }
  std::erase(labels, batch);
  factor.labels = labels;
  if (labels.empty()) factor.shape.clear();
  return factor;
}

void einsum(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const Equation equation = parsed(operation);
  if (equation.operands.size() != operation.inputs.size())
    malformed(operation, "its equation has other operands than it");
  if (equation.operands.size() > 2) refuse("has more than two operands");
  const char batch = batch_label(lowering, equation);
  Labels wanted = equation.result;
  std::erase(wanted, batch);
  std::vector<Factor> factors;
  for (std::size_t i = 0; i < equation.operands.size(); ++i) {
    const Factor factor = operand(lowering, i, equation.operands[i], batch);
    const Labels other = equation.operands.size() > 1 ? equation.operands[1 - i] : "";
    factors.push_back(factor.labels.empty() ? factor : summed(lowering, factor, wanted + other));
  }
  const Factor result = transposed(
      lowering,
      factors.size() == 1 ? factors[0] : product(lowering, factors[0], factors[1], wanted), wanted);
  const std::size_t at = batch == 0 ? 0 : equation.result.find(batch);
  lowering.output(result.source, wanted.empty(), {.axis = static_cast<std::int64_t>(at)});
}

constexpr std::array kEinsumRules = {Rule{"Einsum", 1, -1, "equation", einsum}};

}  // namespace

std::span<const Rule> einsum_rules() { return kEinsumRules; }

}  // namespace undying::onnx
