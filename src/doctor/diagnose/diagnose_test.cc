// The diagnosis against a plain forward pass in double, and the ways a detector lies (each a case
// here).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "doctor/diagnose/test_images.h"
#include "doctor/test_networks.h"
#include "undying/doctor.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

bool mentions_death(const Diagnosis& diagnosis) {
  const auto all = kinds(diagnosis);
  return all.contains("dead units") || all.contains("dead branch") || all.contains("dead network");
}

// Units of a fully connected ReLU network that fire for no example, by the definition in double;
// those within rounding of 0 aside.
std::vector<std::set<std::int64_t>> silent_by_force(Patient& patient, const Dataset& data,
                                                    std::size_t hidden) {
  std::vector<std::set<std::int64_t>> silent(hidden);
  for (std::size_t l = 0; l < hidden; ++l)
    for (std::int64_t u = 0; u < patient.tensor("layer." + std::to_string(l) + ".bias").shape[0];
         ++u)
      silent[l].insert(u);
  for (std::int64_t row = 0; row < data.size; ++row) {
    std::vector<double> h(data.values.begin() + row * data.features(),
                          data.values.begin() + (row + 1) * data.features());
    for (std::size_t l = 0; l < hidden; ++l) {
      const auto& weight = patient.values("layer." + std::to_string(l) + ".weight");
      std::vector<double> z(patient.values("layer." + std::to_string(l) + ".bias").begin(),
                            patient.values("layer." + std::to_string(l) + ".bias").end());
      for (std::size_t j = 0; j < z.size(); ++j) {
        for (std::size_t i = 0; i < h.size(); ++i)
          z[j] += static_cast<double>(weight[j * h.size() + i]) * h[i];
        if (z[j] > 0.0) silent[l].erase(static_cast<std::int64_t>(j));
        z[j] = std::fmax(0.0, z[j]);
      }
      h = std::move(z);
    }
  }
  return silent;
}

TEST(Diagnose, DeadSetsEqualBruteForce) {
  const Dataset data = make_classes(1500, 12, 4);
  Patient patient = killed(data);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  const auto silent = silent_by_force(patient, data, 3);
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_EQ(in_state(diagnosis.layers[l], UnitState::kDead), silent[l]) << "layer " << l;
    EXPECT_EQ(diagnosis.layers[l].dead, static_cast<std::int64_t>(silent[l].size()));
    EXPECT_EQ(diagnosis.layers[l].n, 1500);
  }
  EXPECT_GT(diagnosis.dead(), 96 / 3) << "the network must have lost a third of its units";
  ASSERT_TRUE(mentions_death(diagnosis));
  EXPECT_THAT(diagnosis.findings[0].evidence, HasSubstr("n = 1500 examples of test classes"));
}

// What D does to a unit is measured with the weights as they are: the same network, judged twice,
// is judged alike.
TEST(Diagnose, ThreadsDoNotChangeWhatIsFound) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient = killed(data);
  const Diagnosis one = diagnose(patient.graph, patient.weights, data, {.threads = 1});
  const Diagnosis two = diagnose(patient.graph, patient.weights, data, {.threads = 2});
  for (std::size_t l = 0; l < 3; ++l)
    for (const UnitState state : {UnitState::kDead, UnitState::kAlive, UnitState::kAlwaysPositive})
      EXPECT_EQ(in_state(one.layers[l], state), in_state(two.layers[l], state));
  EXPECT_EQ(one.findings.size(), two.findings.size());
}

// Sets each bias of a fully connected ReLU network so that its unit fires on 30% of the data.
void make_sparse(Patient& patient, const Dataset& data, std::size_t hidden) {
  std::vector<std::vector<double>> rows;
  for (std::int64_t row = 0; row < data.size; ++row)
    rows.emplace_back(data.values.begin() + row * data.features(),
                      data.values.begin() + (row + 1) * data.features());
  for (std::size_t l = 0; l < hidden; ++l) {
    const auto& weight = patient.values("layer." + std::to_string(l) + ".weight");
    auto& bias = patient.values("layer." + std::to_string(l) + ".bias");
    std::vector<std::vector<double>> next(rows.size(), std::vector<double>(bias.size()));
    for (std::size_t j = 0; j < bias.size(); ++j) {
      std::vector<double> z;
      for (const auto& h : rows)
        z.push_back(std::inner_product(
            h.begin(), h.end(), weight.begin() + static_cast<std::int64_t>(j * h.size()), 0.0));
      std::vector<double> sorted = z;
      std::ranges::sort(sorted);
      bias[j] = static_cast<float>(-sorted[sorted.size() * 7 / 10]);
      for (std::size_t row = 0; row < rows.size(); ++row)
        next[row][j] = std::fmax(0.0, z[row] + bias[j]);
    }
    rows = std::move(next);
  }
}

// 70% zeros in every layer and every unit firing: sparsity, not deadness.
TEST(Diagnose, HealthySparseNetworkHasNoDeadFinding) {
  const Dataset data = make_classes(2000, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {40, 40, 40}, .outputs = 4, .activation = "relu"}));
  make_sparse(patient, data, 3);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  for (const LayerDiagnosis& layer : diagnosis.layers) EXPECT_NEAR(layer.firing_rate, 0.3, 0.01);
  EXPECT_EQ(diagnosis.dead(), 0);
  EXPECT_THAT(kinds(diagnosis), testing::IsSubsetOf({"not learned"})) << "nobody trained it";
}

// Silent on a batch of 32 with probability 72%, and alive.
TEST(Diagnose, AUnitThatFiresOnOnePercentIsAlive) {
  Dataset data = make_classes(1000, 12, 4);
  for (std::int64_t row = 0; row < data.size; ++row)
    data.values[row * 12 + 11] = row % 100 == 57 ? 1.0f : -1.0f;
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = "relu"}));
  for (std::size_t i = 0; i < 12; ++i)
    patient.values("layer.0.weight")[3 * 12 + i] = i == 11 ? 1.0f : 0.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[0].lives[3].state, UnitState::kAlive);
  EXPECT_NEAR(diagnosis.layers[0].lives[3].firing_rate, 0.01, 1e-9);
  EXPECT_EQ(diagnosis.layers[0].histogram[1], 1);
  EXPECT_FALSE(mentions_death(diagnosis));
}

// A Leaky ReLU whose outputs add up to 0: z decides, not h.
TEST(Diagnose, LeakyReluIsNeverDead) {
  Dataset data = make_classes(400, 12, 4);
  for (std::int64_t row = 0; row < data.size; ++row)
    data.values[row * 12] = row % 2 == 0 ? 0.1f : -1.0f;
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = "leaky_relu:0.1"}));
  auto& weight = patient.values("layer.0.weight");
  for (std::size_t i = 0; i < 12; ++i) weight[i] = i == 0 ? 1.0f : 0.0f;
  patient.values("layer.0.bias")[5] = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[0].lives[0].state, UnitState::kAlive);
  EXPECT_NEAR(diagnosis.layers[0].lives[0].firing_rate, 0.5, 1e-9);
  EXPECT_EQ(diagnosis.layers[0].lives[5].state, UnitState::kAlwaysNegative);
  EXPECT_FALSE(mentions_death(diagnosis));
  ASSERT_NE(finding(diagnosis, "always negative units"), nullptr);
  EXPECT_THAT(finding(diagnosis, "always negative units")->units, ElementsAre(5));
}

// z = 0 does not fire and has no gradient under ReLU (docs/numerics.md): dead. Under Leaky ReLU it
// has one.
TEST(Diagnose, ZeroPreactivation) {
  const Dataset data = make_classes(200, 12, 4);
  for (const auto& [activation, state] :
       {std::pair{"relu", UnitState::kDead}, std::pair{"leaky_relu", UnitState::kAlwaysNegative}}) {
    Patient patient =
        fresh(mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = activation}));
    std::fill_n(patient.values("layer.0.weight").begin() + 24, 12, 0.0f);
    const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
    EXPECT_EQ(diagnosis.layers[0].lives[2].state, state);
    EXPECT_EQ(diagnosis.layers[0].lives[2].preactivation_max, 0.0);
  }
}

// Inputs that are 0 on all of D give weights a zero gradient; nobody is dead for that.
TEST(Diagnose, ConstantZeroInputsKillNobody) {
  Dataset data = make_classes(500, 12, 4);
  for (std::int64_t row = 0; row < data.size; ++row)
    for (std::size_t i = 6; i < 12; ++i) data.values[static_cast<std::size_t>(row * 12) + i] = 0.0f;
  const Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {16}, .outputs = 4, .activation = "relu"}));
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.dead(), 0);
  EXPECT_FALSE(mentions_death(diagnosis));
}

// Nobody learns where a layer is blocked above: the gradient of those below is 0 and they live.
TEST(Diagnose, ZeroGradientIsNotDeath) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {16, 8}, .outputs = 4, .activation = "relu"}));
  for (float& weight : patient.values("layer.2.weight")) weight = 0.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.gradients[0].gradient, 0.0);
  EXPECT_EQ(diagnosis.dead(), 0);
  EXPECT_FALSE(mentions_death(diagnosis));
}

// A channel that fires at a single position of a single example is alive; n counts positions.
TEST(Diagnose, ConvolutionsAreJudgedByChannel) {
  Dataset data = images(100);
  for (float& value : data.values) value = std::fmin(value, 2.0f);
  data.values[37 * 64 + 20] = 50.0f;
  Patient patient = fresh(build_model("lenet", {1, 8, 8}, 4, {}));
  auto& weight = patient.values("layer.0.weight");  // (6, 1, 5, 5)
  for (std::size_t channel : {0U, 1U})
    for (std::size_t i = 0; i < 25; ++i) weight[channel * 25 + i] = i == 12 ? 1.0f : 0.0f;
  patient.values("layer.0.bias")[0] = -40.0f;
  patient.values("layer.0.bias")[1] = -60.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  const LayerDiagnosis& layer = diagnosis.layers[0];
  EXPECT_EQ(layer.n, 6400);
  EXPECT_EQ(layer.lives[0].state, UnitState::kAlive);
  EXPECT_NEAR(layer.lives[0].firing_rate, 1.0 / 6400.0, 1e-12);
  EXPECT_EQ(layer.lives[1].state, UnitState::kDead);
  EXPECT_EQ(layer.lives[1].cause, DeadCause::kBiasFarBelow);
  EXPECT_TRUE(layer.lives[1].locked);
}

TEST(Diagnose, BatchNormThatKillsIsNamed) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient = fresh(
      mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu", .batch_norm = true}));
  patient.values("layer.0.bn.weight")[1] = 1e-7f;
  patient.values("layer.0.bn.bias")[1] = -0.1f;
  patient.values("layer.0.bn.bias")[4] = -50.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_THAT(in_state(diagnosis.layers[0], UnitState::kDead), ElementsAre(1, 4));
  EXPECT_EQ(diagnosis.layers[0].lives[1].cause, DeadCause::kScaleNearZero);
  EXPECT_EQ(diagnosis.layers[0].lives[4].cause, DeadCause::kShiftFarBelow);
}

TEST(Diagnose, CausesOfDeadUnitsWithoutBatchNorm) {
  Dataset data = make_classes(500, 12, 4);
  for (float& value : data.values) value = std::fabs(value);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10, 6}, .outputs = 4, .activation = "relu"}));
  patient.values("layer.0.bias")[2] = -1000.0f;
  for (std::size_t i = 0; i < 12; ++i) patient.values("layer.0.weight")[2 * 12 + i] = 1.0f;
  for (std::size_t i = 0; i < 12; ++i) patient.values("layer.0.weight")[7 * 12 + i] = -1.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[0].lives[2].cause, DeadCause::kBiasFarBelow);
  EXPECT_EQ(diagnosis.layers[0].lives[7].cause, DeadCause::kWeights);
  for (float& bias : patient.values("layer.0.bias")) bias = -1000.0f;
  for (float& bias : patient.values("layer.1.bias")) bias = -1.0f;
  const Diagnosis all = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(all.layers[1].lives[0].cause, DeadCause::kDeadInputs);
  ASSERT_NE(finding(all, "dead network"), nullptr);
  EXPECT_EQ(finding(all, "dead network")->cost, 1.0);
}

// In the first layer nothing can bring a unit back; behind layers that learn, something may. A dead
// layer above locks all below.
TEST(Diagnose, LockedAndRevivable) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = "relu"}));
  patient.values("layer.0.bias")[0] = -1000.0f;
  patient.values("layer.1.bias")[3] = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_TRUE(diagnosis.layers[0].lives[0].locked);
  EXPECT_EQ(diagnosis.layers[1].lives[3].state, UnitState::kDead);
  EXPECT_FALSE(diagnosis.layers[1].lives[3].locked);
  for (float& bias : patient.values("layer.1.bias")) bias = -1000.0f;
  EXPECT_EQ(diagnose(patient.graph, patient.weights, data).layers[1].locked, 8);
}

// A dead branch leaves the network alive.
TEST(Diagnose, ADeadBranchIsNotADeadNetwork) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient = fresh(residual());
  for (float& bias : patient.values("branch.bias")) bias = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_TRUE(diagnosis.layers[0].bypassed);
  EXPECT_EQ(kinds(diagnosis).count("dead network"), 0U);
  ASSERT_NE(finding(diagnosis, "dead branch"), nullptr);
  EXPECT_LT(finding(diagnosis, "dead branch")->cost, 1.0);
}

// Unlabelled data: forward alone, no gradients, no claims about them.
TEST(Diagnose, WithoutTargetsOnlyTheForwardPassIsJudged) {
  Dataset data = make_classes(500, 12, 4);
  data.labels.clear();
  data.classes = 0;
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = "relu"}));
  patient.values("layer.0.bias")[0] = -1000.0f;
  patient.values("layer.1.bias")[3] = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_FALSE(diagnosis.has_targets);
  EXPECT_TRUE(diagnosis.gradients.empty());
  EXPECT_TRUE(std::isnan(diagnosis.loss));
  EXPECT_TRUE(std::isnan(diagnosis.layers[0].lives[1].gradient));
  EXPECT_TRUE(diagnosis.layers[0].lives[0].locked) << "f' = 0 and nothing below it learns";
  EXPECT_FALSE(diagnosis.layers[1].lives[3].locked);
}

// Stride 2 with a kernel of 1 looks at every other place: a channel that fires elsewhere only is
// heard by nobody.
TEST(Diagnose, UnitsThatFireButNeverWinTheirPool) {
  Dataset data = images(60);
  for (std::int64_t row = 0; row < data.size; ++row)
    for (std::size_t i = 0; i < 64; ++i) {
      float& value = data.values[static_cast<std::size_t>(row * 64) + i];
      value = i / 8 % 2 == 1 && i % 2 == 1 ? std::fabs(value) : -std::fabs(value);
    }
  Patient patient =
      fresh(Graph({{"input", "input", {}, {{"shape", Ints{1, 8, 8}}}},
                   {"conv", "conv", {0}, {{"outputs", std::int64_t{2}}, {"kernel", Ints{1, 1}}}},
                   {"f",
                    "activation",
                    {1},
                    {{"activation", Activation("relu")}, {"layer", std::string("conv")}}},
                   {"pool", "max_pool", {2}, {{"kernel", Ints{1, 1}}, {"strides", Ints{2, 2}}}},
                   {"flat", "flatten", {3}, {}},
                   {"out", "linear", {4}, {{"outputs", std::int64_t{4}}}}}));
  patient.values("conv.weight") = {1.0f, -1.0f};
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_TRUE(diagnosis.layers[0].lives[0].never_wins);
  EXPECT_FALSE(diagnosis.layers[0].lives[1].never_wins);
  EXPECT_EQ(diagnosis.dead(), 0);
  ASSERT_NE(finding(diagnosis, "units that never win their pool"), nullptr);
  EXPECT_THAT(finding(diagnosis, "units that never win their pool")->units, ElementsAre(0));
}

// tau is relative to the layer; a layer that shrinks as a whole has no dormant unit, and a finding.
TEST(Diagnose, SaturationIsToldFromSilence) {
  const Dataset data = make_classes(500, 12, 4);
  Patient tanh = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "tanh"}));
  tanh.values("layer.0.bias")[3] = 30.0f;
  const Diagnosis diagnosis = diagnose(tanh.graph, tanh.weights, data);
  ASSERT_NE(finding(diagnosis, "saturated units"), nullptr);
  EXPECT_THAT(finding(diagnosis, "saturated units")->units, ElementsAre(3));
  Patient relu = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  relu.values("layer.0.bias")[3] = -30.0f;
  EXPECT_EQ(diagnose(relu.graph, relu.weights, data).saturated_units(), 0);
}

// relu6 has a ceiling, and below 0 it is silent as ReLU is.
TEST(Diagnose, AUnitAtItsCeilingIsSaturated) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu6"}));
  patient.values("layer.0.bias")[3] = 1000.0f;
  patient.values("layer.0.bias")[4] = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_NE(finding(diagnosis, "saturated units"), nullptr);
  EXPECT_THAT(finding(diagnosis, "saturated units")->units, ElementsAre(3));
  EXPECT_EQ(diagnosis.layers[0].lives[4].state, UnitState::kDead);
  EXPECT_EQ(diagnosis.layers[0].dead, 1);
}

TEST(Diagnose, RectifiersDoNotSaturate) {
  for (const char* each : {"relu", "leaky_relu:1e-5", "prelu", "rrelu", "crelu", "hardswish"})
    EXPECT_FALSE(saturates(each)) << each;
  for (const char* each : {"tanh", "sigmoid", "elu", "hardsigmoid", "relu6", "softplus"})
    EXPECT_TRUE(saturates(each)) << each;
}

TEST(Diagnose, WhatIsNotANumberIsNotSilent) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  patient.values("layer.0.weight")[0] = std::nanf("");
  EXPECT_FALSE(
      kinds(diagnose(patient.graph, patient.weights, data)).contains("always negative units"));
}

}  // namespace
}  // namespace undying::doctor
