#include "cli/commands/study.h"

#include <fmt/format.h>

#include <optional>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/parse.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "undying/error.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

// What has become of a part, and how it goes on.
int end_part(const Host& host, const Study& study) {
  std::size_t all = 0;
  for (const Arm& arm : study.arms) all += arm.runs.size();
  const StudyPart& part = study.settings.part;
  const std::size_t mine = part.of(all);
  const std::size_t done = all - static_cast<std::size_t>(study.missing);
  const std::string store = study.settings.store.string();
  if (done < mine) {
    host.print("interrupted: part {} of {} has {} of its {} runs in {}; the same command goes on\n",
               part.index, part.count, done, mine, store);
    return kInterrupted;
  }
  host.print("part {} of {} is whole: {} of {} runs are in {}\n", part.index, part.count, mine, all,
             store);
  host.print(
      "next: undying merge PARTS... --store FILE, then this command with --store FILE and without "
      "--part\n");
  return kOk;
}

// The network of a file, whose hidden activations become each arm's.
void take(const StudyOptions& options, Network& network, const Dataset& train,
          StudySettings& settings) {
  options.training.choose(network, train, settings.train);
  settings.network = trained_graph(network, settings.train.loss);
  settings.initial = frozen_tensors(network, settings.train);
  const std::vector<int> hidden = hidden_activations(*settings.network);
  if (hidden.empty())
    throw Error(ErrorCode::kUnsupported, settings.model,
                "has no activation in front of a layer but gates (sigmoid, tanh, hardsigmoid); "
                "there is nothing to compare");
  network.notes.push_back(fmt::format("{} activation{} of the file, {}, {} each arm's",
                                      hidden.size(), hidden.size() == 1 ? "" : "s",
                                      own_activation(*settings.network).specification(),
                                      hidden.size() == 1 ? "becomes" : "become"));
}

// The weights of --init.
void start(const StudyOptions& options, const Dataset& train, StudySettings& settings) {
  if (options.training.init().empty()) return;
  const std::int64_t outputs = train.classes > 0 ? train.classes : train.outputs;
  const Graph graph =
      settings.network ? *settings.network
                       : build_model(settings.model, train.shape, outputs, settings.model_options);
  settings.initial = fitting(graph, options.training.initial(), options.training.init());
}

}  // namespace

StudyOptions::StudyOptions(CLI::App& app, const Host& host, const char* activations_help,
                           std::string names)
    : training(app, host, TrainingOptions::Network::kBuilt, TrainingOptions::Rates::kSeveral),
      trial(app),
      activations(std::move(names)) {
  app.add_option("--activations", activations, activations_help)
      ->type_name("NAMES")
      ->capture_default_str();
  add_file(app, "--report", report, "write a self-contained HTML report to this file");
  add_file(app, "--store", store, "keep finished runs in this SQLite file, and resume from it");
}

StudySettings study_settings(const StudyOptions& options) {
  StudySettings settings{.data = options.training.data(),
                         .model = options.training.model(),
                         .model_options = options.training.model_options()};
  settings.activations = parse_activations("--activations", options.activations);
  settings.seeds = options.trial.seeds();
  settings.max_seeds = options.trial.max_seeds();
  settings.budget = options.trial.budget();
  settings.margin = options.trial.margin();
  settings.train = options.training.settings();
  settings.learning_rates = options.training.learning_rates();
  settings.threads = options.training.threads();
  settings.store = options.store;
  if (settings.train.shards > 1)
    throw Error(
        ErrorCode::kInvalidArgument, "--shards",
        fmt::format("is {}; expected 1: each run of a study has one core, and cuts no batch",
                    settings.train.shards));
  return settings;
}

int judge(const StudyOptions& options, StudySettings settings, const Host& host,
          const RunStudy& run_study) {
  Outputs outputs(
      {{"--json", options.training.json()},
       {"--report", options.report},
       {"--store", options.store, true}},
      {{"--data", options.training.data_files()},
       {"--init", {options.training.init()}},
       {"--model", {is_network_file(options.training.model()) ? options.training.model() : ""}}});
  Screen screen(host, options.training.quiet());
  const Interrupt interrupt(
      host, [&] { screen.print(kRunsInterrupted); }, [&] { screen.abandon(); });
  std::optional<Network> network = options.training.open_network();
  const Split data = open_data(options.training, network, show_reading(screen, interrupt.token()));
  options.training.fit_epochs(settings.train, data);
  if (network) take(options, *network, *data.train, settings);
  if (!network) settings.train.loss = options.training.loss(*data.train);
  start(options, *data.train, settings);
  StudyDisplay display(screen, settings, data.train->size);
  Study study = run_study(
      settings, data, [&](const std::vector<Arm>& arms) { display.plan(arms); },
      [&](const StudyProgress& progress) { display.update(progress); }, interrupt.token());
  screen.close();
  if (!settings.part.whole()) return end_part(host, study);
  study.command = host.command;
  if (nothing_finished(host, study, outputs)) return kInterrupted;
  outputs.write(options.training.json(),
                [&] { write_file(options.training.json(), study_json(study)); });
  outputs.write(options.report, [&] { write_file(options.report, study_html(study)); });
  host.print("{}\n", summary_text(study.read, host.columns));
  if (network) print_notes(host, *network);
  host.print("{}", study_table(study, host.columns, host.color));
  outputs.rethrow();
  if (!options.report.empty()) host.print("\nreport: {}\n", options.report);
  return study.missing > 0 ? kInterrupted : kOk;
}

}  // namespace undying::cli
