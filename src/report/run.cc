// A run as JSON: its description, curves, metrics and ledger.

#include <fmt/format.h>

#include "base/version.h"
#include "report/diagnosis_json.h"
#include "report/json.h"
#include "undying/report.h"

namespace undying {

using report::Json;
using report::number;

namespace {

Json description_json(const RunDescription& description) {
  Json json = {{"data", description.data},
               {"model", description.model},
               {"activation", description.activation.specification()}};
  if (description.model_options)
    json.update({{"batch_norm", report::batch_norm_json(description.model_options->batch_norm)},
                 {"layer_norm", description.model_options->layer_norm},
                 {"dropout", description.model_options->dropout}});
  if (!description.normalize.empty()) json["normalize"] = description.normalize;
  if (!description.initial_weights.empty()) json["init"] = description.initial_weights;
  return json;
}

Json baseline_json(const std::optional<Baseline>& baseline) {
  if (!baseline) return nullptr;
  return {{"score", number(baseline->score)},
          {"bound", number(baseline->bound)},
          {"answer", baseline->answer}};
}

Json keep_alive_json(const KeepAliveRecord& record) {
  Json events = Json::array();
  for (const Replacement& event : record.events)
    events.push_back({{"step", event.step},
                      {"layer", event.layer},
                      {"units", event.units},
                      {"silent", event.silent},
                      {"output_change", number(event.output_change)}});
  return {{"left_out", record.left_out},   {"replaced", record.replaced},
          {"silent", record.silent},       {"output_change", number(record.output_change)},
          {"perturbed", record.perturbed}, {"last_replacements", std::move(events)}};
}

Json epoch_entry(const EpochRecord& epoch) {
  return {{"epoch", epoch.epoch},
          {"step", epoch.step},
          {"train_loss", number(epoch.train_loss)},
          {"train_accuracy", number(epoch.train_accuracy)},
          {"test_loss", number(epoch.test_loss)},
          {"test_accuracy", number(epoch.test_accuracy)},
          {"test_score", number(epoch.test_score)},
          {"validation_score", number(epoch.validation_score)},
          {"seconds", number(epoch.seconds)}};
}

// Exact losses of some steps, evenly spread: by them a repetition of the run is known to be one.
Json losses_json(const Run& run) {
  constexpr std::size_t kMost = 256;
  Json steps = Json::array();
  Json losses = Json::array();
  const std::size_t count = std::min(run.steps.size(), kMost);
  for (std::size_t i = 0; i < count; ++i) {
    const StepRecord& record = run.steps[i * run.steps.size() / count];
    steps.push_back(record.step);
    losses.push_back(number(record.loss));
  }
  return {{"step", std::move(steps)}, {"loss", std::move(losses)}};
}

}  // namespace

std::string epoch_json(const EpochRecord& epoch) {
  Json json = epoch_entry(epoch);
  json.update({{"units", epoch.units}, {"dead", epoch.dead}});
  return report::text(json, -1);
}

std::string finished_run_json(const std::string& arm, const ArmRun& slot) {
  const Run& run = slot.run;
  return report::text({{"arm", arm},
                       {"seed", slot.seed},
                       {"status", name(run.status)},
                       {"reason", run.reason},
                       {"test_accuracy", number(run.test_accuracy)},
                       {"test_loss", number(run.test_loss)},
                       {"test_score", number(run.test_score)},
                       {"epochs", run.epochs.size()},
                       {"train_seconds", number(run.train_seconds)},
                       {"units", run.ledger.units()},
                       {"dead", run.ledger.dead()}},
                      -1);
}

std::string run_json(const RunDescription& description, const TrainSettings& settings,
                     const Run& run) {
  Json epochs = Json::array();
  for (const EpochRecord& epoch : run.epochs) epochs.push_back(epoch_entry(epoch));
  Json chosen = description_json(description);
  chosen.update(report::settings_json(settings));
  Json json = {
      {"format", "undying-run 1"},
      {"command", description.command},
      {"version", kVersion},
      {"data", description.read ? report::summary_json(*description.read) : Json(nullptr)},
      {"settings", std::move(chosen)},
      {"status", name(run.status)},
      {"reason", run.reason},
      {"test_accuracy", number(run.test_accuracy)},
      {"test_loss", number(run.test_loss)},
      {"score", description.baseline ? Json(name(description.baseline->metric)) : Json(nullptr)},
      {"test_score", number(run.test_score)},
      {"best_epoch", run.best_epoch},
      {"baseline", baseline_json(description.baseline)},
      {"findings", report::findings_json(description.findings)},
      {"steps", steps_taken(run)},
      {"samples", run.samples},
      {"train_seconds", number(run.train_seconds)},
      {"samples_per_second",
       number(run.train_seconds > 0.0 ? static_cast<double>(run.samples) / run.train_seconds
                                      : 0.0)},
      {"threads", run.threads},
      {"shards", run.shards},
      {"losses", losses_json(run)},
      {"epochs", std::move(epochs)},
      {"ledger", report::ledger_json(run.ledger)},
      {"censuses", report::censuses_json(run.ledger)}};
  if (settings.keep_alive.any()) json["keep_alive"] = keep_alive_json(run.keep_alive);
  return report::text(json, 1);
}

std::string steps_csv(const Run& run) {
  std::string text = "step,loss,lr,grad_norm,update_ratio\n";
  for (const StepRecord& step :
       run.steps)  // the rate as the float that was set: 0.03, not 0.0299999993
    text +=
        fmt::format("{},{},{},{},{}\n", step.step, step.loss,
                    static_cast<float>(step.learning_rate), step.gradient_norm, step.update_ratio);
  return text;
}

}  // namespace undying
