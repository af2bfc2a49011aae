#include "train/initialize.h"

#include <algorithm>

#include "base/philox.h"
#include "engine/derivations.h"
#include "engine/initializers.h"

namespace undying::train {

using Role = ops::ParameterSpec::Role;

namespace {

// What multiplies a value begins as 1, what is added along one dimension as 0.
bool is_multiplied(const Graph& graph, int node) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& user) {
    const ops::Arithmetic arithmetic = ops::traits_of(user).arithmetic;
    const bool multiplies =
        arithmetic == ops::Arithmetic::kMultiply || arithmetic == ops::Arithmetic::kDivide;
    return multiplies && std::ranges::find(user.inputs, node) != user.inputs.end();
  });
}

// Weights that no sum over inputs reads: rows of a table, N(0, 1); parameters that values meet one
// by one, 1 where they multiply, 0 where they are one bias a unit, else (places in a sequence,
// tokens) N(0, 0.02^2). Returns whether it was one.
bool draw_apart(const engine::Model& model, const engine::Parameter& parameter,
                std::span<float> values, const Random& random) {
  const ops::Kind kind = ops::traits_of(model.graph().nodes()[parameter.node]).kind;
  const bool table = kind == ops::Kind::kTable;
  if (!table && kind != ops::Kind::kTensor) return false;
  const bool scale = !table && is_multiplied(model.graph(), parameter.node);
  const bool bias = !table && std::ranges::count_if(parameter.shape, [](std::int64_t extent) {
                                return extent > 1;
                              }) <= 1;
  if (scale || bias) {
    std::ranges::fill(values, scale ? 1.0f : 0.0f);
    return true;
  }
  std::vector<double> draws(values.size());
  random.normals(0, draws);
  for (std::size_t i = 0; i < draws.size(); ++i)
    values[i] = static_cast<float>((table ? 1.0 : 0.02) * draws[i]);
  return true;
}

}  // namespace

void initialize(engine::Model& model, Initializer initializer, std::uint64_t seed) {
  std::uint32_t drawn = 0;
  for (const engine::Parameter& parameter : model.parameters()) {
    const bool frozen = parameter.frozen && parameter.derived < 0;
    if (parameter.role != Role::kWeight || frozen || parameter.leaf) continue;
    const std::span<float> values(model.values(parameter),
                                  static_cast<std::size_t>(parameter.size));
    if (draw_apart(model, parameter, values, Random(seed, Stream::kInitialDraw, drawn))) {
      ++drawn;
      continue;
    }
    const std::int64_t fan_out = parameter.shape[0];
    const std::int64_t fan_in = parameter.size / fan_out;
    std::span<float> bias;
    for (const int index : model.parameters_of(parameter.node)) {
      const engine::Parameter& other = model.parameters()[index];
      // Of a transposed convolution, whose weight is (inputs, outputs, ...), the rows drawn have no
      // bias each.
      if (other.role == Role::kBias && other.size == fan_out)
        bias = {model.values(other), static_cast<std::size_t>(other.size)};
    }
    engine::initialize_linear(initializer, model.activation_behind(parameter.node).gain(), fan_in,
                              fan_out, Random(seed, Stream::kInitialDraw, drawn++), values, bias);
  }
  for (const auto& each : engine::derivations_of(model)) each->settle(model);
}

}  // namespace undying::train
