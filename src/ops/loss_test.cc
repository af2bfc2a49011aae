#include "ops/loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "base/test_support.h"

namespace undying::ops {
namespace {

struct Examples {
  std::int64_t rows;
  std::int64_t width;
  std::vector<float> outputs;
  std::vector<std::int32_t> labels;
  std::vector<float> targets;
};

Examples make_examples(std::int64_t rows, std::int64_t width, double spread = 3.0) {
  const Random random(11, Stream::kTest, static_cast<std::uint32_t>(width));
  Examples examples{rows, width, {}, {}, {}};
  for (std::int64_t i = 0; i < rows * width; ++i) {
    examples.outputs.push_back(
        static_cast<float>(spread * random.normal(static_cast<std::uint64_t>(i))));
    examples.targets.push_back(
        static_cast<float>(random.uniform(static_cast<std::uint64_t>(1000 + i))));
  }
  for (std::int64_t i = 0; i < rows; ++i)
    examples.labels.push_back(static_cast<std::int32_t>(
        random.below(static_cast<std::uint64_t>(5000 + i), static_cast<std::uint64_t>(width))));
  return examples;
}

// The mean loss over the rows by the textbook, in double.
double reference(const LossOptions& options, const Examples& examples,
                 const std::vector<double>& x) {
  double total = 0.0;
  for (std::int64_t row = 0; row < examples.rows; ++row) {
    const auto at = [&](std::int64_t j) {
      return static_cast<std::size_t>(row * examples.width + j);
    };
    double sum = 0.0;
    for (std::int64_t j = 0; j < examples.width; ++j) sum += std::exp(x[at(j)]);
    for (std::int64_t j = 0; j < examples.width; ++j) {
      const double width = static_cast<double>(examples.width);
      const double y = examples.targets[at(j)];
      const double distance = std::fabs(x[at(j)] - y);
      const double one_hot = examples.labels[row] == j ? 1.0 : 0.0;
      const double probability = 1.0 / (1.0 + std::exp(-x[at(j)]));
      switch (options.loss) {
        case Loss::kSoftmaxCrossEntropy:
          total -= ((1.0 - options.label_smoothing) * one_hot + options.label_smoothing / width) *
                   std::log(std::exp(x[at(j)]) / sum);
          break;
        case Loss::kMeanSquaredError:
          total += distance * distance / width;
          break;
        case Loss::kBinaryCrossEntropy:
          total -= (y * std::log(probability) + (1.0 - y) * std::log(1.0 - probability)) / width;
          break;
        case Loss::kHuber:
          total += (distance <= options.huber_delta
                        ? 0.5 * distance * distance
                        : options.huber_delta * (distance - 0.5 * options.huber_delta)) /
                   width;
      }
    }
  }
  return total / static_cast<double>(examples.rows);
}

class LossFunction : public testing::TestWithParam<std::tuple<Loss, std::int64_t, double>> {};

TEST_P(LossFunction, ValueAndGradientAgreeWithTheFormula) {
  const auto [loss, width, smoothing] = GetParam();
  const LossOptions options{.loss = loss, .label_smoothing = smoothing, .huber_delta = 0.7};
  const Examples examples = make_examples(7, width);
  std::vector<float> diff(examples.outputs.size());
  const bool classes = loss == Loss::kSoftmaxCrossEntropy;
  const LossSums sums = compute_loss(options, {.rows = examples.rows,
                                               .width = width,
                                               .outputs = examples.outputs.data(),
                                               .labels = classes ? examples.labels.data() : nullptr,
                                               .targets = examples.targets.data(),
                                               .diff = diff.data(),
                                               .scale = 1.0f / 7.0f});
  std::vector<double> x(examples.outputs.begin(), examples.outputs.end());
  const double expected = reference(options, examples, x);
  EXPECT_NEAR(sums.loss / 7.0, expected, 1e-6 * (1.0 + expected));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double h = 1e-5;
    const double at = x[i];
    x[i] = at + h;
    const double above = reference(options, examples, x);
    x[i] = at - h;
    const double below = reference(options, examples, x);
    x[i] = at;
    EXPECT_NEAR(diff[i], (above - below) / (2.0 * h), 2e-7) << "at " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LossFunction,
                         testing::Values(std::tuple{Loss::kSoftmaxCrossEntropy, 10, 0.0},
                                         std::tuple{Loss::kSoftmaxCrossEntropy, 2, 0.1},
                                         std::tuple{Loss::kSoftmaxCrossEntropy, 16, 0.2},
                                         std::tuple{Loss::kSoftmaxCrossEntropy, 37, 0.0},
                                         std::tuple{Loss::kSoftmaxCrossEntropy, 1000, 0.3},
                                         std::tuple{Loss::kMeanSquaredError, 3, 0.0},
                                         std::tuple{Loss::kBinaryCrossEntropy, 4, 0.0},
                                         std::tuple{Loss::kHuber, 5, 0.0}));

TEST(SoftmaxCrossEntropy, OfManyRowsIsTheFormulasAndCountsTheCorrectOnEveryTarget) {
  for (const std::int64_t width : {1, 2, 10, 33, 1000}) {
    const Examples examples = make_examples(203, width);
    std::int64_t correct = 0;
    for (std::int64_t row = 0; row < examples.rows; ++row) {
      const auto first = examples.outputs.begin() + row * width;
      correct += std::max_element(first, first + width) - first == examples.labels[row];
    }
    const double expected =
        reference({}, examples, {examples.outputs.begin(), examples.outputs.end()});
    for_each_target([&](const std::string& target) {
      const LossSums sums = compute_loss({}, {.rows = examples.rows,
                                              .width = width,
                                              .outputs = examples.outputs.data(),
                                              .labels = examples.labels.data()});
      EXPECT_NEAR(sums.loss / 203.0, expected, 1e-6 * (1.0 + expected)) << width << ' ' << target;
      EXPECT_EQ(sums.correct, correct) << width << ' ' << target;
    });
  }
}

// Of two classes that are equally likely the first counts.
// A weighed row is the row by itself, loss and gradient, times its weight.
TEST(Weights, AreFactorsOfTheRows) {
  for (const Loss loss : {Loss::kSoftmaxCrossEntropy, Loss::kBinaryCrossEntropy})
    for (const std::int64_t width : {2, 5, 17}) {
      const LossOptions options{.loss = loss,
                                .label_smoothing = loss == Loss::kSoftmaxCrossEntropy ? 0.1 : 0.0};
      const Examples examples = make_examples(40, width);
      std::vector<float> weights;
      for (std::int64_t row = 0; row < 40; ++row)
        weights.push_back(0.25f + static_cast<float>(row % 7));
      std::vector<float> diff(examples.outputs.size());
      LossArgs all{.rows = 40,
                   .width = width,
                   .outputs = examples.outputs.data(),
                   .labels = examples.labels.data(),
                   .diff = diff.data()};
      all.scale = 1.0f / 40.0f;
      all.weights = weights.data();
      double expected = 0.0;
      const LossSums sums = compute_loss(options, all);
      for (std::int64_t row = 0; row < 40; ++row) {
        std::vector<float> one(static_cast<std::size_t>(width));
        LossArgs args{.rows = 1,
                      .width = width,
                      .outputs = all.outputs + row * width,
                      .labels = all.labels + row,
                      .diff = one.data()};
        const double weight = weights[row];
        expected += weight * compute_loss(options, args).loss;
        for (std::int64_t j = 0; j < width; ++j)
          EXPECT_NEAR(diff[row * width + j], weight * one[j] / 40.0, 1e-6);
      }
      EXPECT_NEAR(sums.loss, expected, 1e-4 * expected);
      std::ranges::fill(weights, 1.0f);
      const LossSums even = compute_loss(options, all);
      all.weights = nullptr;
      EXPECT_NEAR(even.loss, compute_loss(options, all).loss, 1e-9 * even.loss);
    }
}

TEST(SoftmaxCrossEntropy, OfEqualOutputsTheFirstIsTheGuess) {
  const std::vector<float> outputs = {1.0f, 3.0f, 3.0f, 0.0f, 0.0f, 0.0f};
  for (const std::int32_t label : {0, 1, 2}) {
    const std::vector<std::int32_t> labels = {label, label};
    const LossSums sums = compute_loss(
        {}, {.rows = 2, .width = 3, .outputs = outputs.data(), .labels = labels.data()});
    EXPECT_EQ(sums.correct, label == 0 || label == 1 ? 1 : 0) << label;
  }
}

TEST(SoftmaxCrossEntropy, StaysFiniteForLargeLogits) {
  const std::vector<float> outputs = {1e30f, -1e30f, 0.0f, -3e4f, 3e4f, 1.0f};
  const std::vector<std::int32_t> labels = {0, 1};
  std::vector<float> diff(6);
  const LossSums sums = compute_loss({}, {.rows = 2,
                                          .width = 3,
                                          .outputs = outputs.data(),
                                          .labels = labels.data(),
                                          .diff = diff.data()});
  EXPECT_EQ(sums.loss, 0.0);
  EXPECT_EQ(sums.correct, 2);
  for (const float value : diff) EXPECT_TRUE(std::isfinite(value));
}

TEST(SoftmaxCrossEntropy, NanInAnyOutputMakesTheLossNan) {
  for (std::size_t bad = 0; bad < 5; ++bad) {
    std::vector<float> outputs = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
    outputs[bad] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::int32_t> labels = {2};
    EXPECT_TRUE(std::isnan(
        compute_loss({},
                     {.rows = 1, .width = 5, .outputs = outputs.data(), .labels = labels.data()})
            .loss))
        << bad;
  }
}

TEST(BinaryCrossEntropy, OneOutputCountsSignAgainstLabel) {
  const std::vector<float> outputs = {2.0f, -1.0f, 0.5f};
  const std::vector<std::int32_t> labels = {1, 0, 0};
  const LossSums sums =
      compute_loss({.loss = Loss::kBinaryCrossEntropy},
                   {.rows = 3, .width = 1, .outputs = outputs.data(), .labels = labels.data()});
  EXPECT_EQ(sums.correct, 2);
  EXPECT_NEAR(sums.loss,
              std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-1.0)) + std::log1p(std::exp(0.5)),
              1e-6);
}

// Two outputs side by side, the first of three classes, the second of two values.
TEST(Loss, OfSeveralOutputsIsTheirWeightedSum) {
  const OutputLoss classes{"policy", Loss::kSoftmaxCrossEntropy, 2.0, 0, 3, 2, 1, true};
  const OutputLoss values{"value", Loss::kMeanSquaredError, 0.5, 3, 2, 0, 2, false};
  const LossOptions both{.outputs = {classes, values}};
  ASSERT_EQ(both.columns(), 3);
  const std::vector<float> outputs = {1, 2, 0.5, -1, 3, 0, -1, 4, 2, 2};
  const std::vector<float> targets = {0.5, 1, 1, -2, 0, 2};
  std::vector<float> diff(10);
  const LossArgs args{.rows = 2,
                      .width = 5,
                      .outputs = outputs.data(),
                      .targets = targets.data(),
                      .diff = diff.data(),
                      .scale = 0.5f};
  const LossSums sums = compute_loss(both, args);
  double expected = 0.0;
  for (int row = 0; row < 2; ++row) {
    const float* x = outputs.data() + 5 * row;
    const float* t = targets.data() + 3 * row;
    const double sum = std::exp(x[0]) + std::exp(x[1]) + std::exp(x[2]);
    const auto label = static_cast<int>(t[2]);
    expected -= 2.0 * std::log(std::exp(static_cast<double>(x[label])) / sum);
    expected += 0.5 * (std::pow(x[3] - t[0], 2) + std::pow(x[4] - t[1], 2)) / 2.0;
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(diff[5 * row + i], 0.5 * 2.0 * (std::exp(x[i]) / sum - (i == label ? 1 : 0)),
                  1e-6);
    for (int i = 0; i < 2; ++i)
      EXPECT_NEAR(diff[5 * row + 3 + i], 0.5 * 0.5 * (x[3 + i] - t[i]), 1e-6);
  }
  EXPECT_NEAR(sums.loss, expected, 1e-6);
  EXPECT_EQ(sums.correct, 0);
  EXPECT_EQ(compute_loss(both, classes, args).correct, 2);
}

}  // namespace
}  // namespace undying::ops
