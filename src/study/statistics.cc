#include "study/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace undying::study {
namespace {

using StudentsT = boost::math::students_t;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Of the mean: sample standard deviation, at least the one given, over the root of n.
double standard_error(std::span<const double> values, double mean, double least_deviation) {
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(std::max(squares / (n - 1.0), least_deviation * least_deviation) / n);
}

double two_sided(double t, double degrees) {
  if (std::isinf(t)) return 0.0;
  return 2.0 * boost::math::cdf(boost::math::complement(StudentsT(degrees), std::fabs(t)));
}

}  // namespace

Estimate mean_interval(std::span<const double> values, double least_deviation) {
  const int n = static_cast<int>(values.size());
  if (n == 0) return {kNan, kNan, kNan, 0};
  const double mean = mean_of(values);
  if (n == 1) return {mean, kNan, kNan, 1};
  const double reach = boost::math::quantile(StudentsT(n - 1), 0.975) * standard_error(values, mean, least_deviation);
  return {mean, mean - reach, mean + reach, n};
}

double paired_p_value(std::span<const double> differences, double least_deviation) {
  if (differences.size() < 2) return 1.0;
  const double mean = mean_of(differences);
  const double error = standard_error(differences, mean, least_deviation);
  if (error == 0.0) return mean == 0.0 ? 1.0 : 0.0;
  return two_sided(mean / error, static_cast<double>(differences.size()) - 1.0);
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double most = 0.0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    most = std::max(most, std::min(1.0, static_cast<double>(order.size() - rank) * p_values[order[rank]]));
    adjusted[order[rank]] = most;
  }
  return adjusted;
}

Correlation correlation(std::span<const double> x, std::span<const double> y) {
  const int n = static_cast<int>(x.size());
  if (n < 3) return {kNan, 1.0, n};
  const double x_mean = mean_of(x);
  const double y_mean = mean_of(y);
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    yy += (y[i] - y_mean) * (y[i] - y_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  if (xx == 0.0 || yy == 0.0) return {kNan, 1.0, n};
  const double r = std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0);
  return {r, two_sided(r * std::sqrt((n - 2) / (1.0 - r * r)), n - 2), n};
}

}  // namespace undying::study
