#ifndef UNDYING_STUDY_REPRODUCE_PLASTICITY_H_
#define UNDYING_STUDY_REPRODUCE_PLASTICITY_H_

#include <cstddef>
#include <span>
#include <vector>

#include "study/reproduce/reproduce.h"
#include "undying/trial.h"

namespace undying::study {

Reproduction plasticity(const ReproduceSettings& settings, const ReproduceProgress& progress,
                        const std::stop_token& stop);

// How much the end of curves lies above their beginning: the ratio of the mean of the last `window`
// bins to that of the first, in which a curve still learns; the geometric mean with a 95% interval.
// All is NaN for fewer than two curves.
Estimate growth(std::span<const std::vector<double>> curves, std::size_t window);

// The ratio of the last `window` bins of each curve to those of the other of the same place.
Estimate end_ratio(std::span<const std::vector<double>> curves,
                   std::span<const std::vector<double>> others, std::size_t window);

// How much worse the end of curves is than the best stretch before it: the ratio of the mean of the
// last `window` bins to that of the best `window` among the others, the geometric mean with a 95%
// interval. Which stretch is the best is chosen on every fourth curve, and the ratio is that of the
// rest, so that it is not above 1 by the choice alone. Needs four curves of 2 window bins or more;
// else all is NaN.
Estimate rise(std::span<const std::vector<double>> curves, std::size_t window);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_PLASTICITY_H_
