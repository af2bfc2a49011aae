#include "doctor/prune/shrink.h"

#include <algorithm>
#include <map>
#include <span>

#include "engine/wiring.h"
#include "ops/shapes.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;
using Passing = UnitFlow::Passing;

class Shrinking {
 public:
  Shrinking(const UnitFlow& flow, const UnitFacts& facts, const Selection& selection)
      : flow_(flow),
        facts_(facts),
        selection_(selection),
        model_(flow.model()),
        nodes_(model_.graph().nodes()),
        kept_(nodes_.size()) {
    for (const engine::Parameter& own : model_.parameters())
      tensors_[own.name] = {
          own.name, own.shape, {model_.values(own), model_.values(own) + own.size}};
    for (int at = 0; at < static_cast<int>(nodes_.size()); ++at)
      for (int unit = 0; unit < flow.units(at).count; ++unit)
        if (selection.kept[index(flow.units(at).first + unit)]) kept_[index(at)].push_back(unit);
  }

  Shrunk run() {
    for (int at = 0; at < static_cast<int>(nodes_.size()); ++at) {
      if (flow_.passing(at) == Passing::kWeights) {
        shrink_weights(at);
      } else if (flow_.units(at).axis >= 0) {
        shrink_tensors(at);
        describe(at);
      }
    }
    std::vector<Derived> derived = whole_derived();
    std::vector<Tensor> weights;
    for (auto& [name, tensor] : tensors_) weights.push_back(std::move(tensor));
    return {Graph(std::move(nodes_), model_.graph().outputs(), std::move(derived)),
            std::move(weights)};
  }

 private:
  // What computes the weights that are as they were. Of others there is less than their leaves
  // give.
  std::vector<Derived> whole_derived() const {
    std::vector<Derived> whole;
    for (const engine::Parameter& own : model_.parameters()) {
      if (own.derived < 0) continue;
      const std::vector<float>& values = tensors_.at(own.name).values;
      if (std::ranges::equal(values,
                             std::span(model_.values(own), static_cast<std::size_t>(own.size))))
        whole.push_back(model_.graph().derived()[index(own.derived)]);
    }
    return whole;
  }

  const Node& before(int at) const { return model_.graph().nodes()[index(at)]; }
  const Shape& shape(int at) const { return model_.graph().shapes()[index(at)]; }
  const std::vector<int>& kept(int at) const { return kept_[index(at)]; }
  std::int64_t count(int at) const { return static_cast<std::int64_t>(kept(at).size()); }
  Tensor& tensor(int parameter) { return tensors_.at(model_.parameters()[index(parameter)].name); }
  void set(int at, const char* attribute, Attributes::Value value) {
    nodes_[index(at)].attributes.set(attribute, std::move(value));
  }

  // ---- What sums over units.

  // Weights of one output, an input of its group a slab; and its bias.
  struct Row {
    std::vector<double> weights;
    double bias = 0.0;
  };

  Row row_of(int at, const Slabs& slabs, int output) const {
    const engine::Parameter& own = model_.parameters()[index(slabs.parameter)];
    Row row;
    for (int i = 0; i < slabs.group_inputs(); ++i) {
      const float* slab = model_.values(own) + slabs.first(output, i);
      row.weights.insert(row.weights.end(), slab, slab + slabs.size);
    }
    if (slabs.bias >= 0) row.bias = model_.values(model_.parameters()[index(slabs.bias)])[output];
    if (selection_.blank[index(flow_.units(at).first + output)])
      return {std::vector<double>(row.weights.size(), 0.0), 0.0};
    if (slabs.groups == 1) fold(at, slabs, row);
    return row;
  }

  // Inputs that will not be there any more, or whose values nobody needs.
  void fold(int at, const Slabs& slabs, Row& row) const {
    const int first = flow_.units(before(at).inputs[0]).first;
    for (int i = 0; i < slabs.inputs; ++i) {
      const int entry = first + i;
      if (selection_.kept[index(entry)] && !selection_.blank[index(entry)]) continue;
      const bool constant = folds(flow_, facts_, at, entry);
      const auto slab = row.weights.begin() + i * slabs.size;
      const auto to = row.weights.begin() + (facts_.same[index(entry)] - first) * slabs.size;
      for (std::int64_t k = 0; k < slabs.size; ++k) {
        if (slab[k] == 0.0) continue;
        if (constant) {
          row.bias += slab[k] * facts_.value[index(entry)];
        } else {
          to[k] += slab[k];
        }
        slab[k] = 0.0;
      }
    }
  }

  void shrink_weights(int at) {
    const Slabs before_it = slabs_of(model_, at);
    const int from = before(at).inputs[0];
    Slabs after = before_it;
    after.outputs = static_cast<int>(count(at));
    after.inputs = static_cast<int>(count(from));
    if (before_it.groups > 1) after.groups = after.outputs / before_it.group_outputs();
    std::vector<float> weights(
        static_cast<std::size_t>(after.size * after.outputs * after.group_inputs()));
    std::vector<float> biases;
    for (int output = 0; output < after.outputs; ++output) {
      const Row row = row_of(at, before_it, kept(at)[index(output)]);
      for (int i = 0; i < after.group_inputs(); ++i) {
        const int input = before_it.groups > 1 ? i : kept(from)[index(i)];
        for (std::int64_t k = 0; k < after.size; ++k)
          weights[after.first(output, i) + k] =
              static_cast<float>(row.weights[input * after.size + k]);
      }
      biases.push_back(static_cast<float>(row.bias));
    }
    Tensor& own = tensor(before_it.parameter);
    own.values = std::move(weights);
    own.shape[0] = after.transposed ? after.inputs : after.outputs;
    own.shape[1] = after.transposed ? after.group_outputs() : after.group_inputs();
    set(at, "outputs", std::int64_t{after.outputs});
    if (before_it.groups > 1) set(at, "groups", std::int64_t{after.groups});
    set_bias(at, before_it, std::move(biases));
  }

  // A layer without a bias gets one where a constant is folded into it.
  void set_bias(int at, const Slabs& slabs, std::vector<float> biases) {
    const auto size = static_cast<std::int64_t>(biases.size());
    if (slabs.bias >= 0) {
      Tensor& own = tensor(slabs.bias);
      own = {own.name, {size}, std::move(biases)};
      return;
    }
    if (std::ranges::all_of(biases, [](float bias) { return bias == 0.0f; })) return;
    Node& node = nodes_[index(at)];
    std::string name = node.name + ".bias";
    while (tensors_.contains(name)) name += "_";
    node.attributes.set("bias", std::int64_t{1});
    node.parameters.resize(2);
    node.parameters[1] = name;
    tensors_[name] = {name, {size}, std::move(biases)};
  }

  // ---- What has numbers for each unit.

  void shrink_tensors(int at) {
    const Passing passing = flow_.passing(at);
    const bool channels = passing == Passing::kNorm || passing == Passing::kOwnNorm ||
                          passing == Passing::kElementwise;
    for (const int own : model_.parameters_of(at)) {
      if (channels && tensor(own).values.size() > 1) take(tensor(own), 0, kept(at));
      if (passing == Passing::kTensor) take(tensor(own), index(flow_.units(at).axis), kept(at));
      if (ops::traits_of(before(at)).kind == ops::Kind::kTable) take(tensor(own), 1, kept(at));
    }
  }

  static void take(Tensor& tensor, std::size_t axis, const std::vector<int>& kept) {
    const auto inner =
        static_cast<std::size_t>(ops::extent_product(tensor.shape, axis + 1, tensor.shape.size()));
    const auto extent = static_cast<std::size_t>(tensor.shape[axis]);
    std::vector<float> values;
    for (std::size_t outer = 0; outer < tensor.values.size() / (inner * extent); ++outer)
      for (const int unit : kept) {
        const auto first = tensor.values.begin() +
                           static_cast<std::ptrdiff_t>((outer * extent + index(unit)) * inner);
        values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(inner));
      }
    tensor.values = std::move(values);
    tensor.shape[axis] = static_cast<std::int64_t>(kept.size());
  }

  // Attributes that name extents or places of units.
  void describe(int at) {
    const ops::Traits& traits = ops::traits_of(before(at));
    Shape now = shape(at);
    now[index(flow_.units(at).axis)] = count(at);
    std::vector<Shape> src;
    for (const int from : before(at).inputs) src.push_back(shape(from));
    if (traits.reshape != nullptr) traits.reshape(nodes_[index(at)], src, now);
    if (traits.kind == ops::Kind::kSlice) describe_slice(at);
    if (traits.kind == ops::Kind::kTake) describe_take(at);
  }

  // Where units of the input stand among those that are left of it.
  std::int64_t place(int from, int unit) const {
    return std::ranges::lower_bound(kept(from), unit) - kept(from).begin();
  }

  int source(int at, int unit) const {
    const int from = before(at).inputs[0];
    return flow_.origin(flow_.units(at).first + unit).entries[0] - flow_.units(from).first;
  }

  void describe_slice(int at) {
    const int from = before(at).inputs[0];
    Ints starts = before(at).attributes.get<Ints>("starts");
    Ints ends = before(at).attributes.get<Ints>("ends");
    Ints axes;
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    const auto which =
        ops::axes_in(before(at), before(at).attributes.get_or<Ints>("axes", axes), shape(from));
    for (std::size_t i = 0; i < which.size(); ++i) {
      if (which[i] != index(flow_.units(at).axis) ||
          flow_.origin(flow_.units(at).first).entries.empty())
        continue;
      starts[i] = place(from, source(at, 0));
      ends[i] = starts[i] + count(at);
    }
    set(at, "starts", starts);
    set(at, "ends", ends);
  }

  void describe_take(int at) {
    const auto axis =
        ops::axis_in(before(at), before(at).attributes.get<std::int64_t>("axis"), shape(at));
    if (axis != index(flow_.units(at).axis) || flow_.origin(flow_.units(at).first).entries.empty())
      return;
    Ints indices;
    for (const int unit : kept(at))
      indices.push_back(place(before(at).inputs[0], source(at, unit)));
    set(at, "indices", indices);
  }

  const UnitFlow& flow_;
  const UnitFacts& facts_;
  const Selection& selection_;
  const engine::Model& model_;
  std::vector<Node> nodes_;
  std::vector<std::vector<int>> kept_;  // units by node
  std::map<std::string, Tensor> tensors_;
};

}  // namespace

Shrunk shrink(const UnitFlow& flow, const UnitFacts& facts, const Selection& selection) {
  return Shrinking(flow, facts, selection).run();
}

}  // namespace undying::doctor
