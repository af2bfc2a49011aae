#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/parse.h"
#include "cli/outputs.h"
#include "data/open.h"
#include "undying/activation.h"
#include "undying/settings.h"

namespace undying::cli {
namespace {

constexpr const char* kListDescription =
    "Names the activations, models, data sets and settings there are.\n"
    "Each activation with its formula, its parameters, whether its units can be dead, and where it "
    "comes from.\n";

constexpr const char* kListFooter =
    "Examples:\n"
    "  undying list\n"
    "  undying list --json list.json\n"
    "  for a in $(undying list --quiet); do undying bench --activation $a; done\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written.";

struct Topic {
  const char* title;
  const char* flag;
  std::vector<std::string> values;
};

std::vector<std::string> words(const std::vector<std::string_view>& names) {
  return {names.begin(), names.end()};
}

std::vector<std::string> with_none(std::vector<std::string> forms) {
  forms.insert(forms.begin(), "none");
  return forms;
}

const std::vector<Topic>& topics() {
  static const std::vector<Topic> all = {
      {"Models",
       "--model",
       {"mlp:WIDTHxDEPTH", "mlp:WIDTH-WIDTH-...", "lenet", "vgg:small", "resnet:20", "resnet:32",
        "resnet:56", "mobilenet:small"}},
      {"Data sets", "--data", data::source_forms()},
      {"Augmentation", "--augment", with_none(augmentation_forms())},
      {"Optimizers", "--optimizer", words(optimizer_names())},
      {"Schedules", "--schedule", schedule_forms()},
      {"Remedies inside training", "--keep-alive", keep_alive_forms()},
      {"Initial draws", "--init-scheme", initializer_names()},
      {"Losses", "--loss", loss_names()},
      {"Metrics", "--metric", metric_names()}};
  return all;
}

// "0 to 1", "above 0" and the like, without the largest float spelled out.
std::string range_text(const ActivationParameter& parameter) {
  constexpr float kMost = std::numeric_limits<float>::max();
  if (parameter.lowest <= -kMost && parameter.highest >= kMost) return "any number";
  if (parameter.highest >= kMost) return fmt::format("{} or more", parameter.lowest);
  if (parameter.lowest <= -kMost) return fmt::format("{} or less", parameter.highest);
  return fmt::format("{} to {}", parameter.lowest, parameter.highest);
}

std::string traits_text(const ActivationInfo& info) {
  std::string text = info.has_zero_gradient ? "units can be dead" : "units cannot be dead";
  if (info.learned) text += "; learned";
  if (info.random) text += "; random in training";
  if (info.width > 1) text += fmt::format("; {} outputs a unit", info.width);
  return text + "; ONNX " +
         std::string(info.onnx_operator.empty() ? "composite" : info.onnx_operator);
}

void print_activations(const Host& host) {
  host.print(
      "Activations (--activation, --activations), written NAME or NAME:VALUE or "
      "NAME:VALUE,VALUE:\n\n");
  for (const ActivationInfo& info : activation_family()) {
    host.print("  {:<18} {}\n", info.name, info.formula);
    for (const ActivationParameter& parameter : info.parameters)
      host.print("  {:<18}   {} = {} ({}; {})\n", "", parameter.name, parameter.initial,
                 parameter.meaning, range_text(parameter));
    host.print("  {:<18}   {}; {}\n", "", traits_text(info), info.source);
  }
}

void print_names(const Host& host) {
  for (const ActivationInfo& info : activation_family()) host.print("{}\n", info.name);
}

nlohmann::ordered_json as_json() {
  nlohmann::ordered_json json;
  for (const ActivationInfo& info : activation_family()) {
    nlohmann::ordered_json entry = {
        {"name", info.name},         {"formula", info.formula},
        {"source", info.source},     {"can_be_dead", info.has_zero_gradient},
        {"learned", info.learned},   {"random", info.random},
        {"onnx", info.onnx_operator}};
    entry["parameters"] = nlohmann::ordered_json::array();
    for (const ActivationParameter& parameter : info.parameters)
      entry["parameters"].push_back({{"name", parameter.name},
                                     {"default", parameter.initial},
                                     {"lowest", parameter.lowest},
                                     {"highest", parameter.highest},
                                     {"meaning", parameter.meaning}});
    json["activations"].push_back(entry);
  }
  for (const Topic& topic : topics()) json[std::string(topic.flag).substr(2)] = topic.values;
  return json;
}

struct ListOptions {
  explicit ListOptions(CLI::App& app) {
    add_file(app, "--json", json, "also write the list as JSON to this file");
    app.add_flag("--quiet", quiet, "the names of the activations alone, one a line");
    add_integer(app, "--seed", unused,
                "taken so that every command takes it; nothing here is drawn", 0,
                std::int64_t{1} << 62);
    add_integer(app, "--threads", unused, "likewise", 0, 1024);
  }

  std::string json;
  bool quiet = false;
  std::int64_t unused = 0;
};

int list(const ListOptions& options, const Host& host) {
  Outputs outputs{{"--json", options.json}};
  outputs.write(options.json, [&] { write_file(options.json, as_json().dump(2) + "\n"); });
  if (options.quiet) {
    print_names(host);
  } else {
    print_activations(host);
    for (const Topic& topic : topics())
      host.print("\n{} ({}):\n  {}\n", topic.title, topic.flag, fmt::join(topic.values, ", "));
  }
  outputs.rethrow();
  return kOk;
}

}  // namespace

Command add_list(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("list", kListDescription);
  app->footer(kListFooter);
  const auto options = std::make_shared<ListOptions>(*app);
  return [options, &host] { return list(*options, host); };
}

}  // namespace undying::cli
