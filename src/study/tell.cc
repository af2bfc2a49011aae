// The figures of a judged study to the words of trial/words.h.

#include "study/tell.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "study/samples.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

std::string reference_name(const Study& study) {
  return study.placebo_is_treatment ? "training on as before" : "relu";
}

trial::Subject subject_of(const Study& study, const Arm& arm) {
  return {arm.label, reference_name(study), study.data_name, study.settings.model};
}

// A trial of remedies is on one network, which its report names once.
trial::Subject compared(const Study& study, const Arm& arm) {
  trial::Subject subject = subject_of(study, arm);
  if (study.placebo_is_treatment) subject.data = subject.model = "";
  return subject;
}

std::vector<trial::Judged> judged(const Study& study) {
  std::vector<trial::Judged> found;
  for (const Arm& arm : study.arms)
    if (arm.role == Role::kTreatment) found.push_back({arm.label, &arm.comparison});
  return found;
}

bool has_census(const ArmRun& run) {
  return run.present && run.run.status == RunStatus::kFinished && !run.run.ledger.censuses.empty();
}

double dead_share(const std::vector<UnitLife>& lives) {
  const auto dead = std::ranges::count(lives, UnitState::kDead, &UnitLife::state);
  return lives.empty() ? 0.0 : static_cast<double>(dead) / static_cast<double>(lives.size());
}

// What a layer of the control lost.
struct LayerLoss {
  std::string layer;
  std::int64_t units = 0;
  double mean = 0.0;  // share dead at the end, over the finished runs
  double most = 0.0;  // in one run
};

std::vector<LayerLoss> losses_by_layer(const Arm& control) {
  std::vector<LayerLoss> layers;
  int runs = 0;
  for (const ArmRun& run : control.runs) {
    if (!has_census(run)) continue;
    const Ledger& ledger = run.run.ledger;
    ++runs;
    layers.resize(ledger.layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const double share = dead_share(ledger.lives[l]);
      layers[l].layer = ledger.layers[l];
      layers[l].units = static_cast<std::int64_t>(ledger.lives[l].size());
      layers[l].mean += share;
      layers[l].most = std::max(layers[l].most, share);
    }
  }
  for (LayerLoss& layer : layers) layer.mean /= runs;
  return layers;
}

// Below these shares dead units are too few to explain a difference: of all units, and of those of
// any layer in any run, since it may be a layer that everything has to pass.
constexpr double kFewOfAll = 0.01;
constexpr double kFewOfALayer = 0.1;

void add_layers(trial::Dead& dead, const Arm& control) {
  const std::vector<LayerLoss> layers = losses_by_layer(control);
  dead.few = dead.share < kFewOfAll && std::ranges::all_of(layers, [](const LayerLoss& layer) {
               return layer.most < kFewOfALayer;
             });
  const auto hit = std::ranges::max_element(layers, {}, &LayerLoss::mean);
  if (layers.size() < 2 || hit->mean == 0.0) return;
  dead.hardest_layer = hit->layer;
  dead.hardest_units = hit->units;
  dead.hardest_share = hit->mean;
  dead.hardest_most = hit->most;
}

void add_arms(trial::Dead& dead, const Study& study) {
  for (const Arm& arm : study.arms) {
    const Verdict verdict = arm.comparison.verdict;
    dead.differences |=
        arm.role == Role::kTreatment && (verdict == Verdict::kHelps || verdict == Verdict::kHurts);
    if (arm.role != Role::kTreatment || arm.activation.can_be_dead()) continue;
    const bool open = arm.comparison.verdict == Verdict::kUndecided;
    dead.undying_open += open;
    dead.undying_judged += !open;
    dead.undying_helps |= arm.comparison.verdict == Verdict::kHelps;
  }
}

// Whether runs with more dead units scored worse, over the runs with ReLU.
void add_correlation(trial::Dead& dead, const Study& study) {
  std::vector<double> shares;
  std::vector<double> scores;
  for (const Arm& arm : study.arms) {
    if (arm.role == Role::kTreatment) continue;
    for (const ArmRun& run : arm.runs) {
      if (!has_census(run) || run.outcome != Outcome::kLearned) continue;
      shares.push_back(static_cast<double>(run.run.ledger.dead()) /
                       static_cast<double>(run.run.ledger.units()));
      scores.push_back(score_of(study, run.run));
    }
  }
  const trial::Correlation found = trial::correlation(shares, scores);
  dead.correlation = found.r;
  dead.correlation_p = found.p_value;
  dead.correlation_runs = found.n;
}

trial::Dead dead_of(const Study& study) {
  const Arm& control = study.arms.front();
  trial::Dead dead{.share = control.dead_share.mean,
                   .born = control.born_dead_share.mean,
                   .examples = study.train_examples,
                   .data = study.data_name,
                   .runs = control.dead_share.n};
  if (dead.runs == 0) return dead;
  dead.units = std::ranges::find_if(control.runs, has_census)->run.ledger.units();
  add_layers(dead, control);
  add_arms(dead, study);
  add_correlation(dead, study);
  return dead;
}

std::int64_t most_steps(const Study& study) {
  std::int64_t most = 0;
  for (const Arm& arm : study.arms)
    for (const ArmRun& run : arm.runs)
      if (run.present && run.run.status == RunStatus::kFinished && !run.run.epochs.empty())
        most = std::max(most, run.run.epochs.back().step);
  return most;
}

// How the score of a run moved in its last epoch, as differences are; NaN: nothing tells.
double last_change(const Run& run, Metric metric) {
  if (run.epochs.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double before = undying::score_of(run.epochs[run.epochs.size() - 2], metric);
  const double last = undying::score_of(run.epochs.back(), metric);
  return is_relative(metric) ? std::log(last / before) : last - before;
}

// Of all runs that learned; NaN where it is less than what does not matter, or no improvement. Runs
// that stop early went on as long as it paid, and a stretch of a stream is not the one before.
double last_improvement(const Study& study) {
  const Metric metric = study.rules.metric;
  std::vector<double> changes;
  for (const Arm& arm : study.arms)
    for (const ArmRun& run : arm.runs)
      if (run.present && run.outcome == Outcome::kLearned)
        if (const double change = last_change(run.run, metric); std::isfinite(change))
          changes.push_back(change);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  if (changes.empty() || study.settings.train.early_stop > 0 || study.part == "online") return nan;
  const double mean = trial::mean_of(changes);
  const double change = is_relative(metric) ? std::expm1(mean) : mean;
  const double better = higher_is_better(metric) ? change : -change;
  return better > study.rules.margin ? change : nan;
}

trial::Ended ended(const Arm& arm) {
  return {arm.label, static_cast<int>(arm.runs.size()) - arm.missing, arm.diverged, arm.collapsed};
}

trial::Tuning tuning_of(const Study& study) {
  trial::Tuning tuning{.arms = {},
                       .rates = {},
                       .runs = study.arms.front().rates.front().runs,
                       .examples = study.validation_examples};
  for (const RateTried& tried : study.arms.front().rates)
    tuning.rates.push_back(tried.learning_rate);
  for (const Arm& arm : study.arms)
    if (arm.role != Role::kPlacebo) tuning.arms.push_back({arm.label, arm.learning_rate});
  tuning.searched = !study.search.empty();
  return tuning;
}

// The end of the slopes that were tried where the chosen one stands; none where not slopes alone
// were.
std::optional<std::string_view> end_of(std::span<const Tried> search) {
  std::vector<float> slopes;
  for (const Tried& tried : search) {
    if (tried.activation.info().name != "leaky_relu") return std::nullopt;
    slopes.push_back(tried.activation.parameters().front());
  }
  const auto [least, most] = std::ranges::minmax(slopes);
  if (least == most) return std::nullopt;
  return slopes.front() == most    ? std::optional("largest")
         : slopes.front() == least ? std::optional("smallest")
                                   : std::nullopt;
}

trial::Searched searched(const Study& study) {
  const std::vector<Tried>& search = study.search;
  const auto by_runs = [](const Tried& tried) { return tried.figures.runs; };
  trial::Searched found{
      .chosen = search.front().label,
      .tried = static_cast<int>(search.size()),
      .least_runs = std::ranges::min(search, {}, by_runs).figures.runs,
      .most_runs = search.front().figures.runs,
      .examples = study.search_examples,
      .alike = {},
      .end = std::isfinite(search.front().figures.score) ? end_of(search) : std::nullopt,
      .rates = study.settings.learning_rates,
      .scored = std::isfinite(search.front().figures.score)};
  const Activation& chosen = search.front().activation;
  if (chosen.info().name == "leaky_relu") found.slope = chosen.parameters().front();
  for (const Tried& tried : std::span(search).subspan(1)) {
    const Estimate& d = tried.difference;
    // Not said of what failed, and said where there are too few pairs for bounds.
    const bool shown = higher_is_better(study.rules.metric) ? d.upper < 0.0 : d.lower > 0.0;
    if (!shown && tried.figures.diverged + tried.figures.collapsed == 0)
      found.alike.push_back(tried.label);
  }
  std::ranges::sort(found.rates);
  if (found.rates.empty()) found.rates = {learning_rate(study.settings.train.optimizer)};
  return found;
}

// Of a study that a search preceded; else what helps and what does not.
std::vector<std::string> outcome_texts(const Study& study) {
  const trial::Subject where = subject_of(study, study.arms.front());
  if (study.search.empty())
    return {trial::headline(where, judged(study), study.rules), open_text(study)};
  const trial::Searched search = searched(study);
  const Arm& arm = study.arms.back();
  return {trial::advice_text(subject_of(study, arm), arm.comparison, study.rules),
          trial::search_text(search, study.rules.metric), trial::linear_text(search),
          trial::unknown_text(search)};
}

std::vector<std::string> paragraphs(const Study& study) {
  const std::vector<trial::Judged> arms = judged(study);
  const trial::Course course = course_of(study);
  const Metric metric = study.rules.metric;
  std::vector<std::string> texts = {trial::control_text(course)};
  for (std::string& text : outcome_texts(study)) texts.push_back(std::move(text));
  if (study.validation_examples > 0) {
    const trial::Tuning tuning = tuning_of(study);
    texts.push_back(trial::tuning_text(tuning, metric));
    texts.push_back(trial::edge_text(tuning));
  }
  texts.push_back(trial::dead_text(dead_of(study), metric));
  if (study.out_of_budget)
    texts.push_back(trial::budget_text(static_cast<int>(study.arms.front().runs.size())));
  if (study.arms.size() > 1)
    texts.push_back(trial::placebo_text(study.arms[1].comparison.difference, metric));
  for (const std::string& text : trial::trouble(course)) texts.push_back(text);
  texts.push_back(trial::held_out_text(study.rules));
  if (!study.data_note.empty()) texts.push_back("Data: " + study.data_note + ".");
  if (!arms.empty()) texts.push_back(trial::error_text(study.rules));
  std::erase(texts, std::string());
  return texts;
}

}  // namespace

trial::Course course_of(const Study& study) {
  const bool tuned = study.validation_examples > 0;
  trial::Course course{.baseline = study.baseline.text(),
                       .steps = most_steps(study),
                       .limited_by_steps = study.settings.train.max_steps > 0,
                       .learning_rate = tuned ? study.arms.front().learning_rate
                                              : learning_rate(study.settings.train.optimizer),
                       .tuned = tuned,
                       .values = !is_of_classes(study.rules.metric),
                       .scaled = study.scaled,
                       .imbalanced = study.baseline.imbalanced,
                       .weighed = study.settings.train.class_weights != ClassWeights::kNone,
                       .improvement = last_improvement(study),
                       .metric = study.rules.metric};
  for (const Arm& arm : study.arms) course.arms.push_back(ended(arm));
  return course;
}

std::string open_text(const Study& study) {
  return trial::open_text(subject_of(study, study.arms.front()), judged(study), study.rules);
}

void write_verdicts(Study& study) {
  for (Arm& arm : study.arms)
    if (arm.role == Role::kTreatment)
      arm.comparison.sentence =
          trial::comparison_sentence(compared(study, arm), arm.comparison, study.rules);
  study.verdict.clear();
  std::size_t runs = 0;
  for (const Arm& arm : study.arms) runs += arm.runs.size();
  if (study.missing > 0)
    study.verdict.push_back(trial::missing_text(static_cast<std::size_t>(study.missing), runs,
                                                "what follows rests on the others"));
  if (static_cast<std::size_t>(study.missing) == runs) return;
  for (const std::string& text : paragraphs(study)) study.verdict.push_back(text);
}

}  // namespace undying::study
