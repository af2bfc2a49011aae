// Random graphs against their definition.

#include <gtest/gtest.h>

#include <vector>

#include "base/philox.h"
#include "engine/test_whole_graph.h"

namespace undying::engine {
namespace {

// Graphs drawn at random from what keeps the shape (3, 2, 2), so that gradients meet, buffers are
// shared and layouts change in ways that nobody thought of.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint32_t sequence) : random_(17, Stream::kTest, sequence) {}

  Graph build() {
    nodes_ = {input("input", {3, 2, 2})};
    values_ = {add("conv", {0}, conv("", 0, 3).attributes)};
    while (values_.size() < 12) values_.push_back(grown());
    std::vector<int> ends = {values_.back()};
    for (int i = 0; i < 3; ++i) ends.push_back(any());
    const int both = add("concat", ends, {{"axis", whole(1)}});
    const int flat = add("flatten", {both});
    const int out = add("linear", {flat}, {{"outputs", whole(2)}});
    return Graph(nodes_, {out, any()});
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_.below(drawn_++, bound); }
  // An earlier value of the shape, more likely a late one.
  int any() {
    return values_[values_.size() - 1 - std::min(below(values_.size()), below(values_.size()))];
  }

  int add(const std::string& op, std::vector<int> inputs, Attributes attributes = {}) {
    const std::string name = op + std::to_string(nodes_.size());
    if (op == "activation") attributes.set("layer", name);
    nodes_.push_back({name, op, std::move(inputs), std::move(attributes)});
    return static_cast<int>(nodes_.size()) - 1;
  }

  int drawn_activation(int src) {
    static const std::vector<Activation> kActivations = {
        "relu", "leaky_relu:0.1", "leaky_relu:0.1", "gelu", "elu", "prelu", "tanh"};
    return add("activation", {src}, {{"activation", kActivations[below(kActivations.size())]}});
  }

  // What doubles the channels or is among others, cut back to three of them.
  int cut(int wide) {
    return add("slice", {wide},
               {{"starts", Ints{4}}, {"ends", Ints{1}}, {"axes", Ints{0}}, {"steps", Ints{-1}}});
  }

  int drawn_conv(int src) {
    const int at = add("conv", {src}, conv("", 0, 3, below(2) == 0 ? 1 : 3).attributes);
    Node& last = nodes_.back();
    if (below(3) == 0 && last.attributes.get<Ints>("kernel")[0] == 1)
      last.parameters = {"tied.weight", "tied.bias"};
    return at;
  }

  int drawn_pool(int src) {
    const std::string op = below(2) == 0 ? "max_pool" : "average_pool";
    return add(op, {src}, {{"kernel", Ints{2, 2}}, {"auto_pad", std::string("same_upper")}});
  }

  // With an epsilon at which values that are nearly alike do not lose their digits.
  int drawn_norm(int src) {
    Attributes attributes{{"epsilon", 0.1}};
    if (below(2) == 0) return add("batch_norm", {src}, attributes);
    const bool groups = below(2) == 0;
    attributes.set(groups ? "groups" : "axis", whole(groups && below(2) == 0 ? 3 : groups));
    return add(groups ? "group_norm" : "layer_norm", {src}, attributes);
  }

  int grown() {
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        return add("add", {any(), any()});
      case 3:
        return drawn_activation(add("add", {any(), any()}));
      case 4:
      case 5:
        return drawn_activation(any());
      case 6:
        return drawn_norm(any());
      case 7:
        return drawn_conv(any());
      case 8:
        return add("sub", {any(), any()});
      case 9:
        return add("reshape", {add("reshape", {any()}, {{"shape", Ints{12}}})},
                   {{"shape", Ints{3, 2, 2}}});
      case 10:
        return add("transpose", {any()}, {{"perm", Ints{0, 2, 1}}});
      case 11:
        return add("dropout", {any()},
                   {{"p", 0.2}, {"sequence", static_cast<std::int64_t>(nodes_.size())}});
      case 12:
        return drawn_pool(any());
      case 13:
        return cut(add("concat", {any(), any()}, {{"axis", whole(0)}}));
      case 14:
        return cut(add("activation", {drawn_conv(any())}, {{"activation", Activation("crelu")}}));
      default:
        return add("mul", {any(), add("softmax", {any()}, {{"axis", whole(0)}})});
    }
  }

  Random random_;
  std::uint64_t drawn_ = 0;
  std::vector<Node> nodes_;
  std::vector<int> values_;
};

class DrawnGraph : public testing::TestWithParam<std::uint32_t> {};

TEST_P(DrawnGraph, IsWhatItsNodesSay) { expect_defined(RandomGraph(GetParam()).build()); }

INSTANTIATE_TEST_SUITE_P(Sequences, DrawnGraph,
                         testing::Range(std::uint32_t{0}, std::uint32_t{60}));

}  // namespace
}  // namespace undying::engine
