#include "activations/random_slopes.h"

#include <gtest/gtest.h>

#include "activations/test_problem.h"
#include "base/philox.h"

namespace undying::activations {
namespace {

TEST(Rrelu, DrawsTheDocumentedSlopeForEveryElement) {
  for_each_target([](const std::string& target) {
    const Activation activation("rrelu:0.1,0.5");
    Problem p(Case{activation, 9, 37});
    ForwardArgs args = p.forward_args(false);
    args.training = true;
    args.random = {.seed = 11, .sequence = 3, .step = 1234, .first_row = 64};
    kernels(activation).forward(activation, args);
    const Random draws(11, Stream::kRandomSlope, 3);
    for (std::int64_t row = 0; row < 9; ++row)
      for (std::int64_t unit = 0; unit < 37; ++unit) {
        const float x = p.input(row, unit);
        const std::uint64_t index = (1234ull << 36) + (static_cast<std::uint64_t>(64 + row) << 18) +
                                    static_cast<std::uint64_t>(unit);
        const double slope = 0.1 + 0.4 * draws.uniform(index);
        const auto at = static_cast<std::size_t>(row * 37 + unit);
        ASSERT_NEAR(p.saved[at], x > 0 ? 1.0 : slope, 1e-7) << target;
        ASSERT_NEAR(p.h[at], x > 0 ? x : slope * x, 1e-6 * std::abs(x)) << target;
      }
  });
}

TEST(Rrelu, SlopesFillTheirRangeEvenly) {
  const Activation activation("rrelu:0.125,0.375");
  const std::vector<float> z(40000, -1.0f);
  std::vector<float> h(z.size()), saved(z.size());
  ForwardArgs args{.rows = 200, .units = 200, .z = z.data(), .h = h.data(), .saved = saved.data()};
  args.random.seed = 3;
  kernels(activation).forward(activation, args);
  double sum = 0.0, square = 0.0;
  for (const float slope : saved) {
    ASSERT_GE(slope, 0.125f);
    ASSERT_LE(slope, 0.375f);
    sum += slope;
    square += (slope - 0.25) * (slope - 0.25);
  }
  EXPECT_NEAR(sum / 40000, 0.25, 4 * 0.25 / std::sqrt(12.0 * 40000));
  EXPECT_NEAR(square / 40000, 0.0625 / 12, 0.0625 / 12 * 0.03);
}

}  // namespace
}  // namespace undying::activations
