#include "doctor/prune/unit_flow.h"

#include <algorithm>

#include "engine/wiring.h"
#include "ops/convolution/window.h"
#include "ops/shapes.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;
using Role = ops::ParameterSpec::Role;

bool is_tensor(const Node& node) { return ops::traits_of(node).kind == ops::Kind::kTensor; }

int product(const Shape& shape, int first, int last) {
  return static_cast<int>(
      ops::extent_product(shape, static_cast<std::size_t>(first), static_cast<std::size_t>(last)));
}

}  // namespace

UnitFlow::UnitFlow(const engine::Model& model)
    : model_(&model),
      units_(model.graph().nodes().size()),
      passing_(units_.size(), Passing::kNothing) {
  for (int at = 0; at < static_cast<int>(units_.size()); ++at) visit(at);
  for (const int output : model.graph().outputs()) pin(output, "an output of the network");
  for (int entry = 0; entry < entries(); ++entry) groups_[index(entry)] = root(entry);
}

void UnitFlow::visit(int at) {
  if (ops::is_input(node(at))) return keep_all(at, "beside the input of the network");
  if (is_tensor(node(at))) return;  // has units where it first meets some
  if (shares_tensors(at)) return keep_all(at, "weights that several nodes share");
  if (!tell(at))
    keep_all(at, "an operator that mixes units or keeps no order of them (" + node(at).op + ")");
}

bool UnitFlow::tell(int at) {
  using ops::Kind;
  switch (ops::traits_of(node(at)).kind) {
    case Kind::kWeights:
      return weigh(at);
    case Kind::kTable:
      return look_up(at);
    case Kind::kActivation:
      return activation(at);
    case Kind::kElement:
      return broadcast(at);
    case Kind::kChannel:
      return channels(at);
    case Kind::kAxis:
      return normalise(at);
    case Kind::kView:
      return view(at);
    case Kind::kConcat:
      return concat(at);
    case Kind::kSlice:
      return slice(at);
    case Kind::kTake:
      return take(at);
    case Kind::kPad:
      return pad(at);
    case Kind::kTranspose:
      return transpose(at);
    case Kind::kResize:
      return resize(at);
    case Kind::kReduce:
      return reduce(at);
    case Kind::kMixed:
    case Kind::kInput:
    case Kind::kTensor:
      return false;
  }
  return false;
}

void UnitFlow::give(int at, int axis, Passing passing) {
  Units& own = units_[index(at)];
  own = {axis, static_cast<int>(extent(at, axis)), entries()};
  passing_[index(at)] = passing;
  for (int unit = 0; unit < own.count; ++unit) {
    groups_.push_back(entries());
    nodes_.push_back(at);
    origins_.emplace_back();
  }
}

int UnitFlow::root(int entry) {
  while (groups_[index(entry)] != entry)
    entry = groups_[index(entry)] = groups_[index(groups_[index(entry)])];
  return entry;
}

void UnitFlow::join(int a, int b) { groups_[index(root(a))] = root(b); }

void UnitFlow::link(int at, int unit, int from, int unit_of_from) {
  const int own = units(at).first + unit;
  const int other = units(from).first + unit_of_from;
  origins_[index(own)].entries.push_back(other);
  join(own, other);
}

void UnitFlow::link_all(int at, int from) {
  for (int unit = 0; unit < units(at).count; ++unit) link(at, unit, from, unit);
}

void UnitFlow::keep_all(int at, const std::string& why) {
  give(at, usual_axis(at), Passing::kNothing);
  pin(at, why);
  for (const int from : node(at).inputs) pin(from, why);
}

int UnitFlow::usual_axis(int at) const {
  const bool image = ops::is_input(node(at)) && rank(at) > 2;
  return image || model_->node_values()[index(at)].layout == ops::Layout::kChannelsLast
             ? 0
             : rank(at) - 1;
}

// A single slope serves units of any number.
bool UnitFlow::shares_tensors(int at) const {
  return std::ranges::any_of(model_->parameters_of(at), [&](int parameter) {
    const bool single = model_->parameters()[index(parameter)].role == Role::kSlope &&
                        model_->parameters()[index(parameter)].size == 1;
    return !single && owner_count(*model_, parameter) > 1;
  });
}

// ---- Rules. Each returns whether the units of the node's value can be told, and has linked them
// then.

bool UnitFlow::same(int at, int axis, Passing passing) {
  if (extent(at, axis) != units(input(at)).count) return false;
  give(at, axis, passing);
  link_all(at, input(at));
  return true;
}

// Norms and pools of images.
bool UnitFlow::channels(int at) {
  if (units(input(at)).axis != 0) return false;
  const ops::Traits& traits = ops::traits_of(node(at));
  if (traits.norm != ops::Norm::kNone)
    return same(at, 0, traits.norm == ops::Norm::kBatch ? Passing::kNorm : Passing::kOwnNorm);
  const bool edges = traits.counts_zeros != nullptr && traits.counts_zeros(node(at));
  return same(at, 0, edges && is_padded(*model_, at) ? Passing::kNothing : Passing::kUnchanged);
}

bool UnitFlow::weigh(int at) {
  const int from = input(at);
  const bool channels = ops::has_channels(node(at));
  const int axis = channels ? 0 : rank(at) - 1;
  if (is_tensor(node(from))) return false;
  // A linear layer along another axis does the same to each unit.
  if (units(from).axis != axis) return !channels && same(at, units(from).axis, Passing::kNothing);
  give(at, axis, Passing::kWeights);
  const Slabs slabs = slabs_of(*model_, at);
  if (slabs.groups == 1) return true;
  for (int output = 0; output < slabs.outputs; ++output)
    for (int i = 0; i < slabs.group_inputs(); ++i)
      join(units(at).first + output,
           units(from).first + output / slabs.group_outputs() * slabs.group_inputs() + i);
  return true;
}

// The units' axis stays one of its own, or is merged with its neighbours.
bool UnitFlow::view(int at) {
  const int from = input(at);
  if (is_tensor(node(from))) return false;
  const Shape& before = shape(from);
  const Shape& after = shape(at);
  const Units own = units(from);
  const int outer = product(before, 0, own.axis);
  const int inner = product(before, own.axis + 1, rank(from));
  for (int axis = 0; axis < rank(at); ++axis)
    if (product(after, 0, axis) == outer && extent(at, axis) == own.count)
      return same(at, axis, Passing::kUnchanged);
  for (int axis = 0; axis < rank(at); ++axis) {
    const int front = product(after, 0, axis);
    const int back = product(after, axis + 1, rank(at));
    if (outer % front != 0 || inner % back != 0) continue;
    const int run = inner / back;
    give(at, axis, Passing::kUnchanged);
    for (int i = 0; i < units(at).count; ++i) {
      link(at, i, from, i / run % own.count);
      origins_[index(units(at).first + i)].place = i / (run * own.count) * run + i % run;
    }
    return true;
  }
  return false;
}

bool UnitFlow::broadcast(int at) {
  const int all = rank(at);
  int axis = -1;
  for (const int from : node(at).inputs) {
    if (is_tensor(node(from)) || axis >= 0) continue;
    const int aligned = units(from).axis + all - rank(from);
    if (extent(at, aligned) == units(from).count) axis = aligned;
  }
  if (axis < 0) return false;
  const auto place = [&](int from) { return axis - all + rank(from); };
  const auto meets = [&](int from) {
    return place(from) >= 0 && extent(from, place(from)) == extent(at, axis);
  };
  for (const int from : node(at).inputs) {
    const bool free = is_tensor(node(from)) && units(from).axis < 0;
    if (meets(from) && !free && units(from).axis != place(from)) return false;
  }
  for (const int from : node(at).inputs)
    if (meets(from) && units(from).axis < 0) give(from, place(from), Passing::kTensor);
  give(at, axis, Passing::kElementwise);
  for (const int from : node(at).inputs)
    if (meets(from))
      link_all(at, from);
    else
      pin(from, "a value that meets all units of another (" + node(at).op + ")");
  return true;
}

bool UnitFlow::look_up(int at) {
  give(at, rank(at) - 1, Passing::kNothing);
  return true;
}

bool UnitFlow::activation(int at) {
  const Units& from = units(input(at));
  if (is_tensor(node(input(at))) || ops::activation_of(node(at))->info().width != 1) return false;
  const auto& own = model_->parameters_of(at);
  const std::int64_t slopes = own.empty() ? 1 : model_->parameters()[index(own[0])].size;
  return (slopes == 1 || slopes == from.count) && same(at, from.axis, Passing::kElementwise);
}

bool UnitFlow::concat(int at) {
  const int axis = static_cast<int>(
      ops::axis_in(node(at), node(at).attributes.get<std::int64_t>("axis"), shape(at)));
  int first = -1;
  for (const int from : node(at).inputs) {
    if (is_tensor(node(from))) continue;
    if (first < 0) first = units(from).axis;
    if (units(from).axis != first) return false;
  }
  if (first < 0) return false;
  for (const int from : node(at).inputs)
    if (units(from).axis >= 0 && units(from).axis != first) return false;
  for (const int from : node(at).inputs)
    if (units(from).axis < 0) give(from, first, Passing::kTensor);
  give(at, first, Passing::kUnchanged);
  int unit = 0;
  for (const int from : node(at).inputs) {
    if (axis != first) link_all(at, from);
    for (int i = 0; axis == first && i < units(from).count; ++i) link(at, unit++, from, i);
  }
  return true;
}

bool UnitFlow::slice(int at) {
  const int from = input(at);
  const Attributes& attributes = node(at).attributes;
  const Ints& starts = attributes.get<Ints>("starts");
  Ints axes;
  for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (is_tensor(node(from))) return false;
  const auto which = ops::axes_in(node(at), attributes.get_or<Ints>("axes", axes), shape(from));
  const int axis = units(from).axis;
  const auto found = std::ranges::find(which, index(axis));
  if (found == which.end()) return same(at, axis, Passing::kUnchanged);
  const auto i = static_cast<std::size_t>(found - which.begin());
  if (attributes.get_or<Ints>("steps", Ints(starts.size(), 1))[i] != 1) return false;
  const std::int64_t start =
      std::clamp(starts[i] < 0 ? starts[i] + units(from).count : starts[i], std::int64_t{0},
                 static_cast<std::int64_t>(units(from).count));
  give(at, axis, Passing::kUnchanged);
  for (int unit = 0; unit < units(at).count; ++unit)
    link(at, unit, from, static_cast<int>(start) + unit);
  return true;
}

bool UnitFlow::take(int at) {
  const int from = input(at);
  if (is_tensor(node(from))) return false;
  const auto axis = static_cast<int>(
      ops::axis_in(node(at), node(at).attributes.get<std::int64_t>("axis"), shape(from)));
  if (axis != units(from).axis) return same(at, units(from).axis, Passing::kUnchanged);
  const Ints& indices = node(at).attributes.get<Ints>("indices");
  give(at, axis, Passing::kUnchanged);
  for (int unit = 0; unit < units(at).count; ++unit)
    link(at, unit, from, static_cast<int>(indices[index(unit)]));
  return true;
}

bool UnitFlow::pad(int at) {
  const int axis = units(input(at)).axis;
  const Ints& pads = node(at).attributes.get<Ints>("pads");
  if (axis < 0 || pads[index(axis)] != 0 || pads[index(axis + rank(at))] != 0) return false;
  const bool filled = node(at).attributes.get_or<std::string>("mode", "constant") == "constant";
  return same(at, axis, filled ? Passing::kNothing : Passing::kUnchanged);
}

bool UnitFlow::transpose(int at) {
  const Ints& perm = node(at).attributes.get<Ints>("perm");
  const auto found = std::ranges::find(perm, units(input(at)).axis);
  return found != perm.end() &&
         same(at, static_cast<int>(found - perm.begin()), Passing::kUnchanged);
}

bool UnitFlow::resize(int at) {
  const int axis = units(input(at)).axis;
  return axis >= 0 && same(at, axis, Passing::kUnchanged);
}

bool UnitFlow::reduce(int at) {
  const int from = input(at);
  const int axis = units(from).axis;
  if (axis < 0 || !node(at).attributes.has("axes")) return false;
  const auto axes = ops::axes_in(node(at), node(at).attributes.get<Ints>("axes"), shape(from));
  if (std::ranges::find(axes, index(axis)) != axes.end()) return false;
  const bool kept = node(at).attributes.get_or<std::int64_t>("keepdims", 1) != 0;
  const auto gone =
      std::ranges::count_if(axes, [&](std::size_t each) { return !kept && each < index(axis); });
  return same(at, axis - static_cast<int>(gone),
              ops::traits_of(node(at)).within_inputs ? Passing::kUnchanged : Passing::kNothing);
}

// Normalised are one axis, or all from one on: units that lie along another are kept apart.
bool UnitFlow::normalise(int at) {
  const int axis = units(input(at)).axis;
  if (axis < 0) return false;
  const auto first = static_cast<int>(
      ops::axis_in(node(at), node(at).attributes.get_or<std::int64_t>("axis", -1), shape(at)));
  const bool one = model_->parameters_of(at).empty();
  return (axis < first || (one && axis != first)) && same(at, axis, Passing::kNothing);
}

// ---- Weights.

std::int64_t Slabs::first(int output, int i) const {
  if (!transposed) return (static_cast<std::int64_t>(output) * group_inputs() + i) * size;
  const int group = output / group_outputs();
  return ((static_cast<std::int64_t>(group) * group_inputs() + i) * group_outputs() +
          output % group_outputs()) *
         size;
}

Slabs slabs_of(const engine::Model& model, int node) {
  const Node& description = model.graph().nodes()[index(node)];
  Slabs slabs{.parameter = parameter_of(model, node, Role::kWeight),
              .bias = parameter_of(model, node, Role::kBias)};
  const Shape& shape = model.parameters()[index(slabs.parameter)].shape;
  slabs.transposed = ops::traits_of(description).transposed;
  slabs.groups = static_cast<int>(description.attributes.get_or<std::int64_t>("groups", 1));
  slabs.outputs = static_cast<int>(slabs.transposed ? shape[1] * slabs.groups : shape[0]);
  slabs.inputs = static_cast<int>(slabs.transposed ? shape[0] : shape[1] * slabs.groups);
  slabs.size = ops::extent_product(shape, 2, shape.size());
  return slabs;
}

bool is_padded(const engine::Model& model, int node) {
  const Node& description = model.graph().nodes()[index(node)];
  if (!description.attributes.has("kernel")) return false;
  const ops::Window window =
      ops::window_of(description, model.graph().shapes()[index(description.inputs[0])]);
  const auto some = [](const Shape& pads) {
    return std::ranges::any_of(pads, [](std::int64_t pad) { return pad != 0; });
  };
  return some(window.begins) || some(window.ends);
}

}  // namespace undying::doctor
