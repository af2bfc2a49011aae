#include "doctor/prune/unit_flow.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "doctor/diagnose/wiring.h"
#include "ops/convolution/window.h"
#include "ops/shapes.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;
using Role = ops::ParameterSpec::Role;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

bool is_tensor(const Node& node) { return node.op == "constant" || node.op == "parameter"; }

int product(const Shape& shape, int first, int last) {
  return static_cast<int>(ops::extent_product(shape, static_cast<std::size_t>(first), static_cast<std::size_t>(last)));
}

}  // namespace

// How operators treat units that have no trait that says it; false: none of their units can be told apart.
struct UnitFlow::Rule {
  std::string_view op;
  bool (UnitFlow::*apply)(int at);
};

const UnitFlow::Rule* UnitFlow::rule_of(std::string_view op) {
  static constexpr std::array kRules = {
      Rule{"batch_norm", &UnitFlow::channels},
      Rule{"instance_norm", &UnitFlow::channels},
      Rule{"activation", &UnitFlow::activation},
      Rule{"concat", &UnitFlow::concat},
      Rule{"slice", &UnitFlow::slice},
      Rule{"take", &UnitFlow::take},
      Rule{"pad", &UnitFlow::pad},
      Rule{"transpose", &UnitFlow::transpose},
      Rule{"resize", &UnitFlow::resize},
      Rule{"reduce_mean", &UnitFlow::reduce},
      Rule{"reduce_sum", &UnitFlow::reduce},
      Rule{"reduce_max", &UnitFlow::reduce},
      Rule{"reduce_min", &UnitFlow::reduce},
      Rule{"softmax", &UnitFlow::normalise},
      Rule{"log_softmax", &UnitFlow::normalise},
      Rule{"layer_norm", &UnitFlow::normalise},
      Rule{"rms_norm", &UnitFlow::normalise},
      Rule{"where", &UnitFlow::broadcast},
  };
  const auto found = std::ranges::find(kRules, op, &Rule::op);
  return found == kRules.end() ? nullptr : &*found;
}

UnitFlow::UnitFlow(const engine::Model& model)
    : model_(&model), units_(model.graph().nodes().size()), passing_(units_.size(), Passing::kNothing) {
  for (int at = 0; at < static_cast<int>(units_.size()); ++at) visit(at);
  for (const int output : model.graph().outputs()) pin(output, "an output of the network");
  for (int entry = 0; entry < entries(); ++entry) groups_[index(entry)] = root(entry);
}

void UnitFlow::visit(int at) {
  const std::string& op = node(at).op;
  if (op == "input") return keep_all(at, "beside the input of the network");
  if (is_tensor(node(at))) return;  // has units where it first meets some
  if (shares_tensors(at)) return keep_all(at, "weights that several nodes share");
  bool told = false;
  if (op == "embedding") {
    give(at, rank(at) - 1, Passing::kNothing);
    told = true;
  } else if (engine::makes_units(op)) {
    told = weigh(at);
  } else if (const Rule* rule = rule_of(op)) {
    told = (this->*rule->apply)(at);
  } else if (engine::is_view(op)) {
    told = view(at);
  } else if (engine::keeps_units(op)) {
    told = channels(at);
  } else if (ops::operator_named(node(at)).layout == ops::LayoutRule::kAny) {
    told = broadcast(at);  // what takes any layout and has no rule of its own works on elements
  }
  if (!told) keep_all(at, "an operator that mixes units or keeps no order of them (" + op + ")");
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
  while (groups_[index(entry)] != entry) entry = groups_[index(entry)] = groups_[index(groups_[index(entry)])];
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
  const bool image = node(at).op == "input" && rank(at) > 2;
  return image || model_->node_values()[index(at)].layout == ops::Layout::kChannelsLast ? 0 : rank(at) - 1;
}

// A single slope serves units of any number.
bool UnitFlow::shares_tensors(int at) const {
  return std::ranges::any_of(model_->parameters_of(at), [&](int parameter) {
    const bool single = model_->parameters()[index(parameter)].role == Role::kSlope && model_->parameters()[index(parameter)].size == 1;
    return !single && owner_count(*model_, parameter) > 1;
  });
}

// ---- Rules. Each returns whether the units of the node's value can be told, and has linked them then.

bool UnitFlow::same(int at, int axis, Passing passing) {
  if (extent(at, axis) != units(input(at)).count) return false;
  give(at, axis, passing);
  link_all(at, input(at));
  return true;
}

// Norms and pools of images.
bool UnitFlow::channels(int at) {
  if (units(input(at)).axis != 0) return false;
  const bool pool = engine::keeps_units(node(at).op);
  const bool edges = node(at).op == "average_pool" && node(at).attributes.get_or<std::int64_t>("count_include_pad", 0) != 0;
  if (!pool) return same(at, 0, node(at).op == "batch_norm" ? Passing::kNorm : Passing::kOwnNorm);
  return same(at, 0, edges && is_padded(*model_, at) ? Passing::kNothing : Passing::kUnchanged);
}

bool UnitFlow::weigh(int at) {
  const int from = input(at);
  const int axis = node(at).op == "linear" ? rank(at) - 1 : 0;
  if (is_tensor(node(from))) return false;
  // A linear layer along another axis does the same to each unit.
  if (units(from).axis != axis) return node(at).op == "linear" && same(at, units(from).axis, Passing::kNothing);
  give(at, axis, Passing::kWeights);
  const Slabs slabs = slabs_of(*model_, at);
  if (slabs.groups == 1) return true;
  for (int output = 0; output < slabs.outputs; ++output)
    for (int i = 0; i < slabs.group_inputs(); ++i)
      join(units(at).first + output, units(from).first + output / slabs.group_outputs() * slabs.group_inputs() + i);
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
    if (product(after, 0, axis) == outer && extent(at, axis) == own.count) return same(at, axis, Passing::kUnchanged);
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
  const auto meets = [&](int from) { return place(from) >= 0 && extent(from, place(from)) == extent(at, axis); };
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

bool UnitFlow::activation(int at) {
  const Units& from = units(input(at));
  if (is_tensor(node(input(at))) || node(at).attributes.get<Activation>("activation").info().width != 1) return false;
  const auto& own = model_->parameters_of(at);
  const std::int64_t slopes = own.empty() ? 1 : model_->parameters()[index(own[0])].size;
  return (slopes == 1 || slopes == from.count) && same(at, from.axis, Passing::kElementwise);
}

bool UnitFlow::concat(int at) {
  const int axis = static_cast<int>(ops::axis_in(node(at), node(at).attributes.get<std::int64_t>("axis"), shape(at)));
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
      std::clamp(starts[i] < 0 ? starts[i] + units(from).count : starts[i], std::int64_t{0}, static_cast<std::int64_t>(units(from).count));
  give(at, axis, Passing::kUnchanged);
  for (int unit = 0; unit < units(at).count; ++unit) link(at, unit, from, static_cast<int>(start) + unit);
  return true;
}

bool UnitFlow::take(int at) {
  const int from = input(at);
  if (is_tensor(node(from))) return false;
  const auto axis = static_cast<int>(ops::axis_in(node(at), node(at).attributes.get<std::int64_t>("axis"), shape(from)));
  if (axis != units(from).axis) return same(at, units(from).axis, Passing::kUnchanged);
  const Ints& indices = node(at).attributes.get<Ints>("indices");
  give(at, axis, Passing::kUnchanged);
  for (int unit = 0; unit < units(at).count; ++unit) link(at, unit, from, static_cast<int>(indices[index(unit)]));
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
  return found != perm.end() && same(at, static_cast<int>(found - perm.begin()), Passing::kUnchanged);
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
  const auto gone = std::ranges::count_if(axes, [&](std::size_t each) { return !kept && each < index(axis); });
  return same(at, axis - static_cast<int>(gone), node(at).op == "reduce_sum" ? Passing::kNothing : Passing::kUnchanged);
}

// Normalised are one axis, or all from one on: units that lie along another are kept apart.
bool UnitFlow::normalise(int at) {
  const int axis = units(input(at)).axis;
  if (axis < 0) return false;
  const auto first = static_cast<int>(ops::axis_in(node(at), node(at).attributes.get_or<std::int64_t>("axis", -1), shape(at)));
  const bool one = model_->parameters_of(at).empty();
  return (axis < first || (one && axis != first)) && same(at, axis, Passing::kNothing);
}

// ---- Weights.

std::int64_t Slabs::first(int output, int i) const {
  if (!transposed) return (static_cast<std::int64_t>(output) * group_inputs() + i) * size;
  const int group = output / group_outputs();
  return ((static_cast<std::int64_t>(group) * group_inputs() + i) * group_outputs() + output % group_outputs()) * size;
}

Slabs slabs_of(const engine::Model& model, int node) {
  const Node& description = model.graph().nodes()[index(node)];
  Slabs slabs{.parameter = parameter_of(model, node, Role::kWeight), .bias = parameter_of(model, node, Role::kBias)};
  const Shape& shape = model.parameters()[index(slabs.parameter)].shape;
  slabs.transposed = description.op == "conv_transpose";
  slabs.groups = static_cast<int>(description.attributes.get_or<std::int64_t>("groups", 1));
  slabs.outputs = static_cast<int>(slabs.transposed ? shape[1] * slabs.groups : shape[0]);
  slabs.inputs = static_cast<int>(slabs.transposed ? shape[0] : shape[1] * slabs.groups);
  slabs.size = ops::extent_product(shape, 2, shape.size());
  return slabs;
}

bool is_padded(const engine::Model& model, int node) {
  const Node& description = model.graph().nodes()[index(node)];
  if (!description.attributes.has("kernel")) return false;
  const ops::Window window = ops::window_of(description, model.graph().shapes()[index(description.inputs[0])]);
  const auto some = [](const Shape& pads) { return std::ranges::any_of(pads, [](std::int64_t pad) { return pad != 0; }); };
  return some(window.begins) || some(window.ends);
}

}  // namespace undying::doctor
