#ifndef UNDYING_STUDY_REPRODUCE_COMMON_H_
#define UNDYING_STUDY_REPRODUCE_COMMON_H_

// What the rows of the list share: runs of a study, and figures in words.

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "study/reproduce/reproduce.h"
#include "undying/study.h"

namespace undying::study {

// "1.67 [1.42, 1.96]", each figure in this form; "-" where there is none.
std::string interval_text(const Estimate& estimate, const char* form);
// Of so many of so many, in percent, with Clopper and Pearson's interval: "92.0% [90.1, 93.6]".
std::string share_text(int count, int of);
std::string percent_text(const Estimate& share);

// The runs of a study, its progress told under this name. The runs that were stopped are not
// present, and counted in Study::missing. Where there is a folder, they are kept there in a file of
// `stored`, and what was changed of the settings must be in that name.
struct StudyOf {
  std::string name;
  std::string stored;
};
Study run_arms(StudySettings settings, const Split& data, const StudyOf& of,
               const ReproduceSettings& reproduce, const ReproduceProgress& progress,
               const std::stop_token& stop);

// As it is called in the tables: the control is only an activation here.
std::string label_of(const Arm& arm);
bool is_shown(const Arm& arm);  // the placebo is not

// Of runs that ended by themselves: finished, or diverged.
std::vector<const ArmRun*> runs_of(const Arm& arm);
// Over finished runs.
Estimate mean_over(const Arm& arm, const std::function<double(const ArmRun&)>& figure);
// What a share cannot be is no part of its interval.
Estimate of_share(Estimate estimate);
// Mean over finished runs of the training loss of each kept step, and the plot for it.
Curve loss_curve(const Arm& arm, const std::string& label);
Plot loss_plot(const std::string& title, std::vector<Curve> curves);
int count_of(const Arm& arm, const std::function<bool(const ArmRun&)>& what);

void leave_open(std::vector<Claim>& claims, const std::string& reason);

// The size at which the claims of a row are decided: its own.
struct FullSize {
  int seeds = 0;
  std::int64_t steps = 0;  // of a run
};
// Claims of a run that is quick, or shorter or of fewer seeds than the row's own, decide nothing:
// says why behind each.
void leave_open_if_short(std::vector<Claim>& claims, const ReproduceSettings& settings,
                         const FullSize& full);

// How long the runs of a row are that counts in epochs, where so many steps (0: whole epochs) are
// asked for.
struct Length {
  std::int64_t epochs = 0;
  std::int64_t steps = 0;  // at most; 0: all of the epochs
  std::int64_t full = 0;   // steps of the row's own epochs

  std::string text() const;  // "2 epochs", "1 step"
};
Length length_of(std::int64_t own_epochs, std::int64_t steps, std::int64_t examples,
                 std::int64_t batch);

// Calls work(i) for each i in [0, count), on so many threads (0: one per core), and behind each
// tells, one call at a time, how far it is under this name. A stop ends it early.
struct Work {
  std::string name;
  int count = 0;
  std::function<void(int)> item;
};
void work_on_threads(const Work& work, int threads, const ReproduceProgress& progress,
                     const std::stop_token& stop);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_COMMON_H_
