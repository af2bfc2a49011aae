#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "undying/activation.h"

namespace undying::cli {
namespace {

struct Topic {
  const char* title;
  const char* flag;
  std::vector<std::string> values;
};

const std::vector<Topic>& topics() {
  static const std::vector<Topic> all = {
      {"Models", "--model", {"mlp:WIDTHxDEPTH", "mlp:WIDTH-WIDTH-..."}},
      {"Data sets",
       "--data",
       {"fashion-mnist", "idx:DIR", "npy:X.npy,Y.npy", "npz:FILE", "csv:FILE[:label=NAME]", "spirals", "abs", "slowly-changing"}},
      {"Optimizers", "--optimizer", {"sgd", "adam", "adamw", "rmsprop"}},
      {"Schedules", "--schedule", {"constant", "step:PERIOD[,GAMMA]", "cosine[:FINAL]", "one-cycle"}},
      {"Initial draws",
       "--init-scheme",
       {"kaiming-normal", "kaiming-uniform", "xavier-normal", "xavier-uniform", "lecun-normal", "orthogonal", "randomized-asymmetric"}},
      {"Losses", "--loss", {"cross-entropy", "mse", "bce", "huber"}}};
  return all;
}

std::string parameter_text(const ActivationParameter& parameter) {
  return fmt::format("{} = {} ({}; {} to {})", parameter.name, parameter.initial, parameter.meaning, parameter.lowest, parameter.highest);
}

void print_activations() {
  fmt::print("Activations (--activation, --activations), written NAME or NAME:VALUE or NAME:VALUE,VALUE:\n\n");
  for (const ActivationInfo& info : activation_family()) {
    fmt::print("  {:<18} {}\n", info.name, info.formula);
    for (const ActivationParameter& parameter : info.parameters) fmt::print("  {:<18}   {}\n", "", parameter_text(parameter));
    fmt::print("  {:<18}   units {}; ONNX {}; {}\n", "", info.has_zero_gradient ? "can be dead" : "cannot be dead",
               info.onnx_operator.empty() ? "composite" : info.onnx_operator, info.source);
  }
}

nlohmann::ordered_json as_json() {
  nlohmann::ordered_json json;
  for (const ActivationInfo& info : activation_family()) {
    nlohmann::ordered_json entry = {
        {"name", info.name},       {"formula", info.formula}, {"source", info.source},     {"can_be_dead", info.has_zero_gradient},
        {"learned", info.learned}, {"random", info.random},   {"onnx", info.onnx_operator}};
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

int list(const std::string& file) {
  if (!file.empty()) write_file(file, as_json().dump(2) + "\n");
  print_activations();
  for (const Topic& topic : topics()) fmt::print("\n{} ({}):\n  {}\n", topic.title, topic.flag, fmt::join(topic.values, ", "));
  return kOk;
}

}  // namespace

Command add_list(CLI::App& program) {
  CLI::App* app = program.add_subcommand("list", "name the activations, models, data sets and settings there are");
  const auto file = std::make_shared<std::string>();
  app->add_option("--json", *file, "also write the list as JSON to this file")->type_name("FILE");
  return [file] { return list(*file); };
}

}  // namespace undying::cli
