#ifndef UNDYING_STUDY_REPRODUCE_REMEDIES_H_
#define UNDYING_STUDY_REPRODUCE_REMEDIES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "study/reproduce/reproduce.h"
#include "undying/study.h"

namespace undying::study {

Reproduction remedies(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop);

using Curves = std::vector<std::vector<double>>;  // by seed, and task

// What an arm came to, task by task, in the runs that finished.
struct Course {
  ArmPlan plan;
  std::string label;
  Curves accuracy = {};       // share that was right, each example before the step on it
  Curves dead = {};           // share of the hidden units, at the end of each task
  Curves dormant = {};        // the same of the dead and the tau-dormant ones
  Curves rank = {};           // effective, of the last hidden layer
  Curves weights = {};        // norm of all that lead into hidden layers
  std::string verdict = "-";  // of the trial, against ReLU
};

// The arms other than plain ReLU.
std::vector<ArmPlan> remedy_arms();

// Mean and 95% interval over seeds: of the last `window` tasks; of these less the first `window`;
// less those of another arm with the same seed; of all tasks less those of another.
Estimate at_end(const Curves& curves, std::size_t window);
Estimate change(const Curves& curves, std::size_t window);
Estimate less_at_end(const Curves& curves, const Curves& others, std::size_t window);
Estimate less_overall(const Curves& curves, const Curves& others);

// What was published of these arms, beside them. Of an arm with fewer than `seeds` runs nothing is
// concluded.
std::vector<Claim> remedy_claims(const std::vector<Course>& all, std::size_t window, int seeds);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_REMEDIES_H_
