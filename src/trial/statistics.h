#ifndef UNDYING_TRIAL_STATISTICS_H_
#define UNDYING_TRIAL_STATISTICS_H_

#include <limits>
#include <span>
#include <vector>

#include "undying/trial.h"

namespace undying::trial {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Student's t: how many standard errors an interval of coverage 1 - level reaches to either side,
// and the two-sided p of a statistic.
double reach(double level, double degrees);
double two_sided_p(double t, double degrees);

double mean_of(std::span<const double> values);
// The upper one of an even number; NaN for none.
double median_of(std::vector<double> values);
// Sample variance, (n - 1) below; NaN for fewer than two values.
double variance_of(std::span<const double> values);

// Mean with its 95% interval by Student's t; the bounds are NaN for fewer than two values, all is
// NaN for none. The standard deviation is taken to be at least the one given: what is measured in
// steps, as an accuracy is on a test set, is not known more finely.
Estimate mean_interval(std::span<const double> values, double least_deviation = 0.0,
                       double level = 0.05);

// The same of positive values on the logarithmic scale: their geometric mean, with bounds that stay
// above 0.
Estimate geometric_interval(std::span<const double> values, double floor);

// A share of so many trials, with the interval of Clopper and Pearson (1934): exact, so at least as
// wide as its coverage 1 - level asks for. All is NaN of none.
Estimate share_interval(int count, int of, double level = 0.05);

// Fisher's exact test, one-sided: the chance that of all failures at least `failed` fall on these
// `runs` when they fall at random on both.
double fisher_p(int failed, int runs, int other_failed, int other_runs);

// Pearson's correlation with its two-sided p (t test, n - 2 degrees of freedom). NaN and 1 where it
// is not defined.
struct Correlation {
  double r;
  double p_value;
  int n;
};
Correlation correlation(std::span<const double> x, std::span<const double> y);

}  // namespace undying::trial

#endif  // UNDYING_TRIAL_STATISTICS_H_
