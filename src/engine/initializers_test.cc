#include "engine/initializers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "undying/activation.h"
#include "undying/error.h"
#include "undying/initializer.h"

namespace undying::engine {
namespace {

struct Drawn {
  std::vector<float> weight;
  std::vector<float> bias;
};

Drawn draw(Initializer kind, double gain, std::int64_t fan_in, std::int64_t fan_out,
           std::uint64_t seed = 1) {
  Drawn drawn{std::vector<float>(static_cast<std::size_t>(fan_in * fan_out)),
              std::vector<float>(static_cast<std::size_t>(fan_out), 9.0f)};
  initialize_linear(kind, gain, fan_in, fan_out, Random(seed, Stream::kInitialDraw), drawn.weight,
                    drawn.bias);
  return drawn;
}

// The second moment of n draws lies within 4 standard errors: for the normal its relative standard
// error is sqrt(2 / n), for others less.
void expect_deviation(const std::vector<float>& values, double deviation) {
  double sum = 0.0;
  double squares = 0.0;
  const auto n = static_cast<double>(values.size());
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(sum / n, 0.0, 4 * deviation / std::sqrt(n));
  EXPECT_NEAR(squares / n, deviation * deviation, 4 * deviation * deviation * std::sqrt(2.0 / n));
}

TEST(Initializers, MomentsAreThoseOfTheFormulas) {
  expect_deviation(draw(Initializer::kKaimingNormal, 1.3, 200, 300).weight, 1.3 / std::sqrt(200.0));
  expect_deviation(draw(Initializer::kKaimingUniform, 1.3, 200, 300).weight,
                   1.3 / std::sqrt(200.0));
  expect_deviation(draw(Initializer::kXavierNormal, 1.3, 200, 300).weight, std::sqrt(2.0 / 500.0));
  expect_deviation(draw(Initializer::kXavierUniform, 1.3, 200, 300).weight, std::sqrt(2.0 / 500.0));
  expect_deviation(draw(Initializer::kLecunNormal, 1.3, 200, 300).weight, 1.0 / std::sqrt(200.0));
}

TEST(Initializers, UniformDrawsStayInBounds) {
  const auto drawn = draw(Initializer::kKaimingUniform, 2.0, 50, 100);
  const float bound = static_cast<float>(2.0 * std::sqrt(3.0 / 50.0));
  EXPECT_LE(*std::max_element(drawn.weight.begin(), drawn.weight.end()), bound);
  EXPECT_GE(*std::min_element(drawn.weight.begin(), drawn.weight.end()), -bound);
}

TEST(Initializers, GainScalesTheSameDraw) {
  for (const Initializer kind :
       {Initializer::kKaimingNormal, Initializer::kKaimingUniform, Initializer::kOrthogonal}) {
    const auto one = draw(kind, 1.0, 20, 10);
    const auto two = draw(kind, 2.0, 20, 10);
    for (std::size_t i = 0; i < one.weight.size(); ++i)
      EXPECT_FLOAT_EQ(two.weight[i], 2.0f * one.weight[i]);
  }
}

TEST(Initializers, OrthogonalRowsOrColumnsAreOrthonormal) {
  for (const auto& [in, out] :
       {std::pair<std::int64_t, std::int64_t>{40, 15}, {15, 40}, {20, 20}}) {
    const auto w = draw(Initializer::kOrthogonal, 1.0, in, out).weight;
    const bool wide = out <= in;
    const std::int64_t count = std::min(in, out);
    for (std::int64_t a = 0; a < count; ++a) {
      for (std::int64_t b = 0; b <= a; ++b) {
        double product = 0.0;
        for (std::int64_t k = 0; k < std::max(in, out); ++k)
          product += static_cast<double>(w[wide ? a * in + k : k * in + a]) *
                     w[wide ? b * in + k : k * in + b];
        EXPECT_NEAR(product, a == b ? 1.0 : 0.0, 1e-6);
      }
    }
  }
}

TEST(Initializers, BiasesAreZeroExceptAsymmetric) {
  for (const float bias : draw(Initializer::kKaimingNormal, 1.0, 5, 4).bias) EXPECT_EQ(bias, 0.0f);
}

// Of fan_in + 1 entries of a unit one is in (0, 1] with density 2x; the others have deviation
// 0.6007 / sqrt(fan_in).
TEST(Initializers, RandomizedAsymmetricFollowsLuEtAl) {
  const std::int64_t fan_in = 1000;
  const std::int64_t units = 500;
  const auto drawn = draw(Initializer::kRandomizedAsymmetric, 1.0, fan_in, units);
  const double deviation = 0.6007 / std::sqrt(1000.0);
  double replaced = 0.0;
  int found = 0;
  for (std::int64_t unit = 0; unit < units; ++unit) {
    for (std::int64_t i = 0; i < fan_in; ++i) {
      const double value = drawn.weight[unit * fan_in + i];
      if (value < 6 * deviation)
        continue;  // Beta draws below that are missed: (0.114)^2 = 1.3% of them
      replaced += value;
      ++found;
    }
  }
  EXPECT_GE(found, 470);
  EXPECT_LE(found, 500);
  EXPECT_NEAR(replaced / found, 2.0 / 3.0, 4 * std::sqrt(1.0 / 18.0 / found) + 0.01);
  std::vector<float> ordinary;
  for (const float value : drawn.weight)
    if (std::fabs(value) < 6 * deviation) ordinary.push_back(value);
  expect_deviation(ordinary, deviation);
}

TEST(Initializers, OtherNamesOfADrawAreRecognised) {
  const auto meant = [](const char* other, const char* ours) {
    EXPECT_THAT([&] { parse_initializer(other); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(ours)));
  };
  meant("he", "perhaps kaiming-normal or kaiming-uniform; expected one of");
  meant("he_uniform", "perhaps kaiming-uniform;");
  meant("glorot-normal", "perhaps xavier-normal;");
  meant("lecun", "perhaps lecun-normal;");
  meant("zeros", "\"zeros\" is not known; expected one of kaiming-normal");
  for (const std::string& own : initializer_names()) EXPECT_EQ(name(parse_initializer(own)), own);
}

TEST(Initializers, SeedsGiveDifferentDraws) {
  EXPECT_EQ(draw(Initializer::kKaimingNormal, 1.0, 9, 9, 4).weight,
            draw(Initializer::kKaimingNormal, 1.0, 9, 9, 4).weight);
  EXPECT_NE(draw(Initializer::kKaimingNormal, 1.0, 9, 9, 4).weight,
            draw(Initializer::kKaimingNormal, 1.0, 9, 9, 5).weight);
}

// thresholded_relu:50 gives 0 for every Z ~ N(0, 1) that a double can tell.
TEST(Initializers, AnActivationWithoutAGainIsRefusedWhereTheDrawUsesIt) {
  const double gain = Activation("thresholded_relu:50").gain();
  for (const Initializer kind :
       {Initializer::kKaimingNormal, Initializer::kKaimingUniform, Initializer::kOrthogonal})
    EXPECT_THROW(draw(kind, gain, 4, 3), Error);
  for (const float value : draw(Initializer::kXavierNormal, gain, 4, 3).weight)
    EXPECT_TRUE(std::isfinite(value));
  EXPECT_NO_THROW(draw(Initializer::kKaimingNormal, Activation("thresholded_relu:3").gain(), 4, 3));
}

}  // namespace
}  // namespace undying::engine
