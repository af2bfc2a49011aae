// From runs to a verdict. Failures (runs that diverged or collapsed) are counted and compared as
// counts; scores are compared over the runs that learned. On one split for all seeds the interval
// covers the draw of the seeds and of the held-out examples, which are crossed: difference(seed i,
// example j) = mean + a_i + b_j + e_ij. Where every seed draws the split anew, the draws overlap,
// and the variance is s^2 (1 / n + overlap) (Nadeau & Bengio 2003).
#include "trial/judge.h"

#include <algorithm>
#include <cmath>

#include "trial/boundary.h"
#include "trial/statistics.h"

namespace undying::trial {
namespace {

// P of the failures, above which they do not speak against "the same".
constexpr double kAlike = 0.05;
// Relative: runs that agree so far in training loss and score are one run.
constexpr double kRounding = 1e-4;

// On the scale on which differences are taken.
double value_of(double score, const TrialRules& rules) {
  return is_relative(rules.metric) ? std::log(std::max(score, rules.loss_floor)) : score;
}

double margin_of(const TrialRules& rules) {
  return is_relative(rules.metric) ? std::log1p(rules.margin) : rules.margin;
}

// Among how many the chance of error is shared.
int shares(const TrialRules& rules) { return rules.arms * rules.comparisons; }

// Back to what people read: shares, or a relative change.
double reported(double difference, const TrialRules& rules) {
  return is_relative(rules.metric) ? std::expm1(difference) : difference;
}

struct Pair {
  const TrialRun* arm;
  std::vector<const TrialRun*> references;  // of the same seed, that learned; at least one
};

int common_runs(const Sample& arm, std::span<const Sample> references) {
  std::size_t n = arm.size();
  for (const Sample& reference : references) n = std::min(n, reference.size());
  return static_cast<int>(n);
}

bool learned(const TrialRun& run) { return run.outcome == Outcome::kLearned; }
bool has_score(const TrialRun& run) { return run.outcome != Outcome::kDiverged; }

// Over the seeds of which the arm and a reference are as asked.
std::vector<Pair> pairs_of(const Sample& arm, std::span<const Sample> references,
                           bool (*counts)(const TrialRun&) = learned) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < static_cast<std::size_t>(common_runs(arm, references)); ++i) {
    Pair pair{&arm[i], {}};
    for (const Sample& reference : references)
      if (counts(reference[i])) pair.references.push_back(&reference[i]);
    if (counts(arm[i]) && !pair.references.empty()) pairs.push_back(std::move(pair));
  }
  return pairs;
}

double difference_of(const Pair& pair, const TrialRules& rules) {
  double reference = 0.0;
  for (const TrialRun* run : pair.references)
    reference += value_of(run->score, rules) / static_cast<double>(pair.references.size());
  return value_of(pair.arm->score, rules) - reference;
}

// What example j adds to a run's value, per share of the examples: its result, or of the logarithm
// of a mean loss its part in that mean.
double part_of(const TrialRun& run, std::size_t j, const TrialRules& rules) {
  return is_relative(rules.metric) ? run.examples[j] / std::max(run.score, rules.loss_floor)
                                   : run.examples[j];
}

bool have_examples(std::span<const Pair> pairs) {
  const std::size_t size = pairs.front().arm->examples.size();
  const auto has = [size](const TrialRun* run) { return run->examples.size() == size; };
  return size >= 2 && std::ranges::all_of(pairs, [&](const Pair& pair) {
           return has(pair.arm) && std::ranges::all_of(pair.references, has);
         });
}

// The variance that the draw of the examples adds to the mean difference: that of the examples'
// means over the seeds, less what the seeds themselves put into them; where all examples agree,
// that of one of them.
double example_variance(std::span<const Pair> pairs, const TrialRules& rules) {
  if (rules.overlap > 0.0 || rules.examples < 1 || !have_examples(pairs)) return 0.0;
  const std::size_t size = pairs.front().arm->examples.size();
  std::vector<double> means(size);  // over the pairs, each centred
  double squares = 0.0;
  std::vector<double> row(size);
  const auto n = static_cast<double>(pairs.size());
  for (const Pair& pair : pairs) {
    for (std::size_t j = 0; j < size; ++j) {
      row[j] = part_of(*pair.arm, j, rules);
      for (const TrialRun* run : pair.references)
        row[j] -= part_of(*run, j, rules) / static_cast<double>(pair.references.size());
    }
    const double mean = mean_of(row);
    for (std::size_t j = 0; j < size; ++j) {
      means[j] += (row[j] - mean) / n;
      squares += (row[j] - mean) * (row[j] - mean);
    }
  }
  const auto held_out = static_cast<double>(rules.examples);
  const double one = is_share(rules.metric) ? 1.0 / (held_out * held_out) : 0.0;
  if (size == 1) return std::max(one, 1.0);
  double between = 0.0;
  for (const double mean : means) between += mean * mean;
  const double m = static_cast<double>(size) - 1.0;
  const double residual =
      pairs.size() < 2 ? 0.0 : std::max(0.0, squares - n * between) / ((n - 1.0) * m);
  return std::max(one, (between / m - residual / n) / held_out);
}

// A mean difference and how well it is known, on the working scale.
struct Measured {
  int n = 0;
  double mean = kNan;
  double seeds = kNan;    // variance of one difference
  double examples = 0.0;  // variance of the mean from the draw of the examples
  double held_out = 2.0;  // examples that it rests on
  double overlap = 0.0;

  double variance(int pairs) const { return seeds * (1.0 / pairs + overlap) + examples; }

  // Satterthwaite's.
  double degrees(int pairs) const {
    const double of_seeds = seeds * (1.0 / pairs + overlap) / variance(pairs);
    const double of_examples = examples / variance(pairs);
    return 1.0 / (of_seeds * of_seeds / (pairs - 1) + of_examples * of_examples / (held_out - 1.0));
  }

  double half_width(double level, int pairs) const {
    return reach(level, degrees(pairs)) * std::sqrt(variance(pairs));
  }
};

// Shares come in steps of about 1 / examples; other scores are known to float32's rounding.
double least_variance(const TrialRules& rules, std::size_t references) {
  const double both = 1.0 + 1.0 / static_cast<double>(references);
  if (!is_share(rules.metric)) return both * 1e-12;
  if (rules.examples == 0) return 0.0;
  const double step = 1.0 / static_cast<double>(rules.examples);
  return both * step * step / 12.0;
}

Measured measure(std::span<const Pair> pairs, const TrialRules& rules, std::size_t references) {
  Measured found{.n = static_cast<int>(pairs.size()), .overlap = rules.overlap};
  if (pairs.empty()) return found;
  std::vector<double> differences;
  for (const Pair& pair : pairs) differences.push_back(difference_of(pair, rules));
  found.mean = mean_of(differences);
  if (found.n < 2) return found;
  found.seeds = std::max(variance_of(differences), least_variance(rules, references));
  found.examples = example_variance(pairs, rules);
  found.held_out = std::max(2.0, static_cast<double>(pairs.front().arm->examples.size()));
  return found;
}

Estimate estimate(const Measured& found, double level, const TrialRules& rules) {
  Estimate made{reported(found.mean, rules), kNan, kNan, found.n};
  if (found.n < 2 || level <= 0.0 || !(found.variance(found.n) > 0.0)) return made;
  const double half = found.half_width(level, found.n);
  made.lower = reported(found.mean - half, rules);
  made.upper = reported(found.mean + half, rules);
  return made;
}

Failures count_failures(const Sample& arm, std::span<const Sample> references, int runs) {
  Failures found{.runs = runs, .reference_runs = runs * static_cast<int>(references.size())};
  for (std::size_t i = 0; i < static_cast<std::size_t>(runs); ++i) {
    found.diverged += arm[i].outcome == Outcome::kDiverged;
    found.collapsed += arm[i].outcome == Outcome::kCollapsed;
    for (const Sample& reference : references) {
      found.reference_diverged += reference[i].outcome == Outcome::kDiverged;
      found.reference_collapsed += reference[i].outcome == Outcome::kCollapsed;
    }
  }
  return found;
}

// +1: the interval says better; -1: worse; 0: neither.
int direction(const Estimate& difference, Metric metric) {
  const int higher = higher_is_better(metric) ? 1 : -1;
  return difference.lower > 0.0 ? higher : difference.upper < 0.0 ? -higher : 0;
}

// Of counts in the direction seen: one-sided p, and whether the arm's share is the greater.
struct Counted {
  bool more = false;
  double p_value = 1.0;
};

Counted test_counts(int failed, int runs, int reference_failed, int reference_runs) {
  const bool more = failed * reference_runs > reference_failed * runs;
  return {more, more ? fisher_p(failed, runs, reference_failed, reference_runs)
                     : fisher_p(reference_failed, reference_runs, failed, runs)};
}

// Whether a run collapsed depends on which examples are held out, and all runs share them: runs
// near the baseline collapse together. So collapses count as shown only where the scores of all
// runs that have one point the same way, the draw of the examples included.
bool scores_confirm(bool more, const Sample& arm, std::span<const Sample> references,
                    const TrialRules& rules) {
  const Measured found = measure(pairs_of(arm, references, has_score), rules, references.size());
  const int towards =
      direction(estimate(found, score_level(found.n, shares(rules)), rules), rules.metric);
  return towards == (more ? -1 : 1);
}

void test_failures(Failures& found, const Sample& arm, std::span<const Sample> references,
                   const TrialRules& rules) {
  if (found.runs == 0) return;
  const double level = failure_level_of(found.runs, rules);
  const Counted all =
      test_counts(found.failed(), found.runs, found.reference_failed(), found.reference_runs);
  const Counted diverged =
      test_counts(found.diverged, found.runs, found.reference_diverged, found.reference_runs);
  found.p_value = all.p_value;
  const bool by_divergence = diverged.p_value <= level && diverged.more == all.more;
  if (all.p_value > level) return;
  found.unconfirmed = !by_divergence && !scores_confirm(all.more, arm, references, rules);
  if (!found.unconfirmed) found.shown = all.more ? 1 : -1;
}

bool within_margin(const Estimate& difference, const TrialRules& rules) {
  return std::isfinite(difference.lower) && difference.upper < rules.margin &&
         difference.lower > reported(-margin_of(rules), rules);
}

// At which look a verdict has four chances in five, the figures staying as they are.
int pairs_to_decide(const Measured& found, const TrialRules& rules) {
  constexpr double kPower = 0.84;  // standard errors
  if (!(found.seeds > 0.0)) return 0;
  for (int n = next_look(found.n); n <= kMostForeseen; n = next_look(n)) {
    const double half =
        found.half_width(score_level(n, shares(rules)), n) + kPower * std::sqrt(found.variance(n));
    if (std::fabs(found.mean) > half || std::fabs(found.mean) + half < margin_of(rules)) return n;
  }
  return 0;
}

double smallest_margin(const Estimate& d, Metric metric) {
  if (!std::isfinite(d.lower)) return kNan;
  return std::max(is_relative(metric) ? 1.0 / (1.0 + d.lower) - 1.0 : -d.lower, d.upper);
}

void conclude(Comparison& made, const TrialRules& rules) {
  const int score = direction(made.difference, rules.metric);
  const int failures = -made.failures.shown;
  made.doubt = Doubt::kNone;
  if (score * failures < 0) {
    made.doubt = Doubt::kConflict;
  } else if (score + failures > 0) {
    if (made.failures.diverged > 0 && made.failures.reference_diverged == 0)
      made.doubt = Doubt::kDiverged;
    else
      made.verdict = Verdict::kHelps;
  } else if (score + failures < 0) {
    made.verdict = Verdict::kHurts;
  } else if (within_margin(made.difference, rules) && made.failures.p_value > kAlike) {
    made.verdict = Verdict::kSame;
  } else {
    made.doubt = made.difference.n < kFirstLook ? Doubt::kTooFew : Doubt::kOpen;
  }
}

// Alike but for rounding: what ended in the same way with the same losses.
bool same_run(const TrialRun& a, const TrialRun& b, const TrialRules& rules) {
  if (b.repeats) return true;
  if (a.outcome != b.outcome) return false;
  if (a.outcome == Outcome::kDiverged) return true;
  const auto agree = [&](double x, double y, double step) {
    return std::fabs(x - y) <= kRounding * std::max(std::fabs(x), std::fabs(y)) + step;
  };
  const double step = is_share(rules.metric) && rules.examples > 0
                          ? 1.5 / static_cast<double>(rules.examples)
                          : rules.loss_floor;
  return agree(a.training_loss, b.training_loss, rules.loss_floor) && agree(a.score, b.score, step);
}

}  // namespace

bool one_run(const Sample& sample, const TrialRules& rules) {
  return sample.size() > 1 && std::ranges::all_of(sample, [&](const TrialRun& run) {
           return same_run(sample.front(), run, rules);
         });
}

Comparison compare(const Sample& arm, std::span<const Sample> references, const TrialRules& rules) {
  const std::vector<Pair> pairs = pairs_of(arm, references);
  const Measured found = measure(pairs, rules, references.size());
  Comparison made;
  made.failures = count_failures(arm, references, common_runs(arm, references));
  const auto some = [](const Sample& sample) { return std::ranges::any_of(sample, learned); };
  const bool any = some(arm) || std::ranges::any_of(references, some);
  if (any && one_run(arm, rules) &&
      std::ranges::all_of(references, [&](const Sample& each) { return one_run(each, rules); })) {
    made.difference = {reported(found.mean, rules), kNan, kNan, 1};
    made.doubt = Doubt::kSameRun;
    made.failures.p_value = kNan;
    return made;
  }
  test_failures(made.failures, arm, references, rules);
  made.difference = estimate(found, score_level(found.n, shares(rules)), rules);
  made.smallest_margin = smallest_margin(made.difference, rules.metric);
  conclude(made, rules);
  return made;
}

// Where seeds alone would decide it, were it not for the data, more data is what is missing. Seeds
// are more than pairs where runs fail.
void look_ahead(Comparison& comparison, const Sample& arm, std::span<const Sample> references,
                const TrialRules& rules) {
  const bool open = comparison.doubt == Doubt::kOpen || comparison.doubt == Doubt::kPlacebo;
  if (!open || comparison.failures.runs == 0) return;
  Measured found = measure(pairs_of(arm, references), rules, references.size());
  if (found.n < 2) return;
  const int pairs = pairs_to_decide(found, rules);
  comparison.seeds_needed = (pairs * comparison.failures.runs + found.n - 1) / found.n;
  if (comparison.seeds_needed > kMostForeseen) comparison.seeds_needed = 0;
  if (pairs > 0 || !(found.overlap > 0.0 || found.examples > 0.0)) return;
  found.overlap = found.examples = 0.0;
  comparison.more_data = pairs_to_decide(found, rules) > 0;
}

Estimate difference(const Sample& arm, std::span<const Sample> references, const TrialRules& rules,
                    double level) {
  return estimate(measure(pairs_of(arm, references), rules, references.size()), level, rules);
}

void require_both(Comparison& against_control, const Comparison& against_placebo) {
  if (against_control.verdict != Verdict::kHelps || against_placebo.verdict == Verdict::kHelps)
    return;
  against_control.verdict = Verdict::kUndecided;
  against_control.doubt = Doubt::kPlacebo;
}

double failure_level_of(int runs, const TrialRules& rules) {
  return failure_level(runs, shares(rules));
}

int runs_to_show(const Failures& failures, const TrialRules& rules) {
  if (failures.runs == 0) return 0;
  for (int runs = next_look(failures.runs); runs <= kMostSeeds; runs = next_look(runs)) {
    const double times = static_cast<double>(runs) / failures.runs;
    const auto scaled = [times](int count) { return static_cast<int>(std::lround(times * count)); };
    const double p =
        test_counts(scaled(failures.failed()), runs, scaled(failures.reference_failed()),
                    scaled(failures.reference_runs))
            .p_value;
    if (p <= failure_level_of(runs, rules)) return runs;
  }
  return 0;
}

bool wants_more(const Comparison& comparison) {
  const Failures& failures = comparison.failures;
  const bool all_fail = failures.runs >= kFirstLook && failures.failed() == failures.runs &&
                        failures.reference_failed() == failures.reference_runs;
  return comparison.verdict == Verdict::kUndecided && comparison.doubt != Doubt::kSameRun &&
         !all_fail;
}

}  // namespace undying::trial
