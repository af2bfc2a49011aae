#ifndef UNDYING_STUDY_DRAWS_H_
#define UNDYING_STUDY_DRAWS_H_

#include <cstdint>
#include <map>
#include <mutex>

#include "undying/dataset.h"
#include "undying/evaluation.h"
#include "undying/study.h"

namespace undying::study {

// Whether every seed of a study draws the split anew: where it was drawn in the first place, and so
// few examples are held out that which they are decides much.
bool redraws(const Split& data);

// The same of a study: not where learning rates are tuned, for then the rows they are chosen on
// would be held out in other draws.
bool redraws(const StudySettings& settings, const Split& data);

// The split of each seed, drawn when it is first asked for; one for all where nothing is redrawn.
// Any thread may ask.
class Draws {
 public:
  Draws(Split data, bool redrawn) : data_(std::move(data)), redrawn_(redrawn) {}

  const Split& of(std::uint64_t seed);
  Baseline baseline_of(std::uint64_t seed, const TrainSettings& settings);

 private:
  Split drawn(std::uint64_t seed) const;

  Split data_;
  bool redrawn_;
  std::mutex mutex_;  // guards splits_
  std::map<std::uint64_t, Split> splits_;
};

}  // namespace undying::study

#endif  // UNDYING_STUDY_DRAWS_H_
