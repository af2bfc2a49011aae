#ifndef UNDYING_DOCTOR_REVIVE_REMEDY_H_
#define UNDYING_DOCTOR_REVIVE_REMEDY_H_

#include <cstdint>
#include <vector>

#include "doctor/diagnose/wiring.h"
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
  std::int64_t anneal_steps = 1;  // over which a slope is annealed in
};
Case open_case(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data, const Diagnosis& diagnosis);

struct Treated {
  Graph graph;
  std::vector<Tensor> weights;
  RemedyEffect effect;  // but for the difference of the outputs
};
// The network as an arm's run begins; `seed` decides fresh draws and the placebo's choice.
Treated apply(const Remedy& remedy, const Case& patient, std::uint64_t seed);

// The same graph with another activation wherever units can be dead, and how many there are. With `anneal`, the slope is reached after so
// many steps, and ReLU alone is replaced: that is what the annealed one begins as.
Graph swapped(const Graph& graph, const Activation& activation, std::int64_t* count, std::int64_t anneal = 0);

// With every slope at its value.
Graph without_annealing(const Graph& graph);

// Draws the incoming weights of units anew (Kaiming, with the gain of `activation` or else of their own; bias 0; a batch norm between at
// gamma 1, beta 0 and the statistics of the new pre-activations on D) and sets their outgoing weights to 0. Where the units were dead the
// network's outputs do not change by a bit. Units are skipped that more than weights read, or whose weights serve something else too.
// Returns how many were drawn.
std::int64_t reinitialise(engine::Model& model, std::span<const UnitId> units, const Dataset& data, const Activation* activation,
                          std::uint64_t seed);

// Shifts the biases (or the running means of a batch norm behind) of linear layers and convolutions, from the input on, so that the mean of
// what each of their units gives over (a sample of) D is as in `before`.
void keep_means(engine::Model& model, const engine::Model& before, const Dataset& data);

// `count` of the units, in a random order that is a function of the seed.
std::vector<UnitId> choose(std::vector<UnitId> units, std::size_t count, std::uint64_t seed);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REVIVE_REMEDY_H_
