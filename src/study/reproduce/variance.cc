// He, Zhang, Ren, Sun 2015: what becomes of signal and gradient over thirty layers with each gain,
// and whether such networks learn.

#include "study/reproduce/variance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/philox.h"
#include "engine/initializers.h"
#include "engine/passes/gradients.h"
#include "study/reproduce/common.h"
#include "train/source.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr int kLayers = 30;
constexpr std::int64_t kOutputs = 10;
constexpr double kMargin = 0.01;  // of a factor a layer, within which it is the formula's

struct Size {
  std::int64_t width;
  int draws;
  int seeds;
  std::int64_t steps;
  const char* data;
  const char* model;
};

constexpr Size kFull{128, 2'000, 8, 469, "fashion-mnist", "mlp:128x30"};

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{32, 20, 2, 20, "spirals", "mlp:16x30"} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  if (settings.steps > 0) size.steps = settings.steps;
  return size;
}

struct Tried {
  std::string label;
  double slope;
  Drawing drawing;
  std::string published;  // about its layers; empty: nothing
};

std::vector<Tried> all_tried() {
  const double relu = std::numbers::sqrt2;
  const auto leaky = [](double slope) { return std::sqrt(2.0 / (1.0 + slope * slope)); };
  constexpr Initializer kHe = Initializer::kKaimingNormal;
  constexpr Initializer kGlorot = Initializer::kXavierNormal;
  return {
      {"relu, Glorot's",
       0.0,
       {"relu", kGlorot, 1.0},
       "with Glorot's std sqrt(1/n) each ReLU layer halves the variance of signal and gradient"},
      {"relu, He's",
       0.0,
       {"relu", kHe, relu},
       "with std sqrt(2/n) ReLU layers keep the variance of signal and gradient"},
      {"leaky_relu:0.25, Glorot's", 0.25, {"leaky_relu:0.25", kGlorot, 1.0}, ""},
      {"leaky_relu:0.25, He's for ReLU", 0.25, {"leaky_relu:0.25", kHe, relu}, ""},
      {"leaky_relu:0.25, He's with the slope",
       0.25,
       {"leaky_relu:0.25", kHe, leaky(0.25)},
       "with std sqrt(2 / ((1 + a^2) n)) layers of slope a below 0 keep it too"},
      {"leaky_relu:0.01, He's with the slope", 0.01, {"leaky_relu:0.01", kHe, leaky(0.01)}, ""}};
}

// Means over draws, and what a layer multiplies by.
struct Measured {
  Tried tried;
  std::vector<Estimate> signals;    // of each layer over the first
  std::vector<Estimate> gradients;  // of each layer over the last

  const Estimate& signal() const { return signals.back(); }
  const Estimate& gradient() const { return gradients.front(); }

  static Estimate a_layer(const Estimate& whole) {
    const auto root = [](double value) {
      return std::pow(std::max(value, 0.0), 1.0 / (kLayers - 1));
    };
    return {root(whole.mean), root(whole.lower), root(whole.upper), whole.n};
  }
};

Measured measure(const Tried& tried, const Size& size, const ReproduceSettings& settings,
                 const ReproduceProgress& progress, const std::stop_token& stop) {
  std::vector<Growth> all(static_cast<std::size_t>(size.draws));
  const auto draw = [&](int i) {
    all[static_cast<std::size_t>(i)] =
        growth_over(tried.drawing, kLayers, size.width, static_cast<std::uint64_t>(i) + 1);
  };
  work_on_threads({tried.label, size.draws, draw}, settings.threads, progress, stop);
  Measured measured{tried, {}, {}};
  if (stop.stop_requested()) return measured;
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    std::vector<double> signals;
    std::vector<double> gradients;
    for (const Growth& growth : all) {
      signals.push_back(growth.signal[layer]);
      gradients.push_back(growth.gradient[layer]);
    }
    measured.signals.push_back(trial::mean_interval(signals));
    measured.gradients.push_back(trial::mean_interval(gradients));
  }
  return measured;
}

Plot plot_of(const std::vector<Measured>& all, bool gradient) {
  Plot plot{.title = gradient ? "Second moment of the gradient over that of the last layer"
                              : "Second moment of the signal over that of the first layer",
            .x = {.title = "layer"},
            .y = {.title = gradient ? "gradient" : "signal", .log = true}};
  for (const Measured& measured : all) {
    Curve curve{.label = measured.tried.label};
    const std::vector<Estimate>& layers = gradient ? measured.gradients : measured.signals;
    for (std::size_t i = 0; i < layers.size(); ++i)
      curve.add(static_cast<double>(i + 1), layers[i]);
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

Table table_of(const std::vector<Measured>& all, const Size& size) {
  Table table{
      .title = fmt::format("What a layer multiplies the second moment by, {} layers of {} units, "
                           "mean over {} draws with its 95% interval; and all of them",
                           kLayers, size.width, size.draws),
      .columns = {"arm", "formula", "signal, a layer", "gradient, a layer", "signal, first to last",
                  "gradient, last to first"}};
  for (const Measured& measured : all)
    table.rows.push_back(
        {measured.tried.label,
         fmt::format("{:.4f}", layer_factor(measured.tried.drawing, measured.tried.slope)),
         interval_text(Measured::a_layer(measured.signal()), "{:.4f}"),
         interval_text(Measured::a_layer(measured.gradient()), "{:.4f}"),
         fmt::format("{:.3g}", measured.signal().mean),
         fmt::format("{:.3g}", measured.gradient().mean)});
  return table;
}

Claim factor_claim(const Measured& measured) {
  const double formula = layer_factor(measured.tried.drawing, measured.tried.slope);
  bool within = true;
  bool outside = false;
  for (const Estimate& whole : {measured.signal(), measured.gradient()}) {
    const Estimate factor = Measured::a_layer(whole);
    within = within && factor.lower > formula - kMargin && factor.upper < formula + kMargin;
    outside = outside || factor.upper < formula - kMargin || factor.lower > formula + kMargin;
  }
  return {.published = measured.tried.published,
          .found =
              fmt::format("formula {:.4f} a layer; signal {}, gradient {} (compared to {})",
                          formula, interval_text(Measured::a_layer(measured.signal()), "{:.4f}"),
                          interval_text(Measured::a_layer(measured.gradient()), "{:.4f}"), kMargin),
          .agreement = outside  ? Agreement::kDiffers
                       : within ? Agreement::kAgrees
                                : Agreement::kUndecided};
}

StudySettings training_of(const Size& size, Initializer initializer) {
  StudySettings study{.data = size.data,
                      .model = size.model,
                      .activations = {"relu", "leaky_relu:0.25"},
                      .seeds = size.seeds};
  study.train.optimizer = Sgd{.learning_rate = 0.01f, .momentum = 0.9f};
  study.train.initializer = initializer;
  study.train.batch = 128;
  study.train.max_steps = size.steps;
  study.train.epochs = std::max<std::int64_t>(1000, size.steps);  // steps alone end a run
  return study;
}

// How many of the runs beat the baseline.
struct Learned {
  std::string label;
  bool he = false;
  bool relu = false;
  int runs = 0;
  int learned = 0;
  Estimate accuracy;
};

int train_both(const ReproduceSettings& settings, const Size& size,
               const ReproduceProgress& progress, const std::stop_token& stop,
               std::vector<Learned>& all, std::vector<Curve>& losses) {
  const Split data = open_dataset(size.data);
  int missing = 0;
  for (const Initializer initializer : {Initializer::kXavierNormal, Initializer::kKaimingNormal}) {
    const Study study =
        run_arms(training_of(size, initializer), data,
                 {fmt::format("training, {}", name(initializer)),
                  fmt::format("variance-{}-{}-{}", name(initializer), size.data, size.steps)},
                 settings, progress, stop);
    missing += study.missing;
    for (const Arm& arm : study.arms) {
      if (!is_shown(arm)) continue;
      const std::string label = fmt::format("{}, {}", label_of(arm), name(initializer));
      all.push_back({.label = label,
                     .he = initializer == Initializer::kKaimingNormal,
                     .relu = arm.role == Role::kControl,
                     .runs = static_cast<int>(runs_of(arm).size()),
                     .learned = count_of(
                         arm, [](const ArmRun& run) { return run.outcome == Outcome::kLearned; }),
                     .accuracy = of_share(
                         mean_over(arm, [](const ArmRun& run) { return run.run.test_accuracy; }))});
      losses.push_back(loss_curve(arm, label));
    }
  }
  return missing;
}

Table table_of(const std::vector<Learned>& all, const Size& size) {
  Table table{.title = fmt::format("Training {} on {}: runs that beat the baseline, and test "
                                   "accuracy after {} steps, with 95% intervals",
                                   size.model, size.data, size.steps),
              .columns = {"arm", "runs", "learned", "accuracy"}};
  for (const Learned& arm : all)
    table.rows.push_back({arm.label, fmt::format("{}", arm.runs), share_text(arm.learned, arm.runs),
                          interval_text(arm.accuracy, "{:.4f}")});
  return table;
}

Claim training_claim(const std::vector<Learned>& all) {
  Claim claim{.published =
                  "a 30-layer network learns with std sqrt(2/n), and stalls with Glorot's"};
  bool agrees = true;
  bool differs = false;
  for (const Learned& arm : all) {
    if (!arm.relu) continue;
    const Estimate share = trial::share_interval(arm.learned, arm.runs);
    claim.found += fmt::format("{}{}: {} of {} runs learn", claim.found.empty() ? "" : "; ",
                               arm.label, arm.learned, arm.runs);
    agrees = agrees && (arm.he ? share.lower > 0.5 : share.upper < 0.5);
    differs = differs || (arm.he ? share.upper < 0.5 : share.lower > 0.5);
  }
  claim.agreement = differs  ? Agreement::kDiffers
                    : agrees ? Agreement::kAgrees
                             : Agreement::kUndecided;
  return claim;
}

// One normal input, and targets beside which the outputs are nothing.
Dataset one_example(std::int64_t width, std::uint64_t seed) {
  const Random random(seed, Stream::kSyntheticData, 30);
  Dataset data{.name = "one example", .size = 1, .shape = {width}, .outputs = kOutputs};
  for (std::int64_t i = 0; i < width; ++i)
    data.values.push_back(static_cast<float>(random.normal(static_cast<std::uint64_t>(i))));
  for (std::int64_t i = 0; i < kOutputs; ++i)
    data.targets.push_back(
        static_cast<float>(1e6 * random.normal(static_cast<std::uint64_t>(width + i))));
  return data;
}

double square_sum(const engine::Model& model, const engine::Gradients& gradients,
                  const std::string& name) {
  double sum = 0.0;
  for (const engine::Parameter& parameter : model.parameters()) {
    if (parameter.name != name) continue;
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double value = gradients.mean[static_cast<std::size_t>(parameter.offset + i)];
      sum += value * value;
    }
  }
  return sum;
}

}  // namespace

double layer_factor(const Drawing& drawing, double slope) {
  // Between layers of one width Xavier's variance, 2 / (n + n), is that of a gain of 1.
  const double gain = drawing.initializer == Initializer::kXavierNormal ? 1.0 : drawing.gain;
  return gain * gain * (1.0 + slope * slope) / 2.0;
}

Growth growth_over(const Drawing& drawing, int layers, std::int64_t width, std::uint64_t seed) {
  engine::Model model(
      mlp({.inputs = width,
           .hidden = std::vector<std::int64_t>(static_cast<std::size_t>(layers), width),
           .outputs = kOutputs,
           .activation = drawing.activation}));
  std::uint32_t drawn = 0;
  for (const engine::Parameter& parameter : model.parameters())
    if (parameter.role == ops::ParameterSpec::Role::kWeight)
      engine::initialize_linear(drawing.initializer, drawing.gain, parameter.shape[1],
                                parameter.shape[0], Random(seed, Stream::kInitialDraw, drawn++),
                                {model.values(parameter), static_cast<std::size_t>(parameter.size)},
                                {});
  const Dataset data = one_example(width, seed);
  const std::vector<std::uint32_t> order = train::identity_order(1);
  const engine::Gradients gradients = engine::frozen_gradients(
      model, train::DatasetSource(data, order), 1, {.loss = {.loss = Loss::kMeanSquaredError}});
  // Of one example a bias has the gradient of its z, and a weight that times its input.
  const auto bias = [&](int layer) {
    return square_sum(model, gradients, fmt::format("layer.{}.bias", layer));
  };
  const auto input = [&](int layer) {
    return square_sum(model, gradients, fmt::format("layer.{}.weight", layer)) / bias(layer);
  };
  Growth growth;
  for (int layer = 0; layer < layers; ++layer) {
    growth.signal.push_back(input(layer + 1) / input(1));
    growth.gradient.push_back(bias(layer) / bias(layers - 1));
  }
  return growth;
}

Reproduction variance(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop) {
  const Size size = size_of(settings);
  Reproduction found;
  found.setting = fmt::format(
      "{} hidden layers of {} units as drawn, one normal input and a random error at the output, "
      "{} "
      "draws; {} on {}, SGD .01 with momentum .9, batch 128, {} steps, {} seeds{}. Fully "
      "connected: the paper's networks are convolutional, on ImageNet",
      kLayers, size.width, size.draws, size.model, size.data, size.steps, size.seeds,
      settings.quick ? "; quick: too small" : "");
  std::vector<Measured> measured;
  for (const Tried& tried : all_tried()) {
    if (stop.stop_requested()) break;
    measured.push_back(measure(tried, size, settings, progress, stop));
  }
  found.missing = stop.stop_requested() ? 1 : 0;
  std::vector<Learned> learned;
  std::vector<Curve> losses;
  if (found.missing == 0)
    found.missing = train_both(settings, size, progress, stop, learned, losses);
  if (found.missing > 0) return found;
  found.plots = {plot_of(measured, false), plot_of(measured, true),
                 loss_plot(fmt::format("Training loss of {}", size.model), std::move(losses))};
  found.tables = {table_of(measured, size), table_of(learned, size)};
  for (const Measured& each : measured)
    if (!each.tried.published.empty()) found.claims.push_back(factor_claim(each));
  found.claims.push_back(training_claim(learned));
  leave_open_if_short(found.claims, settings, {kFull.seeds, kFull.steps});
  return found;
}

}  // namespace undying::study
