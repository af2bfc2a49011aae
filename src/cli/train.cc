#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/next.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/parse.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "engine/engine.h"
#include "undying/doctor.h"
#include "undying/error.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Trains one network and keeps the ledger of its neurons.\n"
    "Says which units are dead, which were born dead, and when each died or was revived.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying train --activation leaky_relu:0.1 --epochs 5 --out weights.safetensors\n"
    "  undying train --model resnet:20 --activation leaky_relu:0.01 --explain\n"
    "  undying train --data csv:measurements.csv --model mlp:64-64 --optimizer adamw --schedule cosine --json run.json\n"
    "  undying train --model mlp:96x6 --lr 0.03 --momentum 0.9 --weight-decay 1e-4 --batch 100 --steps 100 --no-shuffle \\\n"
    "      --init in.safetensors --metrics steps.csv --out out.safetensors --json run.json\n"
    "\n"
    "Tensors are named layer.N.weight (out, in), layer.N.bias, layer.N.slope, layer.N.bn.*; N counts linear layers from 0.\n"
    "The same seed and shards give the same bits on any number of threads. A run whose loss or gradient is not finite\n"
    "ends as diverged, which is a result and not a failure.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 130 interrupted, with\n"
    "the outputs of the steps taken.";

struct TrainOptions {
  explicit TrainOptions(CLI::App& app) : training(app) {
    app.add_option("--activation", activation, "NAME or NAME:VALUE, such as leaky_relu:0.1; undying list names them all")
        ->type_name("NAME")
        ->capture_default_str();
    add_file(app, "--init", init, "start from the weights in this safetensors file");
    add_file(app, "--metrics", metrics, "write one line per step as CSV");
    add_file(app, "--out", out, "write the final weights as safetensors, or the network as ONNX where the name ends in .onnx");
    app.add_flag("--explain", explain, "print the compiled plan: operators, shapes, memory, what is in place, what runs; then end");
  }

  TrainingOptions training;
  std::string activation = "relu";
  std::string init;
  std::string metrics;
  std::string out;
  bool explain = false;
};

std::string shape_text(const PlanStep& step) {
  std::string text;
  for (const std::int64_t extent : step.shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text + (step.channels_last ? " cl" : "");
}

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

void print_plan(const PlanSummary& plan, const TrainSettings& settings) {
  fmt::print("The training plan for batches of {}; shapes are of one example, cl: stored channels last\n\n", settings.batch);
  fmt::print("{:<22} {:<28} {:<18} {:>10}  {}\n", "node", "operator", "output", "bytes", "how");
  for (const PlanStep& step : plan.steps)
    fmt::print("{:<22} {:<28} {:<18} {:>10}  {}{}{}\n", step.name, step.op, shape_text(step), step.bytes, step.in_place ? "in place" : "",
               step.in_place && !step.implementation.empty() ? ", " : "", step.implementation);
  fmt::print(
      "\n{} steps, {} reorders. Values, their gradients and work space: {:.1f} MB, sharing by lifetime saves {:.1f} MB; gradients of "
      "parameters {:.1f} MB; parameters {:.1f} MB\n",
      plan.steps.size(), plan.reorders, megabytes(plan.arena_bytes), megabytes(plan.unshared_bytes - plan.arena_bytes),
      megabytes(plan.gradient_bytes), megabytes(plan.parameter_bytes));
}

// What is said of a run that needs a look: causes that a diagnosis of the network finds in data and loss, and ready commands.
RunOutcome outcome_of(const TrainOptions& options, const std::string& command, const Trainer& trainer, const Split& data, const Run& run) {
  RunOutcome outcome{.baseline =
                         trainer.settings().evaluate ? std::optional(baseline(*data.train, *data.test, trainer.settings())) : std::nullopt};
  if (!needs_a_look(run, outcome.baseline) || run.status == RunStatus::kInterrupted) return outcome;
  const DiagnoseSettings settings{.loss = trainer.settings().loss, .rank_sample = 0, .threads = trainer.settings().threads};
  for (const Finding& finding : diagnose(trainer.graph(), trainer.tensors(), *data.train, settings).findings)
    if (finding.what == "scale of the inputs" || finding.what == "targets out of reach" || finding.what == "wrong loss")
      outcome.causes.push_back(finding);
  const bool written = options.out.ends_with(".onnx");
  const std::string model = written ? options.out : "net.onnx";
  const std::string again = written ? "" : train_command_with_out(command, model) + " && ";
  outcome.next = {again + diagnose_command(command, model), compare_command(command)};
  return outcome;
}

Trainer make_trainer(const TrainOptions& options, const Activation& activation, TrainSettings settings, const Dataset& data) {
  ModelOptions model = options.training.model_options();
  model.activation = activation;
  const std::int64_t outputs = data.classes > 0 ? data.classes : data.outputs;
  settings.loss = options.training.loss(data);
  return Trainer(build_model(options.training.model(), data.shape, outputs, model), settings);
}

// What does not fit is the file's fault: its name belongs in the message.
void load(Trainer& trainer, const std::string& file, const std::vector<Tensor>& tensors) {
  try {
    trainer.load(tensors);
  } catch (const Error& error) {
    throw Error(error.code(), file, error.what());
  }
}

Run fit(Trainer& trainer, const Split& data, Screen& screen, const std::stop_token& stop) {
  TrainDisplay display(screen, trainer.settings(), data.train->size);
  const Observer observer{.step = [&](const StepRecord& record) { display.step(record); },
                          .epoch = [&](const EpochRecord& record) { display.epoch(record); }};
  return trainer.fit(*data.train, *data.test, observer, stop);
}

void write_network(const std::string& file, const Trainer& trainer, const DataForm& form) {
  if (file.ends_with(".onnx")) return onnx::save(file, trainer.graph(), trainer.tensors(), {.form = form});
  write_safetensors(file, trainer.tensors());
}

int train(const TrainOptions& options, const std::string& command) {
  if (options.explain)
    for (const auto& [flag, file] : {std::pair{"--json", options.training.json()}, {"--metrics", options.metrics}, {"--out", options.out}})
      if (!file.empty())
        throw Error(ErrorCode::kInvalidArgument, flag, "does not go with --explain, which trains nothing and writes nothing");
  Outputs outputs({{"--json", options.training.json()}, {"--metrics", options.metrics}, {"--out", options.out}},
                  {{"--data", options.training.data_files()}, {"--init", {options.init}}});
  const Activation activation(options.activation);
  TrainSettings settings = options.training.settings();
  const std::vector<Tensor> initial = options.init.empty() ? std::vector<Tensor>() : read_safetensors(options.init);
  Screen screen(options.training.quiet());
  const Interrupt interrupt([&] { screen.print("interrupted: the steps taken will be written; once more ends at once"); },
                            [&] { screen.abandon(); });
  const std::jthread warm_up(engine::prepare);  // behind the line above: a thread that blocks no signal would end the program at the first
  const Split data = options.training.open_data(screen, interrupt.token());
  options.training.fit_epochs(settings, *data.train);
  Trainer trainer = make_trainer(options, activation, settings, *data.train);
  trainer.check(*data.train);
  DataSummary summary = summarise(data);
  summary.baseline = baseline(*data.train, *data.test, trainer.settings()).text();
  if (!options.init.empty()) load(trainer, options.init, initial);
  if (options.explain) {
    screen.close();
    print_plan(trainer.plan(), trainer.settings());
    return kOk;
  }
  const Run run = fit(trainer, data, screen, interrupt.token());
  screen.close();
  fmt::print("{}\n", summary_text(summary, terminal_columns(STDOUT_FILENO)));
  outputs.write(options.metrics, [&] { write_file(options.metrics, steps_csv(run)); });
  outputs.write(options.out, [&] { write_network(options.out, trainer, form_of(data)); });
  const RunOutcome outcome = outcome_of(options, command, trainer, data, run);
  const RunDescription description{options.training.data(),
                                   options.training.model(),
                                   activation,
                                   command,
                                   options.training.model_options(),
                                   options.training.normalize(),
                                   options.init,
                                   outcome.baseline,
                                   summary};
  outputs.write(options.training.json(), [&] { write_file(options.training.json(), run_json(description, trainer.settings(), run)); });
  fmt::print("{}", run_text(run, outcome, std::max(100, terminal_columns(STDOUT_FILENO))));
  outputs.rethrow();
  return run.status == RunStatus::kInterrupted ? kInterrupted : kOk;
}

}  // namespace

Command add_train(CLI::App& program, const std::string& command) {
  CLI::App* app = program.add_subcommand("train", "train one network and watch its neurons");
  app->description(kDescription);
  app->footer(kFooter);
  const auto options = std::make_shared<TrainOptions>(*app);
  return [options, command] { return train(*options, command); };
}

}  // namespace undying::cli
