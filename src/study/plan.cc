#include "study/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/version.h"
#include "study/draws.h"
#include "study/tune.h"
#include "train/fingerprint.h"
#include "undying/error.h"

namespace undying::study {

using train::describe;

namespace {

std::string label_of(const ArmPlan& plan) {
  std::string label = plan.activation.specification();
  if (plan.layer_norm) label += " + layer norm";
  if (plan.keep_alive.any()) label += " + " + plan.keep_alive.specification();
  return label;
}

}  // namespace

std::vector<Arm> plan_arms(const StudySettings& settings) {
  const Activation relu("relu");
  std::vector<Arm> arms = {{.label = "relu (control)", .activation = relu, .role = Role::kControl},
                           {.label = "relu (placebo)", .activation = relu, .role = Role::kPlacebo}};
  const auto add = [&](const ArmPlan& plan) {
    const bool known = std::any_of(arms.begin(), arms.end(), [&](const Arm& arm) {
      return arm.activation == plan.activation && arm.keep_alive == plan.keep_alive &&
             arm.layer_norm == plan.layer_norm;
    });
    if (!known)
      arms.push_back({.label = label_of(plan),
                      .activation = plan.activation,
                      .keep_alive = plan.keep_alive,
                      .layer_norm = plan.layer_norm});
  };
  for (const KeepAlive& keep :
       settings.keep_alive.empty() ? std::vector<KeepAlive>{{}} : settings.keep_alive)
    for (const Activation& activation : settings.activations) add({activation, keep});
  for (const ArmPlan& plan : settings.further) add(plan);
  for (Arm& arm : arms) {
    arm.learning_rate = learning_rate(settings.train.optimizer);
    arm.stored_as = arm.label;
  }
  return arms;
}

TrainSettings run_settings(const StudySettings& settings, const Arm& arm, std::uint64_t seed) {
  TrainSettings train = settings.train;
  train.threads = train.shards = 1;
  train.optimizer = with_learning_rate(train.optimizer, arm.learning_rate);
  train.seed = seed;
  train.keep_alive = arm.keep_alive;
  if (arm.role != Role::kPlacebo) return train;
  const bool given =
      settings.initial.size() >
      settings.train.frozen.size();  // weights: then the order of the data is the other draw
  if (given) train.seed += kPlaceboShift;
  if (!given) train.init_seed = seed + kPlaceboShift;
  return train;
}

namespace {

// A line a figure.
class Lines {
 public:
  void operator()(std::string_view name, const auto& value) {
    text_ += fmt::format("{}: {}\n", name, value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_subject(Lines& line, const StudySettings& settings, const Split& data) {
  line("version", kVersion);
  line("data", settings.data);
  line("train", describe(*data.train));
  line("test", describe(*data.test));
  line("split", redraws(settings, data) ? "drawn anew for every seed" : "one for all seeds");
  line("model", settings.model);
  if (settings.network) line("network", describe(*settings.network));
  if (!settings.initial.empty() || !settings.train.frozen.empty())
    line("initial", fmt::format("{}, frozen {}", describe(settings.initial),
                                fmt::join(settings.train.frozen, " ")));
  line("batch norm", settings.model_options.batch_norm
                         ? (*settings.model_options.batch_norm ? "yes" : "no")
                         : "the model's own");
  if (settings.model_options.layer_norm) line("layer norm", "yes");
  line("precision", name(settings.train.precision));
  line("dropout", settings.model_options.dropout);
}

}  // namespace

std::string fingerprint(const StudySettings& settings, const Split& data) {
  Lines line;
  add_subject(line, settings, data);
  // Not among them which rates are tried either: a longer list goes on with what there is.
  const Optimizer& optimizer = settings.train.optimizer;
  return line.text() + train::settings_text(
                           settings.train,
                           tunes(settings) ? "tuned" : fmt::format("{}", learning_rate(optimizer)));
}

std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  std::string model = "unknown CPU";
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(line.find(':') + 2);
    break;
  }
  const unsigned cores = std::thread::hardware_concurrency();
  return fmt::format("{}, {} core{}", model, cores, cores == 1 ? "" : "s");
}

}  // namespace undying::study

namespace undying {

std::size_t StudyPart::of(std::size_t runs) const {
  return (runs + static_cast<std::size_t>(count - index)) / static_cast<std::size_t>(count);
}

}  // namespace undying
