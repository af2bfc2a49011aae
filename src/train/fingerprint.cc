#include "train/fingerprint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <functional>
#include <map>
#include <sstream>
#include <type_traits>

namespace undying::train {
namespace {

template <class T>
unsigned long checksum(unsigned long sum, const std::vector<T>& values) {
  if (values.empty()) return sum;  // crc32_z starts anew at a null pointer
  const auto* bytes = reinterpret_cast<const Bytef*>(values.data());
  return crc32_z(sum, bytes, values.size() * sizeof(T));
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
  } else if constexpr (std::is_same_v<T, KeepAlive>) {
    return value.specification();
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

std::string describe(const DataStream& stream) {
  std::string text = fmt::format("stream {}, {} examples", stream.name, stream.examples);
  std::int64_t index = 0;
  do {
    text += "; " + describe(*stream.read(index));
  } while (++index * stream.stretch < stream.examples);
  return text;
}

namespace {

std::string describe(const Node& node) {
  std::string text = fmt::format("{} {} ({}) {}", node.name, node.op, fmt::join(node.inputs, " "),
                                 fmt::join(node.parameters, " "));
  for (const auto& [name, value] : node.attributes.all())
    text += fmt::format(" {}={}", name, std::visit(Text(), value));
  return text;
}

std::string describe(const Derived& derived) {
  std::string text = derived.parameter + " from ";
  for (const Node& node : derived.nodes) text += describe(node) + ";";
  return text;
}

}  // namespace

std::string lines(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) text += "node: " + describe(node) + "\n";
  for (const Derived& each : graph.derived()) text += "derived: " + describe(each) + "\n";
  return text;
}

std::string describe(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) text += describe(node) + ";";
  for (const Derived& each : graph.derived()) text += describe(each);
  return fmt::format("{} nodes, outputs {}, checksum {:08x}", graph.nodes().size(),
                     fmt::join(graph.outputs(), " "),
                     checksum(0, std::vector<char>(text.begin(), text.end())));
}

std::string describe(const std::vector<Tensor>& tensors) {
  unsigned long sum = 0;
  for (const Tensor& tensor : tensors) sum = checksum(sum, tensor.values);
  return fmt::format("{} tensors, checksum {:08x}", tensors.size(), sum);
}

std::string settings_text(const TrainSettings& t, const std::string& rate) {
  std::string text;
  const auto line = [&](std::string_view name, const auto& value) {
    text += fmt::format("{}: {}\n", name, value);
  };
  line("optimizer", describe(t.optimizer, rate));
  line("schedule", fmt::format("{} warm-up {} period {} gamma {} final {}",
                               static_cast<int>(t.schedule.kind), t.schedule.warmup,
                               t.schedule.period, t.schedule.gamma, t.schedule.final_factor));
  line("loss",
       fmt::format("{} smoothing {} delta {}", name(t.loss), t.label_smoothing, t.huber_delta));
  for (const OutputLoss& output : t.outputs)
    line("output", fmt::format("{} {} weight {} elements {} to {} column {}", output.output,
                               name(output.loss), output.weight, output.first,
                               output.first + output.width, output.target));
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
  return text;
}

std::string difference(const std::string& a, const std::string& b) {
  std::istringstream left(a);
  std::istringstream right(b);
  std::string left_line;
  std::string right_line;
  for (;;) {
    const bool more_left = static_cast<bool>(std::getline(left, left_line));
    const bool more_right = static_cast<bool>(std::getline(right, right_line));
    if (!more_left && !more_right) return "";
    if (!more_left || !more_right || left_line != right_line)
      return fmt::format("it has \"{}\", this one \"{}\"", left_line, right_line);
  }
}

}  // namespace undying::train
