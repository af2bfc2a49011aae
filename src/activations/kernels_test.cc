// The kernels against plain loops over the oracle, on every vector target and at shapes that leave
// partial vectors.

#include "activations/kernels.h"

#include <gtest/gtest.h>

#include "activations/guarded.h"
#include "activations/test_problem.h"
#include "activations/test_support.h"

namespace undying::activations {
namespace {

float threshold(const Activation& activation) {
  return activation.info().name == "thresholded_relu" ? activation.parameters()[0] : 0.0f;
}

template <class Body>
void for_each_case(const Body& body) {
  for_each_target([&](const std::string& target) {
    std::vector<Activation> all = tested_activations();
    all.emplace_back("prelu:0.25,1");
    for (const Activation& activation : all)
      for (const auto& [rows, units] : std::vector<std::pair<std::int64_t, std::int64_t>>{
               {1, 1}, {3, 10}, {5, 16}, {7, 51}, {33, 32}, {20, 300}}) {
        SCOPED_TRACE(activation.specification() + " on " + target + ", " + std::to_string(rows) +
                     " x " + std::to_string(units));
        body(Case{activation, rows, units});
        if (testing::Test::HasFailure()) return;
      }
  });
}

TEST(ActivationForward, EqualsTheFormulaAtEveryShape) {
  for_each_case([](const Case& c) {
    Problem p(c);
    kernels(p.activation).forward(p.activation, p.forward_args(true));
    for (std::int64_t row = 0; row < p.rows; ++row)
      for (std::int64_t unit = 0; unit < p.units; ++unit) {
        const float x = p.input(row, unit);
        const auto at = static_cast<std::size_t>(p.width * row * p.units + unit);
        const Real wanted = p.value(x, unit);
        ASSERT_NEAR(p.h[at], static_cast<double>(wanted), tolerance(wanted)) << "at " << x;
        if (p.width == 2) {
          ASSERT_EQ(p.h[at + static_cast<std::size_t>(p.units)], x < 0 ? -x : 0.0f);
        }
      }
  });
}

TEST(ActivationForward, CountsWhatFiresAndHowLargeTheOutputsAre) {
  for_each_case([](const Case& c) {
    Problem p(c);
    kernels(p.activation).forward(p.activation, p.forward_args(true));
    for (std::int64_t unit = 0; unit < p.units; ++unit) {
      std::uint32_t fired = 7;
      double abs_output = 0.5;
      for (std::int64_t row = 0; row < p.rows; ++row) {
        fired += p.input(row, unit) > threshold(p.activation);
        for (int half = 0; half < p.width; ++half)
          abs_output += std::abs(p.h[(p.width * row + half) * p.units + unit]);
      }
      ASSERT_EQ(p.fired[unit], fired);
      ASSERT_NEAR(p.abs_output[unit], abs_output, 1e-5 * abs_output);
    }
  });
}

TEST(ActivationForward, CountingChangesNoBit) {
  for_each_case([](const Case& c) {
    Problem counted(c), plain(c);
    kernels(c.activation).forward(c.activation, counted.forward_args(true));
    kernels(c.activation).forward(c.activation, plain.forward_args(false));
    ASSERT_EQ(counted.h.values(), plain.h.values());
  });
}

TEST(ActivationForward, WithoutBiasEqualsZeroBias) {
  for_each_case([](const Case& c) {
    Problem zero(c), none(c);
    std::fill_n(zero.bias.data(), zero.bias.size(), 0.0f);
    ForwardArgs args = none.forward_args(false);
    args.bias = nullptr;
    kernels(c.activation).forward(c.activation, zero.forward_args(false));
    kernels(c.activation).forward(c.activation, args);
    ASSERT_EQ(zero.h.values(), none.h.values());
    ASSERT_EQ(zero.saved.values(), none.saved.values());
  });
}

TEST(ActivationForward, WorksInPlace) {
  for_each_case([](const Case& c) {
    Problem apart(c), together(c);
    kernels(c.activation).forward(c.activation, apart.forward_args(true));
    ForwardArgs args = together.forward_args(true);
    if (saves(c.activation) == Saves::kOutput && c.activation.info().width == 1)
      args.h = together.z.data();
    if (saves(c.activation) != Saves::kOutput) args.saved = together.z.data();
    kernels(c.activation).forward(c.activation, args);
    ASSERT_EQ(apart.h.values(),
              args.h == together.z.data() ? together.z.values() : together.h.values());
    if (args.saved != nullptr) {
      ASSERT_EQ(apart.saved.values(), together.z.values());
    }
  });
}

TEST(ActivationBackward, EqualsTheFormulaAndItsSums) {
  for_each_case([](const Case& c) {
    Problem p(c);
    kernels(p.activation).forward(p.activation, p.forward_args(false));
    kernels(p.activation).backward(p.activation, p.backward_args(true));
    for (std::int64_t unit = 0; unit < p.units; ++unit) {
      double sum = 0.0, abs_sum = 0.25;
      for (std::int64_t row = 0; row < p.rows; ++row) {
        const float x = p.input(row, unit);
        const auto at = static_cast<std::size_t>(row * p.units + unit);
        const auto wide = static_cast<std::size_t>(p.width * row * p.units + unit);
        Real wanted = p.derivative(x, unit) * p.diff_h[wide];
        if (p.width == 2 && x < 0) wanted = -p.diff_h[wide + static_cast<std::size_t>(p.units)];
        ASSERT_NEAR(p.diff_z[at], static_cast<double>(wanted), tolerance(p.diff_h[wide]))
            << "at " << x;
        sum += p.diff_z[at];
        abs_sum += std::abs(p.diff_z[at]);
      }
      ASSERT_NEAR(p.diff_bias[unit], sum, 1e-5 * (1 + abs_sum));
      ASSERT_NEAR(p.abs_gradient[unit], abs_sum, 1e-5 * abs_sum);
    }
  });
}

TEST(ActivationBackward, SumsTheGradientOfLearnedSlopes) {
  for_each_case([](const Case& c) {
    if (!c.activation.info().learned) return;
    Problem p(c);
    kernels(p.activation).forward(p.activation, p.forward_args(false));
    kernels(p.activation).backward(p.activation, p.backward_args(false));
    std::vector<double> wanted(p.slopes.size());
    for (std::int64_t row = 0; row < p.rows; ++row)
      for (std::int64_t unit = 0; unit < p.units; ++unit)
        if (const float x = p.input(row, unit); x <= 0)
          wanted[p.slopes.size() == 1 ? 0 : static_cast<std::size_t>(unit)] +=
              static_cast<double>(x) * p.diff_h[row * p.units + unit];
    for (std::size_t i = 0; i < wanted.size(); ++i)
      ASSERT_NEAR(p.diff_slopes[i], wanted[i], 1e-5 * static_cast<double>(p.rows * p.units));
  });
}

TEST(ActivationBackward, SumsAndPlaceChangeNoBitOfTheGradient) {
  for_each_case([](const Case& c) {
    Problem full(c), bare(c);
    for (Problem* p : {&full, &bare})
      kernels(c.activation).forward(c.activation, p->forward_args(false));
    kernels(c.activation).backward(c.activation, full.backward_args(true));
    BackwardArgs args = bare.backward_args(false);
    args.diff_bias = args.diff_slopes = nullptr;
    if (bare.width == 1) args.diff_z = bare.diff_h.data();
    kernels(c.activation).backward(c.activation, args);
    ASSERT_EQ(full.diff_z.values(), bare.width == 1 ? bare.diff_h.values() : bare.diff_z.values());
  });
}

// 12 million floats: past the caches, so written by streaming stores; from an address that no
// vector is aligned to.
TEST(ActivationForward, LongLinesEqualShortOnes) {
  for_each_target([](const std::string& target) {
    const Activation activation("leaky_relu:0.25");
    constexpr std::size_t kSize = 12'000'003;
    std::vector<float> z(kSize + 1), h(kSize + 1), d(kSize + 1);
    for (std::size_t i = 0; i < z.size(); ++i)
      z[i] = static_cast<float>(static_cast<int>(i % 2003) - 1000);
    const auto units = static_cast<std::int64_t>(kSize);
    kernels(activation)
        .forward(activation, {.rows = 1, .units = units, .z = z.data() + 1, .h = h.data() + 1});
    kernels(activation)
        .backward(activation, {.rows = 1,
                               .units = units,
                               .saved = h.data() + 1,
                               .diff_h = z.data() + 1,
                               .diff_z = d.data() + 1});
    for (std::size_t i = 1; i <= kSize; ++i) {
      ASSERT_EQ(h[i], z[i] > 0 ? z[i] : 0.25f * z[i]) << target << " at " << i;
      ASSERT_EQ(d[i], z[i] > 0 ? z[i] : 0.25f * z[i]) << target << " at " << i;
    }
    ASSERT_EQ(h[0], 0.0f);
    ASSERT_EQ(d[0], 0.0f);
  });
}

// Outputs a few bytes ahead of the input, modulo 4 KiB, are written from the end.
TEST(ActivationForward, LinesAtEveryDistanceAreWhole) {
  for_each_target([](const std::string& target) {
    const Activation activation("relu");
    std::vector<float> memory(4096);
    for (std::size_t offset = 700; offset < 2400; offset += 13)
      for (const std::int64_t units : {1, 63, 64, 200, 601}) {
        for (std::size_t i = 0; i < memory.size(); ++i)
          memory[i] = i % 3 == 0 ? -1.0f : static_cast<float>(i);
        const std::vector<float> before = memory;
        kernels(activation)
            .forward(activation,
                     {.rows = 1, .units = units, .z = memory.data(), .h = memory.data() + offset});
        for (std::size_t i = 0; i < memory.size(); ++i) {
          const bool written = i >= offset && i < offset + static_cast<std::size_t>(units);
          ASSERT_EQ(memory[i], written ? std::max(before[i - offset], 0.0f) : before[i])
              << target << " at " << i;
        }
      }
  });
}

TEST(ActivationForward, ShardsOfABatchEqualTheBatch) {
  for_each_target([](const std::string& target) {
    for (const Activation& activation : tested_activations()) {
      Problem whole(Case{activation, 40, 51}), cut(Case{activation, 40, 51});
      ForwardArgs args = whole.forward_args(false);
      args.training = true;
      args.random = {.seed = 5, .sequence = 2, .step = 9, .first_row = 100};
      kernels(activation).forward(activation, args);
      for (const std::int64_t first : {0, 17}) {
        ForwardArgs shard = cut.forward_args(false);
        shard.rows = first == 0 ? 17 : 23;
        shard.z += first * 51;
        shard.h += whole.width * first * 51;
        if (shard.saved != nullptr) shard.saved += first * 51;
        shard.training = true;
        shard.random = args.random;
        shard.random.first_row += first;
        kernels(activation).forward(activation, shard);
      }
      EXPECT_EQ(whole.h.values(), cut.h.values()) << activation.specification() << " on " << target;
      EXPECT_EQ(whole.saved.values(), cut.saved.values())
          << activation.specification() << " on " << target;
    }
  });
}

TEST(ActivationCensus, EqualsBruteForce) {
  for_each_case([](const Case& c) {
    Problem p(c);
    const auto units = static_cast<std::size_t>(p.units);
    Guarded<std::int64_t> fired(units), gradient_zero(units), saturated(units);
    Guarded<double> abs_sum(units), sum(units), square_sum(units);
    Guarded<float> max(std::vector<float>(units, -std::numeric_limits<float>::infinity()));
    const CensusCounters counters{
        fired.data(), gradient_zero.data(), saturated.data(), abs_sum.data(),
        sum.data(),   square_sum.data(),    max.data(),       0.05f};
    kernels(p.activation).census(p.activation, p.forward_args(false), counters);
    for (std::int64_t unit = 0; unit < p.units; ++unit) {
      const auto at = static_cast<std::size_t>(unit);
      std::int64_t want_fired = 0, want_zero = 0, want_saturated = 0;
      double want_abs = 0.0, want_sum = 0.0, want_square = 0.0;
      float want_max = -std::numeric_limits<float>::infinity();
      for (std::int64_t row = 0; row < p.rows; ++row) {
        const float x = p.input(row, unit);
        const auto value = static_cast<double>(p.width == 2 ? std::abs(x) : p.value(x, unit));
        const Real slope = p.derivative(x, unit);
        want_fired += x > threshold(p.activation);
        want_zero += p.width == 1 && slope == 0;
        want_saturated += std::abs(slope) < 0.05L;
        want_abs += std::abs(value);
        want_sum += value;
        want_square += value * value;
        want_max = std::max(want_max, x);
      }
      ASSERT_EQ(fired[at], want_fired);
      ASSERT_EQ(gradient_zero[at], want_zero);
      if (p.width == 1) {
        ASSERT_EQ(saturated[at], want_saturated);
      }
      ASSERT_NEAR(abs_sum[at], want_abs, 3e-6 * (1 + want_abs));
      ASSERT_NEAR(sum[at], want_sum, 3e-6 * (1 + want_abs));
      ASSERT_NEAR(square_sum[at], want_square, 3e-6 * (1 + want_square));
      ASSERT_EQ(max[at], want_max);
    }
  });
}

}  // namespace
}  // namespace undying::activations
