#include "optim/update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/philox.h"
#include "undying/error.h"

namespace undying::optim {
namespace {

constexpr double kRate = 0.03;

// One parameter in double, by PyTorch's documentation of each optimizer.
struct Scalar {
  double w, m = 0.0, v = 0.0;
};
using Rule = std::function<void(Scalar&, double g, int step)>;

struct Tested {
  const char* label;
  Optimizer optimizer;
  Rule rule;
};

std::vector<Tested> tested() {
  return {
      {"sgd", Sgd{.weight_decay = 0.1f},
       [](Scalar& p, double g, int) { p.w -= kRate * (g + 0.1 * p.w); }},
      {"momentum", Sgd{.momentum = 0.9f, .weight_decay = 0.01f},
       [](Scalar& p, double g, int) {
         p.m = 0.9 * p.m + g + 0.01 * p.w;
         p.w -= kRate * p.m;
       }},
      {"nesterov", Sgd{.momentum = 0.8f, .nesterov = true},
       [](Scalar& p, double g, int) {
         p.m = 0.8 * p.m + g;
         p.w -= kRate * (g + 0.8 * p.m);
       }},
      {"adam", Adam{.weight_decay = 0.02f},
       [](Scalar& p, double g, int step) {
         g += 0.02 * p.w;
         p.m = 0.9 * p.m + 0.1 * g;
         p.v = 0.999 * p.v + 0.001 * g * g;
         p.w -= kRate * (p.m / (1 - std::pow(0.9, step))) /
                (std::sqrt(p.v / (1 - std::pow(0.999, step))) + 1e-8);
       }},
      {"adamw", AdamW{.weight_decay = 0.02f},
       [](Scalar& p, double g, int step) {
         p.w -= kRate * 0.02 * p.w;
         p.m = 0.9 * p.m + 0.1 * g;
         p.v = 0.999 * p.v + 0.001 * g * g;
         p.w -= kRate * (p.m / (1 - std::pow(0.9, step))) /
                (std::sqrt(p.v / (1 - std::pow(0.999, step))) + 1e-8);
       }},
      {"lion", Lion{.weight_decay = 0.02f},
       [](Scalar& p, double g, int) {
         const double mixed = 0.9 * p.m + 0.1 * g;
         p.w -= kRate * ((mixed > 0 ? 1 : mixed < 0 ? -1 : 0) + 0.02 * p.w);
         p.m = 0.99 * p.m + 0.01 * g;
       }},
      {"rmsprop", RmsProp{.momentum = 0.5f},
       [](Scalar& p, double g, int) {
         p.v = 0.99 * p.v + 0.01 * g * g;
         p.m = 0.5 * p.m + g / (std::sqrt(p.v) + 1e-8);
         p.w -= kRate * p.m;
       }},
  };
}

class Update : public testing::TestWithParam<std::tuple<std::size_t, int, std::int64_t, bool>> {};

TEST_P(Update, TwentyStepsAgreeWithTheFormula) {
  const auto [which, shards, n, pulled] = GetParam();
  const Tested rule = tested()[which];
  const Random random(31, Stream::kTest);
  const auto size = static_cast<std::size_t>(n);
  std::vector<float> weights(size + 1, 7.0f);
  std::vector<float> states[2] = {std::vector<float>(size + 1, 0.0f),
                                  std::vector<float>(size + 1, 0.0f)};
  std::vector<Scalar> expected(size);
  std::vector<float> towards(size);
  const Pull pull{pulled ? towards.data() : nullptr, 0.3f};
  for (std::size_t i = 0; i < size; ++i) {
    weights[i] = static_cast<float>(random.normal(i));
    towards[i] = static_cast<float>(random.normal(500'000 + i));
    expected[i].w = weights[i];
  }
  for (int step = 1; step <= 20; ++step) {
    std::vector<std::vector<float>> gradients(static_cast<std::size_t>(shards));
    std::vector<const float*> pointers;
    for (auto& gradient : gradients) {
      for (std::size_t i = 0; i < size; ++i)
        gradient.push_back(static_cast<float>(
            random.normal(1'000'000 + static_cast<std::uint64_t>(step) * 100'000 +
                          static_cast<std::uint64_t>(pointers.size()) * 10'000 + i)));
      pointers.push_back(gradient.data());
    }
    const auto kept = gradients;
    const UpdateArgs args{.n = n,
                          .weights = weights.data(),
                          .gradients = pointers,
                          .state = {states[0].data(), states[1].data()},
                          .learning_rate = kRate,
                          .step = step,
                          .pull = pull};
    const double before_update = gradient_square_sum(args);
    const SliceNorms norms = update(rule.optimizer, args);
    EXPECT_EQ(gradients, kept) << "gradients are read only";
    double gradient2 = 0.0, update2 = 0.0, weight2 = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
      double g = 0.0;
      for (const auto& gradient : gradients) g += gradient[i];
      const double before = expected[i].w;
      if (pulled) g += 0.3 * (before - towards[i]);
      rule.rule(expected[i], g, step);
      gradient2 += g * g;
      weight2 += before * before;
      update2 += (expected[i].w - before) * (expected[i].w - before);
      ASSERT_NEAR(weights[i], expected[i].w, 2e-5 * (1.0 + std::fabs(expected[i].w)))
          << "step " << step << " element " << i;
    }
    // A pull may cancel nearly all of a gradient: float32 rounding of its parts is left.
    const double gradient_error = 1e-5 * gradient2 + (pulled ? 1e-6 * std::sqrt(gradient2) : 0.0);
    EXPECT_NEAR(norms.gradient, gradient2, gradient_error);
    EXPECT_NEAR(norms.update, update2, 2e-4 * update2);
    EXPECT_NEAR(norms.weight, weight2,
                1e-4 * weight2 + 1e-9);  // weights near 0 carry float32 rounding
    EXPECT_NEAR(before_update, gradient2, gradient_error);
  }
  EXPECT_EQ(weights[size], 7.0f) << "nothing is written past the end";
  EXPECT_EQ(states[0][size], 0.0f);
}

INSTANTIATE_TEST_SUITE_P(All, Update,
                         testing::Combine(testing::Range<std::size_t>(0, tested().size()),
                                          testing::Values(1, 3),
                                          testing::Values<std::int64_t>(1, 37, 2051),
                                          testing::Bool()),
                         [](const auto& made) {
                           return std::string(tested()[std::get<0>(made.param)].label) + "_shards" +
                                  std::to_string(std::get<1>(made.param)) + "_n" +
                                  std::to_string(std::get<2>(made.param)) +
                                  (std::get<3>(made.param) ? "_pulled" : "");
                         });

TEST(UpdateDecay, IsLeftOutWhereAskedTo) {
  for (const Optimizer& optimizer :
       {Optimizer(Sgd{.weight_decay = 0.5f}), Optimizer(AdamW{.weight_decay = 0.5f})}) {
    float weight = 1.0f;
    const float gradient = 0.0f;
    const float* gradients[] = {&gradient};
    float state[2] = {0.0f, 0.0f};
    UpdateArgs args{.n = 1,
                    .weights = &weight,
                    .gradients = gradients,
                    .state = {&state[0], &state[1]},
                    .learning_rate = 0.1,
                    .decay = false};
    update(optimizer, args);
    EXPECT_EQ(weight, 1.0f);
    args.decay = true;
    update(optimizer, args);
    EXPECT_LT(weight, 1.0f);
  }
}

// A weight without gradient, as of a unit that is dead, stays where it is.
TEST(UpdateLion, DoesNotMoveWhereNothingPulls) {
  float weight = 1.0f, state = 0.0f;
  const float gradient = 0.0f;
  const float* gradients[] = {&gradient};
  update(Lion{}, {.n = 1,
                  .weights = &weight,
                  .gradients = gradients,
                  .state = {&state, nullptr},
                  .learning_rate = 0.1});
  EXPECT_EQ(weight, 1.0f);
}

TEST(UpdateScale, ScalesTheGradientButNotTheNormReported) {
  float weight = 0.0f;
  const float gradient = 4.0f;
  const float* gradients[] = {&gradient};
  const SliceNorms norms = update(Sgd{}, {.n = 1,
                                          .weights = &weight,
                                          .gradients = gradients,
                                          .learning_rate = 1.0,
                                          .gradient_scale = 0.25});
  EXPECT_EQ(weight, -1.0f);
  EXPECT_EQ(norms.gradient, 16.0);
}

TEST(Validate, NamesTheSetting) {
  const auto refuses = [](const Optimizer& optimizer, const char* message) {
    EXPECT_THAT([&] { validate(optimizer); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(message)));
  };
  refuses(Sgd{.learning_rate = 0.0f}, "sgd learning rate");
  refuses(Sgd{.learning_rate = std::numeric_limits<float>::quiet_NaN()}, "learning rate");
  refuses(Sgd{.momentum = 1.0f}, "sgd momentum");
  refuses(Sgd{.nesterov = true}, "nesterov");
  refuses(Adam{.beta1 = -0.1f}, "adam beta1");
  refuses(AdamW{.epsilon = 0.0f}, "adamw epsilon");
  refuses(RmsProp{.weight_decay = -1.0f}, "rmsprop weight decay");
  EXPECT_NO_THROW(validate(Sgd{.momentum = 0.9f, .nesterov = true}));
}

}  // namespace
}  // namespace undying::optim
