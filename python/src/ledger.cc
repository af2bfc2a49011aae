// The ledger of a network that somebody else trains: what its steps and censuses counted goes to
// the judge and the recorder of the engine's own runs.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>

#include "engine/model.h"
#include "health/recorder.h"
#include "module.h"
#include "undying/activation.h"
#include "undying/error.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

using Longs = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// A network of nothing but this layer. A dropout before it says that training steps compute of its
// inputs what evaluation does not.
Graph layer_graph(const std::string& name, const Activation& activation, std::int64_t units,
                  bool differs) {
  std::vector<Node> nodes = {{.name = name == "input" ? "values" : "input",
                              .op = "input",
                              .inputs = {},
                              .attributes = {{"shape", Shape{units}}}}};
  if (differs)
    nodes.push_back({.name = name + " (dropout)",
                     .op = "dropout",
                     .inputs = {0},
                     .attributes = {{"p", 0.5}, {"sequence", std::int64_t{0}}}});
  nodes.push_back({.name = name,
                   .op = "activation",
                   .inputs = {static_cast<int>(nodes.size()) - 1},
                   .attributes = {{"activation", activation}, {"layer", name}}});
  return Graph(std::move(nodes));
}

template <class To, class From>
void copy(const From& from, To& to, std::int64_t units, const char* what) {
  if (static_cast<std::int64_t>(from.size()) != units)
    throw Error(ErrorCode::kInternal, what, "does not hold a count for each unit");
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<std::remove_reference_t<decltype(to[0])>>(from.data()[i]);
}

// One layer, by its units. Positions count as examples: they may differ from call to call.
class LayerLedger {
 public:
  LayerLedger(const std::string& name, const std::string& activation, std::int64_t units,
              bool differs, bool every_step)
      : units_(units),
        model_(layer_graph(name, Activation(activation), units, differs)),
        recorder_(model_, HealthSettings{.counters = every_step}, name, 0) {}

  // What the steps since the last census saw. Steps count from 1 from there; 0: in none.
  void tell(const Longs& fired, const Doubles& abs_output, const Doubles& abs_gradient,
            const Longs& first_fired, const Longs& last_fired, std::int64_t outputs) {
    engine::Activity activity(static_cast<std::size_t>(units_));
    copy(fired, activity.fired, units_, "fired");
    copy(abs_output, activity.abs_output, units_, "abs_output");
    copy(abs_gradient, activity.abs_gradient, units_, "abs_gradient");
    copy(first_fired, activity.first_fired, units_, "first_fired");
    copy(last_fired, activity.last_fired, units_, "last_fired");
    activity.examples = outputs;
    activity_.emplace(std::move(activity));
  }

  nb::dict census(std::int64_t step, std::int64_t outputs, const Longs& fired,
                  const Longs& gradient_zero, const Longs& saturated, const Doubles& abs_sum,
                  const Doubles& sum, const Doubles& square_sum, const Doubles& max) {
    engine::Census census(units_);
    copy(fired, census.fired, units_, "fired");
    copy(gradient_zero, census.gradient_zero, units_, "gradient_zero");
    copy(saturated, census.saturated, units_, "saturated");
    copy(abs_sum, census.abs_sum, units_, "abs_sum");
    copy(sum, census.sum, units_, "sum");
    copy(square_sum, census.square_sum, units_, "square_sum");
    copy(max, census.max, units_, "max");
    recorder_.of_examples(outputs);
    if (!activity_) activity_.emplace(static_cast<std::size_t>(units_));
    recorder_.census(step, *activity_, census);
    activity_.reset();
    return health(recorder_.ledger().censuses.back().layers.front());
  }

  // One entry a unit.
  nb::list lives() const {
    static constexpr const char* kStates[] = {"alive", "dead", "always negative",
                                              "always positive"};
    nb::list all;
    for (const UnitLife& life : recorder_.ledger().lives.front()) {
      nb::dict entry;
      entry["state"] = kStates[static_cast<int>(life.state)];
      entry["born_dead"] = life.born_dead;
      entry["dormant"] = life.dormant;
      entry["firing_rate"] = life.firing_rate;
      entry["training_firing_rate"] = life.training_firing_rate;
      entry["output"] = life.output;
      entry["gradient"] = life.gradient;
      entry["died"] = life.died;
      entry["revived"] = life.revived;
      all.append(entry);
    }
    return all;
  }

 private:
  static nb::dict health(const LayerHealth& layer) {
    nb::dict entry;
    entry["units"] = layer.units;
    entry["dead"] = layer.dead;
    entry["born_dead"] = layer.born_dead;
    entry["always_negative"] = layer.always_negative;
    entry["always_positive"] = layer.always_positive;
    entry["dormant"] = layer.dormant;
    entry["died"] = layer.died;
    entry["revived"] = layer.revived;
    entry["firing_rate"] = layer.firing_rate;
    entry["saturated"] = layer.saturated;
    entry["signal_mean"] = layer.signal_mean;
    entry["signal_variance"] = layer.signal_variance;
    return entry;
  }

  std::int64_t units_;
  engine::Model model_;
  health::Recorder recorder_;
  std::optional<engine::Activity> activity_;
};

}  // namespace

void bind_ledger(nb::module_& module) {
  nb::class_<LayerLedger>(module, "LayerLedger")
      .def(nb::init<const std::string&, const std::string&, std::int64_t, bool, bool>(),
           nb::arg("name"), nb::arg("activation"), nb::arg("units"), nb::arg("differs"),
           nb::arg("every_step"))
      .def("tell", &LayerLedger::tell, nb::arg("fired"), nb::arg("abs_output"),
           nb::arg("abs_gradient"), nb::arg("first_fired"), nb::arg("last_fired"),
           nb::arg("outputs"))
      .def("census", &LayerLedger::census, nb::arg("step"), nb::arg("outputs"), nb::arg("fired"),
           nb::arg("gradient_zero"), nb::arg("saturated"), nb::arg("abs_sum"), nb::arg("sum"),
           nb::arg("square_sum"), nb::arg("max"))
      .def("lives", &LayerLedger::lives);
}

}  // namespace undying::python
