// What a network gives, against what is asked of it: baselines, the operator at its end, targets
// that do not fit.

// The diagnosis against a plain forward pass in double, and the ways a detector lies (each a case
// here).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "doctor/test_networks.h"
#include "undying/doctor.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

// What cannot beat an answer without inputs has learned nothing, in classes and in values.
TEST(Diagnose, ANetworkThatDoesNotBeatTheBaselineHasNotLearned) {
  const Dataset data = make_classes(1000, 6, 3);
  const Patient untrained =
      fresh(mlp({.inputs = 6, .hidden = {16}, .outputs = 3, .activation = "relu"}), 4);
  const Diagnosis before = diagnose(untrained.graph, untrained.weights, data);
  ASSERT_TRUE(before.baseline.has_value());
  ASSERT_NE(finding(before, "not learned"), nullptr);
  EXPECT_THAT(finding(before, "not learned")->evidence, HasSubstr("always naming class"));
  const Patient trained = killed(data, 0.02f, {16});
  EXPECT_EQ(finding(diagnose(trained.graph, trained.weights, data), "not learned"), nullptr);
  Dataset values = data;
  values.classes = 0;
  values.labels.clear();
  values.outputs = 1;
  for (std::int64_t row = 0; row < 1000; ++row) values.targets.push_back(data.values[row * 6]);
  Patient line = fresh(Graph({{"x", "input", {}, {{"shape", Ints{6}}}},
                              {"out", "linear", {0}, {{"outputs", std::int64_t{1}}}}}));
  line.values("out.weight") = {1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  EXPECT_TRUE(diagnose(line.graph, line.weights, values).learned());
  line.values("out.weight") = {-1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  const Diagnosis wrong = diagnose(line.graph, line.weights, values);
  ASSERT_NE(finding(wrong, "not learned"), nullptr);
  EXPECT_THAT(finding(wrong, "not learned")->evidence, HasSubstr("always the mean"));
}

TEST(Diagnose, EveryFindingIsOneOfTheNames) {
  const auto names = finding_names();
  const Dataset data = make_classes(300, 12, 4);
  Patient patient = killed(data);
  for (const Finding& each : diagnose(patient.graph, patient.weights, data).findings)
    EXPECT_NE(std::ranges::find(names, each.what), names.end()) << each.what;
}

// Softmax at the end: cross-entropy takes the logits, not probabilities.
TEST(Diagnose, ASoftmaxAtTheEndBelongsToTheLoss) {
  const Dataset data = make_classes(300, 12, 4);
  const Patient plain =
      fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  std::vector<Node> nodes = plain.graph.nodes();
  nodes.push_back({"probabilities", "softmax", {static_cast<int>(nodes.size()) - 1}, {}});
  const Diagnosis with = diagnose(Graph(nodes), plain.weights, data);
  const Diagnosis without = diagnose(plain.graph, plain.weights, data);
  EXPECT_EQ(with.loss, without.loss);
  EXPECT_EQ(with.notes.size(), 1U);
  for (std::size_t i = 0; i < with.gradients.size(); ++i)
    EXPECT_EQ(with.gradients[i].gradient, without.gradients[i].gradient);
}

TEST(Diagnose, ASigmoidAtTheEndBelongsToBinaryCrossEntropy) {
  const Dataset data = make_classes(300, 12, 2);
  const Patient plain =
      fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 1, .activation = "relu"}));
  std::vector<Node> nodes = plain.graph.nodes();
  nodes.push_back({"probability",
                   "activation",
                   {static_cast<int>(nodes.size()) - 1},
                   {{"activation", Activation("sigmoid")}, {"layer", std::string("probability")}}});
  const DiagnoseSettings settings{.loss = Loss::kBinaryCrossEntropy};
  const Diagnosis with = diagnose(Graph(nodes), plain.weights, data, settings);
  const Diagnosis without = diagnose(plain.graph, plain.weights, data, settings);
  EXPECT_EQ(with.loss, without.loss);
  EXPECT_EQ(with.accuracy, without.accuracy);
  EXPECT_EQ(with.notes.size(), 1U);
}

TEST(Diagnose, WhatDoesNotFitIsNamed) {
  const Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  EXPECT_THAT([&] { diagnose(patient.graph, patient.weights, make_classes(50, 11, 4)); },
              testing::ThrowsMessage<Error>(HasSubstr("11")));
  EXPECT_THAT([&] { diagnose(patient.graph, patient.weights, make_classes(50, 12, 5)); },
              testing::ThrowsMessage<Error>(HasSubstr("5 classes")));
  std::vector<Tensor> short_of_one(patient.weights.begin() + 1, patient.weights.end());
  EXPECT_THAT([&] { diagnose(patient.graph, short_of_one, make_classes(50, 12, 4)); },
              testing::ThrowsMessage<Error>(HasSubstr("layer.0.weight")));
}

}  // namespace
}  // namespace undying::doctor
