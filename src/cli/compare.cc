#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "undying/report.h"
#include "undying/study.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Compares activations on your data and network in a controlled study: the same seeds, initial draws and\n"
    "data order in every arm, a control (relu) and a placebo (relu from other draws) always among them.\n"
    "Says, with intervals, whether an activation helps, hurts or makes no difference, and whether dead\n"
    "neurons mattered.";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying compare --report report.html\n"
    "  undying compare --model mlp:32x20 --activations relu,leaky_relu:0.01,prelu,elu --seeds 10 --lr 0.02 --momentum 0.9\n"
    "  undying compare --data csv:measurements.csv:label=class --model mlp:64-64 --store study.sqlite\n"
    "\n"
    "Ctrl-C ends the study; what was finished is analysed and written. With --store the same command resumes it.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input; 130 interrupted.";

struct CompareOptions {
  explicit CompareOptions(CLI::App& app) : training(app) {
    app.add_option("--activations", activations, "the arms, separated by commas; undying list names them all")->capture_default_str();
    add_integer(app, "--seeds", seeds, "runs per arm", 1, 1000);
    app.add_option("--report", report, "write a self-contained HTML report to this file")->type_name("FILE");
    app.add_option("--store", store, "keep finished runs in this SQLite file, and resume from it")->type_name("FILE");
    add_real(app, "--target-accuracy", target_accuracy, "for steps to target, a share such as 0.8; 0: 95% of the control's best", 0.0, 1.0);
  }

  TrainingOptions training;
  std::string activations = "relu,leaky_relu:0.01,leaky_relu:0.2,prelu,elu";
  std::int64_t seeds = 5;
  std::string report;
  std::string store;
  double target_accuracy = 0.0;
};

int compare(const CompareOptions& options, const std::string& command) {
  for (const std::string& file : {options.training.json(), options.report, options.store})
    if (!file.empty()) check_writable(file);
  StudySettings settings{
      .data = options.training.data(), .model = options.training.model(), .model_options = options.training.model_options()};
  settings.activations = parse_activations("--activations", options.activations);
  settings.seeds = static_cast<int>(options.seeds);
  settings.threads = options.training.threads();
  settings.target_accuracy = options.target_accuracy;
  settings.store = options.store;

  const Interrupt interrupt;
  const Split data = options.training.open_data();
  settings.train = options.training.settings(*data.train);
  Study study;
  {
    Screen screen(options.training.quiet());
    StudyDisplay display(screen, settings, data.train->size);
    study = run_study(
        settings, data, [&](const std::vector<Arm>& arms) { display.plan(arms); },
        [&](const StudyProgress& progress) { display.update(progress); }, interrupt.token());
  }
  study.command = command;
  if (!options.training.json().empty()) write_file(options.training.json(), study_json(study));
  if (!options.report.empty()) write_file(options.report, study_html(study));
  const bool color = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  fmt::print("{}", study_table(study, terminal_columns(STDOUT_FILENO), color));
  if (!options.report.empty()) fmt::print("\nreport: {}\n", options.report);
  return study.missing > 0 ? kInterrupted : kOk;
}

}  // namespace

Command add_compare(CLI::App& program, const std::string& command) {
  CLI::App* app = program.add_subcommand("compare", "try activations against ReLU in a controlled study");
  app->description(kDescription);
  app->footer(kFooter);
  const auto options = std::make_shared<CompareOptions>(*app);
  return [options, command] { return compare(*options, command); };
}

}  // namespace undying::cli
