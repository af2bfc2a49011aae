#ifndef UNDYING_STUDY_REPRODUCE_OVERHEAD_H_
#define UNDYING_STUDY_REPRODUCE_OVERHEAD_H_

#include <vector>

#include "study/reproduce/reproduce.h"
#include "undying/trial.h"

namespace undying::study {

Reproduction overhead(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop);

// The median, with an interval of at least 95% whatever the distribution: the closest order
// statistics by the binomial. The bounds are NaN for fewer than six values.
Estimate median_interval(std::vector<double> values);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_OVERHEAD_H_
