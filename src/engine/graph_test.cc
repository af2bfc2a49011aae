// Whole graphs against their definition: the references of the operators, composed in double, and finite differences of the loss.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/plan.h"
#include "engine/test_whole_graph.h"

namespace undying::engine {
namespace {

<<<<<<< HEAD
using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;

constexpr std::int64_t kRows = 7;  // shards of different size
constexpr std::uint64_t kSeed = 3;
constexpr std::uint64_t kStep = 5;

std::int64_t whole(std::int64_t i) { return i; }
Node input(const std::string& name, const Shape& shape) { return {name, "input", {}, {{"shape", shape}}}; }
Node linear(const std::string& name, int src, std::int64_t outputs) { return {name, "linear", {src}, {{"outputs", outputs}}}; }
Node conv(const std::string& name, int src, std::int64_t outputs, std::int64_t kernel = 1, std::int64_t stride = 1) {
  return {name,
          "conv",
          {src},
          {{"outputs", outputs}, {"kernel", Ints{kernel, kernel}}, {"strides", Ints{stride, stride}}, {"pads", Ints(4, kernel / 2)}}};
}
Node activation(const std::string& name, int src, const Activation& f) {
  return {name, "activation", {src}, {{"activation", f}, {"layer", name}}};
}
Node node(const std::string& name, const std::string& op, std::vector<int> inputs, Attributes attributes = {}) {
  return {name, op, std::move(inputs), std::move(attributes)};
}

// Examples and targets drawn once for a graph.
class Examples final : public BatchSource {
 public:
  explicit Examples(const Graph& graph) {
    const Random random(11, Stream::kTest);
    std::uint64_t drawn = 0;
    const auto draw = [&](std::int64_t count) {
      std::vector<float> values;
      for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(random.normal(drawn++)));
      return values;
    };
    for (const int in : graph.inputs()) sizes_.push_back(ops::element_count(graph.shapes()[static_cast<std::size_t>(in)]));
    for (const std::int64_t size : sizes_) inputs_.push_back(draw(kRows * size));
    width_ = ops::element_count(graph.output_shape());
    targets_ = draw(kRows * width_);
  }

  void inputs(int input, std::int64_t first, std::int64_t rows, float* dst) const override {
    const auto k = static_cast<std::size_t>(input);
    std::copy_n(inputs_[k].data() + first * sizes_[k], rows * sizes_[k], dst);
  }
  bool has_labels() const override { return false; }
  void labels(std::int64_t, std::int64_t, std::int32_t*) const override {}
  void targets(std::int64_t first, std::int64_t rows, float* dst) const override {
    std::copy_n(targets_.data() + first * width_, rows * width_, dst);
  }

  Doubles input(std::size_t k) const { return {inputs_[k].begin(), inputs_[k].end()}; }
  // The mean squared error, as its definition says.
  double loss(const Doubles& outputs) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < outputs.size(); ++i) sum += (outputs[i] - targets_[i]) * (outputs[i] - targets_[i]);
    return sum / static_cast<double>(outputs.size());
  }

 private:
  std::vector<std::int64_t> sizes_;
  std::vector<std::vector<float>> inputs_;
  std::int64_t width_ = 0;
  std::vector<float> targets_;
};

// The graph by the book: every node's reference in turn, all values plain.
std::vector<Doubles> evaluate(const Model& model, const std::vector<Doubles>& parameters, const Examples& examples, bool training) {
  const ops::Pass pass{.rows = kRows, .batch_rows = kRows, .training = training, .seed = kSeed, .step = kStep};
  std::vector<Doubles> values;
  std::size_t inputs = 0;
  for (std::size_t i = 0; i < model.graph().nodes().size(); ++i) {
    const Node& at = model.graph().nodes()[i];
    if (at.op == "input") {
      values.push_back(examples.input(inputs++));
      continue;
    }
    if (at.op.starts_with("dropout") && !training) {
      values.push_back(values[static_cast<std::size_t>(at.inputs[0])]);
      continue;
    }
    std::vector<Doubles> src, own;
    for (const int in : at.inputs) src.push_back(values[static_cast<std::size_t>(in)]);
    for (const int index : model.parameters_of(static_cast<int>(i))) own.push_back(parameters[static_cast<std::size_t>(index)]);
    const std::vector<ops::Value> sources = ops::sources(at, model.node_values());
    values.push_back(ops::operator_named(at).reference({at, sources, kRows, src, own, pass}));
  }
  return values;
}

// Parameters of about unit size everywhere, so that all of the gradient is there to be compared.
void draw_parameters(Model& model) {
  const Random random(13, Stream::kTest);
  std::uint64_t drawn = 0;
  for (const Parameter& parameter : model.parameters()) {
    using Role = ops::ParameterSpec::Role;
    const double fan_in = static_cast<double>(parameter.size) / static_cast<double>(parameter.shape[0]);
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double draw = random.normal(drawn++);
      double value = 0.3 * draw;
      if (parameter.role == Role::kWeight) value = draw / std::sqrt(fan_in);
      if (parameter.role == Role::kScale || parameter.role == Role::kRunningVariance) value = 0.5 + std::fabs(draw);
      if (parameter.role == Role::kScale && drawn % 17 == 0) value = 0.001;  // too small for shortcuts through the output
      model.values(parameter)[i] = static_cast<float>(value);
    }
  }
}

struct Outcome {
  double loss = 0.0;
  std::vector<std::vector<float>> gradients;  // by parameter; empty where it is not trained
};

Outcome train_step(Model& model, const Examples& examples, int shards, int threads) {
  Engine engine(model, {.batch = kRows,
                        .shards = shards,
                        .threads = threads,
                        .seed = kSeed,
                        .early_updates = false,
                        .loss = {.loss = Loss::kMeanSquaredError}});
  Outcome outcome;
  outcome.gradients.resize(model.parameters().size());
  for (std::size_t p = 0; p < outcome.gradients.size(); ++p)
    if (model.parameters()[p].trained) outcome.gradients[p].resize(static_cast<std::size_t>(model.parameters()[p].size));
  const auto collect = [&](const Slice& slice) {
    const auto p = static_cast<std::size_t>(slice.parameter);
    const std::int64_t first = slice.offset - model.parameters()[p].offset;
    for (std::int64_t i = 0; i < slice.size; ++i)
      for (const float* gradient : slice.gradients) outcome.gradients[p][static_cast<std::size_t>(first + i)] += gradient[i];
  };
  const std::vector<SlicePass> passes = {{collect, {}}};
  outcome.loss = engine.step(examples, kRows, kStep, passes);
  return outcome;
}

std::vector<Doubles> parameters_of(const Model& model) {
  std::vector<Doubles> all;
  for (const Parameter& parameter : model.parameters()) all.emplace_back(model.values(parameter), model.values(parameter) + parameter.size);
  return all;
}

void expect_gradients(const Model& model, const Examples& examples, std::vector<Doubles> parameters, const Outcome& outcome) {
  const auto output = static_cast<std::size_t>(model.graph().outputs()[0]);
  const auto loss = [&] { return examples.loss(evaluate(model, parameters, examples, true)[output]); };
  EXPECT_NEAR(outcome.loss, loss(), 1e-5 * (1.0 + loss()));
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const std::vector<float>& found = outcome.gradients[p];
    double size = 0.0;
    for (const float g : found) size = std::max(size, std::fabs(static_cast<double>(g)));
    for (std::size_t i = 0; i < found.size(); ++i) {
      constexpr double kStepWidth = 1e-6;  // in double: a kink within it is as good as impossible
      double& x = parameters[p][i];
      const double at = x;
      x = at + kStepWidth;
      const double above = loss();
      x = at - kStepWidth;
      const double below = loss();
      x = at;
      EXPECT_NEAR(found[i], (above - below) / (2.0 * kStepWidth), 1e-4 * (0.1 + size)) << model.parameters()[p].name << " " << i;
    }
  }
}

// All outputs, in evaluation.
void expect_outputs(Model& model, const Examples& examples) {
  const std::vector<Doubles> values = evaluate(model, parameters_of(model), examples, false);
  Plan plan(model, {.compile = {.capacity = kRows, .training = false}, .counters = false, .seed = kSeed});
  plan.allocate();
  plan.reserve(kRows);
  Shard& shard = plan.shards()[0];
  for (std::size_t k = 0; k < shard.inputs.size(); ++k) examples.inputs(static_cast<int>(k), 0, kRows, shard.inputs[k]);
  plan.begin(shard, 0, kRows, kRows, kStep);
  for (std::size_t i = 0; i < plan.steps().size(); ++i)
    if (!plan.steps()[i].kernel->view) plan.forward(shard, {.step = static_cast<int>(i)});
  for (std::size_t k = 0; k < shard.outputs.size(); ++k) {
    const Doubles& expected = values[static_cast<std::size_t>(model.graph().outputs()[k])];
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(shard.outputs[k][i], expected[i], 2e-5 * (1.0 + std::fabs(expected[i]))) << "output " << k << ", " << i;
  }
}

void expect_defined(const Graph& graph) {
  const Examples examples(graph);
  Model model(graph);
  draw_parameters(model);
  const std::vector<Doubles> parameters = parameters_of(model);  // before a step changes running statistics
  expect_outputs(model, examples);
  for (const int shards : {1, 2, 9}) {  // 9: some without a row
    const Outcome outcome = train_step(model, examples, shards, 1);
    expect_gradients(model, examples, parameters, outcome);
    const Outcome other = train_step(model, examples, shards, 2);
    EXPECT_EQ(outcome.loss, other.loss);
    EXPECT_EQ(outcome.gradients, other.gradients) << "on two threads";
  }
}

=======
>>>>>>> main
const Activation kLeaky = "leaky_relu:0.2";

TEST(WholeGraph, ResidualBlock) {
  expect_defined(Graph({input("x", {5}), linear("a", 0, 6), activation("fa", 1, kLeaky), linear("b", 2, 6), node("bn", "batch_norm", {3}),
                        node("sum", "add", {4, 2}), activation("f", 5, kLeaky), linear("out", 6, 3)}));
}

TEST(WholeGraph, ResidualBlockWithProjection) {
  expect_defined(Graph({input("x", {2, 6, 6}), conv("a", 0, 3, 3, 2), node("a.bn", "batch_norm", {1}), activation("fa", 2, kLeaky),
                        conv("b", 3, 3, 3), node("b.bn", "batch_norm", {4}), conv("shortcut", 0, 3, 1, 2),
                        node("shortcut.bn", "batch_norm", {6}), node("sum", "add", {5, 7}), activation("f", 8, "relu"),
                        node("pool", "global_average_pool", {9}), node("flat", "flatten", {10}), linear("out", 11, 2)}));
}

// The shortcut without weights: every second position, and zeros for the channels that are new.
TEST(WholeGraph, ResidualBlockWithPaddedShortcut) {
  const Attributes every_second{{"starts", Ints{0, 0}}, {"ends", Ints{99, 99}}, {"axes", Ints{1, 2}}, {"steps", Ints{2, 2}}};
  expect_defined(Graph({input("x", {2, 4, 4}), conv("first", 0, 2), activation("fa", 1, kLeaky), conv("a", 2, 4, 3, 2),
                        node("cut", "slice", {2}, every_second), node("wide", "pad", {4}, {{"pads", Ints{1, 0, 0, 1, 0, 0}}}),
                        node("sum", "add", {3, 5}), activation("f", 6, kLeaky), node("flat", "flatten", {7}), linear("out", 8, 2)}));
}

TEST(WholeGraph, TwoBranchesSideBySide) {
  expect_defined(
      Graph({input("x", {2, 4, 4}), conv("a", 0, 3), activation("fa", 1, kLeaky), conv("b", 0, 2, 3), activation("fb", 3, "gelu"),
             node("both", "concat", {2, 4}, {{"axis", whole(0)}}), conv("c", 5, 2), node("flat", "flatten", {6}), linear("out", 7, 2)}));
}

TEST(WholeGraph, AValueUsedThreeTimes) {
  expect_defined(Graph({input("x", {5}), linear("a", 0, 4), activation("f", 1, kLeaky), linear("b", 2, 4), node("s", "add", {3, 2}),
                        node("m", "mul", {4, 2}), linear("out", 5, 3)}));
}

TEST(WholeGraph, AValueAddedToItself) {
  expect_defined(Graph({input("x", {5}), linear("a", 0, 4), node("twice", "add", {1, 1}), node("square", "mul", {2, 2}),
                        node("none", "sub", {3, 2}), activation("f", 4, kLeaky), node("more", "add", {5, 5}), linear("out", 6, 3)}));
}

// Sums of sums hand one gradient on to many, while some of those change it in place.
TEST(WholeGraph, SumsOfSums) {
  expect_defined(
      Graph({input("x", {4}), linear("a", 0, 4), activation("fa", 1, kLeaky), linear("b", 2, 4), node("s1", "add", {2, 3}),
             activation("f1", 4, kLeaky), node("s2", "add", {5, 2}), node("s3", "add", {6, 5}), activation("f3", 7, kLeaky),
             node("s4", "add", {8, 6}), node("d", "dropout", {9}, {{"p", 0.3}}), node("s5", "add", {10, 9}), linear("out", 11, 3)}));
}

TEST(WholeGraph, TiedWeights) {
  Node first = linear("a", 0, 4);
  Node second = linear("b", 2, 4);
  first.parameters = second.parameters = {"shared.weight", "shared.bias"};
  const Graph graph({input("x", {4}), first, activation("f", 1, kLeaky), second, linear("out", 3, 2)});
  EXPECT_EQ(Model(graph).parameters().size(), 4u);
  expect_defined(graph);
}

// The channels that a batch norm sees behind a linear layer over rows are the rows.
TEST(WholeGraph, BatchNormBehindRows) {
  expect_defined(Graph({input("x", {4, 5}), linear("a", 0, 7), node("bn", "batch_norm", {1}), activation("f", 2, "relu"),
                        node("flat", "flatten", {3}), linear("out", 4, 3)}));
}

TEST(WholeGraph, TwoInputs) {
  expect_defined(Graph({input("x", {4}), input("y", {3}), linear("a", 0, 5), linear("b", 1, 5), node("sum", "add", {2, 3}),
                        activation("f", 4, kLeaky), node("both", "concat", {5, 1}, {{"axis", whole(0)}}), linear("out", 6, 2)}));
}

TEST(WholeGraph, TwoOutputs) {
  const std::vector<Node> nodes = {input("x", {4}),     linear("a", 0, 5),     activation("f", 1, kLeaky),
                                   linear("out", 2, 2), linear("other", 2, 3), activation("g", 4, kLeaky)};
  expect_defined(Graph(nodes, {3, 5}));
  expect_defined(Graph(nodes, {5, 3}));
  expect_defined(Graph(nodes, {3, 2, 1}));  // values that others would have worked on in place
}

TEST(WholeGraph, ViewsBetweenActivationsInPlace) {
  expect_defined(Graph(
      {input("x", {4}), linear("a", 0, 12), activation("f1", 1, kLeaky), node("r1", "reshape", {2}, {{"shape", Ints{3, 4}}}),
       activation("f2", 3, "elu"), node("r2", "unsqueeze", {4}, {{"axes", Ints{0}}}), activation("f3", 5, kLeaky),
       node("r3", "reshape", {6}, {{"shape", Ints{12}}}), node("sum", "add", {7, 2}), activation("f4", 8, kLeaky), linear("out", 9, 2)}));
}

TEST(WholeGraph, Constants) {
  expect_defined(Graph({input("x", {2, 3, 3}), conv("a", 0, 3), node("scale", "constant", {}, {{"shape", Ints{3, 1, 1}}}),
                        node("scaled", "mul", {1, 2}), node("table", "constant", {}, {{"shape", Ints{3}}}), node("sum", "add", {3, 4}),
                        activation("f", 5, kLeaky), node("flat", "flatten", {6}), linear("out", 7, 2)}));
}

// Attention over five places: softmax(q k^T) v.
TEST(WholeGraph, Attention) {
  expect_defined(Graph({input("x", {5, 4}), node("norm", "layer_norm", {0}), linear("q", 1, 3), linear("k", 1, 3), linear("v", 1, 3),
                        node("turned", "transpose", {3}, {{"perm", Ints{1, 0}}}), node("scores", "matmul", {2, 5}),
                        node("shares", "softmax", {6}), node("mixed", "matmul", {7, 4}), linear("o", 8, 4), node("sum", "add", {9, 0}),
                        node("mean", "reduce_mean", {10}, {{"axes", Ints{0}}, {"keepdims", whole(0)}}), linear("out", 11, 2)}));
}

}  // namespace
}  // namespace undying::engine
