// Ranges of activations against their formulas; what a network can put out against what the loss
// asks for.

#include "doctor/diagnose/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "doctor/test_networks.h"
#include "undying/doctor.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(RangeOf, IsThatOfTheFormula) {
  const struct {
    const char* activation;
    double least, greatest;
  } cases[] = {{"identity", -kInfinity, kInfinity},
               {"relu", 0.0, kInfinity},
               {"relu6", 0.0, 6.0},
               {"leaky_relu:0.01", -kInfinity, kInfinity},
               {"leaky_relu:0", 0.0, kInfinity},
               {"leaky_relu:-0.5", 0.0, kInfinity},
               {"prelu", -kInfinity, kInfinity},
               {"rrelu", -kInfinity, kInfinity},
               {"elu:2", -2.0, kInfinity},
               {"celu:0.5", -0.5, kInfinity},
               {"selu", -1.7580993, kInfinity},
               {"tanh", -1.0, 1.0},
               {"sigmoid", 0.0, 1.0},
               {"hardsigmoid", 0.0, 1.0},
               {"softplus", 0.0, kInfinity},
               {"gelu", -0.1699712, kInfinity},
               {"silu", -0.2784645, kInfinity},
               {"mish", -0.3088430, kInfinity},
               {"hardswish", -0.375, kInfinity},
               {"crelu", 0.0, kInfinity}};
  for (const auto& [activation, least, greatest] : cases) {
    const Interval range = range_of(activation);
    if (std::isinf(least)) {
      EXPECT_EQ(range.least, least) << activation;
    } else {
      EXPECT_NEAR(range.least, least, 1e-4) << activation;
    }
    if (std::isinf(greatest)) {
      EXPECT_EQ(range.greatest, greatest) << activation;
    } else {
      EXPECT_NEAR(range.greatest, greatest, 1e-4) << activation;
    }
  }
}

const Finding* finding(const Diagnosis& diagnosis, const std::string& what) {
  const auto found = std::ranges::find(diagnosis.findings, what, &Finding::what);
  return found == diagnosis.findings.end() ? nullptr : &*found;
}

// Values of -3 to -1, but for `above` of them, which are 2.
Dataset values(std::int64_t size, std::int64_t above) {
  Dataset data = make_classes(size, 6, 2);
  data.classes = 0;
  data.labels.clear();
  data.outputs = 1;
  for (std::int64_t i = 0; i < size; ++i)
    data.targets.push_back(
        i < above ? 2.0f : -1.0f - 2.0f * static_cast<float>(i) / static_cast<float>(size));
  return data;
}

Patient with_end(const char* activation, std::int64_t outputs = 1) {
  std::vector<Node> nodes =
      mlp({.inputs = 6, .hidden = {16}, .outputs = outputs, .activation = "relu"}).nodes();
  nodes.push_back({"end",
                   "activation",
                   {static_cast<int>(nodes.size()) - 1},
                   {{"activation", Activation(activation)}, {"layer", std::string("end")}}});
  return fresh(Graph(std::move(nodes)));
}

TEST(Reach, AHeadThatCannotGoBelowZeroIsNamedWithItsShareOfTheTargets) {
  for (const char* head : {"relu", "sigmoid", "softplus", "relu6"}) {
    const Patient patient = with_end(head);
    const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, values(200, 50));
    const Finding* found = finding(diagnosis, "targets out of reach");
    ASSERT_NE(found, nullptr) << head;
    EXPECT_THAT(found->evidence, testing::HasSubstr(std::string(head)));
    EXPECT_GE(diagnosis.reach->share, 0.75 - 1e-9) << head;
    EXPECT_EQ(found->layer, "end");
  }
  const Patient tanh = with_end("tanh");
  EXPECT_GT(diagnose(tanh.graph, tanh.weights, values(200, 0)).reach->share, 0.9);
}

TEST(Reach, WhatCanBeReachedIsNoFinding) {
  for (const char* head : {"identity", "leaky_relu", "prelu", "elu:5"}) {
    const Patient patient = with_end(head);
    EXPECT_EQ(
        finding(diagnose(patient.graph, patient.weights, values(200, 50)), "targets out of reach"),
        nullptr)
        << head;
  }
  Dataset positive = values(200, 0);
  for (float& target : positive.targets) target = -target;  // 1 to 3
  const Patient relu = with_end("relu");
  EXPECT_EQ(finding(diagnose(relu.graph, relu.weights, positive), "targets out of reach"), nullptr);
  for (float& target : positive.targets) target = (target - 1.0f) / 2.0f;  // 0 to 1, ends included
  const Patient sigmoid = with_end("sigmoid");
  EXPECT_EQ(finding(diagnose(sigmoid.graph, sigmoid.weights, positive), "targets out of reach"),
            nullptr);
}

// tanh times 4 reaches -3; tanh alone does not.
TEST(Reach, ScalingBehindAnActivationCounts) {
  std::vector<Node> nodes = with_end("tanh").graph.nodes();
  const int end = static_cast<int>(nodes.size()) - 1;
  nodes.push_back({"four", "constant", {}, {{"shape", Ints{1}}}});
  nodes.push_back({"scaled", "mul", {end, end + 1}, {}});
  Patient patient = fresh(Graph(std::move(nodes)));
  patient.values("four.value") = {4.0f};
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, values(200, 0));
  ASSERT_TRUE(diagnosis.reach.has_value());
  EXPECT_NEAR(diagnosis.reach->outputs.least, -4.0, 1e-6);
  EXPECT_EQ(finding(diagnosis, "targets out of reach"), nullptr);
}

// The mean of a window of ones and of padding that counts is below 1, which a unit alone is not.
TEST(Reach, PaddingThatAnAverageCountsIsAZeroBesideItsInputs) {
  for (const std::int64_t counts : {0, 1}) {
    const Patient patient =
        fresh(Graph({{"x", "input", {}, {{"shape", Ints{6}}}},
                     {"first", "linear", {0}, {{"outputs", std::int64_t{4}}}},
                     {"tanh",
                      "activation",
                      {1},
                      {{"activation", Activation("sigmoid")}, {"layer", std::string("first")}}},
                     {"one", "constant", {}, {{"shape", Ints{1}}}},
                     {"above", "add", {2, 3}, {}},
                     {"row", "reshape", {4}, {{"shape", Ints{1, 4}}}},
                     {"pool",
                      "average_pool",
                      {5},
                      {{"kernel", Ints{2}}, {"pads", Ints{1, 1}}, {"count_include_pad", counts}}},
                     {"flat", "flatten", {6}, {}}}));
    Patient shifted = patient;
    shifted.values("one.value") = {1.0f};  // 1 to 2
    Dataset data = make_classes(20, 6, 2);
    data.classes = 0;
    data.labels.clear();
    data.outputs = 5;
    data.targets.assign(100, 0.6f);
    const Diagnosis diagnosis = diagnose(shifted.graph, shifted.weights, data);
    ASSERT_TRUE(diagnosis.reach.has_value());
    EXPECT_EQ(diagnosis.reach->outputs.least, counts != 0 ? 0.0 : 1.0);
    EXPECT_EQ(finding(diagnosis, "targets out of reach") == nullptr, counts != 0);
  }
}

// Cross-entropy applies a softmax: behind a sigmoid no class of four can have more than e / (e +
// 3).
TEST(Reach, ALossThatAppliesItsSoftmaxAgainIsNamed) {
  const Patient patient = with_end("sigmoid", 4);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, make_classes(200, 6, 4));
  ASSERT_NE(finding(diagnosis, "wrong loss"), nullptr);
  EXPECT_NEAR(diagnosis.reach->outputs.greatest, std::exp(1.0) / (std::exp(1.0) + 3.0), 1e-6);
  std::vector<Node> nodes =
      mlp({.inputs = 6, .hidden = {16}, .outputs = 2, .activation = "relu"}).nodes();
  nodes.push_back({"probabilities", "softmax", {static_cast<int>(nodes.size()) - 1}, {}});
  const Patient soft = fresh(Graph(std::move(nodes)));
  const Dataset two = make_classes(200, 6, 2);
  EXPECT_EQ(finding(diagnose(soft.graph, soft.weights, two), "wrong loss"), nullptr)
      << "its own softmax is part of cross-entropy";
  EXPECT_NE(finding(diagnose(soft.graph, soft.weights, two, {.loss = Loss::kBinaryCrossEntropy}),
                    "wrong loss"),
            nullptr);
}

// Logits that name the classes well, measured against 0 and 1.
TEST(Reach, LogitsUnderSquaredErrorAreNamed) {
  const Dataset data = make_classes(400, 6, 3);
  Patient patient = fresh(Graph({{"x", "input", {}, {{"shape", Ints{6}}}},
                                 {"out", "linear", {0}, {{"outputs", std::int64_t{3}}}}}));
  auto& weight = patient.values("out.weight");
  std::ranges::fill(weight, 0.0f);
  for (std::size_t j = 0; j < 3; ++j) weight[j * 6 + j] = 5.0f;
  const Diagnosis logits =
      diagnose(patient.graph, patient.weights, data, {.loss = Loss::kMeanSquaredError});
  EXPECT_NE(finding(logits, "wrong loss"), nullptr);
  EXPECT_EQ(finding(diagnose(patient.graph, patient.weights, data), "wrong loss"), nullptr);
  for (std::size_t j = 0; j < 3; ++j) weight[j * 6 + j] = 0.3f;
  EXPECT_EQ(
      finding(diagnose(patient.graph, patient.weights, data, {.loss = Loss::kMeanSquaredError}),
              "wrong loss"),
      nullptr);
}

}  // namespace
}  // namespace undying::doctor
