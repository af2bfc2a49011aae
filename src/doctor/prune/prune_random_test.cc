// Random networks keep their outputs, and what is said of their units is so.

// What is taken out of networks with dead, constant and equal units: outputs stay what they were
// but for rounding, shapes shrink, and what cannot go stays with a reason. Outputs are compared by
// a trainer of each network.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/evenly_spaced.h"
#include "base/philox.h"
#include "doctor/network.h"
#include "doctor/prune/unit_facts.h"
#include "doctor/test_networks.h"
#include "engine/passes/runner.h"
#include "ops/shapes.h"
#include "train/source.h"
#include "undying/doctor.h"
#include "undying/error.h"

#include "doctor/prune/test_prune.h"

namespace undying::doctor {
namespace {

// ---- Random graphs with random units killed, made constant or equal.

class Draw {
 public:
  explicit Draw(std::uint32_t sequence) : random_(5, Stream::kTest, sequence) {}

  int below(int count) {
    return static_cast<int>(random_.uniform(next_++) * static_cast<float>(count));
  }
  bool one_in(int count) { return below(count) == 0; }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

class Grown {
 public:
  explicit Grown(std::uint32_t sequence) : draw_(sequence) {
    add({"", "input", {}, {{"shape", Ints{1, 8, 8}}}}, 1);
    add(conv("", 0, 6), 6);
    for (int i = 0; i < 9; ++i) step();
    const int flat =
        add({"", "flatten", {static_cast<int>(draw_.one_in(2) ? pooled() : last())}, {}}, 0);
    int at = add(linear("", flat, 9), 0);
    at = activate(at, 0);
    add(linear("", at, 4), 0);
  }

  Patient patient() {
    Patient patient = fresh(Graph(nodes_), 3);
    for (Tensor& tensor : patient.weights) spoil(tensor, patient);
    return patient;
  }

 private:
  int last() const { return static_cast<int>(nodes_.size()) - 1; }

  int add(Node node, int channels) {
    node.name = "n" + std::to_string(nodes_.size());
    if (node.op == "activation") node.attributes.set("layer", node.name);
    nodes_.push_back(std::move(node));
    channels_.push_back(channels);
    return last();
  }

  int activate(int at, int channels) {
    const char* kind[] = {"relu",         "relu",    "tanh", "leaky_relu:0.1",
                          "prelu:0.25,1", "sigmoid", "relu6"};
    return add(relu("", at, kind[draw_.below(7)]), channels);
  }

  // Another value with as many channels as the last.
  int partner() {
    for (int tries = 0; tries < 10; ++tries)
      if (const int at = draw_.below(last()); channels_[at] == channels_.back() && at > 0)
        return at;
    return -1;
  }

  int pooled() {
    return add({"", "max_pool", {last()}, {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}}},
               channels_.back());
  }

  void step() {
    const int at = last();
    const int channels = channels_.back();
    switch (draw_.below(8)) {
      case 0:
      case 1: {
        const int outputs = 4 + 2 * draw_.below(3);
        add(conv("", at, outputs, 1), outputs);
        if (draw_.one_in(2)) add({"", "batch_norm", {last()}, {}}, outputs);
        activate(last(), outputs);
        return;
      }
      case 2:
        if (const int other = partner(); other >= 0)
          activate(add({"", "add", {at, other}, {}}, channels), channels);
        return;
      case 3: {
        const int other = draw_.below(at) + 1;
        if (channels_[other] + channels < 24)
          add({"", "concat", {at, other}, {{"axis", std::int64_t{0}}}},
              channels + channels_[other]);
        return;
      }
      case 4:
        activate(add(conv("", at, channels, 1, channels), channels), channels);
        return;
      case 5:
        return add_slice(at, channels);
      case 6:
        if (const int other = partner(); other >= 0) add({"", "mul", {at, other}, {}}, channels);
        return;
      default:
        return add_plain(at);
    }
  }

  void add_slice(int at, int channels) {
    const std::int64_t start = draw_.below(channels - 1);
    add({"", "slice", {at}, {{"starts", Ints{start}}, {"ends", Ints{channels}}, {"axes", Ints{0}}}},
        channels - static_cast<int>(start));
  }

  // A convolution without bias or activation.
  void add_plain(int at) {
    const int outputs = 4 + draw_.below(4);
    add({"",
         "conv",
         {at},
         {{"outputs", std::int64_t{outputs}}, {"kernel", Ints{1, 1}}, {"bias", std::int64_t{0}}}},
        outputs);
  }

  // Some units dead, some constant, some equal to their neighbours.
  void spoil(Tensor& tensor, Patient& patient) {
    if (!tensor.name.ends_with(".bias")) return;
    Tensor& weight = patient.tensor(tensor.name.substr(0, tensor.name.size() - 4) + "weight");
    const std::ptrdiff_t row = std::ssize(weight.values) / std::ssize(tensor.values);
    for (std::ptrdiff_t unit = 0; unit < std::ssize(tensor.values); ++unit) {
      const auto own = weight.values.begin() + unit * row;
      float& bias = tensor.values[unit];
      if (draw_.one_in(3)) {
        bias = -30.0f;
      } else if (draw_.one_in(4)) {
        std::fill_n(own, row, 0.0f);
        bias = 0.5f;
      } else if (unit > 0 && draw_.one_in(4)) {
        std::copy_n(own - row, row, own);
        bias = tensor.values[unit - 1];
      }
    }
  }

  Draw draw_;
  std::vector<Node> nodes_;
  std::vector<int> channels_;
};

// Compares facts with the values of all nodes, which are the outputs of a graph.
class FactChecker final : public engine::PassObserver {
 public:
  FactChecker(const Graph& graph, const UnitFlow& flow, const UnitFacts& facts,
              const std::vector<int>& nodes)
      : graph_(graph), flow_(flow), facts_(facts), nodes_(nodes) {}

  void finish(const engine::Chunk& chunk) override {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      check(nodes_[i], chunk.rows, chunk.shard.outputs[i]);
  }

 private:
  void check(int node, std::int64_t rows, const float* values) const {
    const Shape& shape = graph_.shapes()[node];
    const UnitFlow::Units units = flow_.units(node);
    const std::int64_t inner =
        ops::extent_product(shape, static_cast<std::size_t>(units.axis) + 1, shape.size());
    for (std::int64_t e = 0; e < rows * ops::element_count(shape); ++e) {
      const auto unit = static_cast<int>(e / inner % units.count);
      const int same = facts_.same[units.first + unit] - units.first;
      const double value = facts_.value[units.first + unit];
      const double tolerance = 1e-5 * std::fmax(1.0, std::fabs(values[e]));
      ASSERT_NEAR(values[e], values[e + (same - unit) * inner], tolerance)
          << graph_.nodes()[node].op;
      if (!std::isnan(value)) {
        ASSERT_NEAR(values[e], value, tolerance) << graph_.nodes()[node].op;
      }
    }
  }

  const Graph& graph_;
  const UnitFlow& flow_;
  const UnitFacts& facts_;
  const std::vector<int>& nodes_;
};

// What follows from what was measured, against all values of the network: constants, and equal
// units.
void expect_facts_hold(const Patient& patient, const Dataset& data) {
  const engine::Model model = make_model(patient.graph, patient.weights);
  const UnitFlow flow(model);
  const UnitFacts facts = facts_of(
      flow, std::vector<double>(static_cast<std::size_t>(flow.entries()), std::nan("")), true);
  std::vector<int> nodes;
  for (int at = 1; at < static_cast<int>(patient.graph.nodes().size()); ++at) nodes.push_back(at);
  engine::Model watched = make_model(Graph(patient.graph.nodes(), nodes), patient.weights);
  const std::vector<std::uint32_t> sample = evenly_spaced(data.size, 8);
  const train::DatasetSource source(data, sample);
  FactChecker checker(patient.graph, flow, facts, nodes);
  engine::PassObserver* const observers[] = {&checker};
  engine::Runner(watched, {}).run({.source = source, .rows = 8, .observers = observers});
}

TEST(Prune, RandomNetworksKeepTheirOutputs) {
  const Dataset data = images(24);
  std::int64_t removed = 0, smaller = 0, merged = 0;
  for (std::uint32_t sequence = 0; sequence < 80; ++sequence) {
    SCOPED_TRACE(sequence);
    const Patient patient = Grown(sequence).patient();
    expect_facts_hold(patient, data);
    for (const bool merge : {false, true}) {
      const Pruning small =
          pruned(patient, data, {.merge_duplicates = merge, .threads = 1, .measure_time = false});
      removed += small.removed();
      smaller += small.changed();
      merged += small.duplicate;
    }
  }
  EXPECT_GT(smaller, 130);
  EXPECT_GT(removed, 1000);
  EXPECT_GT(merged, 20);
}

}  // namespace
}  // namespace undying::doctor
