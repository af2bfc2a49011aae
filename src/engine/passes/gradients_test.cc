// Gradients of a network as it evaluates, against central differences of its evaluation loss.

#include "engine/passes/gradients.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <ostream>

#include "base/philox.h"
#include "engine/engine.h"
#include "engine/test_rows.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kGradientRows = 150;  // two blocks and a rest
constexpr std::int64_t kClasses = 3;

void fill(Model& model) {
  const Random random(8, Stream::kTest, 1);
  std::uint64_t drawn = 0;
  for (const Parameter& parameter : model.parameters())
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double draw = random.normal(drawn++);
      const bool positive = parameter.role == ops::ParameterSpec::Role::kRunningVariance;
      model.values(parameter)[i] = static_cast<float>(positive ? 0.5 + draw * draw : 0.4 * draw);
    }
}

double mean_loss(Model& model, const DrawnRows& examples) {
  Engine engine(model, {.batch = 1, .counters = false});
  return engine.evaluate(examples, kGradientRows).loss / static_cast<double>(kGradientRows);
}

struct Net {
  const char* label;
  Graph graph;
  std::int64_t features;
  int shards;

  friend void PrintTo(const Net& net, std::ostream* stream) { *stream << net.label; }
};

class FrozenGradients : public testing::TestWithParam<Net> {};

// A central difference, its error of second order taken out; none where two widths disagree.
std::optional<double> slope(float& weight, const std::function<double()>& loss) {
  const float at = weight;
  const auto central = [&](float h) {
    weight = at + h;
    const double above = loss();
    weight = at - h;
    const double below = loss();
    weight = at;
    return (above - below) / (2.0 * static_cast<double>(h));
  };
  const double wide = central(8e-3f);
  const double narrow = central(4e-3f);
  if (std::fabs(wide - narrow) > 4e-3 * (1.0 + std::fabs(narrow))) return std::nullopt;
  return (4.0 * narrow - wide) / 3.0;
}

TEST_P(FrozenGradients, AgreeWithCentralDifferences) {
  const Net& net = GetParam();
  Model model(net.graph);
  fill(model);
  const DrawnRows examples(net.features);
  const Gradients found = frozen_gradients(model, examples, kGradientRows,
                                           {.shards = net.shards, .threads = net.shards});
  EXPECT_NEAR(found.loss.loss / static_cast<double>(kGradientRows), mean_loss(model, examples),
              1e-6);
  int compared = 0;
  int skipped = 0;
  for (const Parameter& parameter : model.parameters()) {
    if (!parameter.trained) continue;
    for (std::int64_t i = 0; i < parameter.size; i += 1 + parameter.size / 6) {
      const auto expected =
          slope(model.values(parameter)[i], [&] { return mean_loss(model, examples); });
      ++(expected ? compared : skipped);
      if (!expected) continue;
      const double gradient = found.mean[parameter.offset + i];
      EXPECT_NEAR(gradient, *expected, 1e-3 * (1.0 + std::fabs(gradient)))
          << parameter.name << ' ' << i;
    }
  }
  EXPECT_GT(compared, 4 * skipped);
}

Graph dense() {
  return mlp({.inputs = 5,
              .hidden = {8, 7},
              .outputs = kClasses,
              .activation = "tanh",
              .batch_norm = true,
              .dropout = 0.5});
}
Graph convolutional() {
  return build_model("mobilenet:small", {1, 8, 8}, kClasses,
                     {.activation = "silu", .dropout = 0.2});
}

INSTANTIATE_TEST_SUITE_P(Nets, FrozenGradients,
                         testing::Values(Net{"dense", dense(), 5, 1}, Net{"shards", dense(), 5, 2},
                                         Net{"convolutional", convolutional(), 64, 1}),
                         [](const auto& tested) { return tested.param.label; });

TEST(FrozenGradients, ChangeNothingOfTheModel) {
  Model model(dense());
  fill(model);
  const std::vector<float> statistics(model.statistics().begin(), model.statistics().end());
  const std::vector<float> trained(model.trained(), model.trained() + model.trained_size());
  frozen_gradients(model, DrawnRows(5), kGradientRows, {.shards = 2, .threads = 2});
  EXPECT_EQ(std::vector<float>(model.statistics().begin(), model.statistics().end()), statistics);
  EXPECT_EQ(std::vector<float>(model.trained(), model.trained() + model.trained_size()), trained);
}

// A unit of ReLU that no example fires: nothing of its row has a gradient in any block; the others'
// rows do.
TEST(FrozenGradients, OfADeadUnitAreZeroInEveryBlock) {
  Model model(mlp({.inputs = 5, .hidden = {4}, .outputs = kClasses, .activation = "relu"}));
  fill(model);
  const Parameter& weight = model.parameters()[0];
  const Parameter& bias = model.parameters()[1];
  model.values(bias)[2] = -100.0f;
  const Gradients found = frozen_gradients(model, DrawnRows(5), kGradientRows, {});
  for (std::int64_t unit = 0; unit < 4; ++unit) {
    EXPECT_EQ(found.learns(bias.offset + unit), unit != 2);
    EXPECT_EQ(found.learns(weight.offset + 5 * unit), unit != 2);
    EXPECT_EQ(found.units[unit] == 0.0, unit == 2);
  }
}

}  // namespace
}  // namespace undying::engine
