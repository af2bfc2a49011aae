#include "trial/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace undying::trial {
namespace {

using StudentsT = boost::math::students_t;

}  // namespace

double reach(double level, double degrees) {
  return boost::math::quantile(boost::math::complement(StudentsT(degrees), level / 2.0));
}

double two_sided_p(double t, double degrees) {
  if (std::isinf(t)) return 0.0;
  return 2.0 * boost::math::cdf(boost::math::complement(StudentsT(degrees), std::fabs(t)));
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median_of(std::vector<double> values) {
  if (values.empty()) return kNan;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

double variance_of(std::span<const double> values) {
  if (values.size() < 2) return kNan;
  const double mean = mean_of(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / (static_cast<double>(values.size()) - 1.0);
}

Estimate mean_interval(std::span<const double> values, double least_deviation, double level) {
  const int n = static_cast<int>(values.size());
  if (n == 0) return {kNan, kNan, kNan, 0};
  const double mean = mean_of(values);
  if (n == 1) return {mean, kNan, kNan, 1};
  const double deviation = std::max(std::sqrt(variance_of(values)), least_deviation);
  const double half = reach(level, n - 1) * deviation / std::sqrt(n);
  return {mean, mean - half, mean + half, n};
}

Estimate geometric_interval(std::span<const double> values, double floor) {
  std::vector<double> logarithms;
  for (const double value : values) logarithms.push_back(std::log(std::max(value, floor)));
  const Estimate found = mean_interval(logarithms);
  return {std::exp(found.mean), std::exp(found.lower), std::exp(found.upper), found.n};
}

Estimate share_interval(int count, int of, double level) {
  if (of == 0) return {kNan, kNan, kNan, 0};
  using Binomial = boost::math::binomial_distribution<double>;
  return {static_cast<double>(count) / of, Binomial::find_lower_bound_on_p(of, count, level / 2.0),
          Binomial::find_upper_bound_on_p(of, count, level / 2.0), of};
}

double fisher_p(int failed, int runs, int other_failed, int other_runs) {
  const int failures = failed + other_failed;
  if (failed == 0) return 1.0;
  const boost::math::hypergeometric distribution(static_cast<unsigned>(failures),
                                                 static_cast<unsigned>(runs),
                                                 static_cast<unsigned>(runs + other_runs));
  double p = 0.0;
  for (int k = failed; k <= std::min(failures, runs); ++k) p += boost::math::pdf(distribution, k);
  return std::min(1.0, p);
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
  return {r, two_sided_p(r * std::sqrt((n - 2) / (1.0 - r * r)), n - 2), n};
}

}  // namespace undying::trial
