#ifndef UNDYING_ACTIVATIONS_TARGETS_H_
#define UNDYING_ACTIVATIONS_TARGETS_H_

#include "activations/kernels.h"

namespace undying::activations {

using ForwardFunction = void (*)(const Activation&, const ForwardArgs&);
using BackwardFunction = void (*)(const Activation&, const BackwardArgs&);
using CensusFunction = void (*)(const Activation&, const ForwardArgs&, const CensusCounters&);

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_TARGETS_H_
