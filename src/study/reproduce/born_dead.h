#ifndef UNDYING_STUDY_REPRODUCE_BORN_DEAD_H_
#define UNDYING_STUDY_REPRODUCE_BORN_DEAD_H_

#include <cstdint>
#include <span>

#include "study/reproduce/reproduce.h"
#include "undying/initializer.h"

namespace undying::study {

Reproduction born_dead(const ReproduceSettings& settings, const ReproduceProgress& progress,
                       const std::stop_token& stop);

// Bounds of Lu et al. 2019 on the probability that a ReLU network of one input, `layers` layers
// (all but the last hidden) of this width, symmetric weights and no bias is a constant; the lower
// one from two layers on.
double born_dead_upper(int width, int layers);
double born_dead_lower(int width, int layers);

// Draws a ReLU network of one input, and returns the first of its hidden layers, from 1, of which
// no unit fires for any of these inputs, so that the network is a constant there; 0: none.
int constant_from(Initializer initializer, int width, int hidden, std::uint64_t seed,
                  std::span<const double> inputs);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_BORN_DEAD_H_
