#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "cli/commands/commands.h"
#include "cli/flags/opset.h"
#include "cli/flags/options.h"
#include "cli/flags/parse.h"
#include "cli/flags/trial_options.h"
#include "cli/network.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "undying/doctor.h"
#include "undying/error.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kReviveDescription =
    "Tries remedies on a network in a controlled trial: every arm trains on from the same weights "
    "on the same batches,\n"
    "beside a control (no change) and a placebo (as many living units re-initialised as are dead). "
    "Judges on validation\n"
    "rows cut off the training part, reports on held-out ones. Writes the healed network only "
    "where a remedy beats both;\n"
    "says so when nothing helped.\n";

constexpr const char* kReviveFooter =
    "Examples:\n"
    "  undying revive model.onnx --data fashion-mnist -o healed.onnx\n"
    "  undying revive model.onnx --data npz:data.npz --optimizer adam --epochs 2 --seeds 8 -o "
    "healed.onnx --report trial.html\n"
    "  undying revive model.onnx --data fashion-mnist --remedies \"leaky_relu:0.2 + cbp,redo\"\n"
    "  undying revive model.onnx --data fashion-mnist --remedies leaky_relu:0.1,re-initialise -o "
    "healed.onnx\n"
    "\n"
    "A swap of activations keeps the network's answers as far as biases can: what is left of the "
    "difference is printed.\n"
    "Re-initialised dead units have outgoing weights of 0: no answer changes before the first "
    "step.\n"
    "Exit codes: 0 done, also when nothing helped; 1 internal failure; 2 bad input, or an output "
    "that cannot be written;\n"
    "130 interrupted, nothing is chosen.";

// Control and placebo, which are always among them, left out.
std::string known_remedies() {
  std::string known;
  const std::vector<Remedy> all = standard_remedies();
  for (std::size_t i = 2; i < all.size(); ++i) known += (known.empty() ? "" : ", ") + all[i].label;
  return known;
}

struct ReviveOptions {
  ReviveOptions(CLI::App& app, const Host& host)
      : training(app, host, TrainingOptions::Network::kGiven), trial(app) {
    app.add_option("MODEL", model, "the network, an ONNX file")->required();
    add_file(app, "-o,--out", out, "write the healed network to this ONNX file");
    add_opset(app, opset);
    app.add_option(
           "--remedies", remedies,
           "those to try, separated by commas: " + known_remedies() +
               "; all: every one of these; others: an activation, what acts inside training (" +
               fmt::format("{}", fmt::join(keep_alive_forms(), ", ")) +
               "), several with + between them")
        ->type_name("NAMES")
        ->capture_default_str();
    add_memory(app, memory);
    app.add_flag("--explain", explain, "print the passes over the data that were made, too");
    add_file(app, "--report", report, "write a self-contained HTML report to this file");
  }

  TrainingOptions training;
  TrialOptions trial;
  std::string model;
  std::string out;
  std::string report;
  std::string remedies = "all";
  std::int64_t opset = 0;
  std::int64_t memory = DiagnoseSettings{}.memory;
  bool explain = false;
};

// Control and placebo are always among them.
std::vector<Remedy> choose(const std::string& names) {
  std::vector<Remedy> chosen = standard_remedies();
  if (names == "all") return chosen;
  chosen.resize(2);
  for (Remedy& remedy : parse_remedies("--remedies", names)) chosen.push_back(std::move(remedy));
  return chosen;
}

ReviveSettings revive_settings(const ReviveOptions& options) {
  ReviveSettings settings{.model = std::filesystem::path(options.model).filename().string(),
                          .data = options.training.data(),
                          .remedies = choose(options.remedies),
                          .seeds = options.trial.seeds(),
                          .max_seeds = options.trial.max_seeds(),
                          .budget = options.trial.budget(),
                          .margin = options.trial.margin(),
                          .train = options.training.settings(),
                          .threads = options.training.threads()};
  settings.diagnose.threads = options.training.threads();
  settings.diagnose.memory = options.memory;
  if (settings.train.shards > 1)
    throw Error(
        ErrorCode::kInvalidArgument, "--shards",
        fmt::format("is {}; expected 1: each run of a trial has one core, and cuts no batch",
                    settings.train.shards));
  return settings;
}

std::vector<Tensor> healed_weights(const Network& network, const Revival& revival) {
  std::vector<Tensor> weights = revival.weights;
  for (const Tensor& tensor : network.model.weights)
    if (std::ranges::find(weights, tensor.name, &Tensor::name) == weights.end())
      weights.push_back(tensor);
  return weights;
}

// The whole network of the file, healed, with the outputs that the file has. How the table that it
// was healed on is read goes into the file where nothing else says so: columns, classes, scaling.
void save(const std::string& file, std::int64_t opset, const Network& network,
          const Revival& revival, const std::string& command, const Split& data) {
  if (!revival.chosen || !revival.graph) return;
  const Arm& arm = revival.study.arms[*revival.chosen];
  onnx::SaveOptions options = onnx::like(network.model);
  options.doc = fmt::format("Revived by {}, seed {}. {} Command: {}", arm.label,
                            revival.chosen_seed, revival.sentence, command);
  if (opset != 0) options.opset = opset;
  const Graph whole = network.whole(*revival.graph);
  const std::size_t own = network.model.own > 0 ? network.model.own : whole.outputs().size();
  std::vector<int> outputs(whole.outputs().begin(),
                           whole.outputs().begin() + static_cast<std::ptrdiff_t>(own));
  options.outputs.resize(own);
  if (!options.form && !data.reading.columns.empty() && network.model.inputs.size() == 1 &&
      own == 1)
    options.form = form_of(data);
  onnx::save(file, Graph(whole.nodes(), std::move(outputs), whole.derived()),
             healed_weights(network, revival), options);
}

// What the remedy does to outputs that nobody asked about: their heads are as they were, what they
// share with the chosen ones is not.
using Others = std::vector<std::pair<std::string, Change>>;
Others others_of(const Network& network, const Revival& revival, const Dataset& data) {
  Others others;
  if (!revival.chosen || !revival.graph) return others;
  const Graph& healed = *revival.graph;
  for (const std::string& name : network.others) {
    Change change{.unknown = "was not looked at: interrupted"};
    unless_stopped(
        [&] { change = change_of(network, name, healed, healed_weights(network, revival), data); });
    others.emplace_back(name, change);
  }
  return others;
}

// The record, with what becomes of them.
std::string record(const std::string& command, const Revival& revival, const Others& others,
                   const Dataset& data) {
  if (others.empty()) return revival_json(command, revival);
  auto json = nlohmann::ordered_json::parse(revival_json(command, revival));
  auto& changes = json["other_outputs"] = nlohmann::ordered_json::array();
  for (const auto& [name, change] : others) {
    nlohmann::ordered_json entry = {{"name", name}, {"data", data.name}, {"examples", data.size}};
    if (change.unknown.empty())
      entry.update({{"largest_change", change.difference}, {"largest_before", change.scale}});
    if (!change.unknown.empty()) entry["note"] = change.unknown;
    changes.push_back(std::move(entry));
  }
  return json.dump(1) + "\n";
}

void print_others(const Host& host, const Network& network, const Others& others,
                  const Dataset& data) {
  for (const std::string& why : network.model.left_out)
    host.print("not in the healed network, for it cannot be read: {}\n", why);
  for (const auto& [name, change] : others) {
    host.print("output {}, which was not chosen, {}\n", name,
               change.unknown.empty()
                   ? fmt::format("changes by at most {:.3g} on {} (n = {}; it reaches {:.3g})",
                                 change.difference, data.name, data.size, change.scale)
                   : change.unknown);
  }
}

// What was found, in files and on the screen.
int finish(const ReviveOptions& options, const Host& host, Outputs& outputs, const Network& network,
           const Split& data, const Revival& revival) {
  if (nothing_finished(host, revival.study, outputs)) return kInterrupted;
  const Others others = others_of(network, revival, *data.test);
  outputs.write(options.training.json(), [&] {
    write_file(options.training.json(), record(host.command, revival, others, *data.test));
  });
  outputs.write(options.report, [&] { write_file(options.report, study_html(revival.study)); });
  if (revival.chosen)
    outputs.write(options.out,
                  [&] { save(options.out, options.opset, network, revival, host.command, data); });
  host.print("{}\n", summary_text(revival.study.read, host.columns));
  print_notes(host, network);
  host.print("{}", revival_text(revival, host.columns, host.color));
  if (options.explain) host.print("\n{}", passes_text(revival.passes));
  outputs.rethrow();
  if (revival.chosen) print_others(host, network, others, *data.test);
  if (revival.chosen && !options.out.empty()) host.print("\nhealed network: {}\n", options.out);
  if (!revival.chosen && !options.out.empty()) host.print("\nno network was written\n");
  outputs.tell_older(host);
  return revival.study.missing > 0 || revival.interrupted ? kInterrupted : kOk;
}

int run_revive(const ReviveOptions& options, const Host& host) {
  check_network_out(options.out);
  Outputs outputs(
      {{"--out", options.out}, {"--json", options.training.json()}, {"--report", options.report}},
      {{"MODEL", {options.model}}, {"--data", options.training.data_files()}});
  ReviveSettings settings = revive_settings(options);
  Network network = options.training.network_flags().load(options.model);
  check_trains(network, options.model);
  Screen screen(host, options.training.quiet());
  const Interrupt interrupt(
      host, [&] { screen.print(kRunsInterrupted); }, [&] { screen.abandon(); });
  const Split data = open_for(network, [&] {
    return options.training.open_data(show_reading(screen, interrupt.token()), network.model.form,
                                      network.interface);
  });
  options.training.fit_epochs(settings.train, data);
  options.training.choose(network, *data.train, settings.train);
  settings.diagnose.loss = settings.train.loss;
  settings.diagnose.outputs = settings.train.outputs;
  StudySettings shown{.train = settings.train};
  StudyDisplay display(screen, shown, data.train->size, "validation");
  Revival revival = revive(
      network.graph, network.model.weights, data, settings,
      [&](const std::vector<Arm>& arms) { display.plan(arms); },
      [&](const StudyProgress& progress) { display.update(progress); }, interrupt.token());
  screen.close();
  revival.study.command = host.command;
  return finish(options, host, outputs, network, data, revival);
}

}  // namespace

Command add_revive(CLI::App& program, const Host& host) {
  CLI::App* app =
      program.add_subcommand("revive", "try remedies on a given network in a controlled trial");
  app->description(kReviveDescription);
  app->footer(kReviveFooter);
  const auto options = std::make_shared<ReviveOptions>(*app, host);
  return [options, &host] { return run_revive(*options, host); };
}

}  // namespace undying::cli
