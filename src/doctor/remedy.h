#ifndef UNDYING_DOCTOR_REMEDY_H_
#define UNDYING_DOCTOR_REMEDY_H_

#include <cstdint>
#include <vector>

#include "doctor/wiring.h"
#include "undying/doctor.h"

namespace undying::doctor {

// A unit of a layer of the model.
struct UnitId {
  std::size_t layer = 0;
  std::int64_t unit = 0;
};

// What every remedy starts from.
struct Case {
  Graph graph;                  // without a softmax that belongs to the loss
  std::vector<Tensor> weights;  // by name
  const Dataset* data = nullptr;
  std::vector<UnitId> dead;
  std::vector<UnitId> living;
};
Case open_case(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data, const Diagnosis& diagnosis);

struct Treated {
  Graph graph;
  std::vector<Tensor> weights;
  RemedyEffect effect;  // but for the difference of the outputs
};
// The network as an arm's run begins; `seed` decides fresh draws and the placebo's choice.
Treated apply(const Remedy& remedy, const Case& patient, std::uint64_t seed);

// The same graph with another activation wherever units can be dead, and how many there are.
Graph swapped(const Graph& graph, const Activation& activation, std::int64_t* count);

// Draws the incoming weights of units anew (Kaiming, with the gain of `activation` or else of their own; bias 0; a batch norm between at
// gamma 1, beta 0 and the statistics of the new pre-activations on D) and sets their outgoing weights to 0. Where the units were dead the
// network's outputs do not change by a bit. Units read by more than weights are skipped. Returns how many were drawn.
std::int64_t reinitialise(engine::Model& model, std::span<const UnitId> units, const Dataset& data, const Activation* activation,
                          std::uint64_t seed);

// Shifts the biases behind each layer so that the mean of what they receive over (a sample of) D is as in `before`: a unit that was 0
// and now is slope * z is made up for by its mean.
void keep_means(engine::Model& model, engine::Model& before, const Dataset& data);

// `count` of the units, in a random order that is a function of the seed.
std::vector<UnitId> choose(std::vector<UnitId> units, std::size_t count, std::uint64_t seed);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REMEDY_H_
