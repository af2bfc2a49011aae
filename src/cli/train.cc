#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <memory>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "undying/error.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Trains one network and keeps the ledger of its neurons: which are dead, which were born dead, when each\n"
    "died or was revived.";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying train --activation leaky_relu:0.1 --epochs 5 --out weights.safetensors\n"
    "  undying train --model mlp:96x6 --lr 0.03 --momentum 0.9 --weight-decay 1e-4 --batch 100 --steps 100 --no-shuffle \\\n"
    "      --init in.safetensors --metrics steps.csv --out out.safetensors --json run.json\n"
    "\n"
    "Tensors are named layer.N.weight (out, in), layer.N.bias, layer.N.slope, layer.N.bn.*; N counts linear layers from 0.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input; 130 interrupted, with the outputs of the steps taken.";

struct TrainOptions {
  explicit TrainOptions(CLI::App& app) : training(app) {
    app.add_option("--activation", activation, "NAME or NAME:VALUE, such as leaky_relu:0.1; undying list names them all")
        ->capture_default_str();
    add_integer(app, "--shards", shards, "pieces a batch is cut into; results depend on it; 0: as many as threads", 0, 1024);
    app.add_option("--init", init, "start from the weights in this safetensors file")->type_name("FILE");
    app.add_option("--metrics", metrics, "write one line per step as CSV")->type_name("FILE");
    app.add_option("--out", out, "write the final weights as safetensors")->type_name("FILE");
  }

  TrainingOptions training;
  std::string activation = "relu";
  std::int64_t shards = 0;
  std::string init;
  std::string metrics;
  std::string out;
};

// The living share is known where there is a census.
std::string epoch_line(const EpochRecord& epoch, const TrainSettings& settings) {
  std::string text =
      fmt::format("epoch {} of {}: step {}, training loss {:.4f}", epoch.epoch, settings.epochs, epoch.step, epoch.train_loss);
  if (std::isfinite(epoch.test_loss)) text += fmt::format(", test loss {:.4f}", epoch.test_loss);
  if (std::isfinite(epoch.test_accuracy)) text += fmt::format(", test accuracy {:.2f}%", 100.0 * epoch.test_accuracy);
  if (epoch.units > 0) text += fmt::format(", {} of {} units dead", epoch.dead, epoch.units);
  return text + fmt::format(", {}", duration_text(epoch.seconds));
}

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

void print_summary(const Run& run) {
  const double rate = run.train_seconds > 0.0 ? static_cast<double>(run.samples) / run.train_seconds : 0.0;
  fmt::print("{}{}{}: {} steps, {} samples in {:.2f} s ({:.0f} samples/s), {} thread{}, {} shard{}\n", name(run.status),
             run.reason.empty() ? "" : ": ", run.reason, run.steps.size(), run.samples, run.train_seconds, rate, run.threads,
             run.threads == 1 ? "" : "s", run.shards, run.shards == 1 ? "" : "s");
  if (std::isfinite(run.test_loss)) fmt::print("test loss {:.6g}\n", run.test_loss);
  if (std::isfinite(run.test_accuracy)) fmt::print("test accuracy {:.2f}%\n", 100.0 * run.test_accuracy);
  print_ledger(run);
}

int train(const TrainOptions& options, const std::string& command) {
  for (const std::string& file : {options.training.json(), options.metrics, options.out})
    if (!file.empty()) check_writable(file);
  const Interrupt interrupt;
  const Split data = options.training.open_data();
  TrainSettings settings = options.training.settings(*data.train);
  settings.shards = static_cast<int>(options.shards);
  ModelOptions model = options.training.model_options();
  model.activation = Activation(options.activation);
  const std::int64_t outputs = data.train->classes > 0 ? data.train->classes : data.train->outputs;
  Trainer trainer(build_model(options.training.model(), data.train->shape, outputs, model), settings);
  if (!options.init.empty()) {
    try {
      trainer.load(read_safetensors(options.init));
    } catch (const Error& error) {
      if (error.subject() == options.init) throw;
      throw Error(error.code(), options.init, error.what());
    }
  }
  Run run;
  {
    Screen screen(options.training.quiet());
    Observer observer;
    observer.step = [&](const StepRecord& record) {
      if (screen.due())
        screen.show({fmt::format("step {}  loss {:.4f}  lr {:.3g}  gradient norm {:.3g}", record.step, record.loss, record.learning_rate,
                                 record.gradient_norm)});
    };
    observer.epoch = [&](const EpochRecord& record) { screen.print(epoch_line(record, settings)); };
    run = trainer.fit(*data.train, *data.test, observer, interrupt.token());
  }
  if (!options.metrics.empty()) write_file(options.metrics, steps_csv(run));
  if (!options.out.empty()) write_safetensors(options.out, trainer.tensors());
  const RunDescription description{options.training.data(), options.training.model(), model.activation, command};
  if (!options.training.json().empty()) write_file(options.training.json(), run_json(description, settings, run));
  if (!data.note.empty()) fmt::print("{}\n", data.note);
  print_summary(run);
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
