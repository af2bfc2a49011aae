#include "undying/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "undying/error.h"

namespace undying {
namespace {

Predictions two_classes(const std::vector<float>& of_second) {
  Predictions predictions{
      .size = std::ssize(of_second), .classes = {"no", "yes"}, .outputs = 2, .values = {}};
  for (const float p : of_second)
    predictions.values.insert(predictions.values.end(), {1.0f - p, p});
  return predictions;
}

Dataset labelled(const std::vector<std::int32_t>& labels) {
  return {.name = "d",
          .size = std::ssize(labels),
          .shape = {1},
          .values = std::vector<float>(labels.size()),
          .classes = 2,
          .labels = labels};
}

double value(const Evaluation& evaluation, const std::string& name) {
  for (const Measured& metric : evaluation.metrics)
    if (metric.name == name) return metric.value;
  return std::nan("");
}

TEST(Evaluation, ClassesAsOtherProgramsMeasureThem) {
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
  const Evaluation evaluation =
      evaluate(two_classes({0.1f, 0.4f, 0.2f, 0.7f, 0.9f, 0.8f, 0.45f, 0.75f, 0.95f, 0.85f}),
               labelled(labels));
  EXPECT_NEAR(value(evaluation, "accuracy"), 0.8, 1e-12);
  EXPECT_NEAR(value(evaluation, "balanced accuracy"), (3.0 / 4.0 + 5.0 / 6.0) / 2.0, 1e-12);
  EXPECT_NEAR(value(evaluation, "F1"), (6.0 / 8.0 + 10.0 / 12.0) / 2.0, 1e-12);
  EXPECT_EQ(evaluation.confusion, (std::vector<std::int64_t>{3, 1, 1, 5}));
  double above = 0.0;  // pairs in order, counted
  const float p[] = {0.1f, 0.4f, 0.2f, 0.7f, 0.9f, 0.8f, 0.45f, 0.75f, 0.95f, 0.85f};
  double log_loss = 0.0;
  for (int i = 0; i < 10; ++i) log_loss -= std::log(labels[i] == 1 ? p[i] : 1.0 - p[i]) / 10.0;
  for (int i = 0; i < 4; ++i)
    for (int j = 4; j < 10; ++j) above += p[j] > p[i];
  EXPECT_NEAR(value(evaluation, "AUC"), above / 24.0, 1e-12);
  EXPECT_NEAR(value(evaluation, "log loss"), log_loss, 1e-6);
}

// 8 of 10, by hand: (0.71674 - 0.22658, 0.71674 + 0.22658).
TEST(Evaluation, AccuracyHasWilsonsInterval) {
  const Evaluation evaluation =
      evaluate(two_classes({0.1f, 0.1f, 0.1f, 0.1f, 0.9f, 0.9f, 0.9f, 0.9f, 0.1f, 0.9f}),
               labelled({0, 0, 0, 0, 1, 1, 1, 1, 1, 0}));
  EXPECT_NEAR(evaluation.metrics[0].lower, 0.4902, 1e-4);
  EXPECT_NEAR(evaluation.metrics[0].upper, 0.9433, 1e-4);
}

TEST(Evaluation, CalibrationComparesWhatIsSaidWithWhatIsRight) {
  const Evaluation evaluation =
      evaluate(two_classes({0.75f, 0.75f, 0.75f, 0.75f, 0.75f}), labelled({1, 1, 1, 0, 0}));
  EXPECT_EQ(evaluation.calibration[7].examples, 5);
  EXPECT_NEAR(evaluation.calibration[7].accuracy, 0.6, 1e-12);
  EXPECT_NEAR(evaluation.calibration_error, 0.15, 1e-6);
}

TEST(Evaluation, ValuesByTheirFormulas) {
  const Predictions predictions{.size = 4, .classes = {}, .outputs = 1, .values = {1, 2, 3, 6}};
  const Dataset data{.name = "d",
                     .size = 4,
                     .shape = {1},
                     .values = {0, 0, 0, 0},
                     .outputs = 1,
                     .targets = {1, 2, 5, 4}};
  const Evaluation evaluation = evaluate(predictions, data);
  EXPECT_NEAR(value(evaluation, "RMSE"), std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(value(evaluation, "MAE"), 1.0, 1e-12);
  EXPECT_NEAR(value(evaluation, "R2"), 1.0 - 8.0 / 10.0, 1e-12);
  EXPECT_THROW(evaluate(two_classes({0.5f}), data), Error);
}

}  // namespace
}  // namespace undying
