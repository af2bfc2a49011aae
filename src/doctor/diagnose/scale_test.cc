// The scale of the inputs as a cause: figures of columns, and deaths that inputs at unit scale take
// away.

#include "doctor/diagnose/scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doctor/test_networks.h"
#include "undying/doctor.h"

namespace undying::doctor {
namespace {

using testing::HasSubstr;

const Finding* cause(const Diagnosis& diagnosis) {
  const auto found = std::ranges::find(diagnosis.findings, "scale of the inputs", &Finding::what);
  return found == diagnosis.findings.end() ? nullptr : &*found;
}

// Column 2 counts in tens, as a table may; the others are near 1.
Dataset table(std::int64_t size = 400) {
  Dataset data = make_classes(size, 6, 3);
  for (std::int64_t row = 0; row < size; ++row) {
    float& value = data.values[row * 6 + 2];
    value = 40.0f + 5.0f * value;
  }
  return data;
}

// A network trained on these inputs as they are, without clipping.
Patient trained(const Dataset& data, float rate) {
  Graph graph = mlp({.inputs = data.features(),
                     .hidden = {32, 32},
                     .outputs = data.classes,
                     .activation = "relu"});
  TrainSettings settings{
      .optimizer = Sgd{.learning_rate = rate}, .batch = 50, .epochs = 5, .seed = 3, .threads = 1};
  settings.evaluate = settings.health.census = false;
  Trainer trainer(graph, settings);
  EXPECT_EQ(trainer.fit(data, data).status, RunStatus::kFinished);
  return {std::move(graph), trainer.tensors()};
}

TEST(Scale, ColumnsAreMeasured) {
  const Dataset data = table();
  const InputMoments moments = moments_of(data);
  double mean = 0.0, square = 0.0;
  for (std::int64_t row = 0; row < 400; ++row) {
    const double value = data.values[row * 6 + 2];
    mean += value / 400.0;
    square += value * value / 400.0;
  }
  EXPECT_NEAR(moments.mean[2], mean, 1e-6 * mean);
  EXPECT_NEAR(moments.deviation[2], std::sqrt(square - mean * mean), 1e-3);
  const InputScale scale = scale_of(data, moments);
  EXPECT_EQ(scale.far, 1);
  EXPECT_EQ(scale.total, 6);
  ASSERT_EQ(scale.columns.size(), 1U);
  EXPECT_EQ(scale.columns[0].name, "column 2");
  EXPECT_FALSE(scale.columns[0].outlier());
}

TEST(Scale, StandardisedInputsHaveNoMeanAndUnitVariance) {
  const Dataset data = table();
  const InputMoments moments = moments_of(data);
  const auto order = train::identity_order(400);
  std::vector<float> inputs(400 * 6);
  StandardisedSource(data, order, moments).inputs(0, 0, 400, inputs.data());
  for (std::size_t column = 0; column < 6; ++column) {
    double mean = 0.0, square = 0.0;
    for (std::size_t row = 0; row < 400; ++row) {
      mean += inputs[row * 6 + column] / 400.0;
      square += inputs[row * 6 + column] * inputs[row * 6 + column] / 400.0;
    }
    EXPECT_NEAR(mean, 0.0, 1e-5) << column;
    EXPECT_NEAR(square, 1.0, 1e-4) << column;
  }
}

// What a first step that is too large for a column leaves: weights below 0 on it, which is far
// above 0 throughout.
TEST(Scale, DeathsThatUnitScaleTakesAwayNameTheColumn) {
  const Dataset data = table();
  Patient patient = fresh(mlp({.inputs = 6, .hidden = {32}, .outputs = 3, .activation = "relu"}));
  for (std::size_t unit = 0; unit < 32; ++unit)
    patient.values("layer.0.weight")[unit * 6 + 2] = unit < 20 ? -2.0f : 2.0f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_EQ(diagnosis.dead(), 20);
  EXPECT_EQ(diagnosis.scale.dead_standardised, 0);
  ASSERT_NE(cause(diagnosis), nullptr);
  EXPECT_THAT(cause(diagnosis)->evidence, HasSubstr("1 of 6 columns"));
  EXPECT_THAT(cause(diagnosis)->evidence, HasSubstr("column 2: mean "));
  EXPECT_THAT(cause(diagnosis)->evidence, HasSubstr("leave 0 units dead, not 20"));
  EXPECT_THAT(cause(diagnosis)->remedy, HasSubstr("--normalize standard"));
  EXPECT_EQ(cause(diagnosis), &diagnosis.findings[0]) << "the cause stands before what it did";
}

// A rate that kills at unit scale is not the inputs' fault.
TEST(Scale, DeathsAtUnitScaleHaveAnotherCause) {
  const Dataset data = make_classes(400, 6, 3);
  const Patient patient = killed(data, 0.8f, {32, 32});
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_GT(diagnosis.dead(), 0);
  EXPECT_EQ(cause(diagnosis), nullptr);
  EXPECT_EQ(diagnosis.scale.far, 0);
}

// Wide inputs and a network that lives with them: nothing to report. Nor where a bias kills
// whatever comes in.
TEST(Scale, WideInputsAloneAreNoFinding) {
  const Dataset data = table();
  Patient patient = fresh(mlp({.inputs = 6, .hidden = {32}, .outputs = 3, .activation = "relu"}));
  for (std::size_t unit = 0; unit < 32; ++unit)
    patient.values("layer.0.weight")[unit * 6 + 2] = unit % 2 == 0 ? 1e-3f : -1e-4f;
  for (float& bias : patient.values("layer.0.bias")) bias = 1.0f;
  EXPECT_EQ(cause(diagnose(patient.graph, patient.weights, data)), nullptr);
  patient.values("layer.0.bias")[4] = -1e6f;
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  EXPECT_EQ(diagnosis.dead(), 1);
  EXPECT_EQ(diagnosis.scale.dead_standardised, 1);
  EXPECT_EQ(cause(diagnosis), nullptr);
}

// One slip in a table: its row is named.
TEST(Scale, AnOutlierIsNamedWithItsExample) {
  Dataset data = make_classes(400, 6, 3);
  data.values[137 * 6 + 4] = 1e6f;
  const InputScale scale = scale_of(data, moments_of(data));
  ASSERT_EQ(scale.columns.size(), 1U);
  EXPECT_TRUE(scale.columns[0].outlier());
  EXPECT_EQ(scale.columns[0].farthest, 137);
  EXPECT_EQ(scale.columns[0].farthest_value, 1e6);
  EXPECT_LT(scale.columns[0].high, 4.0);
  const Patient patient = trained(data, 0.05f);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_NE(cause(diagnosis), nullptr)
      << diagnosis.scale.dead << " and " << diagnosis.scale.dead_standardised;
  EXPECT_THAT(cause(diagnosis)->evidence, HasSubstr("but 1e+06 in example 137"));
  Dataset drawn = data;
  for (std::uint32_t row = 0; row < 400; ++row) drawn.rows.push_back(2 * row);
  EXPECT_THAT(cause(diagnose(patient.graph, patient.weights, drawn))->evidence,
              HasSubstr("in example 137, row 274 of its source"));
  EXPECT_THAT(cause(diagnosis)->remedy, HasSubstr("look at that example first"));
}

// Where nothing is finite any more, wide inputs are named, and not as proven.
TEST(Scale, WideInputsOfANetworkThatIsNotFiniteAreNamed) {
  const Dataset data = table();
  Patient patient = fresh(mlp({.inputs = 6, .hidden = {32}, .outputs = 3, .activation = "relu"}));
  patient.values("layer.0.weight")[0] = std::nanf("");
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_NE(cause(diagnosis), nullptr);
  EXPECT_THAT(cause(diagnosis)->evidence, HasSubstr("is not shown"));
  EXPECT_EQ(cause(diagnose(patient.graph, patient.weights, make_classes(400, 6, 3))), nullptr);
}

// A network that scales its inputs itself, or has statistics of them, is not shown others.
TEST(Scale, NetworksThatScaleTheirInputsAreNotBlamed) {
  const Graph plain = mlp({.inputs = 6, .hidden = {8}, .outputs = 3, .activation = "relu"});
  EXPECT_TRUE(reads_inputs_as_they_come(plain));
  EXPECT_FALSE(reads_inputs_as_they_come(
      mlp({.inputs = 6, .hidden = {8}, .outputs = 3, .activation = "relu", .batch_norm = true})));
  std::vector<Node> nodes = {
      {"x", "input", {}, {{"shape", std::vector<std::int64_t>{6}}}},
      {"thousand", "constant", {}, {{"shape", std::vector<std::int64_t>{1}}}},
      {"scaled", "div", {0, 1}, {}},
      {"out", "linear", {2}, {{"outputs", std::int64_t{3}}}}};
  EXPECT_FALSE(reads_inputs_as_they_come(Graph(std::move(nodes))));
}

TEST(Scale, BytesAreMeasuredAChannel) {
  Dataset data{.name = "bytes",
               .size = 2,
               .shape = {2, 1, 2},
               .bytes = {0, 10, 100, 200, 20, 30, 100, 200},
               .mean = {0.0f},
               .deviation = {1.0f}};
  data.classes = 1;
  data.labels = {0, 0};
  const InputMoments moments = moments_of(data);
  ASSERT_EQ(moments.columns(), 2U);
  EXPECT_NEAR(moments.mean[0], 15.0, 1e-9);
  EXPECT_NEAR(moments.mean[1], 150.0, 1e-9);
  EXPECT_NEAR(moments.deviation[1], 50.0, 1e-9);
}

}  // namespace
}  // namespace undying::doctor
