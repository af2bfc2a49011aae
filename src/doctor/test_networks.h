#ifndef UNDYING_DOCTOR_TEST_NETWORKS_H_
#define UNDYING_DOCTOR_TEST_NETWORKS_H_

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "train/test_data.h"
#include "undying/doctor.h"
#include "undying/trainer.h"

namespace undying::doctor {

// A network with a fresh draw.
struct Patient {
  Graph graph;
  std::vector<Tensor> weights;

  Tensor& tensor(const std::string& name) {
    const auto found = std::ranges::find(weights, name, &Tensor::name);
    if (found == weights.end()) throw std::runtime_error("no tensor " + name);
    return *found;
  }
  std::vector<float>& values(const std::string& name) { return tensor(name).values; }
};

inline Patient fresh(Graph graph, std::uint64_t seed = 1) {
  std::vector<Tensor> weights = Trainer(graph, {.seed = seed, .threads = 1}).tensors();
  return {std::move(graph), std::move(weights)};
}

// A ReLU network trained at a rate that kills over a third of its units.
inline Patient killed(const Dataset& data, float learning_rate = 0.6f,
                      std::vector<std::int64_t> hidden = {32, 32, 32}) {
  Graph graph = mlp({.inputs = data.features(),
                     .hidden = std::move(hidden),
                     .outputs = data.classes,
                     .activation = "relu"});
  TrainSettings settings{.optimizer = Sgd{.learning_rate = learning_rate, .momentum = 0.9f},
                         .batch = 50,
                         .epochs = 2,
                         .seed = 3,
                         .threads = 1};
  settings.evaluate = false;
  settings.health.census = false;
  settings.clip_norm = 5.0;
  Trainer trainer(graph, settings);
  trainer.fit(data, data);
  return {std::move(graph), trainer.tensors()};
}

// h = relu(branch(x)), and a linear layer of h + x: x has 12 numbers, there are 4 classes.
inline Graph residual() {
  return Graph({{"input", "input", {}, {{"shape", std::vector<std::int64_t>{12}}}},
                {"branch", "linear", {0}, {{"outputs", std::int64_t{12}}}},
                {"branch.f",
                 "activation",
                 {1},
                 {{"activation", Activation("relu")}, {"layer", std::string("branch")}}},
                {"join", "add", {2, 0}, {}},
                {"out", "linear", {3}, {{"outputs", std::int64_t{4}}}}});
}

// What a diagnosis says.
inline std::set<std::string> kinds(const Diagnosis& diagnosis) {
  std::set<std::string> all;
  for (const Finding& finding : diagnosis.findings) all.insert(finding.what);
  return all;
}

// The first of this kind; null: none.
inline const Finding* finding(const Diagnosis& diagnosis, const std::string& what) {
  for (const Finding& each : diagnosis.findings)
    if (each.what == what) return &each;
  return nullptr;
}

inline std::set<std::int64_t> in_state(const LayerDiagnosis& layer, UnitState state) {
  std::set<std::int64_t> units;
  for (std::size_t u = 0; u < layer.lives.size(); ++u)
    if (layer.lives[u].state == state) units.insert(static_cast<std::int64_t>(u));
  return units;
}

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_TEST_NETWORKS_H_
