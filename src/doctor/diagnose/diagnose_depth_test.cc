// What fades or grows from layer to layer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "doctor/test_networks.h"
#include "undying/doctor.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;

TEST(Diagnose, AVanishingSignalIsFoundWhereNoUnitIsDormant) {
  const Dataset data = make_classes(500, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {20, 20}, .outputs = 4, .activation = "tanh"}));
  for (float& weight : patient.values("layer.1.weight")) weight *= 1e-5f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.layers[1].dormant, 0);
  EXPECT_TRUE(kinds(diagnosis).contains("vanishing signal"));
}

TEST(Diagnose, VanishingGradientsAreMeasuredOverTheWholeSet) {
  const Dataset data = make_classes(500, 12, 4);
  const Patient patient =
      fresh(mlp({.inputs = 12, .hidden = Ints(14, 16), .outputs = 4, .activation = "sigmoid"}));
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.gradients.size(), 15U);
  EXPECT_LT(diagnosis.gradient_norm_ratio, 1e-3);
  EXPECT_TRUE(kinds(diagnosis).contains("vanishing gradients"));
}

// The first gradient of weights is as small, or as large, as the inputs are.
TEST(Diagnose, TheUnitOfTheInputsIsNoFaultOfDepth) {
  for (const float scale : {1e-4f, 1.0f, 1e4f}) {
    Dataset data = make_classes(500, 12, 4);
    for (float& value : data.values) value *= scale;
    Patient patient = fresh(mlp({.inputs = 12, .hidden = {20, 20, 20}, .outputs = 4}));
    for (float& weight : patient.values("layer.0.weight")) weight /= scale;
    const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
    EXPECT_NEAR(std::log10(diagnosis.gradient_norm_ratio), std::log10(scale), 1.0);
    EXPECT_FALSE(kinds(diagnosis).contains("vanishing gradients")) << scale;
    EXPECT_FALSE(kinds(diagnosis).contains("exploding gradients")) << scale;
  }
}

TEST(Diagnose, GradientsThatGrowTowardsTheInputExplode) {
  Patient patient = fresh(mlp({.inputs = 12, .hidden = Ints(8, 16), .outputs = 4}));
  for (int layer = 1; layer < 8; ++layer)
    for (float& weight : patient.values("layer." + std::to_string(layer) + ".weight"))
      weight *= 4.0f;
  EXPECT_TRUE(kinds(diagnose(patient.graph, patient.weights, make_classes(500, 12, 4)))
                  .contains("exploding gradients"));
}

// Two layers, a branch that a path goes around, and a linear layer.
Graph two_layers_and_a_branch() {
  const auto linear = [](std::string name, int input, std::int64_t outputs) {
    return Node{std::move(name), "linear", {input}, {{"outputs", outputs}}};
  };
  const auto relu = [](const std::string& layer, int input) {
    return Node{layer + ".f",
                "activation",
                {input},
                {{"activation", Activation("relu")}, {"layer", layer}}};
  };
  return Graph({{"x", "input", {}, {{"shape", Shape{12}}}},
                linear("a", 0, 16),
                relu("a", 1),
                linear("b", 2, 16),
                relu("b", 3),
                linear("branch", 4, 16),
                relu("branch", 5),
                {"sum", "add", {6, 4}, {}},
                linear("out", 7, 4)});
}

// The branch stands last in the file, and passes no gradient; the layers before it do.
TEST(Diagnose, ADeadBranchAtTheEndIsNoExplosion) {
  Patient patient = fresh(two_layers_and_a_branch());
  for (float& bias : patient.values("branch.bias")) bias = -1000.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, make_classes(500, 12, 4));
  EXPECT_TRUE(kinds(diagnosis).contains("dead branch"));
  EXPECT_FALSE(kinds(diagnosis).contains("exploding gradients"));
}

}  // namespace
}  // namespace undying::doctor
