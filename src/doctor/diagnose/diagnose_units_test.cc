// Where the weights of a unit are, and what they are to blame for, behind pools, flattens, norms
// and transposed convolutions.

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

// max(0, max(z)) is max(max(0, z)): a pool before the activation hides nothing.
TEST(Diagnose, UnitsBehindAPoolHaveTheirWeights) {
  Dataset data = make_classes(100, 64, 4);
  data.shape = {1, 8, 8};
  const Node act{
      "f", "activation", {2}, {{"activation", Activation("relu")}, {"layer", std::string("conv")}}};
  Patient patient =
      fresh(Graph({{"x", "input", {}, {{"shape", Ints{1, 8, 8}}}},
                   {"conv", "conv", {0}, {{"outputs", std::int64_t{3}}, {"kernel", Ints{3, 3}}}},
                   {"pool", "max_pool", {1}, {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}}},
                   act,
                   {"flat", "flatten", {3}, {}},
                   {"out", "linear", {4}, {{"outputs", std::int64_t{4}}}}}));
  patient.values("conv.bias")[1] = -1000.0f;
  const UnitDiagnosis life = diagnose(patient.graph, patient.weights, data).layers[0].lives[1];
  EXPECT_EQ(life.state, UnitState::kDead);
  EXPECT_TRUE(life.locked);
  EXPECT_EQ(life.cause, DeadCause::kBiasFarBelow);
}

TEST(Diagnose, UnitsOfATransposedConvolutionHaveTheirWeights) {
  Dataset data = make_classes(100, 64, 4);
  data.shape = {4, 4, 4};
  Patient patient = fresh(Graph(
      {{"x", "input", {}, {{"shape", Ints{4, 4, 4}}}},
       {"up",
        "conv_transpose",
        {0},
        {{"outputs", std::int64_t{6}}, {"kernel", Ints{2, 2}}, {"groups", std::int64_t{2}}}},
       {"f", "activation", {1}, {{"activation", Activation("relu")}, {"layer", std::string("up")}}},
       {"flat", "flatten", {2}, {}},
       {"out", "linear", {3}, {{"outputs", std::int64_t{4}}}}}));
  patient.values("up.bias")[4] = -1000.0f;
  const UnitDiagnosis life = diagnose(patient.graph, patient.weights, data).layers[0].lives[4];
  EXPECT_EQ(life.state, UnitState::kDead);
  EXPECT_TRUE(life.locked) << "no other unit's numbers are its own";
}

Graph net_of(const char* activation, bool behind) {
  const auto f = [&](int input) {
    return Node{"f",
                "activation",
                {input},
                {{"activation", Activation(activation)}, {"layer", std::string("conv")}}};
  };
  return Graph({{"x", "input", {}, {{"shape", Ints{1, 8, 8}}}},
                {"conv", "conv", {0}, {{"outputs", std::int64_t{4}}, {"kernel", Ints{3, 3}}}},
                behind ? Node{"flat", "flatten", {1}, {}} : f(1),
                behind ? f(2) : Node{"flat", "flatten", {2}, {}},
                {"out", "linear", {3}, {{"outputs", std::int64_t{4}}}}});
}

// Elementwise functions and a flatten change places: the units, their wiring and what is found are
// the same.
TEST(Diagnose, AReluBehindAFlattenIsAChannel) {
  const Dataset data = images(100);
  std::vector<Diagnosis> found;
  for (const bool behind : {false, true}) {
    Patient patient = fresh(net_of("relu", behind));
    patient.values("conv.bias") = {-100.0f, 0.0f, 0.0f, 100.0f};
    found.push_back(diagnose(patient.graph, patient.weights, data, {.threads = 1}));
  }
  const LayerDiagnosis& before = found[0].layers[0];
  const LayerDiagnosis& behind = found[1].layers[0];
  EXPECT_EQ(behind.units, 4);
  EXPECT_EQ(behind.positions, 36);
  EXPECT_EQ(behind.n, 3600);
  EXPECT_EQ(behind.lives[0].cause, DeadCause::kBiasFarBelow);
  EXPECT_TRUE(behind.lives[0].locked);
  EXPECT_NEAR(behind.effective_rank, before.effective_rank, 1e-4);
  for (std::size_t unit = 0; unit < 4; ++unit) {
    EXPECT_EQ(behind.lives[unit].state, before.lives[unit].state);
    EXPECT_EQ(behind.lives[unit].firing_rate, before.lives[unit].firing_rate);
    EXPECT_NEAR(behind.lives[unit].gradient, before.lives[unit].gradient, 1e-6);
  }
  ASSERT_EQ(found[0].findings.size(), found[1].findings.size());
  for (std::size_t i = 0; i < found[0].findings.size(); ++i) {
    EXPECT_EQ(found[1].findings[i].what, found[0].findings[i].what);
    EXPECT_NEAR(found[1].findings[i].cost, found[0].findings[i].cost, 1e-9);
  }
}

// Behind rows of a linear layer too, where the units are the last dimension.
TEST(Diagnose, AReluBehindAFlattenOfRowsIsANeuron) {
  Dataset data = make_classes(100, 12, 4);
  data.shape = {3, 4};
  Patient patient =
      fresh(Graph({{"x", "input", {}, {{"shape", Ints{3, 4}}}},
                   {"rows", "linear", {0}, {{"outputs", std::int64_t{5}}}},
                   {"flat", "flatten", {1}, {}},
                   {"f",
                    "activation",
                    {2},
                    {{"activation", Activation("relu")}, {"layer", std::string("rows")}}},
                   {"out", "linear", {3}, {{"outputs", std::int64_t{4}}}}}));
  patient.values("rows.bias")[2] = -100.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[0].units, 5);
  EXPECT_EQ(diagnosis.layers[0].n, 300);
  EXPECT_THAT(in_state(diagnosis.layers[0], UnitState::kDead), ElementsAre(2));
}

// Weights of 0 pass nothing on, whatever the activation: neither a slope nor a layer below helps.
TEST(Diagnose, ZeroWeightsAreACauseOfTheirOwn) {
  const Dataset data = make_classes(200, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = "relu"}));
  for (float& weight : patient.values("layer.1.weight")) weight = 0.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[1].dead, 8);
  EXPECT_EQ(diagnosis.layers[1].locked, 8) << "though the layer below could learn";
  EXPECT_EQ(diagnosis.zero_weights(), 8);
  const Finding* found = finding(diagnosis, "dead network");
  ASSERT_NE(found, nullptr);
  EXPECT_THAT(found->evidence, testing::AllOf(HasSubstr("all its incoming weights are 0 (8)"),
                                              testing::Not(HasSubstr("revivable"))));
  EXPECT_THAT(found->remedy, testing::AllOf(HasSubstr("draw their incoming weights anew"),
                                            testing::Not(HasSubstr("leaky_relu"))));
}

TEST(Diagnose, AMixOfZeroWeightsAndOthersIsToldApart) {
  const Dataset data = make_classes(200, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  std::fill_n(patient.values("layer.0.weight").begin() + 36, 12, 0.0f);
  patient.values("layer.0.bias")[5] = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[0].lives[3].cause, DeadCause::kZeroWeights);
  EXPECT_EQ(diagnosis.layers[0].lives[5].cause, DeadCause::kBiasFarBelow);
  EXPECT_THAT(finding(diagnosis, "dead units")->remedy,
              testing::AllOf(HasSubstr("where the weights are 0"), HasSubstr("for the others")));
}

// Channels pruned to 0 behind a batch norm: those whose beta is below 0 are dead, those above say
// the same whatever comes in.
TEST(Diagnose, PrunedChannelsBehindBatchNormAreConstant) {
  const Dataset data = make_classes(200, 12, 4);
  Patient patient = fresh(
      mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu", .batch_norm = true}));
  for (const std::size_t unit : {1U, 4U, 6U})
    std::fill_n(patient.values("layer.0.weight").begin() + 12 * unit, 12, 0.0f);
  patient.values("layer.0.bn.bias")[1] = 0.5f;
  patient.values("layer.0.bn.bias")[4] = -0.5f;
  patient.values("layer.0.bn.bias")[6] = 0.7f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_NE(finding(diagnosis, "constant units"), nullptr);
  EXPECT_THAT(finding(diagnosis, "constant units")->units, ElementsAre(1, 6));
  EXPECT_THAT(finding(diagnosis, "constant units")->evidence,
              HasSubstr("all its incoming weights are 0 (2)"));
  EXPECT_EQ(diagnosis.constant(), 2);
  EXPECT_THAT(in_state(diagnosis.layers[0], UnitState::kDead), ElementsAre(4));
  EXPECT_TRUE(diagnosis.layers[0].lives[4].locked);
}

// Every unit is constant on examples that are all the same, and behind a dead layer; neither says
// anything of the units.
TEST(Diagnose, ConstantUnitsAreNotBlamedForWhatComesIn) {
  Dataset same = make_classes(50, 12, 4);
  for (std::size_t i = 12; i < same.values.size(); ++i) same.values[i] = same.values[i % 12];
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = "leaky_relu"}));
  EXPECT_FALSE(kinds(diagnose(patient.graph, patient.weights, same)).contains("constant units"));
  Patient dead = fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = "relu"}));
  for (float& bias : dead.values("layer.0.bias")) bias = -1000.0f;
  for (float& bias : dead.values("layer.1.bias")) bias = 1.0f;
  const Diagnosis behind = diagnose(dead.graph, dead.weights, make_classes(50, 12, 4));
  EXPECT_EQ(behind.layers[1].constant, 8);
  EXPECT_FALSE(kinds(behind).contains("constant units"));
}

TEST(Diagnose, DenormalOutputsAreDead) {
  const Dataset data = make_classes(200, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  for (std::size_t i = 0; i < 12; ++i) patient.values("layer.0.weight")[3 * 12 + i] *= 1e-41f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_THAT(in_state(diagnosis.layers[0], UnitState::kDead), ElementsAre(3));
  EXPECT_EQ(diagnosis.dormant(), 0);
}

}  // namespace
}  // namespace undying::doctor
