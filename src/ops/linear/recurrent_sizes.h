#ifndef UNDYING_OPS_LINEAR_RECURRENT_SIZES_H_
#define UNDYING_OPS_LINEAR_RECURRENT_SIZES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ops/operator.h"
#include "ops/shapes.h"

// What a recurrent layer's node and inputs say of its sizes.
namespace undying::ops {

enum class Cell { kRnn, kLstm, kGru };

struct Sizes {
  Cell kind;
  std::int64_t positions, inputs, hidden, directions;
  bool reverse = false;
  bool relu = false;         // rnn
  bool reset_after = false;  // gru
  bool cells = false;        // lstm

  std::int64_t gates() const { return kind == Cell::kRnn ? 1 : kind == Cell::kLstm ? 4 : 3; }
  std::int64_t width() const { return gates() * hidden; }
  std::int64_t outputs() const { return directions * hidden; }
  std::int64_t rows() const { return positions + (cells ? 1 : 0); }
  std::size_t states() const { return kind == Cell::kLstm ? 2 : 1; }
  bool backwards(std::int64_t d) const { return reverse || d == 1; }
  std::int64_t at(std::int64_t d, std::int64_t step) const {
    return backwards(d) ? positions - 1 - step : step;
  }
};

template <Cell kCell>
Sizes sizes_of(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  if (shape.size() != 2) reject(node, "src " + to_string(shape) + " is not (positions, inputs)");
  const auto flag = [&](const char* name) {
    return node.attributes.get_or<std::int64_t>(name, 0) != 0;
  };
  const Sizes s{.kind = kCell,
                .positions = shape[0],
                .inputs = shape[1],
                .hidden = node.attributes.get<std::int64_t>("hidden"),
                .directions = node.attributes.get_or<std::int64_t>("directions", 1),
                .reverse = flag("reverse"),
                .relu = flag("relu"),
                .reset_after = flag("reset_after"),
                .cells = flag("cells")};
  if (s.hidden < 1 || (s.directions != 1 && s.directions != 2))
    reject(node, "has " + std::to_string(s.hidden) + " hidden units in " +
                     std::to_string(s.directions) + " directions; expected at least one in 1 or 2");
  if (src.size() != 1 && src.size() != 1 + s.states())
    reject(node, "has " + std::to_string(src.size()) + " inputs; expected 1, or " +
                     std::to_string(1 + s.states()) + " with first states");
  for (std::size_t i = 1; i < src.size(); ++i)
    if (src[i].shape != Shape{s.directions, s.hidden})
      reject(node, "its first state " + to_string(src[i].shape) + " is not (directions, hidden), " +
                       to_string({s.directions, s.hidden}));
  return s;
}

// The formulas in double, step by step.
std::vector<double> recurrent_reference(const Sizes& s, const Operator::ReferenceArgs& args);

}  // namespace undying::ops

#endif  // UNDYING_OPS_LINEAR_RECURRENT_SIZES_H_
