#include "engine/derivations.h"

#include <algorithm>

namespace undying::engine {
namespace {

Graph graph_of(const Model& model, int parameter) {
  return Graph(model.graph().derived()[model.parameters()[parameter].derived].nodes);
}

// As the network evaluates; with a backward pass.
constexpr std::int64_t kRows = 1;
PlanOptions options() {
  return {.compile = {.capacity = kRows, .training = true, .frozen = true}, .counters = false};
}

// Places of a leaf's elements in the parameter: its extents are those of the parameter, or 1.
// Empty: they do not meet so.
std::vector<std::int64_t> places_in(const Shape& leaf, const Shape& shape) {
  Shape aligned(shape.size() - std::min(shape.size(), leaf.size()), 1);
  aligned.insert(aligned.end(), leaf.begin(), leaf.end());
  if (aligned.size() != shape.size()) return {};
  std::vector<std::int64_t> places = {0};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (aligned[axis] != shape[axis] && aligned[axis] != 1) return {};
    std::vector<std::int64_t> next;
    for (const std::int64_t place : places)
      for (std::int64_t i = 0; i < shape[axis]; ++i)
        next.push_back(place * aligned[axis] + (aligned[axis] == 1 ? 0 : i));
    places = std::move(next);
  }
  return places;
}

}  // namespace

Derivation::Derivation(const Model& model, int parameter)
    : inner_(graph_of(model, parameter)),
      plan_(inner_, options()),
      size_(model.parameters()[parameter].size),
      norms_{.parameter = parameter} {
  plan_.allocate();
  plan_.reserve(kRows);
  for (int inner = 0; inner < static_cast<int>(inner_.parameters().size()); ++inner) {
    const Parameter& tensor = inner_.parameters()[inner];
    const auto outer = std::ranges::find(model.parameters(), tensor.name, &Parameter::name);
    if (tensor.trained)
      leaves_.push_back({static_cast<int>(outer - model.parameters().begin()), inner});
    else
      std::ranges::transform(
          inner_.graph().nodes()[tensor.node].attributes.get<std::vector<double>>("values"),
          inner_.values(tensor), [](double value) { return static_cast<float>(value); });
  }
}

void Derivation::load(const Model& model) {
  for (const Leaf& leaf : leaves_)
    std::copy_n(model.values(model.parameters()[leaf.outer]), model.parameters()[leaf.outer].size,
                inner_.values(inner_.parameters()[leaf.inner]));
}

void Derivation::forward() {
  Shard& shard = plan_.shards()[0];
  plan_.begin(shard, 0, kRows, kRows, 0);
  for (const Segment& segment : plan_.segments())
    for (const Instruction& instruction : segment.instructions)
      if (instruction.kind == Instruction::Kind::kForward) plan_.forward(shard, instruction);
}

void Derivation::derive(Model& model) {
  load(model);
  forward();
  const float* given = plan_.shards()[0].outputs[0];
  float* values = model.values(model.parameters()[norms_.parameter]);
  norms_.update = norms_.weight = 0.0;
  for (std::int64_t i = 0; i < size_; ++i) {
    const double change = static_cast<double>(given[i]) - static_cast<double>(values[i]);
    norms_.update += change * change;
    norms_.weight += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    values[i] = given[i];
  }
}

// Forward first: a backward pass may work in place over what it reads.
void Derivation::pull_back(const Model& model, std::span<const float* const> gradients) {
  load(model);
  forward();
  Shard& shard = plan_.shards()[0];
  norms_.gradient = 0.0;
  for (std::int64_t i = 0; i < size_; ++i) {
    float sum = gradients[0][i];
    for (std::size_t s = 1; s < gradients.size(); ++s) sum += gradients[s][i];
    shard.diff_output[i] = sum;
    norms_.gradient += static_cast<double>(sum) * static_cast<double>(sum);
  }
  for (const Segment& segment : plan_.segments())
    for (const Instruction& instruction : segment.instructions)
      if (instruction.kind == Instruction::Kind::kBackward) plan_.backward(shard, instruction);
}

const float* Derivation::gradient(int parameter) const {
  for (const Leaf& leaf : leaves_)
    if (leaf.outer == parameter)
      return plan_.shards()[0].gradients.data() + plan_.gradient_offset(leaf.inner);
  return nullptr;
}

void Derivation::settle(Model& model) {
  const Parameter& own = model.parameters()[norms_.parameter];
  const std::vector<float> wanted(model.values(own), model.values(own) + size_);
  for (const Leaf& each : leaves_) {
    const Parameter& leaf = model.parameters()[each.outer];
    if (leaf.shape == own.shape) std::ranges::copy(wanted, model.values(leaf));
  }
  derive(model);
  scale_leaves(model, wanted);
  derive(model);
}

// Each element of such a leaf by the factor with which its part of the parameter comes closest.
void Derivation::scale_leaves(Model& model, const std::vector<float>& wanted) {
  const Parameter& own = model.parameters()[norms_.parameter];
  const float* given = model.values(own);
  for (const Leaf& each : leaves_) {
    const Parameter& leaf = model.parameters()[each.outer];
    if (leaf.shape == own.shape) continue;
    const std::vector<std::int64_t> places = places_in(leaf.shape, own.shape);
    if (places.empty()) continue;
    std::vector<double> product(static_cast<std::size_t>(leaf.size));
    std::vector<double> square(static_cast<std::size_t>(leaf.size));
    for (std::size_t i = 0; i < places.size(); ++i) {
      product[places[i]] += static_cast<double>(wanted[i]) * static_cast<double>(given[i]);
      square[places[i]] += static_cast<double>(given[i]) * static_cast<double>(given[i]);
    }
    for (std::int64_t i = 0; i < leaf.size; ++i)
      if (square[i] > 0.0)
        model.values(leaf)[i] =
            static_cast<float>(static_cast<double>(model.values(leaf)[i]) * product[i] / square[i]);
    return;  // a second one would scale what the first has
  }
}

std::vector<std::unique_ptr<Derivation>> derivations_of(const Model& model) {
  std::vector<std::unique_ptr<Derivation>> all;
  for (int i = 0; i < static_cast<int>(model.parameters().size()); ++i)
    if (model.parameters()[i].derived >= 0) all.push_back(std::make_unique<Derivation>(model, i));
  return all;
}

void derive(Model& model) {
  for (const auto& each : derivations_of(model)) each->derive(model);
}

}  // namespace undying::engine
