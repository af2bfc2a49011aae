// A study as JSON: every figure, and what a reader needs to repeat it.

#include <algorithm>

#include "report/json.h"
#include "undying/report.h"

namespace undying {
namespace {

using report::estimate_json;
using report::Json;
using report::number;
using report::rounded;

constexpr std::size_t kCurvePoints = 200;

const char* role_name(Role role) {
  return role == Role::kControl ? "control" : role == Role::kPlacebo ? "placebo" : "treatment";
}

Json rates_json(const std::vector<RateTried>& rates) {
  Json json = Json::array();
  for (const RateTried& tried : rates)
    json.push_back({{"learning_rate", report::setting(tried.learning_rate)},
                    {"score", number(tried.score)},
                    {"runs", tried.runs},
                    {"diverged", tried.diverged},
                    {"collapsed", tried.collapsed},
                    {"chosen", tried.chosen}});
  return json;
}

// Losses of single batches are noisy: a point is the mean of those kept since the point before.
Json curve_json(const Run& run) {
  Json steps = Json::array();
  Json losses = Json::array();
  const std::size_t count = std::min(run.steps.size(), kCurvePoints);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = i * run.steps.size() / count;
    const std::size_t end = (i + 1) * run.steps.size() / count;
    double sum = 0.0;
    for (std::size_t k = begin; k < end; ++k) sum += run.steps[k].loss;
    steps.push_back(run.steps[end - 1].step);
    losses.push_back(rounded(sum / static_cast<double>(end - begin)));
  }
  return {{"step", std::move(steps)}, {"loss", std::move(losses)}};
}

Json epochs_json(const Run& run, Metric metric) {
  Json json = {{"step", Json::array()},       {"train_loss", Json::array()},
               {"test_loss", Json::array()},  {"test_accuracy", Json::array()},
               {"test_score", Json::array()}, {"validation_score", Json::array()}};
  for (const EpochRecord& epoch : run.epochs) {
    json["step"].push_back(epoch.step);
    json["train_loss"].push_back(rounded(epoch.train_loss));
    json["test_loss"].push_back(number(epoch.test_loss));
    json["test_accuracy"].push_back(number(epoch.test_accuracy));
    json["test_score"].push_back(number(score_of(epoch, metric)));
    json["validation_score"].push_back(number(epoch.validation_score));
  }
  return json;
}

// Of the units that ever died.
Json events_json(const Ledger& ledger) {
  Json events = Json::array();
  for (std::size_t l = 0; l < ledger.lives.size(); ++l)
    for (std::size_t u = 0; u < ledger.lives[l].size(); ++u)
      if (const UnitLife& life = ledger.lives[l][u]; !life.died.empty())
        events.push_back(
            {{"layer", l}, {"unit", u}, {"died", life.died}, {"revived", life.revived}});
  return events;
}

Json run_json_of(const ArmRun& slot, Metric metric) {
  Json json = {{"seed", slot.seed}, {"present", slot.present}};
  if (!slot.present) return json;
  const Run& run = slot.run;
  json.update({{"status", name(run.status)},
               {"reason", run.reason},
               {"outcome", slot.outcome == Outcome::kLearned     ? "learned"
                           : slot.outcome == Outcome::kCollapsed ? "collapsed"
                                                                 : "diverged"},
               {"test_accuracy", number(run.test_accuracy)},
               {"test_loss", number(run.test_loss)},
               {"test_score", number(score_of(run, metric))},
               {"best_epoch", run.best_epoch},
               {"train_seconds", number(run.train_seconds)},
               {"units", run.ledger.units()},
               {"dead", run.ledger.dead()},
               {"born_dead", run.ledger.born_dead()},
               {"always_negative", run.ledger.always_negative()},
               {"died", run.ledger.died()},
               {"revived", run.ledger.revived()},
               {"curve", curve_json(run)},
               {"epochs", epochs_json(run, metric)},
               {"censuses", report::censuses_json(run.ledger)},
               {"events", events_json(run.ledger)}});
  return json;
}

Json failures_json(const Failures& failures) {
  return {{"diverged", failures.diverged},
          {"collapsed", failures.collapsed},
          {"runs", failures.runs},
          {"reference_diverged", failures.reference_diverged},
          {"reference_collapsed", failures.reference_collapsed},
          {"reference_runs", failures.reference_runs},
          {"p_value", number(failures.p_value)},
          {"shown", failures.shown > 0   ? "more often"
                    : failures.shown < 0 ? "less often"
                                         : "no"}};
}

Json comparison_json(const Comparison& comparison) {
  return {{"difference", estimate_json(comparison.difference)},
          {"failures", failures_json(comparison.failures)},
          {"verdict", name(comparison.verdict)},
          {"doubt", name(comparison.doubt)},
          {"smallest_margin", number(comparison.smallest_margin)},
          {"seeds_needed", comparison.seeds_needed},
          {"more_data", comparison.more_data},
          {"sentence", comparison.sentence}};
}

// The placebo has a difference and no verdict.
Json judged_json(const Arm& arm) {
  if (arm.role == Role::kControl) return nullptr;
  if (arm.role == Role::kPlacebo) return {{"difference", estimate_json(arm.comparison.difference)}};
  return comparison_json(arm.comparison);
}

Json baseline_json(const Baseline& baseline) {
  return {{"score", number(baseline.score)},
          {"bound", number(baseline.bound)},
          {"answer", baseline.answer}};
}

Json arm_json(const Arm& arm, Metric metric) {
  Json runs = Json::array();
  for (const ArmRun& run : arm.runs) runs.push_back(run_json_of(run, metric));
  return {{"label", arm.label},
          {"activation", arm.activation.specification()},
          {"keep_alive", arm.keep_alive.specification()},
          {"role", role_name(arm.role)},
          {"can_be_dead", arm.activation.can_be_dead()},
          {"learning_rate", report::setting(arm.learning_rate)},
          {"rates", rates_json(arm.rates)},
          {"score", estimate_json(arm.score)},
          {"comparison", judged_json(arm)},
          {"against_placebo",
           arm.against_placebo ? comparison_json(*arm.against_placebo) : Json(nullptr)},
          {"collapsed", arm.collapsed},
          {"diverged", arm.diverged},
          {"missing", arm.missing},
          {"epochs_kept", arm.most_epochs > 0
                              ? Json{{"least", arm.least_epochs}, {"most", arm.most_epochs}}
                              : Json(nullptr)},
          {"steps_to_target", estimate_json(arm.steps_to_target)},
          {"reached_target", arm.reached_target},
          {"dead_share", estimate_json(arm.dead_share)},
          {"born_dead_share", estimate_json(arm.born_dead_share)},
          {"revived_share", estimate_json(arm.revived_share)},
          {"always_negative_share", estimate_json(arm.always_negative_share)},
          {"gradient_norm_ratio_log10", estimate_json(arm.gradient_norm_ratio)},
          {"seconds_per_step", estimate_json(arm.seconds_per_step)},
          {"runs", std::move(runs)}};
}

Json settings_json(const Study& study) {
  Json settings = {{"data", study.settings.data},
                   {"model", study.settings.model},
                   {"batch_norm", report::batch_norm_json(study.settings.model_options.batch_norm)},
                   {"layer_norm", study.settings.model_options.layer_norm},
                   {"dropout", study.settings.model_options.dropout},
                   {"seeds", study.settings.seeds > 0 ? Json(study.settings.seeds) : Json("auto")}};
  settings.update(report::settings_json(study.settings.train));
  if (study.validation_examples > 0) {
    settings["lr"] = Json::array();
    for (const RateTried& tried : study.arms.front().rates)
      settings["lr"].push_back(report::setting(tried.learning_rate));
  }
  return settings;
}

Json search_json(const Study& study) {
  Json tried = Json::array();
  for (const Tried& each : study.search)
    tried.push_back({{"label", each.label},
                     {"activation", each.activation.specification()},
                     {"learning_rate", number(each.figures.learning_rate)},
                     {"runs", each.figures.runs},
                     {"diverged", each.figures.diverged},
                     {"collapsed", each.figures.collapsed},
                     {"score", number(each.figures.score)},
                     {"difference", each.figures.chosen ? Json() : estimate_json(each.difference)},
                     {"chosen", each.figures.chosen}});
  return {{"validation_examples", study.search_examples}, {"tried", std::move(tried)}};
}

}  // namespace

std::string study_json(const Study& study) {
  Json arms = Json::array();
  for (const Arm& arm : study.arms) arms.push_back(arm_json(arm, study.rules.metric));
  const Json json = {{"format", "undying-study 2"},
                     {"command", study.command},
                     {"version", study.version},
                     {"machine", study.machine},
                     {"data",
                      {{"name", study.data_name},
                       {"train_examples", study.train_examples},
                       {"test_examples", study.test_examples},
                       {"validation_examples", study.validation_examples},
                       {"watched_examples", study.watched_examples},
                       {"note", study.data_note},
                       {"read", report::summary_json(study.read)}}},
                     {"settings", settings_json(study)},
                     {"score", name(study.rules.metric)},
                     {"higher_is_better", higher_is_better(study.rules.metric)},
                     {"relative", is_relative(study.rules.metric)},
                     {"percent", is_percent(study.rules.metric)},
                     {"part", study.part},
                     {"baseline", baseline_json(study.baseline)},
                     {"margin", number(study.rules.margin)},
                     {"error_percent", kErrorPercent},
                     {"redrawn", study.redrawn},
                     {"overlap", number(study.rules.overlap)},
                     {"out_of_budget", study.out_of_budget},
                     {"target_accuracy", number(study.target_accuracy)},
                     {"seconds", number(study.seconds)},
                     {"missing", study.missing},
                     {"verdict", study.verdict},
                     {"search", search_json(study)},
                     {"arms", std::move(arms)}};
  return report::text(json);
}

}  // namespace undying
