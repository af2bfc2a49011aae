#include "network.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stop_token>
#include <utility>

#include "attend.h"
#include "cli/flags/options.h"
#include "module.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Labels = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Ends a run whose training loss has stopped falling.
class Patience {
 public:
  Patience(double tolerance, std::int64_t epochs) : tolerance_(tolerance), epochs_(epochs) {}

  bool exhausted(double loss) {
    if (epochs_ == 0) return false;
    waited_ = loss > best_ - tolerance_ ? waited_ + 1 : 0;
    best_ = std::min(best_, loss);
    return waited_ > epochs_;
  }

 private:
  double tolerance_;
  std::int64_t epochs_;
  std::int64_t waited_ = 0;
  double best_ = std::numeric_limits<double>::infinity();
};

TrainSettings settings_for(const cli::Training& training, const NetworkOptions& options) {
  TrainSettings settings = training.settings;
  settings.evaluate = false;
  settings.health = {.counters = false, .census = false};
  if (!training.has_loss) settings.loss = usual_loss(options.classes > 0);
  return settings;
}

Graph graph_for(const cli::Training& training, const NetworkOptions& options) {
  ModelOptions model = training.model_options;
  model.activation = Activation(options.activation);
  return build_model(training.model, {options.inputs},
                     options.classes > 0 ? options.classes : options.outputs, model);
}

}  // namespace

Network::Network(NetworkOptions options) : options_(std::move(options)) {
  const cli::Training training = cli::parse_training(options_.arguments);
  trainer_ =
      std::make_unique<Trainer>(graph_for(training, options_), settings_for(training, options_));
}

Fitted Network::fit(const Dataset& train, const Dataset* validation, double tolerance,
                    std::int64_t patience, const std::stop_token& stop,
                    const std::function<void(const EpochRecord&)>& finished) {
  std::stop_source enough;
  const std::stop_callback pass_on(stop, [&] { enough.request_stop(); });
  Patience left(tolerance, patience);
  const Observer observer{.step = {}, .epoch = [&](const EpochRecord& record) {
                            if (finished) finished(record);
                            if (left.exhausted(record.train_loss)) enough.request_stop();
                          }};
  const Run run = trainer_->fit(train, train, observer, enough.get_token(), validation);
  Fitted fitted{.status = std::string(name(run.status)),
                .reason = run.reason,
                .losses = {},
                .validation_scores = {}};
  if (run.status == RunStatus::kInterrupted && !stop.stop_requested()) fitted.status = "converged";
  for (const EpochRecord& epoch : run.epochs) {
    fitted.losses.push_back(epoch.train_loss);
    if (validation != nullptr) fitted.validation_scores.push_back(epoch.validation_score);
  }
  fitted.best_epoch = run.best_epoch;
  fitted.steps = steps_taken(run);
  fitted.seconds = run.train_seconds;
  return fitted;
}

std::vector<float> Network::predict(const Dataset& data) { return trainer_->predict(data); }

void Network::save(const std::string& file, const DataForm& form) const {
  onnx::save(file, trainer_->graph(), trainer_->tensors(), {.form = form});
}

namespace {

// Examples for a network, with labels or targets as it takes them; zeros where there are none.
Dataset make_dataset(const Network& network, const Floats& x, const std::optional<Labels>& labels,
                     const std::optional<Floats>& targets, const std::optional<Floats>& weights,
                     const std::vector<float>& mean, float deviation) {
  Dataset data{.name = "X",
               .size = static_cast<std::int64_t>(x.shape(0)),
               .shape = {network.inputs()},
               .classes = network.classes()};
  data.values.assign(x.data(), x.data() + x.size());
  const auto rows = static_cast<std::size_t>(data.size);
  if (data.classes > 0) data.labels.assign(rows, 0);
  if (labels) data.labels.assign(labels->data(), labels->data() + labels->size());
  if (data.classes == 0) {
    data.outputs = network.width();
    data.targets.assign(rows * static_cast<std::size_t>(data.outputs), 0.0f);
    data.target_mean = mean;
    data.target_deviation = deviation;
  }
  if (targets) data.targets.assign(targets->data(), targets->data() + targets->size());
  if (weights) data.weights.assign(weights->data(), weights->data() + weights->size());
  return data;
}

nb::dict fit(Network& network, const Floats& x, const std::optional<Labels>& labels,
             const std::optional<Floats>& targets, const std::optional<Floats>& weights,
             const std::vector<float>& mean, float deviation, double held_out, std::uint64_t seed,
             double tolerance, std::int64_t patience, const nb::object& take) {
  Dataset data = make_dataset(network, x, labels, targets, weights, mean, deviation);
  Fitted fitted;
  const auto work = [&](const std::stop_token& stop, Progress& progress) {
    std::optional<HeldOut> parts;
    if (held_out > 0.0) parts = hold_out_rows(data, held_out, seed);
    std::function<void(const EpochRecord&)> epoch;
    if (!take.is_none())
      epoch = [&](const EpochRecord& record) { progress.finished(epoch_json(record)); };
    fitted = network.fit(parts ? parts->rest : data, parts ? &parts->held_out : nullptr, tolerance,
                         patience, stop, epoch);
  };
  try {
    attend(work, {nb::none(), take});
  } catch (const nb::python_error& error) {
    if (!error.matches(PyExc_StopIteration)) throw;
  }
  nb::dict result;
  result["status"] = fitted.status;
  result["reason"] = fitted.reason;
  result["losses"] = fitted.losses;
  result["validation_scores"] = fitted.validation_scores;
  result["best_epoch"] = fitted.best_epoch;
  result["steps"] = fitted.steps;
  result["seconds"] = fitted.seconds;
  return result;
}

template <class T>
nb::object to_array(std::vector<T> values, const std::vector<std::size_t>& shape) {
  auto* kept = new std::vector<T>(std::move(values));
  const nb::capsule owner(kept,
                          [](void* held) noexcept { delete static_cast<std::vector<T>*>(held); });
  return nb::cast(nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.data(), owner));
}

nb::object predict(Network& network, const Floats& x, const std::vector<float>& mean,
                   float deviation) {
  const Dataset data = make_dataset(network, x, {}, {}, {}, mean, deviation);
  std::vector<float> values;
  attend([&](const std::stop_token&, Progress&) { values = network.predict(data); });
  return to_array(std::move(values), {x.shape(0), static_cast<std::size_t>(network.width())});
}

nb::dict tensors(const Network& network) {
  nb::dict found;
  for (Tensor& tensor : network.tensors())
    found[tensor.name.c_str()] =
        to_array(std::move(tensor.values), {tensor.shape.begin(), tensor.shape.end()});
  return found;
}

void load(Network& network, const nb::dict& tensors) {
  std::vector<Tensor> all;
  for (const auto& [name, array] : tensors) {
    const auto values = nb::cast<Floats>(array);
    Tensor tensor{.name = nb::cast<std::string>(name),
                  .shape = {},
                  .values = {values.data(), values.data() + values.size()}};
    for (std::size_t i = 0; i < values.ndim(); ++i)
      tensor.shape.push_back(static_cast<std::int64_t>(values.shape(i)));
    all.push_back(std::move(tensor));
  }
  network.load(all);
}

void save(const Network& network, const std::string& file, const std::vector<std::string>& classes,
          const std::vector<float>& mean, float deviation) {
  network.save(file, {.mean = {0.0f},
                      .deviation = {1.0f},
                      .target_mean = mean,
                      .target_deviation = deviation,
                      .columns = {},
                      .class_names = classes,
                      .target = {}});
}

}  // namespace

void bind_network(nb::module_& module) {
  nb::class_<Network>(module, "Network")
      .def(
          "__init__",
          [](Network* place, std::vector<std::string> arguments, std::string activation,
             std::int64_t inputs, std::int64_t classes, std::int64_t outputs) {
            new (place)
                Network({std::move(arguments), std::move(activation), inputs, classes, outputs});
          },
          nb::arg("arguments"), nb::arg("activation"), nb::arg("inputs"), nb::arg("classes"),
          nb::arg("outputs"))
      .def("fit", &fit, nb::arg("x"), nb::arg("labels").none(), nb::arg("targets").none(),
           nb::arg("weights").none(), nb::arg("mean"), nb::arg("deviation"), nb::arg("held_out"),
           nb::arg("seed"), nb::arg("tolerance"), nb::arg("patience"), nb::arg("take").none())
      .def("predict", &predict, nb::arg("x"), nb::arg("mean"), nb::arg("deviation"))
      .def("tensors", &tensors)
      .def("load", &load, nb::arg("tensors"))
      .def("save", &save, nb::arg("file"), nb::arg("classes"), nb::arg("mean"),
           nb::arg("deviation"));
}

}  // namespace undying::python
