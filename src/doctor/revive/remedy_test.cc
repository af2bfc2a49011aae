// Remedies: what they leave as it was, and what they change.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doctor/network.h"
#include "doctor/revive/remedy.h"
#include "doctor/test_networks.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;

std::vector<float> outputs(const Graph& graph, const std::vector<Tensor>& weights,
                           const Dataset& data) {
  Trainer trainer(graph, {.threads = 1});
  trainer.load(weights);
  return trainer.predict(data);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::fmax(largest, std::fabs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

Case open(const Patient& patient, const Dataset& data) {
  return open_case(
      patient.graph, patient.weights, data,
      diagnose(patient.graph, patient.weights, data, {.rank_sample = 0, .threads = 1}));
}

// Sets some biases far below, so that these units are dead.
void kill(Patient& patient, const std::string& bias, std::initializer_list<std::size_t> units) {
  for (const std::size_t unit : units) patient.values(bias)[unit] = -1000.0f;
}

Dataset images() {
  Dataset data = make_classes(150, 64, 4);
  data.shape = {1, 8, 8};
  return data;
}

struct Sick {
  const char* label;
  Patient patient;
  Dataset data;
};

std::vector<Sick> sick() {
  std::vector<Sick> all;
  all.push_back({"mlp",
                 fresh(mlp({.inputs = 12, .hidden = {20, 16}, .outputs = 4, .activation = "relu"})),
                 make_classes(300, 12, 4)});
  kill(all.back().patient, "layer.0.bias", {0, 7, 19});
  kill(all.back().patient, "layer.1.bias", {3, 4});
  all.push_back({"mlp_norm",
                 fresh(mlp({.inputs = 12,
                            .hidden = {20, 16},
                            .outputs = 4,
                            .activation = "relu",
                            .batch_norm = true,
                            .dropout = 0.3})),
                 make_classes(300, 12, 4)});
  kill(all.back().patient, "layer.0.bn.bias", {2, 5});
  kill(all.back().patient, "layer.1.bn.bias", {0});
  all.push_back({"lenet", fresh(build_model("lenet", {1, 8, 8}, 4, {})), images()});
  kill(all.back().patient, "layer.0.bias", {1, 2});
  kill(all.back().patient, "layer.1.bias", {0, 15});
  kill(all.back().patient, "layer.2.bias", {9});
  all.push_back({"mobilenet", fresh(build_model("mobilenet:small", {1, 8, 8}, 4, {})), images()});
  kill(all.back().patient, "layer.1.bn.bias", {3});  // read by a depthwise convolution's neighbour
  kill(all.back().patient, "layer.2.bn.bias", {3, 20});
  return all;
}

// Incoming weights anew, outgoing ones 0: not a bit of any output changes, and the units fire.
TEST(Reinitialise, DeadUnitsChangesNoBitOfTheOutputs) {
  for (const Sick& each : sick()) {
    const Case patient = open(each.patient, each.data);
    ASSERT_GT(patient.dead.size(), 2U) << each.label;
    const Treated treated = apply({.label = "r", .reinitialise = true}, patient, 5);
    EXPECT_EQ(treated.effect.reinitialised, static_cast<std::int64_t>(patient.dead.size()))
        << each.label;
    EXPECT_EQ(outputs(treated.graph, treated.weights(each.patient.weights), each.data),
              outputs(each.patient.graph, each.patient.weights, each.data))
        << each.label;
    const Diagnosis after = diagnose(treated.graph, treated.weights(each.patient.weights),
                                     each.data, {.rank_sample = 0, .threads = 1});
    EXPECT_LT(after.dead(), static_cast<std::int64_t>(patient.dead.size()))
        << each.label << ": most of what is drawn fires";
  }
}

// The statistics that evaluation uses are those of what now comes in: a fresh channel fires on
// about half of D.
TEST(Reinitialise, BatchNormMeasuresWhatIsNew) {
  const Sick each = sick()[1];
  const Treated treated =
      apply({.label = "r", .reinitialise = true}, open(each.patient, each.data), 5);
  const Diagnosis after = diagnose(treated.graph, treated.weights(each.patient.weights), each.data);
  EXPECT_NEAR(after.layers[0].lives[2].firing_rate, 0.5, 0.1);
}

TEST(Reinitialise, AnotherSeedIsAnotherDraw) {
  const Sick each = sick()[0];
  const Case patient = open(each.patient, each.data);
  const auto weights = [&](std::uint64_t seed) {
    return apply({.label = "r", .reinitialise = true}, patient, seed)
        .weights(patient.weights)[0]
        .values;
  };
  EXPECT_EQ(weights(1), weights(1));
  EXPECT_NE(weights(1), weights(2));
}

// h = relu(z) goes into a sum: no weight could keep a fresh unit out of it, so it stays as it is.
TEST(Reinitialise, UnitsThatASumReadsAreSkipped) {
  Patient patient = fresh(residual());
  kill(patient, "branch.bias", {4});
  const Dataset data = make_classes(100, 12, 4);
  const Treated treated = apply({.label = "r", .reinitialise = true}, open(patient, data), 1);
  EXPECT_EQ(treated.effect.reinitialised, 0);
  EXPECT_EQ(treated.effect.skipped, 1);
  EXPECT_TRUE(treated.changed.empty());
}

// What a fresh draw would change besides the dead unit: a pre-activation that a sum reads too,
// weights that another layer has as well.
TEST(Reinitialise, UnitsWhoseWeightsServeSomethingElseAreSkipped) {
  const auto relu = [](const char* name, int src) {
    return Node{name,
                "activation",
                {src},
                {{"activation", Activation("relu")}, {"layer", std::string(name)}}};
  };
  const auto linear = [](const char* name, int src, std::int64_t size) {
    return Node{name, "linear", {src}, {{"outputs", size}}};
  };
  const Node x{"input", "input", {}, {{"shape", Ints{12}}}};
  const Node sum{"sum", "add", {3, 1}, {}};
  Patient read_twice = fresh(
      Graph({x, linear("a", 0, 12), relu("f", 1), linear("b", 2, 12), sum, linear("out", 4, 4)}));
  kill(read_twice, "a.bias", {4});
  Node first = linear("a", 0, 12);
  Node second = linear("b", 2, 12);
  first.parameters = {"shared.weight", "a.bias"};
  second.parameters = {"shared.weight", "b.bias"};
  Patient shared =
      fresh(Graph({x, first, relu("f", 1), second, relu("g", 3), linear("out", 4, 4)}));
  kill(shared, "a.bias", {4});
  const Dataset data = make_classes(100, 12, 4);
  for (const Patient& patient : {read_twice, shared}) {
    const Case each = open(patient, data);
    ASSERT_EQ(each.dead.size(), 1U);
    const Treated treated = apply({.label = "r", .reinitialise = true}, each, 1);
    EXPECT_EQ(treated.effect.skipped, 1);
    EXPECT_EQ(outputs(treated.graph, treated.weights(patient.weights), data),
              outputs(patient.graph, patient.weights, data));
  }
}

TEST(Placebo, TakesAsManyLivingUnits) {
  const Sick each = sick()[0];
  const Case patient = open(each.patient, each.data);
  const Treated treated = apply({.label = "p", .placebo = true}, patient, 1);
  EXPECT_EQ(treated.effect.reinitialised, 5);
  const Diagnosis after =
      diagnose(treated.graph, treated.weights(each.patient.weights), each.data, {.rank_sample = 0});
  EXPECT_EQ(after.dead(), 5) << "the dead stay dead";
  const auto chosen = choose(patient.living, 5, 1);
  EXPECT_EQ(chosen.size(), 5U);
  EXPECT_NE(chosen[0].unit * 100 + static_cast<std::int64_t>(chosen[0].layer),
            choose(patient.living, 5, 2)[0].unit * 100 +
                static_cast<std::int64_t>(choose(patient.living, 5, 2)[0].layer));
}

// alpha z in place of 0: biases take off the mean of it, so that less is left of the difference
// than without.
TEST(Swap, BiasesMakeUpForTheMean) {
  for (const Sick& each : sick()) {
    const Case patient = open(each.patient, each.data);
    const Activation leaky("leaky_relu:0.1");
    const Treated treated = apply({.label = "s", .swap = leaky}, patient, 1);
    EXPECT_GT(treated.effect.swapped, 0);
    const auto before = outputs(each.patient.graph, each.patient.weights, each.data);
    std::int64_t count = 0;
    const auto plain =
        outputs(swapped(each.patient.graph, leaky, &count), each.patient.weights, each.data);
    const double kept = largest_difference(
        outputs(treated.graph, treated.weights(each.patient.weights), each.data), before);
    EXPECT_LT(kept, 0.5 * largest_difference(plain, before)) << each.label;
    EXPECT_GT(kept, 0.0) << each.label;
  }
}

// A unit that is constant is made up for exactly: with weights 0 and a negative bias nothing else
// is left of the swap.
TEST(Swap, AConstantUnitIsMadeUpForExactly) {
  const Dataset data = make_classes(300, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {6}, .outputs = 4, .activation = "relu"}));
  for (float& weight : patient.values("layer.0.weight")) weight = 0.0f;
  for (float& bias : patient.values("layer.0.bias")) bias = -3.0f;
  const Treated treated =
      apply({.label = "s", .swap = Activation("leaky_relu:0.1")}, open(patient, data), 1);
  EXPECT_LT(largest_difference(outputs(treated.graph, treated.weights(patient.weights), data),
                               outputs(patient.graph, patient.weights, data)),
            1e-6);
}

// A max pool drops most of what a slope adds: what the next layer receives is made up for, not the
// mean of what the units give.
TEST(Swap, MeansAreKeptBehindAPool) {
  const Dataset data = images();
  const auto kernel = Ints{2, 2};
  const Patient patient =
      fresh(Graph({{"x", "input", {}, {{"shape", Ints{1, 8, 8}}}},
                   {"conv", "conv", {0}, {{"outputs", std::int64_t{4}}, {"kernel", Ints{3, 3}}}},
                   {"f",
                    "activation",
                    {1},
                    {{"activation", Activation("relu")}, {"layer", std::string("conv")}}},
                   {"pool", "max_pool", {2}, {{"kernel", kernel}, {"strides", kernel}}},
                   {"flat", "flatten", {3}, {}},
                   {"out", "linear", {4}, {{"outputs", std::int64_t{4}}}}}));
  const Treated treated =
      apply({.label = "s", .swap = Activation("leaky_relu:0.3")}, open(patient, data), 1);
  const auto before = outputs(patient.graph, patient.weights, data);
  const auto after = outputs(treated.graph, treated.weights(patient.weights), data);
  std::vector<double> moved(4, 0.0);
  for (std::size_t i = 0; i < before.size(); ++i)
    moved[i % 4] += static_cast<double>(after[i]) - before[i];
  for (const double sum : moved) EXPECT_NEAR(sum / static_cast<double>(data.size), 0.0, 1e-5);
}

TEST(Swap, AnAnnealedSlopeChangesNoOutputBeforeTheFirstStep) {
  for (const Sick& each : sick()) {
    SCOPED_TRACE(each.label);
    Case patient = open(each.patient, each.data);
    patient.anneal_steps = 10;
    const Treated treated =
        apply({.label = "s", .swap = Activation("leaky_relu:0.1"), .anneal = true}, patient, 1);
    EXPECT_GT(treated.effect.swapped, 0);
    const std::vector<float> before = outputs(each.patient.graph, each.patient.weights, each.data);
    EXPECT_EQ(largest_difference(
                  outputs(treated.graph, treated.weights(each.patient.weights), each.data), before),
              0.0);
    const auto whole =
        outputs(without_annealing(treated.graph), treated.weights(each.patient.weights), each.data);
    EXPECT_GT(largest_difference(whole, before), 1e-3) << "the slope is there without annealing";
  }
}

// After the last annealed step a network is one that never was annealed.
TEST(Swap, AnAnnealedSlopeArrives) {
  const Dataset data = make_classes(300, 12, 4);
  Graph graph = mlp({.inputs = 12, .hidden = {20, 16}, .outputs = 4, .activation = "relu"});
  std::int64_t count = 0;
  const Graph annealed = swapped(graph, "leaky_relu:0.3", &count, 4);
  Trainer trainer(annealed, {.batch = 50, .max_steps = 6, .threads = 1});
  trainer.fit(data, data);
  EXPECT_EQ(trainer.predict(data), outputs(without_annealing(annealed), trainer.tensors(), data));
  Trainer early(annealed, {.batch = 50, .max_steps = 2, .threads = 1});
  early.fit(data, data);
  const Graph half = swapped(graph, "leaky_relu:0.15", &count);
  EXPECT_EQ(early.predict(data), outputs(half, early.tensors(), data))
      << "2 of 4 steps: half the slope";
}

TEST(Swap, PReluBringsSlopes) {
  const Sick each = sick()[0];
  const Treated treated =
      apply({.label = "s", .swap = Activation("prelu")}, open(each.patient, each.data), 1);
  EXPECT_EQ(treated.weights(each.patient.weights).size(), each.patient.weights.size() + 2);
  EXPECT_NO_THROW(diagnose(treated.graph, treated.weights(each.patient.weights), each.data));
}

}  // namespace
}  // namespace undying::doctor
