#ifndef UNDYING_ACTIVATIONS_TEST_PROBLEM_H_
#define UNDYING_ACTIVATIONS_TEST_PROBLEM_H_

#include <cstdint>
#include <random>

#include "activations/guarded.h"
#include "activations/kernels.h"
#include "activations/test_support.h"

// What tests give the kernels, and what they expect of them.
namespace undying::activations {

struct Case {
  Activation activation;
  std::int64_t rows;
  std::int64_t units;
};

// Random inputs of one case, and where the kernels write. Arrays end at pages without access.
struct Problem {
  explicit Problem(const Case& c)
      : activation(c.activation),
        rows(c.rows),
        units(c.units),
        width(c.activation.info().width),
        z(count(1)),
        bias(static_cast<std::size_t>(c.units)),
        h(count(width)),
        saved(count(1)),
        diff_h(count(width)),
        diff_z(count(1)),
        slopes(slope_count()),
        diff_slopes(slope_count()),
        diff_bias(bias.size()),
        fired(bias.size()),
        abs_output(bias.size()),
        abs_gradient(bias.size()) {
    std::mt19937 random(static_cast<unsigned>(c.rows * 1000 + c.units));
    std::normal_distribution<float> normal(0.0f, 2.0f);
    for (auto* array : {&z, &bias, &diff_h, &slopes})
      for (std::size_t i = 0; i < array->size(); ++i) (*array)[i] = normal(random);
    z[0] = bias[0] = 0.0f;  // an input of exactly 0
    for (std::size_t i = 0; i < bias.size(); ++i)
      fired[i] = 7, abs_output[i] = 0.5f, abs_gradient[i] = 0.25f, diff_bias[i] = 99.0f;
    for (std::size_t i = 0; i < diff_slopes.size(); ++i) diff_slopes[i] = 99.0f;
  }

  std::size_t count(int copies) const { return static_cast<std::size_t>(rows * units * copies); }
  std::size_t slope_count() const {
    if (!activation.info().learned) return 1;
    return activation.parameters()[1] != 0.0f ? static_cast<std::size_t>(units) : 1;
  }
  float slope(std::int64_t unit) {
    return slopes[slopes.size() == 1 ? 0 : static_cast<std::size_t>(unit)];
  }

  ForwardArgs forward_args(bool counted) {
    ForwardArgs args{
        .rows = rows, .units = units, .z = z.data(), .bias = bias.data(), .h = h.data()};
    if (saves(activation) != Saves::kOutput) args.saved = saved.data();
    args.slopes = slopes.data();
    args.slope_count = static_cast<std::int64_t>(slopes.size());
    args.training = false;
    if (counted) args.counters = {.fired = fired.data(), .abs_output = abs_output.data()};
    return args;
  }

  BackwardArgs backward_args(bool counted) {
    BackwardArgs args{.rows = rows,
                      .units = units,
                      .saved = saves(activation) == Saves::kOutput ? h.data() : saved.data()};
    args.diff_h = diff_h.data();
    args.diff_z = diff_z.data();
    args.diff_bias = diff_bias.data();
    args.slopes = slopes.data();
    args.slope_count = static_cast<std::int64_t>(slopes.size());
    args.diff_slopes = activation.info().learned ? diff_slopes.data() : nullptr;
    if (counted) args.counters.abs_gradient = abs_gradient.data();
    return args;
  }

  // z + bias, rounded as the kernels round it.
  float input(std::int64_t row, std::int64_t unit) { return z[row * units + unit] + bias[unit]; }

  Real value(float x, std::int64_t unit) {
    if (activation.info().learned) return x > 0 ? x : static_cast<Real>(slope(unit)) * x;
    return oracle_value(activation, x);
  }
  Real derivative(float x, std::int64_t unit) {
    if (activation.info().learned) return x > 0 ? 1 : static_cast<Real>(slope(unit));
    return oracle_derivative(activation, x);
  }

  Activation activation;
  std::int64_t rows, units;
  int width;
  Guarded<float> z, bias, h, saved, diff_h, diff_z, slopes, diff_slopes, diff_bias;
  Guarded<std::uint32_t> fired;
  Guarded<float> abs_output, abs_gradient;
};

inline double tolerance(Real size) { return static_cast<double>(2e-6L * (1 + std::abs(size))); }

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_TEST_PROBLEM_H_
