#ifndef UNDYING_STUDY_REPRODUCE_RECOVERY_H_
#define UNDYING_STUDY_REPRODUCE_RECOVERY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "study/reproduce/reproduce.h"
#include "undying/trainer.h"

namespace undying::study {

Reproduction recovery(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop);

// What pushes units out of the data: of a hidden layer, from 0, up to `most` that fire get a bias
// with which the largest z over the data is -depth times what it was; or, where `shift` is above 0,
// all inputs are lowered by so much, and the units of the first hidden layer that this silences are
// the ones.
struct Kick {
  int layer = 0;
  double depth = 0.1;
  double shift = 0.0;
  int most = 16;
};

// Trains the network of these weights on, its units kicked, with a new optimizer; after which step,
// of every `every` that are looked at, each of them was first seen to fire on any of the data; 0:
// on none of the settings' steps.
std::vector<std::int64_t> steps_to_fire(const Graph& graph, const TrainSettings& settings,
                                        const std::vector<Tensor>& weights, const Dataset& data,
                                        const Kick& kick, std::int64_t every);

// When each silenced unit of each network came back; 0: never.
using UnitsBySeed = std::vector<std::vector<std::int64_t>>;

// The share of the units that were back by then: a mean over networks, for units of one network
// share its fate, with its 95% interval over them, within 0 to 1.
Estimate share_back(const UnitsBySeed& steps, std::int64_t until);

// In how many of the networks any unit of any of these kicks was back by then, with Clopper and
// Pearson's interval; whether that says "none": not one was, in enough networks.
Estimate networks_with_return(std::span<const UnitsBySeed* const> kicks, std::int64_t until);
bool none_back(const Estimate& networks);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_RECOVERY_H_
