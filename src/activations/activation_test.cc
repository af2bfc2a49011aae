// The notation, the gains and the facts of the family.

#include "undying/activation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "activations/test_support.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string message_of(std::string_view specification) {
  try {
    const Activation activation(specification);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << specification << " was accepted";
  return {};
}

TEST(Activation, ReadsNameAndParameters) {
  const Activation activation("leaky_relu:0.2");
  EXPECT_EQ(activation.info().name, "leaky_relu");
  EXPECT_EQ(activation.parameters()[0], 0.2f);
  EXPECT_EQ(Activation("leaky_relu").parameters()[0], 0.01f);
  EXPECT_EQ(Activation("rrelu:0.125,0.25").parameters()[1], 0.25f);
  EXPECT_EQ(Activation("rrelu:0.25").parameters()[1], 1.0f / 3.0f);
  EXPECT_EQ(Activation("leaky_relu:-1e-3").parameters()[0], -1e-3f);
  EXPECT_TRUE(Activation("relu").parameters().empty());
}

TEST(Activation, SpecificationGivesItBack) {
  EXPECT_EQ(Activation("leaky_relu").specification(), "leaky_relu:0.01");
  EXPECT_EQ(Activation("leaky_relu:0.20").specification(), "leaky_relu:0.2");
  EXPECT_EQ(Activation("relu").specification(), "relu");
  EXPECT_EQ(Activation("prelu:0.1,1").specification(), "prelu:0.1,1");
  EXPECT_EQ(Activation("prelu").specification(), "prelu:0.25");
  std::mt19937 random(3);
  std::uniform_real_distribution<float> slope(-3.0f, 3.0f);
  for (int i = 0; i < 1000; ++i) {
    const Activation activation("leaky_relu:" + std::to_string(slope(random)));
    EXPECT_EQ(Activation(activation.specification()), activation);
  }
  for (const Activation& activation : activations::tested_activations())
    EXPECT_EQ(Activation(activation.specification()), activation);
}

TEST(Activation, ErrorsNameTheTextWhatWasExpectedAndNearMisses) {
  EXPECT_THAT(message_of("leakyrelu:0.1"),
              AllOf(HasSubstr("\"leakyrelu:0.1\""), HasSubstr("did you mean leaky_relu?"),
                    HasSubstr("known: identity, relu")));
  EXPECT_THAT(message_of("LeakyReLU"), HasSubstr("did you mean leaky_relu?"));
  EXPECT_THAT(message_of("gleu"), HasSubstr("did you mean"));
  EXPECT_THAT(message_of("Swish"), HasSubstr("did you mean silu, which is the same function?"));
  EXPECT_THAT(message_of("leaky"), HasSubstr("did you mean leaky_relu?"));
  EXPECT_THAT(message_of("swashbuckle"), testing::Not(HasSubstr("did you mean")));
  EXPECT_THAT(message_of(""), HasSubstr("known: identity"));
  EXPECT_THAT(message_of("leaky_relu:"), AllOf(HasSubstr("slope"), HasSubstr("expected a number")));
  EXPECT_THAT(message_of("leaky_relu:abc"),
              AllOf(HasSubstr("\"abc\""), HasSubstr("expected a number")));
  EXPECT_THAT(message_of("leaky_relu:0.1x"), HasSubstr("expected a number"));
  EXPECT_THAT(message_of("leaky_relu:nan"), HasSubstr("expected a number"));
  EXPECT_THAT(message_of("leaky_relu:inf"), HasSubstr("expected a number"));
  EXPECT_THAT(message_of("leaky_relu:1e99"), HasSubstr("expected a number"));
  EXPECT_THAT(message_of("leaky_relu: 0.1"), HasSubstr("expected a number"));
  EXPECT_THAT(message_of("leaky_relu:0.1,0.2"), HasSubstr("at most 1 value"));
  EXPECT_THAT(message_of("relu:1"), HasSubstr("relu takes no parameter"));
  EXPECT_THAT(message_of("elu:-1"), AllOf(HasSubstr("alpha"), HasSubstr("not below 0")));
  EXPECT_THAT(message_of("celu:0"), HasSubstr("from"));
  EXPECT_THAT(message_of("rrelu:0.5,0.1"), HasSubstr("lower"));
  EXPECT_THAT(message_of("prelu:0.25,0.5"), HasSubstr("per_unit"));
}

TEST(Activation, GainsOfLeakyRectifiersFollowTheirSlope) {
  EXPECT_DOUBLE_EQ(Activation("leaky_relu:0.5").gain(), std::sqrt(2.0 / 1.25));
  EXPECT_DOUBLE_EQ(Activation("prelu").gain(), std::sqrt(2.0 / (1.0 + 0.0625)));
  EXPECT_NEAR(Activation("rrelu").gain(), std::sqrt(2.0 / (1.0 + std::pow(11.0 / 48.0, 2))), 1e-7);
  EXPECT_DOUBLE_EQ(Activation("identity").gain(), 1.0);
  EXPECT_DOUBLE_EQ(Activation("selu").gain(), 1.0);
}

TEST(Activation, OtherGainsKeepTheSecondMomentOfAStandardNormal) {
  EXPECT_NEAR(Activation("relu").gain(), std::sqrt(2.0), 1e-9);
  EXPECT_NEAR(Activation("crelu").gain(), std::sqrt(2.0), 1e-9);
  for (const Activation& activation : activations::tested_activations()) {
    if (activation.info().name == "selu" || activation.info().name == "thresholded_relu") continue;
    double sum = 0.0;  // the trapezoidal rule over the quantiles that matter, with another step
                       // than the library's
    constexpr double kStep = 1.0 / 3000.0;
    for (double x = -10.0; x < 10.0; x += kStep)
      sum += kStep * std::pow(static_cast<double>(activations::oracle_value(activation, x)), 2) *
             std::exp(-0.5 * x * x) / std::sqrt(2.0 * M_PI);
    EXPECT_NEAR(activation.gain(), 1.0 / std::sqrt(sum), 2e-4) << activation.specification();
  }
}

TEST(Activation, ValueAndDerivativeFollowTheOracle) {
  for (const Activation& activation : activations::tested_activations())
    for (const float x :
         {-20.0f, -3.0f, -1.0f, -0.1f, -0.0f, 0.0f, 0.1f, 1.0f, 2.9f, 6.0f, 20.0f}) {
      EXPECT_FLOAT_EQ(activation.value(x),
                      static_cast<float>(activations::oracle_value(activation, x)))
          << activation.specification() << " at " << x;
      EXPECT_NEAR(activation.derivative(x),
                  static_cast<double>(activations::oracle_derivative(activation, x)), 1e-6)
          << activation.specification() << " at " << x;
    }
}

TEST(ActivationFamily, EveryMemberIsCompleteAndNamedOnce) {
  std::set<std::string_view> names;
  for (const ActivationInfo& info : activation_family()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.formula.empty()) << info.name;
    EXPECT_FALSE(info.source.empty()) << info.name;
    EXPECT_EQ(info.onnx_attributes.size(), info.parameters.size()) << info.name;
    EXPECT_EQ(activation_family()[Activation(info.name).index()].name, info.name);
    for (const ActivationParameter& parameter : info.parameters) {
      EXPECT_LE(parameter.lowest, parameter.initial) << info.name;
      EXPECT_LE(parameter.initial, parameter.highest) << info.name;
      EXPECT_FALSE(parameter.meaning.empty()) << info.name;
    }
  }
}

TEST(ActivationFamily, DerivativesMatchFiniteDifferencesAwayFromKinks) {
  for (const Activation& activation : activations::tested_activations())
    for (double x = -8.03; x < 8.0; x += 0.171) {
      constexpr double kStep = 1e-5;
      const double difference = (activations::reference_value(activation, x + kStep) -
                                 activations::reference_value(activation, x - kStep)) /
                                (2 * kStep);
      const double jump = std::abs(activations::reference_derivative(activation, x + kStep) -
                                   activations::reference_derivative(activation, x - kStep));
      if (jump > 1e-3) continue;  // a kink lies between
      EXPECT_NEAR(activations::reference_derivative(activation, x), difference, 1e-6)
          << activation.specification() << " at " << x;
    }
}

TEST(ActivationFamily, ZeroGradientIsDeclaredWhereThereIsOne) {
  for (const ActivationInfo& info : activation_family()) {
    if (info.width != 1) continue;
    // F' is 0 at two neighbouring points of a grid on which no f' underflows.
    bool interval = false;
    for (double x = -5.0; x < 5.0; x += 0.25)
      interval |= activations::reference_derivative(Activation(info.name), x) == 0.0 &&
                  activations::reference_derivative(Activation(info.name), x + 0.25) == 0.0;
    EXPECT_EQ(info.has_zero_gradient, interval) << info.name;
  }
}

}  // namespace
}  // namespace undying
