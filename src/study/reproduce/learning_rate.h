#ifndef UNDYING_STUDY_REPRODUCE_LEARNING_RATE_H_
#define UNDYING_STUDY_REPRODUCE_LEARNING_RATE_H_

#include "study/reproduce/reproduce.h"

namespace undying::study {

Reproduction dead_by_learning_rate(const ReproduceSettings& settings,
                                   const ReproduceProgress& progress, const std::stop_token& stop);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_LEARNING_RATE_H_
