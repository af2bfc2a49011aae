#ifndef UNDYING_ACTIVATIONS_REFERENCE_H_
#define UNDYING_ACTIVATIONS_REFERENCE_H_

#include "activations/scalar.h"

namespace undying::activations {

// f(x) and f'(x) in double, in evaluation mode, for the tests of other layers. At a kink, the
// derivative from the left.
inline double reference_value(const Activation& activation, double x) {
  return scalar_definitions()[activation.index()].value(activation.parameters(), x);
}

inline double reference_derivative(const Activation& activation, double x) {
  return scalar_definitions()[activation.index()].derivative(activation.parameters(), x);
}

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_REFERENCE_H_
