#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/options.h"
#include "cli/flags/parse.h"
#include "cli/flags/trial_options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "undying/error.h"
#include "undying/report.h"
#include "undying/study.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Compares activations on your data and network in a controlled study.\n"
    "The same seeds, initial draws and data order in every arm; a control (relu) and a placebo "
    "(relu from other\n"
    "draws) are always among them. Says, with intervals, whether an activation helps, hurts, is "
    "the same within a\n"
    "margin or stays undecided, and whether dead neurons mattered. Adds seeds while an arm is "
    "undecided.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying compare --report report.html\n"
    "  undying compare --model mlp:32x20 --activations relu,leaky_relu:0.01,prelu,elu --seeds 10 "
    "--lr 0.02 --momentum 0.9\n"
    "  undying compare --data csv:measurements.csv:label=class --model mlp:64-64 --store "
    "study.sqlite\n"
    "  undying compare --activations relu,leaky_relu:0.1,tanh --lr 0.003,0.03,0.3 --report "
    "report.html\n"
    "  undying compare --seeds 20 --part 3/16 --store part-3.sqlite   (then undying merge "
    "part-*.sqlite --store study.sqlite)\n"
    "\n"
    "Runs go one to a core. Ctrl-C ends the study: what was finished is analysed and written, and "
    "how many runs are\n"
    "missing is said. With several rates in --lr each arm is tuned before it is judged, and "
    "--budget counts that time.\n"
    "With --store the same command resumes it, and a larger --max-seeds or more --activations "
    "extend it.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 130 "
    "interrupted.";

constexpr std::int64_t kMostParts = 100'000;

struct CompareOptions {
  CompareOptions(CLI::App& app, const Host& host)
      : training(app, host, TrainingOptions::Network::kBuilt, TrainingOptions::Rates::kSeveral),
        trial(app) {
    app.add_option("--activations", activations,
                   "the arms, separated by commas; undying list names them all")
        ->type_name("NAMES")
        ->capture_default_str();
    app.add_option("--keep-alive", keep_alive,
                   fmt::format("remedies inside training, separated by commas: {}, several joined "
                               "by +, and none; each is an arm with each activation",
                               fmt::join(keep_alive_forms(), ", ")))
        ->type_name("NAMES")
        ->capture_default_str();
    add_file(app, "--report", report, "write a self-contained HTML report to this file");
    add_file(app, "--store", store, "keep finished runs in this SQLite file, and resume from it");
    app.add_option("--part", part,
                   "K/N: train the K-th of N parts of the runs only, into --store; undying merge "
                   "brings parts together")
        ->type_name("K/N");
    add_real(app, "--target-accuracy", target_accuracy,
             "for steps to target, a share such as 0.8; 0: 95% of the control's best", 0.0, 1.0);
  }

  TrainingOptions training;
  TrialOptions trial;
  std::string activations = "relu,leaky_relu:0.01,leaky_relu:0.2,prelu,elu";
  std::string keep_alive = "none";
  std::string report;
  std::string store;
  std::string part;
  double target_accuracy = 0.0;
};

// "3/16": the third of sixteen.
StudyPart parse_part(const CompareOptions& options) {
  if (options.part.empty()) return {};
  const std::size_t slash = options.part.find('/');
  if (slash == std::string::npos)
    throw Error(ErrorCode::kInvalidArgument, "--part",
                fmt::format("is \"{}\"; expected K/N, such as 3/16", options.part));
  const std::int64_t count = parse_integer("--part", options.part.substr(slash + 1), 1, kMostParts);
  const std::int64_t index = parse_integer("--part", options.part.substr(0, slash), 1, count);
  const auto refuse = [](const char* flag, const char* message) {
    throw Error(ErrorCode::kInvalidArgument, flag, message);
  };
  if (options.store.empty())
    refuse(
        "--part",
        "has nowhere to keep its runs; expected --store FILE too, a file of its own for each part");
  if (options.trial.seeds() == 0)
    refuse("--part", "does not go with seeds that are added as needed; expected --seeds N");
  if (options.training.learning_rates().size() > 1)
    refuse("--part",
           "does not go with several rates in --lr, which are chosen from the runs of all parts; "
           "expected one");
  if (!options.report.empty())
    refuse(
        "--report",
        "is of a whole study; expected it with the store that undying merge makes, without --part");
  if (!options.training.json().empty())
    refuse(
        "--json",
        "is of a whole study; expected it with the store that undying merge makes, without --part");
  return {static_cast<int>(index), static_cast<int>(count)};
}

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

StudySettings study_settings(const CompareOptions& options) {
  StudySettings settings{.data = options.training.data(),
                         .model = options.training.model(),
                         .model_options = options.training.model_options()};
  settings.activations = parse_activations("--activations", options.activations);
  settings.keep_alive = parse_keep_alives("--keep-alive", options.keep_alive);
  settings.seeds = options.trial.seeds();
  settings.max_seeds = options.trial.max_seeds();
  settings.budget = options.trial.budget();
  settings.margin = options.trial.margin();
  settings.train = options.training.settings();
  settings.learning_rates = options.training.learning_rates();
  settings.threads = options.training.threads();
  settings.target_accuracy = options.target_accuracy;
  settings.store = options.store;
  settings.part = parse_part(options);
  if (settings.train.shards > 1)
    throw Error(
        ErrorCode::kInvalidArgument, "--shards",
        fmt::format("is {}; expected 1: each run of a study has one core, and cuts no batch",
                    settings.train.shards));
  return settings;
}

// The network of a file, whose hidden activations become each arm's.
void take(const CompareOptions& options, Network& network, const Dataset& train,
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
void start(const CompareOptions& options, const Dataset& train, StudySettings& settings) {
  if (options.training.init().empty()) return;
  const std::int64_t outputs = train.classes > 0 ? train.classes : train.outputs;
  const Graph graph =
      settings.network ? *settings.network
                       : build_model(settings.model, train.shape, outputs, settings.model_options);
  settings.initial = fitting(graph, options.training.initial(), options.training.init());
}

Study run(const StudySettings& settings, const Split& data, Screen& screen,
          const std::stop_token& stop) {
  StudyDisplay display(screen, settings, data.train->size);
  return run_study(
      settings, data, [&](const std::vector<Arm>& arms) { display.plan(arms); },
      [&](const StudyProgress& progress) { display.update(progress); }, stop);
}

int compare(const CompareOptions& options, const Host& host) {
  Outputs outputs(
      {{"--json", options.training.json()},
       {"--report", options.report},
       {"--store", options.store}},
      {{"--data", options.training.data_files()},
       {"--init", {options.training.init()}},
       {"--model", {is_network_file(options.training.model()) ? options.training.model() : ""}}});
  StudySettings settings = study_settings(options);
  Screen screen(host, options.training.quiet());
  const Interrupt interrupt(
      host,
      [&] {
        screen.print("interrupted: what is finished will be written; once more ends at once");
      },
      [&] { screen.abandon(); });
  std::optional<Network> network = options.training.open_network();
  const Split data = open_data(options.training, network, show_reading(screen, interrupt.token()));
  options.training.fit_epochs(settings.train, data);
  if (network) take(options, *network, *data.train, settings);
  if (!network) settings.train.loss = options.training.loss(*data.train);
  start(options, *data.train, settings);
  Study study = run(settings, data, screen, interrupt.token());
  screen.close();
  if (!settings.part.whole()) return end_part(host, study);
  study.command = host.command;
  if (nothing_finished(host, study)) return kInterrupted;
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

}  // namespace

Command add_compare(CLI::App& program, const Host& host) {
  CLI::App* app =
      program.add_subcommand("compare", "try activations against ReLU in a controlled study");
  app->description(kDescription);
  app->footer(kFooter);
  const auto options = std::make_shared<CompareOptions>(*app, host);
  return [options, &host] { return compare(*options, host); };
}

}  // namespace undying::cli
