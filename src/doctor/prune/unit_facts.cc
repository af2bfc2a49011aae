#include "doctor/prune/unit_facts.h"

#include <algorithm>
#include <limits>
#include <map>

#include "engine/wiring.h"

namespace undying::doctor {
namespace {

using Passing = UnitFlow::Passing;
using Role = ops::ParameterSpec::Role;

constexpr double kVaries = std::numeric_limits<double>::quiet_NaN();

// What two equal units have in common: what they come from, and their own numbers.
using Key = std::pair<std::vector<int>, std::vector<float>>;

class Facts {
 public:
  Facts(const UnitFlow& flow, const std::vector<double>& measured, bool equals)
      : flow_(flow), model_(flow.model()), measured_(measured), equals_(equals) {
    found_.value.assign(index(flow.entries()), kVaries);
    for (int entry = 0; entry < flow.entries(); ++entry) found_.same.push_back(entry);
  }

  UnitFacts find() {
    for (int at = 0; at < static_cast<int>(model_.graph().nodes().size()); ++at) {
      const UnitFlow::Units& units = flow_.units(at);
      if (units.axis < 0) continue;
      find_constants(at);
      for (int entry = units.first; entry < units.first + units.count; ++entry)
        if (!std::isnan(measured_[index(entry)])) value(entry) = measured_[index(entry)];
      if (equals_) find_equals(at);
    }
    return std::move(found_);
  }

 private:
  const Node& node(int at) const { return model_.graph().nodes()[index(at)]; }
  double& value(int entry) { return found_.value[index(entry)]; }
  std::span<const float> tensor(int parameter) const {
    const engine::Parameter& own = model_.parameters()[index(parameter)];
    return {model_.values(own), static_cast<std::size_t>(own.size)};
  }

  void find_constants(int at) {
    const UnitFlow::Units& units = flow_.units(at);
    if (flow_.passing(at) == Passing::kElementwise) return compute(at);
    for (int unit = 0; unit < units.count; ++unit) value(units.first + unit) = constant(at, unit);
  }

  double constant(int at, int unit) {
    switch (flow_.passing(at)) {
      case Passing::kUnchanged:
        return common(flow_.units(at).first + unit);
      case Passing::kNorm:
        return normalised(at, unit);
      case Passing::kWeights:
        return weighed(at, unit);
      case Passing::kTensor:
        return uniform(at, unit);
      default:
        return kVaries;
    }
  }

  double common(int entry) const {
    double all = kVaries;
    for (const int from : flow_.origin(entry).entries) {
      const double one = found_.value[index(from)];
      if (std::isnan(one) || (!std::isnan(all) && one != all)) return kVaries;
      all = one;
    }
    return all;
  }

  double normalised(int at, int unit) const {
    const double in = common(flow_.units(at).first + unit);
    const auto of = [&](Role role) {
      return static_cast<double>(tensor(parameter_of(model_, at, role))[index(unit)]);
    };
    const double scale =
        of(Role::kScale) /
        std::sqrt(of(Role::kRunningVariance) + node(at).attributes.get_or<double>("epsilon", 1e-5));
    return (in - of(Role::kRunningMean)) * scale + of(Role::kShift);
  }

  double weighed(int at, int output) const {
    const Slabs slabs = slabs_of(model_, at);
    const std::span<const float> weights = tensor(slabs.parameter);
    const int first = flow_.units(node(at).inputs[0]).first +
                      output / slabs.group_outputs() * slabs.group_inputs();
    double sum = slabs.bias < 0 ? 0.0 : tensor(slabs.bias)[index(output)];
    for (int i = 0; i < slabs.group_inputs(); ++i) {
      const auto slab = weights.subspan(static_cast<std::size_t>(slabs.first(output, i)),
                                        static_cast<std::size_t>(slabs.size));
      if (std::ranges::all_of(slab, [](float weight) { return weight == 0.0f; })) continue;
      if (!folds(flow_, found_, at, first + i)) return kVaries;
      for (const float weight : slab) sum += weight * found_.value[index(first + i)];
    }
    return sum;
  }

  // One number at all places of a unit.
  double uniform(int at, int unit) const {
    const Shape& shape = model_.graph().shapes()[index(at)];
    const auto axis = index(flow_.units(at).axis);
    const std::span<const float> values = tensor(model_.parameters_of(at)[0]);
    const auto inner = static_cast<std::size_t>(
        ops::element_count({shape.begin() + flow_.units(at).axis + 1, shape.end()}));
    double all = kVaries;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i / inner % static_cast<std::size_t>(shape[axis]) != index(unit)) continue;
      if (!std::isnan(all) && static_cast<double>(values[i]) != all) return kVaries;
      all = values[i];
    }
    return all;
  }

  // By the operator's own formula, over all units at once as if each had one place.
  void compute(int at) {
    const UnitFlow::Units& units = flow_.units(at);
    if (ops::training_differs(node(at), Precision::kFloat32)) return;
    std::vector<bool> known(index(units.count), true);
    std::vector<bool> zero(known.size(), false);  // what is multiplied with 0 is 0, whatever it is
    std::vector<std::vector<double>> operands;
    std::size_t met = 0;
    for (const int from : node(at).inputs) {
      const bool meets = origin_of(at, met) == from;
      std::vector<double> operand(known.size());
      for (int unit = 0; unit < units.count; ++unit) {
        const double one = meets
                               ? found_.value[index(flow_.origin(units.first + unit).entries[met])]
                               : single(from);
        operand[index(unit)] = std::isnan(one) ? 0.0 : one;
        if (std::isnan(one)) known[index(unit)] = false;
        if (one == 0.0 && ops::traits_of(node(at)).arithmetic == ops::Arithmetic::kMultiply)
          zero[index(unit)] = true;
      }
      operands.push_back(std::move(operand));
      if (meets) ++met;
    }
    for (std::size_t unit = 0; unit < zero.size(); ++unit) known[unit] = known[unit] || zero[unit];
    if (std::ranges::find(known, true) == known.end()) return;
    std::vector<std::vector<double>> parameters;
    for (const int own : model_.parameters_of(at))
      parameters.emplace_back(tensor(own).begin(), tensor(own).end());
    const std::vector<ops::Value> shapes(operands.size(), ops::Value{.shape = {units.count}});
    const ops::Pass pass{.training = false};
    const std::vector<double> out =
        ops::operator_named(node(at)).reference({.node = node(at),
                                                 .values = shapes,
                                                 .rows = 1,
                                                 .src = operands,
                                                 .parameters = parameters,
                                                 .pass = pass});
    for (int unit = 0; unit < units.count; ++unit)
      if (known[index(unit)] && std::isfinite(out[index(unit)]))
        value(units.first + unit) = out[index(unit)];
  }

  // Which node the units of `at` come from in this order; -1: no more.
  int origin_of(int at, std::size_t order) const {
    const auto& entries = flow_.origin(flow_.units(at).first).entries;
    return order < entries.size() ? flow_.node_of(entries[order]) : -1;
  }

  // Of a constant whose elements are all equal.
  double single(int at) const {
    if (ops::traits_of(node(at)).kind != ops::Kind::kTensor) return kVaries;
    const std::span<const float> values = tensor(model_.parameters_of(at)[0]);
    const bool equal = std::ranges::all_of(values, [&](float one) { return one == values[0]; });
    return equal ? static_cast<double>(values[0]) : kVaries;
  }

  // ---- Equal units.

  void find_equals(int at) {
    const UnitFlow::Units& units = flow_.units(at);
    std::map<Key, int> first;
    for (int unit = 0; unit < units.count; ++unit) {
      const Key key = key_of(at, unit);
      if (!key.first.empty())
        found_.same[index(units.first + unit)] =
            first.try_emplace(key, units.first + unit).first->second;
    }
  }

  Key key_of(int at, int unit) const {
    const int entry = flow_.units(at).first + unit;
    if (flow_.passing(at) == Passing::kWeights) return row_of(at, unit);
    Key key;
    if (flow_.passing(at) == Passing::kNothing || flow_.passing(at) == Passing::kTensor) return key;
    for (const int from : flow_.origin(entry).entries)
      key.first.push_back(found_.same[index(from)]);
    key.first.push_back(flow_.origin(entry).place);
    for (const int own : model_.parameters_of(at)) {
      const std::span<const float> values = tensor(own);
      key.second.push_back(values[values.size() == 1 ? 0 : index(unit)]);
    }
    return key;
  }

  // A unit's weights, its bias, and what they weigh.
  Key row_of(int at, int output) const {
    const Slabs slabs = slabs_of(model_, at);
    const int group = output / slabs.group_outputs();
    Key key{{group}, {}};
    if (slabs.groups > 1 && slabs.group_inputs() == 1)
      key.first = {found_.same[index(flow_.units(node(at).inputs[0]).first + group)]};
    const std::span<const float> weights = tensor(slabs.parameter);
    for (int i = 0; i < slabs.group_inputs(); ++i) {
      const auto slab = weights.subspan(static_cast<std::size_t>(slabs.first(output, i)),
                                        static_cast<std::size_t>(slabs.size));
      key.second.insert(key.second.end(), slab.begin(), slab.end());
    }
    if (slabs.bias >= 0) key.second.push_back(tensor(slabs.bias)[index(output)]);
    return key;
  }

  const UnitFlow& flow_;
  const engine::Model& model_;
  const std::vector<double>& measured_;
  bool equals_;
  UnitFacts found_;
};

}  // namespace

UnitFacts facts_of(const UnitFlow& flow, const std::vector<double>& measured, bool equals) {
  return Facts(flow, measured, equals).find();
}

// Where zeros stand around an image, or the window of a transposed convolution ends, another
// constant than 0 is not the same everywhere.
bool folds(const UnitFlow& flow, const UnitFacts& facts, int node, int entry) {
  if (!facts.constant(entry)) return false;
  if (facts.value[entry] == 0.0) return true;
  return !ops::traits_of(flow.model().graph().nodes()[node]).transposed &&
         !is_padded(flow.model(), node);
}

}  // namespace undying::doctor
