#ifndef UNDYING_STUDY_STATISTICS_H_
#define UNDYING_STUDY_STATISTICS_H_

#include <span>
#include <vector>

#include "undying/study.h"

namespace undying::study {

// Both take the standard deviation of the values to be at least `least_deviation`: what is measured in steps, as an accuracy is on a
// test set, cannot be known more finely, and a few values that agree are no proof that all would.

// Mean with its 95% interval by Student's t; the bounds are NaN for fewer than two values, all is NaN for none.
Estimate mean_interval(std::span<const double> values, double least_deviation = 0.0);

// Two-sided p of a one-sample t test of `differences` against 0: 1 for fewer than two values or where all are 0; 0 where all are the
// same value other than 0 and there is no least deviation.
double paired_p_value(std::span<const double> differences, double least_deviation = 0.0);

// Holm's step-down adjustment (Holm 1979), in the order given.
std::vector<double> holm(std::span<const double> p_values);

// Pearson's correlation with its two-sided p (t test, n - 2 degrees of freedom). NaN and 1 where it is not defined.
struct Correlation {
  double r;
  double p_value;
  int n;
};
Correlation correlation(std::span<const double> x, std::span<const double> y);

}  // namespace undying::study

#endif  // UNDYING_STUDY_STATISTICS_H_
