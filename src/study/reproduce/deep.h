#ifndef UNDYING_STUDY_REPRODUCE_DEEP_H_
#define UNDYING_STUDY_REPRODUCE_DEEP_H_

#include "study/reproduce/reproduce.h"
#include "undying/health.h"

namespace undying::study {

Reproduction deep_34x128(const ReproduceSettings& settings, const ReproduceProgress& progress,
                         const std::stop_token& stop);

// What a census says of a network that does not learn. A layer of dead units: nothing passes it.
// Else how the second moment of the signal, mean over units and data, goes from the first hidden
// layer to the last.
struct Blocked {
  bool dead_layer = false;
  double signal = 0.0;  // last / first
  double dead = 0.0;    // share of all units
  double dead_last = 0.0;
};
Blocked blocked(const CensusRecord& census);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_DEEP_H_
