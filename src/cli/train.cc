#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/parse.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "engine/engine.h"
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

void print_ledger(const Run& run) {
  if (run.ledger.censuses.empty()) return;
  const CensusRecord& census = run.ledger.censuses.back();
  fmt::print("\nUnits on {} (n = {}), after step {}:\n", run.ledger.data, run.ledger.examples, census.step);
  fmt::print("{:<12} {:>6} {:>6} {:>10} {:>9} {:>9} {:>8} {:>8} {:>10} {:>10}\n", "layer", "units", "dead", "born dead", "always -",
             "always +", "dormant", "firing", "grad norm", "update/w");
  for (const LayerHealth& layer : census.layers)
    fmt::print("{:<12} {:>6} {:>6} {:>10} {:>9} {:>9} {:>8} {:>7.1f}% {:>10.3g} {:>10.3g}\n", layer.name, layer.units, layer.dead,
               layer.born_dead, layer.always_negative, layer.always_positive, layer.dormant, 100.0 * layer.firing_rate, layer.gradient_norm,
               layer.update_ratio);
  if (run.ledger.dead() > 0)
    fmt::print("A unit counted dead fired on none of the {} examples: with 95% confidence its firing rate there is below {:.2g}.\n",
               run.ledger.examples, 3.0 / static_cast<double>(run.ledger.examples));
}

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

void print_summary(const Run& run) {
  const double rate = run.train_seconds > 0.0 ? static_cast<double>(run.samples) / run.train_seconds : 0.0;
  fmt::print("{}{}{}: {} steps, {} samples in {:.2f} s ({:.0f} samples/s), {} thread{}, {} shard{}\n", name(run.status),
             run.reason.empty() ? "" : ": ", run.reason, run.steps.size(), run.samples, run.train_seconds, rate, run.threads,
             run.threads == 1 ? "" : "s", run.shards, run.shards == 1 ? "" : "s");
  if (std::isfinite(run.test_loss)) fmt::print("test loss {:.6g}\n", run.test_loss);
  if (std::isfinite(run.test_accuracy)) fmt::print("test accuracy {:.2f}%\n", 100.0 * run.test_accuracy);
  print_ledger(run);
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

void write_network(const std::string& file, const Trainer& trainer) {
  if (file.ends_with(".onnx")) return onnx::save(file, trainer.graph(), trainer.tensors());
  write_safetensors(file, trainer.tensors());
}

int train(const TrainOptions& options, const std::string& command) {
  const std::jthread warm_up(engine::prepare);
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
  const Split data = options.training.open_data();
  options.training.fit_epochs(settings, *data.train);
  Trainer trainer = make_trainer(options, activation, settings, *data.train);
  if (!options.init.empty()) load(trainer, options.init, initial);
  if (options.explain) {
    screen.close();
    print_plan(trainer.plan(), trainer.settings());
    return kOk;
  }
  const Run run = fit(trainer, data, screen, interrupt.token());
  screen.close();
  outputs.write(options.metrics, [&] { write_file(options.metrics, steps_csv(run)); });
  outputs.write(options.out, [&] { write_network(options.out, trainer); });
  const RunDescription description{options.training.data(),          options.training.model(),     activation,  command,
                                   options.training.model_options(), options.training.normalize(), options.init};
  outputs.write(options.training.json(), [&] { write_file(options.training.json(), run_json(description, trainer.settings(), run)); });
  if (!data.note.empty()) fmt::print("{}\n", data.note);
  print_summary(run);
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
