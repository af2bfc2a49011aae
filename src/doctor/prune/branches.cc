#include "doctor/prune/branches.h"

#include <algorithm>
#include <string>

namespace undying::doctor {
namespace {

class Trimming {
 public:
  Trimming(const UnitFlow& flow, const UnitFacts& facts)
      : flow_(flow), facts_(facts), graph_(flow.model().graph()) {
    for (const engine::Parameter& own : flow.model().parameters())
      weights_.push_back(
          {own.name, own.shape, {flow.model().values(own), flow.model().values(own) + own.size}});
  }

  Trimmed run() {
    for (int at = 0; at < static_cast<int>(graph_.nodes().size()); ++at) visit(at);
    std::vector<int> outputs;
    for (const int output : graph_.outputs()) outputs.push_back(place_[output]);
    return {cut(Graph(std::move(nodes_), outputs, graph_.derived()), outputs), std::move(weights_),
            branches_};
  }

 private:
  const Node& node(int at) const { return graph_.nodes()[at]; }
  const Shape& shape(int at) const { return graph_.shapes()[at]; }

  // Whether all that this value gives is known, and none of it depends on the input.
  bool is_silent(int at) const {
    const UnitFlow::Units& units = flow_.units(at);
    if (units.axis < 0 || ops::traits_of(node(at)).kind == ops::Kind::kTensor) return false;
    for (int entry = units.first; entry < units.first + units.count; ++entry)
      if (!facts_.constant(entry)) return false;
    return true;
  }

  void visit(int at) {
    Node copy = node(at);
    const int silent = silent_operand(at);
    if (silent >= 0) {
      ++branches_;
      const int other = copy.inputs[1 - silent];
      const int from = copy.inputs[silent];
      const bool is_output = std::ranges::find(graph_.outputs(), at) != graph_.outputs().end();
      if (is_zero(from) && !is_output) {
        place_.push_back(place_[other]);
        return;
      }
      const int constant = add_constant(copy.name, from);
      copy.inputs[1 - silent] = place_[other];
      copy.inputs[silent] = constant;
    } else {
      for (int& input : copy.inputs) input = place_[input];
    }
    place_.push_back(static_cast<int>(nodes_.size()));
    nodes_.push_back(std::move(copy));
  }

  // Of a sum of two values of one shape, the one that is silent; -1: neither is, or both are.
  int silent_operand(int at) const {
    if (ops::traits_of(node(at)).arithmetic != ops::Arithmetic::kAdd ||
        node(at).inputs.size() != 2 || shape(node(at).inputs[0]) != shape(node(at).inputs[1]))
      return -1;
    const bool first = is_silent(node(at).inputs[0]);
    const bool second = is_silent(node(at).inputs[1]);
    return first == second ? -1 : first ? 0 : 1;
  }

  double value(int at, int unit) const { return facts_.value[flow_.units(at).first + unit]; }

  bool is_zero(int at) const {
    for (int unit = 0; unit < flow_.units(at).count; ++unit)
      if (value(at, unit) != 0.0) return false;
    return true;
  }

  // One number a unit, which meets all its places.
  int add_constant(const std::string& sum, int from) {
    const UnitFlow::Units& units = flow_.units(from);
    Shape dims(shape(from).size(), 1);
    dims[units.axis] = units.count;
    std::string name = sum + ".constant";
    while (std::ranges::find(graph_.nodes(), name, &Node::name) != graph_.nodes().end())
      name += "_";
    Tensor tensor{name + ".value", dims, {}};
    for (int unit = 0; unit < units.count; ++unit)
      tensor.values.push_back(static_cast<float>(value(from, unit)));
    nodes_.push_back({name, "constant", {}, {{"shape", dims}}, {tensor.name}});
    weights_.push_back(std::move(tensor));
    return static_cast<int>(nodes_.size()) - 1;
  }

  const UnitFlow& flow_;
  const UnitFacts& facts_;
  const Graph& graph_;
  std::vector<Node> nodes_;
  std::vector<int> place_;  // of the old nodes among the new ones
  std::vector<Tensor> weights_;
  int branches_ = 0;
};

}  // namespace

Trimmed trim_branches(const UnitFlow& flow, const UnitFacts& facts) {
  return Trimming(flow, facts).run();
}

}  // namespace undying::doctor
