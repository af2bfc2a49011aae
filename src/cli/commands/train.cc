#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "cli/commands/commands.h"
#include "cli/commands/training.h"
#include "cli/flags/options.h"
#include "cli/flags/parse.h"
#include "cli/network.h"
#include "cli/next.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doctor/diagnose/judge_layers.h"
#include "doctor/diagnose/rate.h"
#include "train/checkpoint.h"
#include "undying/doctor.h"
#include "undying/error.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kTrainDescription =
    "Trains one network and keeps the ledger of its neurons.\n"
    "Says which units are dead, which were born dead, and when each died or was revived.\n";

constexpr const char* kTrainFooter =
    "Examples:\n"
    "  undying train --activation leaky_relu:0.1 --epochs 5 --out weights.safetensors\n"
    "  undying train --model resnet:20 --activation leaky_relu:0.01 --explain\n"
    "  undying train --data csv:measurements.csv --model mlp:64-64 --optimizer adamw --schedule "
    "cosine --json run.json\n"
    "  undying train --model mlp:96x6 --lr 0.03 --momentum 0.9 --weight-decay 1e-4 --batch 100 "
    "--steps 100 --no-shuffle \\\n"
    "      --init in.safetensors --metrics steps.csv --out out.safetensors --json run.json\n"
    "\n"
    "Tensors are named layer.N.weight (out, in), layer.N.bias, layer.N.slope, layer.N.bn.*; N "
    "counts linear layers from 0.\n"
    "The same seed and shards give the same bits on any number of threads. A run whose loss or "
    "gradient is not finite\n"
    "ends as diverged, which is a result and not a failure.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 130 "
    "interrupted, with\n"
    "the outputs of the steps taken.";

std::string shape_text(const PlanStep& step) {
  std::string text;
  for (const std::int64_t extent : step.shape)
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text + (step.channels_last ? " cl" : "");
}

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

void print_plan(const Host& host, const PlanSummary& plan, const TrainSettings& settings) {
  host.print(
      "The training plan for batches of {}; shapes are of one example, cl: stored channels "
      "last\n\n",
      settings.batch);
  host.print("{:<22} {:<28} {:<18} {:>10}  {}\n", "node", "operator", "output", "bytes", "how");
  for (const PlanStep& step : plan.steps)
    host.print("{:<22} {:<28} {:<18} {:>10}  {}{}{}\n", step.name, step.op, shape_text(step),
               step.bytes, step.in_place ? "in place" : "",
               step.in_place && !step.implementation.empty() ? ", " : "", step.implementation);
  host.print(
      "\n{} steps, {} reorders. Values, their gradients and work space: {:.1f} MB, sharing by "
      "lifetime saves {:.1f} MB; gradients of "
      "parameters {:.1f} MB; parameters {:.1f} MB\n",
      plan.steps.size(), plan.reorders, megabytes(plan.arena_bytes),
      megabytes(plan.unshared_bytes - plan.arena_bytes), megabytes(plan.gradient_bytes),
      megabytes(plan.parameter_bytes));
}

bool learned_nothing(const Run& run, const std::optional<Baseline>& baseline) {
  if (run.status == RunStatus::kDiverged) return true;
  return baseline && std::isfinite(run.test_loss) &&
         !baseline->beaten_by(score_of(run, baseline->metric));
}

// Whether some of the data came through a pipe, of which nothing is left to read.
bool came_once(const std::vector<std::filesystem::path>& files) {
  return std::ranges::any_of(files, [](const std::filesystem::path& file) {
    std::error_code ignored;
    return file == "-" || std::filesystem::is_fifo(file, ignored) ||
           std::filesystem::is_character_file(file, ignored);
  });
}

// The command as it may be given again. Of several rates a comparison takes its best, training
// none.
struct Again {
  std::string train;
  std::string compare;
};

// After a run that learned nothing: on inputs at unit scale where theirs is to blame, at rates
// around the one at which updates are usual where the rate is, or nothing else.
Again again(const std::string& command, const RunOutcome& outcome, const Run& run) {
  Again same{command, command};
  if (!learned_nothing(run, outcome.baseline)) return same;
  const auto found = [&](std::string_view what) {
    return std::ranges::find(outcome.causes, what, &Finding::what) != outcome.causes.end();
  };
  if (found("scale of the inputs")) {
    const std::string scaled = train_command_with(command, "--normalize", "standard");
    return {scaled, scaled};
  }
  const bool dead = std::ranges::any_of(run.ledger.lives, doctor::all_dead);
  const bool other = dead || !outcome.causes.empty();
  const std::optional<double> usual = doctor::usual_rate(run);
  if (!usual || (other && !found("rate too large") && !found("rate too small"))) return same;
  return {"", train_command_with(
                  command, "--lr",
                  fmt::format("{:.1g},{:.1g},{:.1g}", 10.0 * *usual, *usual, 0.1 * *usual))};
}

// Ready commands.
std::vector<std::string> next_commands(const TrainOptions& options, const std::string& command,
                                       const RunOutcome& outcome, const Run& run) {
  std::vector<std::string> next;
  const Again retry = again(command, outcome, run);
  const bool diverged = run.status == RunStatus::kDiverged;
  if (options.out.ends_with(".onnx") && !diverged && !outcome.online)
    next.push_back(diagnose_command(command, options.out));
  else if (!retry.train.empty() && !diverged &&
           !outcome.online)  // of a stream there is no diagnosis
    next.push_back(train_command_with_out(retry.train, "net.onnx") + " && " +
                   diagnose_command(retry.train, "net.onnx"));
  if (diverged && retry.compare == command) return next;  // the same again diverges again
  next.push_back(compare_command(retry.compare));
  if (const std::string& json = options.training.json();
      !diverged && !json.empty() && run.ledger.died() > 0)
    next.push_back("undying replay " + shell_word(json));
  return next;
}

// What is said of a run that needs a look: causes that a diagnosis of the network finds in data and
// loss, or its updates in its rate, and what to do next.
RunOutcome outcome_of(const TrainOptions& options, const Host& host, const Trainer& trainer,
                      const Split& data, const Run& run) {
  const bool tested = trainer.settings().evaluate && data.stream == nullptr;
  RunOutcome outcome{
      .baseline = tested ? std::optional(baseline(*data.train, *data.test, trainer.settings()))
                         : std::nullopt,
      .online = data.stream != nullptr};
  outcome.weighed = trainer.settings().class_weights != ClassWeights::kNone;
  if (!needs_a_look(run, outcome.baseline) || run.status == RunStatus::kInterrupted) return outcome;
  const DiagnoseSettings settings{.loss = trainer.settings().loss,
                                  .rank_sample = 0,
                                  .threads = trainer.settings().threads,
                                  .outputs = trainer.settings().outputs};
  unless_stopped([&] {
    for (const Finding& finding :
         diagnose(trainer.graph(), trainer.tensors(), *data.train, settings).findings)
      if (finding.what == "scale of the inputs" || finding.what == "targets out of reach" ||
          finding.what == "wrong loss")
        outcome.causes.push_back(finding);
  });
  if (learned_nothing(run, outcome.baseline))
    if (auto rate = doctor::rate_finding(run)) outcome.causes.push_back(std::move(*rate));
  if (host.has_command_line() && !came_once(options.training.data_files()))
    outcome.next = next_commands(options, host.command, outcome, run);
  return outcome;
}

Run fit(const TrainOptions& options, Prepared& prepared, Screen& screen,
        const std::stop_token& stop) {
  Trainer& trainer = prepared.trainer;
  TrainDisplay display(screen, trainer.settings(), prepared.train().size);
  const Observer observer{.step = [&](const StepRecord& record) { display.step(record); },
                          .epoch = [&](const EpochRecord& record) { display.epoch(record); }};
  trainer.keep({options.checkpoint, options.checkpoint_every, options.resume});
  const Split& data = prepared.data;
  if (data.stream != nullptr) return trainer.fit(*data.stream, observer, stop);
  return trainer.fit(prepared.train(), *data.test, observer, stop,
                     prepared.watched ? prepared.watched->test.get() : nullptr);
}

void write_network(const std::string& file, const std::optional<Network>& network,
                   const Trainer& trainer, const DataForm& form) {
  if (!is_network_file(file)) return write_safetensors(file, trainer.tensors());
  if (!network) return onnx::save(file, trainer.graph(), trainer.tensors(), {.form = form});
  onnx::SaveOptions options = onnx::like(network->model);
  options.form = form;
  options.inputs = network->judged_inputs();
  options.outputs = network->names;
  onnx::save(file, network->judged(trainer.graph()), trainer.tensors(), options);
}

// Data that is brought to another scale for training only: nothing in a file could say so for
// several inputs or outputs.
void check_scaling(const TrainOptions& options, const std::optional<Network>& network,
                   const Dataset& data) {
  const bool several =
      network && (network->interface.inputs.size() > 1 || network->names.size() > 1);
  if (several && is_network_file(options.out) && !data.mean.empty())
    throw Error(ErrorCode::kUnsupported, "--out",
                "cannot say in a file how the data of several inputs or outputs is scaled; "
                "expected --normalize unit");
}

void check_checkpoint(const TrainOptions& options) {
  if (options.resume && options.checkpoint.empty())
    throw Error(ErrorCode::kInvalidArgument, "--resume",
                "has nothing to go on from; expected --checkpoint FILE too");
  if (options.checkpoint.empty() && options.checkpoint_every != kCheckpointEvery)
    throw Error(ErrorCode::kInvalidArgument, "--checkpoint-every",
                "says how often --checkpoint FILE is written; expected that flag too");
  if (!options.resume && std::filesystem::is_regular_file(options.checkpoint))
    throw Error(
        ErrorCode::kInvalidArgument, "--checkpoint",
        fmt::format("{} holds a run at step {}; expected --resume too, to go on with it, or "
                    "another file, or that one removed",
                    options.checkpoint, train::steps_kept(options.checkpoint)));
}

// What its end says, or nothing: devices, and files without an end.
void check_out(const std::string& out) {
  const std::string end = std::filesystem::path(out).extension().string();
  if (!end.empty() && end != ".onnx" && end != ".safetensors")
    throw Error(ErrorCode::kInvalidArgument, "--out",
                fmt::format("is {}; expected a file that ends in .onnx, the network, or in "
                            ".safetensors, its weights alone",
                            out));
}

// Which neither trains nor writes.
void check_explain(const TrainOptions& options) {
  for (const auto& [flag, file] : {std::pair{"--json", options.training.json()},
                                   {"--metrics", options.metrics},
                                   {"--out", options.out}})
    if (options.explain && !file.empty())
      throw Error(ErrorCode::kInvalidArgument, flag,
                  "does not go with --explain, which trains nothing and writes nothing");
}

DataSummary summary_of(const Split& data, const std::optional<Split>& watched,
                       const TrainSettings& settings) {
  DataSummary summary = summarise(data);
  if (watched)
    summary.remarks.push_back(watched->note + ": not trained on, the run stops early by them");
  if (data.stream == nullptr) summary.baseline = baseline(*data.train, *data.test, settings).text();
  return summary;
}

// What was trained, in files and on the screen.
int finish(const TrainOptions& options, const Host& host, Outputs& outputs,
           const Prepared& prepared, const Run& run, const DataSummary& summary) {
  const auto& [network, data, watched, trainer] = prepared;
  host.print("{}\n", summary_text(summary, host.columns));
  if (network) print_notes(host, *network);
  outputs.write(options.metrics, [&] { write_file(options.metrics, steps_csv(run)); });
  if (run.status != RunStatus::kDiverged) {
    outputs.write(options.out,
                  [&] { write_network(options.out, network, trainer, form_of(data)); });
  } else if (!options.out.empty()) {
    host.print("{} is not written: the run diverged, so its weights are no result\n", options.out);
  }
  const RunOutcome outcome = outcome_of(options, host, trainer, data, run);
  const RunDescription description{
      options.training.data(),
      options.training.model(),
      options.activation.empty() ? own_activation(trainer.graph()) : Activation(options.activation),
      host.command,
      options.training.model_options(),
      options.training.normalize(),
      options.training.init(),
      outcome.baseline,
      summary,
      outcome.causes};
  outputs.write(options.training.json(), [&] {
    write_file(options.training.json(), run_json(description, trainer.settings(), run));
  });
  host.print("{}", run_text(run, outcome, std::max(100, host.columns)));
  outputs.rethrow();
  outputs.tell_older(host);
  if (run.status == RunStatus::kInterrupted && !options.checkpoint.empty())
    host.print("\n{} holds the run at step {}; the same command with --resume goes on from there\n",
               options.checkpoint, train::steps_kept(options.checkpoint));
  return run.status == RunStatus::kInterrupted ? kInterrupted : kOk;
}

Outputs outputs_of(const TrainOptions& options) {
  const std::string model = options.training.model();
  return Outputs({{"--json", options.training.json()},
                  {"--metrics", options.metrics},
                  {"--out", options.out},
                  {"--checkpoint", options.checkpoint, true}},
                 {{"--data", options.training.data_files()},
                  {"--init", {options.training.init()}},
                  {"--model", {is_network_file(model) ? model : ""}}});
}

int train(const TrainOptions& options, const Host& host) {
  check_explain(options);
  check_out(options.out);
  check_checkpoint(options);
  Outputs outputs = outputs_of(options);
  if (!options.activation.empty())
    Activation(options.activation);  // throws before anything is read
  Screen screen(host, options.training.quiet());
  const Interrupt interrupt(
      host,
      [&] { screen.print("interrupted: the steps taken will be written; once more ends at once"); },
      [&] { screen.abandon(); });
  Prepared prepared = prepare(options, screen, interrupt.token());
  const Trainer& trainer = prepared.trainer;
  check_scaling(options, prepared.network, *prepared.data.train);
  const DataSummary summary = summary_of(prepared.data, prepared.watched, trainer.settings());
  if (options.explain) {
    screen.close();
    print_plan(host, trainer.plan(), trainer.settings());
    return kOk;
  }
  const Run run = fit(options, prepared, screen, interrupt.token());
  screen.close();
  return finish(options, host, outputs, prepared, run, summary);
}

}  // namespace

Command add_train(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("train", "train one network and watch its neurons");
  app->description(kTrainDescription);
  app->footer(kTrainFooter);
  const auto options = std::make_shared<TrainOptions>(*app, host);
  return [options, &host] { return train(*options, host); };
}

}  // namespace undying::cli
