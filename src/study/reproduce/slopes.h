#ifndef UNDYING_STUDY_REPRODUCE_SLOPES_H_
#define UNDYING_STUDY_REPRODUCE_SLOPES_H_

#include "study/reproduce/reproduce.h"

namespace undying::study {

Reproduction slopes(const ReproduceSettings& settings, const ReproduceProgress& progress,
                    const std::stop_token& stop);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_SLOPES_H_
