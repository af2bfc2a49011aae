// Weights that are computed from others, against weight normalisation as a formula in double.

#include "engine/derivations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "engine/engine.h"
#include "engine/passes/gradients.h"
#include "engine/test_rows.h"
#include "engine/test_whole_graph.h"
#include "engine/wiring.h"
#include "undying/error.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kInputs = 5;
constexpr std::int64_t kUnits = 4;
constexpr std::int64_t kClasses = 3;
constexpr std::int64_t kBatch = 14;

using Doubles = std::vector<double>;

const DrawnRows kLeafRows(kInputs, kClasses);

Node named(Node node, std::vector<std::string> parameters) {
  node.parameters = std::move(parameters);
  return node;
}

// NAME from NAME.v, (outputs, inputs), and NAME.g, (outputs, 1): g v / |v|, row by row.
Derived weight_norm(const std::string& name, const Shape& shape) {
  const Shape column = {shape[0], 1};
  return {name,
          {input("none", {1}), named(node("v", "parameter", {}, {{"shape", shape}}), {name + ".v"}),
           node("squares", "mul", {1, 1}), node("sums", "reduce_sum", {2}, {{"axes", Ints{1}}}),
           node("lengths", "sqrt", {3}),
           named(node("g", "parameter", {}, {{"shape", column}}), {name + ".g"}),
           node("scales", "div", {5, 4}), node("weight", "mul", {1, 6})}};
}

// Two layers of which the first one's weight is computed, where that is said.
Graph network(std::vector<Derived> derived) {
  return Graph({input("x", {kInputs}), named(linear("fc", 0, kUnits), {"fc.weight", "fc.bias"}),
                activation("act", 1, "tanh"), linear("out", 2, kClasses)},
               {}, std::move(derived));
}
Graph network() { return network({weight_norm("fc.weight", {kUnits, kInputs})}); }

const Parameter& parameter(const Model& model, const std::string& name) {
  return *std::ranges::find(model.parameters(), name, &Parameter::name);
}

Doubles values(const Model& model, const std::string& name) {
  const Parameter& found = parameter(model, name);
  return {model.values(found), model.values(found) + found.size};
}

void draw(Model& model) {
  const Random random(8, Stream::kTest, 1);
  std::uint64_t drawn = 0;
  for (const Parameter& each : model.parameters())
    for (std::int64_t i = 0; i < each.size; ++i)
      model.values(each)[i] = static_cast<float>(0.5 * random.normal(drawn++));
  derive(model);
}

double row_product(const Doubles& a, const Doubles& b, std::int64_t row) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < kInputs; ++i) sum += a[row * kInputs + i] * b[row * kInputs + i];
  return sum;
}

Doubles weight_of(const Doubles& g, const Doubles& v) {
  Doubles weight;
  for (std::int64_t row = 0; row < kUnits; ++row)
    for (std::int64_t i = 0; i < kInputs; ++i)
      weight.push_back(g[row] * v[row * kInputs + i] / std::sqrt(row_product(v, v, row)));
  return weight;
}

struct Leaves {
  Doubles g, v;
};
Leaves pulled_back(const Doubles& g, const Doubles& v, const Doubles& gradient) {
  Leaves leaves;
  for (std::int64_t row = 0; row < kUnits; ++row) {
    const double length = std::sqrt(row_product(v, v, row));
    const double along = row_product(gradient, v, row);
    leaves.g.push_back(along / length);
    for (std::int64_t i = row * kInputs; i < (row + 1) * kInputs; ++i)
      leaves.v.push_back(g[row] / length * (gradient[i] - v[i] * along / (length * length)));
  }
  return leaves;
}

void expect_near(const Doubles& found, const Doubles& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

// Steps of plain descent at this rate; the gradients of the last one, by parameter.
std::vector<Doubles> descend(Model& model, int steps, double rate, int shards, int threads = 1) {
  Engine engine(model, {.batch = kBatch, .shards = shards, .threads = threads});
  std::vector<Doubles> gradients(model.parameters().size());
  for (std::size_t p = 0; p < gradients.size(); ++p)
    gradients[p].resize(static_cast<std::size_t>(model.parameters()[p].size));
  const auto apply = [&](const Slice& slice) {
    const std::int64_t first = slice.offset - model.parameters()[slice.parameter].offset;
    for (std::int64_t i = 0; i < slice.size; ++i) {
      double sum = 0.0;
      for (const float* gradient : slice.gradients) sum += static_cast<double>(gradient[i]);
      gradients[slice.parameter][first + i] = sum;
      model.trained()[slice.offset + i] -= static_cast<float>(rate * sum);
    }
  };
  const std::vector<SlicePass> passes = {{apply, {}}};
  for (int step = 1; step <= steps; ++step)
    engine.step(kLeafRows, kBatch, static_cast<std::uint64_t>(step), passes);
  return gradients;
}

Doubles gradient(const Model& model, const std::vector<Doubles>& all, const std::string& name) {
  return all[&parameter(model, name) - model.parameters().data()];
}

TEST(Derivations, GradientsOfLeavesAreThoseOfTheFormula) {
  for (const int shards : {1, 3}) {
    Model model(network());
    draw(model);
    Model plain(network({}));
    for (const Parameter& each : plain.parameters())
      std::copy_n(model.values(parameter(model, each.name)), each.size, plain.values(each));
    const std::vector<Doubles> found = descend(model, 1, 0.0, shards);
    const std::vector<Doubles> expected = descend(plain, 1, 0.0, shards);
    const Leaves leaves = pulled_back(values(model, "fc.weight.g"), values(model, "fc.weight.v"),
                                      gradient(plain, expected, "fc.weight"));
    expect_near(gradient(model, found, "fc.weight.g"), leaves.g, 1e-6);
    expect_near(gradient(model, found, "fc.weight.v"), leaves.v, 1e-6);
    expect_near(gradient(model, found, "fc.bias"), gradient(plain, expected, "fc.bias"), 1e-7);
    EXPECT_GT(std::fabs(leaves.g[0]), 1e-3);
  }
}

TEST(Derivations, TheWeightFollowsItsLeaves) {
  Model model(network());
  draw(model);
  const Doubles before = values(model, "fc.weight");
  expect_near(before, weight_of(values(model, "fc.weight.g"), values(model, "fc.weight.v")), 1e-6);
  descend(model, 5, 0.3, 2);
  const Doubles after = values(model, "fc.weight");
  expect_near(after, weight_of(values(model, "fc.weight.g"), values(model, "fc.weight.v")), 1e-6);
  EXPECT_GT(std::fabs(after[0] - before[0]), 1e-3);
}

TEST(Derivations, BitsDependOnShardsAndNotOnThreads) {
  std::vector<Doubles> ends;
  for (const int threads : {1, 2, 3}) {
    Model model(network({weight_norm("fc.weight", {kUnits, kInputs})}));
    draw(model);
    descend(model, 4, 0.3, 3, threads);
    ends.push_back(values(model, "fc.weight"));
  }
  EXPECT_EQ(ends[1], ends[0]);
  EXPECT_EQ(ends[2], ends[0]);
}

TEST(Derivations, NormsOfAStepAreThoseOfTheWeight) {
  Model model(network());
  draw(model);
  const Doubles before = values(model, "fc.weight");
  Engine engine(model, {.batch = kBatch});
  const auto apply = [&](const Slice& slice) {
    for (std::int64_t i = 0; i < slice.size; ++i)
      model.trained()[slice.offset + i] -= 0.1f * slice.gradients[0][i];
  };
  const std::vector<SlicePass> passes = {{apply, {}}};
  engine.step(kLeafRows, kBatch, 1, passes);
  const Doubles after = values(model, "fc.weight");
  double update = 0.0;
  double weight = 0.0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    update += (after[i] - before[i]) * (after[i] - before[i]);
    weight += before[i] * before[i];
  }
  ASSERT_EQ(engine.derivations().size(), 1);
  const DerivedNorms norms = engine.derivations()[0]->norms();
  EXPECT_EQ(model.parameters()[norms.parameter].name, "fc.weight");
  EXPECT_NEAR(norms.update, update, 1e-12);
  EXPECT_NEAR(norms.weight, weight, 1e-6);
}

TEST(Derivations, GradientsOverDataReachTheLeaves) {
  Model model(network());
  draw(model);
  const Gradients found = frozen_gradients(model, kLeafRows, kBatch, {.shards = 2});
  const auto of = [&](const std::string& name) {
    const Parameter& each = parameter(model, name);
    return Doubles(found.mean.begin() + each.offset, found.mean.begin() + each.offset + each.size);
  };
  const Leaves leaves =
      pulled_back(values(model, "fc.weight.g"), values(model, "fc.weight.v"), of("fc.weight"));
  expect_near(of("fc.weight.g"), leaves.g, 1e-6);
  expect_near(of("fc.weight.v"), leaves.v, 1e-6);
  EXPECT_TRUE(found.learns(parameter(model, "fc.weight.g").offset));
}

TEST(Derivations, LeavesSettleToAWeightThatIsWanted) {
  Model model(network());
  draw(model);
  const Parameter& weight = parameter(model, "fc.weight");
  Doubles wanted;
  for (std::int64_t i = 0; i < weight.size; ++i) {
    model.values(weight)[i] = 0.1f * static_cast<float>(i - 7);
    wanted.push_back(static_cast<double>(model.values(weight)[i]));
  }
  for (const auto& each : derivations_of(model)) each->settle(model);
  expect_near(values(model, "fc.weight"), wanted, 1e-6);
  expect_near(weight_of(values(model, "fc.weight.g"), values(model, "fc.weight.v")), wanted, 1e-6);
}

TEST(Derivations, AreThoseOfTensorsThatTheNetworkHas) {
  EXPECT_EQ(network().derived().size(), 1);
  EXPECT_EQ(cut(network(), {1}).derived().size(), 1);
  EXPECT_EQ(with_activation(network(), "relu").derived().size(), 1);
  EXPECT_TRUE(network({weight_norm("other.weight", {kUnits, kInputs})}).derived().empty());
  try {
    const Model refused(network({weight_norm("fc.weight", {kUnits, kInputs + 1})}));
    FAIL() << "a weight of another shape";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("is computed in another"));
  }
}

// Values that are written to such a weight would be gone with the next step.
TEST(Derivations, UnitsAroundThemAreNotDrawnAnew) {
  const Model model(network());
  EXPECT_EQ(obstacle(model, wiring_of(model, model.layers()[0])),
            "weights around it are computed from other parameters");
  const Model plain(network({}));
  EXPECT_EQ(obstacle(plain, wiring_of(plain, plain.layers()[0])), "");
}

// A network without them has no more in it than before.
TEST(Derivations, ALeafIsNoParameterOfANode) {
  const Model model(network());
  EXPECT_TRUE(parameter(model, "fc.weight").frozen);
  EXPECT_TRUE(parameter(model, "fc.weight.v").leaf);
  for (int at = 0; at < static_cast<int>(model.graph().nodes().size()); ++at)
    for (const int owned : model.parameters_of(at)) EXPECT_FALSE(model.parameters()[owned].leaf);
  EXPECT_TRUE(derivations_of(Model(network({}))).empty());
}

}  // namespace
}  // namespace undying::engine
