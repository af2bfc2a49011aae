#include "study/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <thread>
#include <type_traits>

#include "base/version.h"
#include "study/draws.h"
#include "study/tune.h"
#include "undying/error.h"

namespace undying::study {
namespace {

template <class T>
unsigned long checksum(unsigned long sum, const std::vector<T>& values) {
  if (values.empty()) return sum;  // crc32_z starts anew at a null pointer
  const auto* bytes = reinterpret_cast<const Bytef*>(values.data());
  return crc32_z(sum, bytes, values.size() * sizeof(T));
}

std::string describe(const Dataset& data) {
  unsigned long sum = checksum(0, data.bytes);
  sum = checksum(sum, data.values);
  sum = checksum(sum, data.labels);
  sum = checksum(sum, data.targets);
  return fmt::format(
      "{} examples of {}, mean {}, deviation {}, of targets {} and {}, checksum {:08x}", data.size,
      fmt::join(data.shape, "x"), fmt::join(data.mean, " "), fmt::join(data.deviation, " "),
      fmt::join(data.target_mean, " "), data.target_deviation, sum);
}

// Of an attribute, all that a node can have.
struct Text {
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const Activation& value) const { return value.specification(); }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  template <class T>
  std::string operator()(const std::vector<T>& values) const {
    return fmt::format("{}", fmt::join(values, ","));
  }
};

std::string describe(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    text += fmt::format("{} {} ({}) {}", node.name, node.op, fmt::join(node.inputs, " "),
                        fmt::join(node.parameters, " "));
    for (const auto& [name, value] : node.attributes.all())
      text += fmt::format(" {}={}", name, std::visit(Text(), value));
    text += ";";
  }
  return fmt::format("{} nodes, outputs {}, checksum {:08x}", graph.nodes().size(),
                     fmt::join(graph.outputs(), " "),
                     checksum(0, std::vector<char>(text.begin(), text.end())));
}

std::string describe(const std::vector<Tensor>& tensors) {
  unsigned long sum = 0;
  for (const Tensor& tensor : tensors) sum = checksum(sum, tensor.values);
  return fmt::format("{} tensors, checksum {:08x}", tensors.size(), sum);
}

// Stored studies were begun with these words.
std::string describe(const Optimizer& optimizer, const std::string& rate) {
  std::string text(name(optimizer));
  visit_settings(optimizer, [&](const Setting& setting, const auto& value) {
    const std::string_view word = setting.stored.empty() ? setting.name : setting.stored;
    if (word != "-") text += fmt::format(" {}", word);
    text += " " + (setting.name == optim::kRate.name ? rate : fmt::format("{}", value));
  });
  return text;
}

template <class T>
std::string text_of(const T& value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return fmt::format("{}", value);
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(name(value));
  } else if constexpr (std::is_same_v<T, std::optional<Metric>>) {
    return value ? std::string(name(*value)) : "";
  } else {
    static_assert(std::is_same_v<T, Optimizer> || std::is_same_v<T, Schedule> ||
                  std::is_same_v<T, Augmentation>);
    return "";  // have lines of their own
  }
}

// The settings with a word of their own, as text.
std::map<std::string, std::string, std::greater<>> words(const TrainSettings& settings) {
  std::map<std::string, std::string, std::greater<>> all;
  TrainSettings::each(settings, [&](const Setting& setting, const auto& value) {
    if (setting.stored != "-")
      all[std::string(setting.stored.empty() ? setting.name : setting.stored)] = text_of(value);
  });
  return all;
}

// Those that have another value than at first, so that a study begun before there was such a
// setting goes on; in falling order, as the first ones were written.
std::map<std::string, std::string, std::greater<>> changed(const TrainSettings& settings) {
  auto all = words(settings);
  for (const auto& [word, value] : words({}))
    if (all.at(word) == value) all.erase(word);
  return all;
}

}  // namespace

std::vector<Arm> plan_arms(const StudySettings& settings) {
  const Activation relu("relu");
  std::vector<Arm> arms = {{.label = "relu (control)", .activation = relu, .role = Role::kControl},
                           {.label = "relu (placebo)", .activation = relu, .role = Role::kPlacebo}};
  for (const Activation& activation : settings.activations) {
    const bool known = std::any_of(arms.begin(), arms.end(),
                                   [&](const Arm& arm) { return arm.activation == activation; });
    if (!known) arms.push_back({.label = activation.specification(), .activation = activation});
  }
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
  line("precision", name(settings.train.precision));
  line("dropout", settings.model_options.dropout);
}

void add_loss(Lines& line, const TrainSettings& t) {
  line("loss",
       fmt::format("{} smoothing {} delta {}", name(t.loss), t.label_smoothing, t.huber_delta));
  for (const OutputLoss& output : t.outputs)
    line("output", fmt::format("{} {} weight {} elements {} to {} column {}", output.output,
                               name(output.loss), output.weight, output.first,
                               output.first + output.width, output.target));
}

}  // namespace

std::string fingerprint(const StudySettings& settings, const Split& data) {
  const TrainSettings& t = settings.train;
  Lines line;
  add_subject(line, settings, data);
  // Not among them which rates are tried either: a longer list goes on with what there is.
  line("optimizer",
       describe(t.optimizer,
                tunes(settings) ? "tuned" : fmt::format("{}", learning_rate(t.optimizer))));
  line("schedule", fmt::format("{} warm-up {} period {} gamma {} final {}",
                               static_cast<int>(t.schedule.kind), t.schedule.warmup,
                               t.schedule.period, t.schedule.gamma, t.schedule.final_factor));
  add_loss(line, t);
  line("clip norm", t.clip_norm);
  line("initializer", name(t.initializer));
  line("batch", t.batch);
  line("epochs", t.epochs);
  line("steps", t.max_steps);
  line("shuffle", t.shuffle);
  line("augmentation", t.augmentation.specification());
  line("health", fmt::format("counters {} census {} tau {} eps {}", t.health.counters,
                             t.health.census, t.health.dormant_tau, t.health.saturation_eps));
  for (const auto& [word, value] : changed(t)) line(word, value);
  return line.text();
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
