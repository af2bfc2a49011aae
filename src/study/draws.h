#ifndef UNDYING_STUDY_DRAWS_H_
#define UNDYING_STUDY_DRAWS_H_

#include <cstdint>
#include <map>
#include <mutex>

#include "undying/baseline.h"
#include "undying/dataset.h"

namespace undying::study {

// Whether every seed of a study draws the split anew: where it was drawn in the first place, and so few examples are held out that which
// they are decides much.
bool redraws(const Split& data);

// The split of each seed, drawn when it is first asked for; one for all where nothing is redrawn. Any thread may ask.
class Draws {
 public:
  explicit Draws(const Split& data) : data_(data) {}

  const Split& of(std::uint64_t seed);
  Baseline baseline_of(std::uint64_t seed, const TrainSettings& settings);

 private:
  const Split& data_;
  std::mutex mutex_;  // guards splits_
  std::map<std::uint64_t, Split> splits_;
};

}  // namespace undying::study

#endif  // UNDYING_STUDY_DRAWS_H_
