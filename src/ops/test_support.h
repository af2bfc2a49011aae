#ifndef UNDYING_OPS_TEST_SUPPORT_H_
#define UNDYING_OPS_TEST_SUPPORT_H_

#include <ostream>
#include <string>
#include <vector>

#include "ops/operator.h"

namespace undying::ops {

// What the conformance walk runs: a node, the values of its inputs, in the layout that its rule
// gives, and what is fused behind it.
struct Case {
  std::string label;
  Node node;
  std::vector<Value> src;
  std::vector<Node> follower = {};  // none or one activation
  bool exact = false;
  bool frozen = false;
  enum class Draw {
    kNormal,
    kPositive,
    kIndex
  } draw = Draw::kNormal;  // what src holds; positive: above 0.2; an index: 0, 1 or 2

  friend void PrintTo(const Case& tested, std::ostream* stream) { *stream << tested.label; }
};

Value plain(Shape shape);
Value channels_last(Shape shape);
Node activation_node(const Activation& f);
std::vector<std::int64_t> list(std::initializer_list<std::int64_t> values);

// Cases of the operators beside whose tests they are defined.
std::vector<Case> binary_cases();
std::vector<Case> elementwise_cases();
std::vector<Case> pool_cases();
std::vector<Case> product_cases();
std::vector<Case> shape_cases();
// Those of all.
std::vector<Case> cases();

// The message of the error that inference throws; "" where it throws none.
std::string rejection(const Node& node, const std::vector<Value>& src);

// What a node makes of these values of one example, all plain; training mode, parameters at their
// initial values.
std::vector<float> result(const Node& node, const std::vector<Shape>& shapes,
                          const std::vector<std::vector<float>>& src);

}  // namespace undying::ops

#endif  // UNDYING_OPS_TEST_SUPPORT_H_
