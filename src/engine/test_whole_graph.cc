#include "engine/test_whole_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/philox.h"
#include "engine/engine.h"
#include "engine/plan.h"

namespace undying::engine {
namespace {

using Doubles = std::vector<double>;

constexpr std::int64_t kRows = 7;  // shards of different size
constexpr std::uint64_t kSeed = 3;
constexpr std::uint64_t kStep = 5;

// Examples and targets drawn once for a graph.
class Examples final : public BatchSource {
 public:
  explicit Examples(const Graph& graph) {
    const Random random(11, Stream::kTest);
    std::uint64_t drawn = 0;
    const auto draw = [&](std::int64_t count) {
      std::vector<float> values;
      for (std::int64_t i = 0; i < count; ++i)
        values.push_back(static_cast<float>(random.normal(drawn++)));
      return values;
    };
    for (const int in : graph.inputs()) sizes_.push_back(ops::element_count(graph.shapes()[in]));
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
    for (std::size_t i = 0; i < outputs.size(); ++i)
      sum += (outputs[i] - targets_[i]) * (outputs[i] - targets_[i]);
    return sum / static_cast<double>(outputs.size());
  }

 private:
  std::vector<std::int64_t> sizes_;
  std::vector<std::vector<float>> inputs_;
  std::int64_t width_ = 0;
  std::vector<float> targets_;
};

// The graph by the book: every node's reference in turn, all values plain.
std::vector<Doubles> evaluate(const Model& model, const std::vector<Doubles>& parameters,
                              const Examples& examples, bool training) {
  const ops::Pass pass{
      .rows = kRows, .batch_rows = kRows, .training = training, .seed = kSeed, .step = kStep};
  std::vector<Doubles> values;
  std::size_t inputs = 0;
  for (std::size_t i = 0; i < model.graph().nodes().size(); ++i) {
    const Node& at = model.graph().nodes()[i];
    if (at.op == "input") {
      values.push_back(examples.input(inputs++));
      continue;
    }
    if (at.op.starts_with("dropout") && !training) {
      values.push_back(values[at.inputs[0]]);
      continue;
    }
    std::vector<Doubles> src, own;
    for (const int in : at.inputs) src.push_back(values[in]);
    for (const int index : model.parameters_of(static_cast<int>(i)))
      own.push_back(parameters[index]);
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
    const double fan_in =
        static_cast<double>(parameter.size) / static_cast<double>(parameter.shape[0]);
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double draw = random.normal(drawn++);
      double value = 0.3 * draw;
      if (parameter.role == Role::kWeight) value = draw / std::sqrt(fan_in);
      if (parameter.role == Role::kScale || parameter.role == Role::kRunningVariance)
        value = 0.5 + std::fabs(draw);
      if (parameter.role == Role::kScale && drawn % 17 == 0)
        value = 0.001;  // too small for shortcuts through the output
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
    if (model.parameters()[p].trained)
      outcome.gradients[p].resize(static_cast<std::size_t>(model.parameters()[p].size));
  const auto collect = [&](const Slice& slice) {
    const auto p = static_cast<std::size_t>(slice.parameter);
    const std::int64_t first = slice.offset - model.parameters()[p].offset;
    for (std::int64_t i = 0; i < slice.size; ++i)
      for (const float* gradient : slice.gradients) outcome.gradients[p][first + i] += gradient[i];
  };
  const std::vector<SlicePass> passes = {{collect, {}}};
  outcome.loss = engine.step(examples, kRows, kStep, passes);
  return outcome;
}

std::vector<Doubles> parameters_of(const Model& model) {
  std::vector<Doubles> all;
  for (const Parameter& parameter : model.parameters())
    all.emplace_back(model.values(parameter), model.values(parameter) + parameter.size);
  return all;
}

void expect_gradients(const Model& model, const Examples& examples, std::vector<Doubles> parameters,
                      const Outcome& outcome) {
  const auto output = static_cast<std::size_t>(model.graph().outputs()[0]);
  const auto loss = [&] {
    return examples.loss(evaluate(model, parameters, examples, true)[output]);
  };
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
      EXPECT_NEAR(found[i], (above - below) / (2.0 * kStepWidth), 1e-4 * (0.1 + size))
          << model.parameters()[p].name << " " << i;
    }
  }
}

// All outputs, in evaluation.
void expect_outputs(Model& model, const Examples& examples) {
  const std::vector<Doubles> values = evaluate(model, parameters_of(model), examples, false);
  Plan plan(model,
            {.compile = {.capacity = kRows, .training = false}, .counters = false, .seed = kSeed});
  plan.allocate();
  plan.reserve(kRows);
  Shard& shard = plan.shards()[0];
  for (std::size_t k = 0; k < shard.inputs.size(); ++k)
    examples.inputs(static_cast<int>(k), 0, kRows, shard.inputs[k]);
  plan.begin(shard, 0, kRows, kRows, kStep);
  for (std::size_t i = 0; i < plan.steps().size(); ++i)
    if (!plan.steps()[i].kernel->view) plan.forward(shard, {.step = static_cast<int>(i)});
  for (std::size_t k = 0; k < shard.outputs.size(); ++k) {
    const Doubles& expected = values[model.graph().outputs()[k]];
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(shard.outputs[k][i], expected[i], 2e-5 * (1.0 + std::fabs(expected[i])))
          << "output " << k << ", " << i;
  }
}

}  // namespace

void expect_defined(const Graph& graph) {
  const Examples examples(graph);
  Model model(graph);
  draw_parameters(model);
  // Before a step changes running statistics.
  const std::vector<Doubles> parameters = parameters_of(model);
  expect_outputs(model, examples);
  for (const int shards : {1, 2, 9}) {  // 9: some without a row
    const Outcome outcome = train_step(model, examples, shards, 1);
    expect_gradients(model, examples, parameters, outcome);
    const Outcome other = train_step(model, examples, shards, 2);
    EXPECT_EQ(outcome.loss, other.loss);
    EXPECT_EQ(outcome.gradients, other.gradients) << "on two threads";
  }
}

}  // namespace undying::engine
