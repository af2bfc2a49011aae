#ifndef UNDYING_ENGINE_MODEL_H_
#define UNDYING_ENGINE_MODEL_H_

// A graph with its numbers: the parameters that are trained in one flat arena, running statistics
// and constants in another, each tensor a named range of its arena; and the units of its
// activations, layer behind layer, as counters are indexed. Tensors are row-major, in the shapes
// that files name them by.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "ops/operator.h"
#include "undying/graph.h"

namespace undying::engine {

// A named view into the arena of trained parameters, or into that of running statistics.
struct Parameter {
  std::string name;
  Shape shape;
  ops::ParameterSpec::Role role = ops::ParameterSpec::Role::kWeight;
  std::int64_t offset = 0;  // in floats
  std::int64_t size = 0;
  bool trained = true;
  bool decays = true;
  float initial = 0.0f;
  int node = 0;         // the first that owns it
  bool frozen = false;  // trained by its operator, but not here: neither drawn nor updated
  int derived = -1;     // of graph().derived(), what computes it; it is frozen then
  bool leaf = false;    // such are computed from it: it trains without a node of its own
};

// The units of one activation, neurons or channels: a run of the unit arena.
struct Layer {
  std::string name;  // "layer.3"
  Activation activation;
  int node = 0;  // the activation's
  std::int64_t offset = 0;
  std::int64_t units = 0;
  std::int64_t positions = 1;  // at which each unit stands in one example
  int weight = -1;             // the parameter that feeds it; -1: none
  // Behind a flatten the kernels count a channel at each of its positions apart: the run is units x
  // positions, a unit's positions side by side (channels) or a position's units (rows of a linear
  // layer), and pool() adds them up.
  enum class Counted { kPooled, kByUnit, kByPosition } counted = Counted::kPooled;

  std::int64_t slot(std::int64_t unit, std::int64_t position) const {
    return offset +
           (counted == Counted::kByUnit ? unit * positions + position : position * units + unit);
  }
  // Where a unit's output stands at a position, in the output of the activation for one example. Of
  // one that makes several of a unit (CReLU) the first; the others are units x positions (kByUnit)
  // or units further on.
  std::int64_t place(std::int64_t unit, std::int64_t position) const {
    return counted == Counted::kByUnit ? unit * positions + position
                                       : position * units * activation.info().width + unit;
  }
};

// Brings what a pass counted to one entry a unit, the first `units` of each layer's run. `join(a,
// b)` is what two positions are together.
template <class T, class Join>
void pool(const std::vector<Layer>& layers, T* counts, const Join& join) {
  for (const Layer& layer : layers) {
    if (layer.counted == Layer::Counted::kPooled) continue;
    for (std::int64_t unit = 0; unit < layer.units; ++unit) {
      T all = counts[layer.slot(unit, 0)];
      for (std::int64_t position = 1; position < layer.positions; ++position)
        all = join(all, counts[layer.slot(unit, position)]);
      counts[layer.offset + unit] = all;
    }
  }
}

// Whether each node comes before `node` on a path to it; itself not.
std::vector<bool> upstream(const Graph& graph, int node);

// A graph with storage for its tensors: what training changes.
class Model {
 public:
  explicit Model(Graph graph);

  const Graph& graph() const { return graph_; }
  const std::vector<ops::Value>& node_values() const { return values_; }  // of each node's output
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<Layer>& layers() const { return layers_; }
  std::int64_t trained_size() const { return trained_size_; }  // floats, padding included
  std::int64_t unit_size() const { return unit_size_; }        // units, padding included

  float* trained() { return trained_.data(); }
  std::span<float> statistics() { return statistics_.span(); }  // running means and variances
  float* values(const Parameter& parameter) {
    return (parameter.trained ? trained_ : statistics_).data() + parameter.offset;
  }
  const float* values(const Parameter& parameter) const {
    return (parameter.trained ? trained_ : statistics_).data() + parameter.offset;
  }

  // Of the parameters of these names. Throws Error{kInvalidArgument} where there is none.
  void freeze(std::span<const std::string> names);

  // Indices into parameters() of those a node owns, in the order of its specs. Nodes that name the
  // same tensor share it.
  const std::vector<int>& parameters_of(int node) const { return by_node_[node]; }

  // The activation whose pre-activation this node computes, through normalisations, sums and
  // whatever leaves values as they are; identity where there is none.
  Activation activation_behind(int node) const;

 private:
  const Node& node(int index) const { return graph_.nodes()[index]; }
  int add_parameter(const ops::ParameterSpec& spec, int node);
  void add_parameters(int node);
  void add_layer(int node);
  void add_derived(int derived);
  void find_channels(Layer& layer) const;

  int weight_before(int node) const;

  Graph graph_;
  std::vector<ops::Value> values_;
  std::vector<Parameter> parameters_;
  std::vector<std::vector<int>> by_node_;
  std::map<std::string, int, std::less<>> by_name_;
  std::vector<Layer> layers_;
  std::int64_t trained_size_ = 0;
  std::int64_t statistics_size_ = 0;
  std::int64_t unit_size_ = 0;
  Buffer<float> trained_;
  Buffer<float> statistics_;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_MODEL_H_
