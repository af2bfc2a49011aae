#ifndef UNDYING_DOCTOR_REVIVE_REMEDY_H_
#define UNDYING_DOCTOR_REVIVE_REMEDY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "doctor/revive/unit_moments.h"
#include "engine/wiring.h"
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
  Sampled sampled;              // what means and statistics are taken over
  std::vector<UnitId> dead;
  std::vector<UnitId> living;
  std::int64_t anneal_steps = 1;  // over which a slope is annealed in
  // Of the network as it came, where they are known.
  std::shared_ptr<const NodeMeans> means = nullptr;
};
Case open_case(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
               const Diagnosis& diagnosis);

struct Treated {
  Graph graph;
  std::vector<Tensor> changed;  // tensors that the patient has otherwise, or not at all
  RemedyEffect effect;          // but for the difference of the outputs

  std::vector<Tensor> weights(std::vector<Tensor> patient) const;  // all, with those of the patient
};
// The network as an arm's run begins; `seed` decides fresh draws and the placebo's choice.
Treated apply(const Remedy& remedy, const Case& patient, std::uint64_t seed);
bool depends_on_seed(const Remedy& remedy);

// What each arm begins with: made once where it does not depend on the seed, and for the first
// seed. From any thread.
class Treatments {
 public:
  Treatments(Case patient, std::uint64_t first_seed)
      : patient_(std::move(patient)), first_seed_(first_seed) {}

  const Case& patient() const { return patient_; }
  std::shared_ptr<const Treated> of(const Remedy& remedy, std::uint64_t seed);

 private:
  Case patient_;
  std::uint64_t first_seed_;
  std::mutex mutex_;  // guards made_ and the means of the patient
  std::map<std::string, std::shared_ptr<const Treated>> made_;
};

// The same graph with another activation wherever units can be dead, and how many there are. With
// `anneal`, the slope is reached after so many steps, and ReLU alone is replaced: that is what the
// annealed one begins as.
Graph swapped(const Graph& graph, const Activation& activation, std::int64_t* count,
              std::int64_t anneal = 0);

// With every slope at its value.
Graph without_annealing(const Graph& graph);

// Draws the incoming weights of units anew (Kaiming, with the gain of `activation` or else of their
// own; bias 0; a batch norm between at gamma 1, beta 0 and the statistics of the new
// pre-activations on D) and sets their outgoing weights to 0. Where the units were dead the
// network's outputs do not change by a bit. Units are skipped that more than weights read, or whose
// weights serve something else too. Returns how many were drawn.
std::int64_t reinitialise(engine::Model& model, std::span<const UnitId> units,
                          const Sampled& sampled, const Activation* activation, std::uint64_t seed);

// Of the outputs of every linear layer and convolution, by node: the means of its units over the
// sample.
NodeMeans means_of(engine::Model& model, const Sampled& sampled);

// Shifts the biases (or the running means of a batch norm behind) of linear layers and
// convolutions, from the input on, so that the mean of what each of their units gives over the
// sample is what is wanted: each layer sees what those before it have become.
void keep_means(engine::Model& model, const NodeMeans& wanted, const Sampled& sampled);

// `count` of the units, in a random order that is a function of the seed.
std::vector<UnitId> choose(std::vector<UnitId> units, std::size_t count, std::uint64_t seed);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REVIVE_REMEDY_H_
