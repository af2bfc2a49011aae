#include "trial/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <tuple>

#include "trial/boundary.h"
#include "trial/statistics.h"

namespace undying::trial {
namespace {

Sample sample(const std::vector<double>& scores) {
  Sample made;
  for (const double score : scores) made.push_back({.seed = made.size() + 1, .score = score});
  return made;
}

Comparison judge(const Sample& arm, const Sample& control, const Sample& placebo,
                 const TrialRules& rules) {
  const std::vector<Sample> references = {control, placebo};
  Comparison made = compare(arm, references, rules);
  look_ahead(made, arm, references, rules);
  return made;
}

const Sample kBase = sample({0.50, 0.52, 0.48, 0.51, 0.49, 0.50});
const Sample kAgain = sample({0.51, 0.50, 0.49, 0.50, 0.50, 0.51});

TEST(Judge, SaysHelpsHurtsTheSameAndUndecided) {
  const TrialRules rules{.examples = 10'000};
  EXPECT_EQ(judge(sample({0.70, 0.73, 0.69, 0.70, 0.71, 0.72}), kBase, kAgain, rules).verdict,
            Verdict::kHelps);
  EXPECT_EQ(judge(sample({0.30, 0.33, 0.29, 0.30, 0.31, 0.32}), kBase, kAgain, rules).verdict,
            Verdict::kHurts);
  const Comparison open = judge(sample({0.60, 0.45, 0.55, 0.40, 0.62, 0.50}), kBase, kAgain, rules);
  EXPECT_EQ(open.verdict, Verdict::kUndecided);
  EXPECT_EQ(open.doubt, Doubt::kOpen);
  EXPECT_GT(open.smallest_margin, 0.01);
  EXPECT_TRUE(wants_more(open));
  const Comparison same = judge(sample({0.505, 0.51, 0.485, 0.505, 0.495, 0.505}), kBase, kAgain,
                                {.margin = 0.05, .examples = 10'000});
  EXPECT_EQ(same.verdict, Verdict::kSame);
  EXPECT_FALSE(wants_more(same));
}

// Against the mean of control and placebo, by hand: differences .2, .2, .2, .2, .3; mean .22,
// deviation .0447.
TEST(Judge, TheIntervalIsStudentsAtTheLevelOfTheLook) {
  const Sample base = sample({0.5, 0.5, 0.5, 0.5, 0.5});
  const Comparison found = judge(sample({0.7, 0.7, 0.7, 0.7, 0.8}), base, base, {.arms = 3});
  EXPECT_NEAR(found.difference.mean, 0.22, 1e-12);
  const double half = reach(score_level(5, 3), 4) * std::sqrt(0.002 / 5.0);
  EXPECT_NEAR(found.difference.upper, 0.22 + half, 1e-9);
  EXPECT_NEAR(found.difference.lower, 0.22 - half, 1e-9);
}

TEST(Judge, ARunThatDivergedIsCountedAndNotAveraged) {
  Sample arm = sample({0.70, 0.73, 0.69, 0.70, 0.71, 0.72, 0.7});
  arm[2] = {.seed = 3, .outcome = Outcome::kDiverged, .score = std::nan("")};
  const Sample base = sample({0.50, 0.52, 0.48, 0.51, 0.49, 0.50, 0.51});
  const Comparison found = judge(arm, base, base, {});
  EXPECT_EQ(found.failures.diverged, 1);
  EXPECT_EQ(found.difference.n, 6);
  EXPECT_GT(found.difference.lower, 0.0);
  EXPECT_EQ(found.verdict, Verdict::kUndecided)
      << "an arm that diverged where the control did not never helps";
  EXPECT_EQ(found.doubt, Doubt::kDiverged);
  Sample unstable = base;
  unstable[5].outcome = Outcome::kDiverged;
  EXPECT_EQ(judge(arm, unstable, base, {}).verdict, Verdict::kHelps) << "the control diverges too";
}

// Scores alike, one collapse in five runs: a t test over imputed scores calls that an effect in a
// third of studies.
TEST(Judge, ACollapseIsNoScore) {
  Sample arm = kBase;
  arm[4] = {.seed = 5, .outcome = Outcome::kCollapsed, .score = 0.1};
  const Comparison found = judge(arm, kBase, kAgain, {});
  EXPECT_EQ(found.failures.collapsed, 1);
  EXPECT_EQ(found.difference.n, 5);
  EXPECT_NEAR(found.difference.mean, 0.0, 0.01);
}

TEST(Judge, FailingLessOftenHelps) {
  const Sample arm = sample({0.5, 0.5, 0.51, 0.52, 0.5, 0.49});
  Sample dead = kBase;
  for (TrialRun& run : dead) run = {.seed = run.seed, .outcome = Outcome::kCollapsed, .score = 0.1};
  const Comparison found = judge(arm, dead, dead, {.arms = 4});
  EXPECT_EQ(found.difference.n, 0);
  EXPECT_EQ(found.failures.shown, -1);
  EXPECT_NEAR(found.failures.p_value, 1.0 / 18564.0, 1e-12) << "1 of C(18, 6) ways";
  EXPECT_EQ(found.verdict, Verdict::kHelps);
  EXPECT_EQ(judge(dead, arm, arm, {.arms = 4}).verdict, Verdict::kHurts);
  const Comparison hopeless = judge(dead, dead, dead, {});
  EXPECT_EQ(hopeless.verdict, Verdict::kUndecided);
  EXPECT_FALSE(wants_more(hopeless)) << "no seed would change that";
}

TEST(Judge, FailingMoreOftenAndScoringBetterIsAConflict) {
  std::vector<double> good(12, 0.9);
  for (std::size_t i = 0; i < 12; ++i) good[i] += 0.001 * static_cast<double>(i % 3);
  Sample arm = sample(good);
  for (std::size_t i = 0; i < 7; ++i) arm[i].outcome = Outcome::kDiverged;
  const Sample base = sample(std::vector<double>(12, 0.5));
  const Comparison found = judge(arm, base, base, {});
  EXPECT_EQ(found.failures.shown, 1);
  EXPECT_EQ(found.doubt, Doubt::kConflict);
}

TEST(Judge, LossesAreComparedAsRatios) {
  const TrialRules rules{.metric = Metric::kLoss, .margin = 0.05, .loss_floor = 1e-9};
  const Sample base = sample({1.0, 100.0, 1.0, 0.01, 10.0});
  const Comparison half = judge(sample({0.5, 50.0, 0.49, 0.005, 5.1}), base, base, rules);
  EXPECT_EQ(half.verdict, Verdict::kHelps);
  EXPECT_NEAR(half.difference.mean, -0.5, 0.01);
  EXPECT_GT(half.difference.lower, -1.0) << "no loss is below 0";
  const Comparison zero = judge(sample({0.0, 0.0, 0.0, 0.0, 1e-30}), base, base, rules);
  EXPECT_TRUE(std::isfinite(zero.difference.mean)) << "zeros count as the floor";
}

// The same figures, by every metric: which way is better, and whether a difference or a ratio is
// meant.
TEST(Judge, GoesByTheDirectionOfTheMetric) {
  const Sample low = sample({0.30, 0.33, 0.29, 0.30, 0.31, 0.32});
  for (const Metric metric :
       {Metric::kAccuracy, Metric::kBalancedAccuracy, Metric::kF1, Metric::kAuc, Metric::kR2}) {
    const Comparison found = judge(low, kBase, kAgain, {.metric = metric, .examples = 10'000});
    EXPECT_EQ(found.verdict, Verdict::kHurts) << name(metric);
    EXPECT_NEAR(found.difference.mean, -0.1933, 1e-3) << name(metric);
  }
  for (const Metric metric : {Metric::kLoss, Metric::kLogLoss, Metric::kRmse, Metric::kMae}) {
    const Comparison found =
        judge(low, kBase, kAgain, {.metric = metric, .examples = 10'000, .loss_floor = 1e-9});
    EXPECT_EQ(found.verdict, Verdict::kHelps) << name(metric);
    EXPECT_NEAR(found.difference.mean, 0.3083 / 0.501 - 1.0, 0.01) << name(metric);
  }
}

TEST(Judge, AnR2MayBeBelowZero) {
  const Comparison found = judge(sample({-0.5, -0.6, -0.4, -0.5, -0.5, -0.6}), kBase, kAgain,
                                 {.metric = Metric::kR2, .examples = 100});
  EXPECT_EQ(found.verdict, Verdict::kHurts);
  EXPECT_NEAR(found.difference.mean, -1.0183, 1e-3);
}

TEST(Judge, RunsThatAreOneRunAreOneSample) {
  Sample arm = sample({0.9, 0.9, 0.9, 0.9, 0.9, 0.9});
  Sample base = sample({0.5, 0.5, 0.5, 0.5, 0.5, 0.5});
  for (std::size_t i = 0; i < 6; ++i) {
    arm[i].training_loss = 0.1 + 1e-7 * static_cast<double>(i);
    base[i].training_loss = 0.7 - 1e-7 * static_cast<double>(i);
  }
  const Comparison once = judge(arm, base, base, {.examples = 30});
  EXPECT_EQ(once.verdict, Verdict::kUndecided);
  EXPECT_EQ(once.doubt, Doubt::kSameRun);
  EXPECT_EQ(once.difference.n, 1);
  EXPECT_FALSE(wants_more(once));
  for (std::size_t i = 0; i < 6; ++i) arm[i].training_loss += 0.01 * static_cast<double>(i);
  EXPECT_EQ(judge(arm, base, base, {.examples = 30}).verdict, Verdict::kHelps)
      << "those of the arm are six runs";
}

// Two-way layout by hand: seeds 3, examples 4. Differences d_ij = a_i + b_j without a residual: the
// example part of the variance of the mean is var(b) / 4.
TEST(Judge, TheIntervalCoversTheDrawOfTheExamples) {
  const float b[] = {0.0f, 1.0f, 0.0f, 1.0f};
  std::vector<std::vector<float>> arms(5, std::vector<float>(b, b + 4));
  const std::vector<float> none(4, 0.0f);
  Sample arm;
  Sample base;
  for (std::size_t i = 0; i < 5; ++i) {
    const double a = 0.001 * static_cast<double>(i);
    for (float& value : arms[i]) value += static_cast<float>(a);
    arm.push_back({.seed = i + 1, .score = 0.5 + a, .examples = arms[i]});
    base.push_back({.seed = i + 1, .score = 0.0, .examples = none});
  }
  TrialRules rules{.examples = 4};
  const Estimate with = difference(arm, std::span(&base, 1), rules);
  rules.examples = 0;
  const Estimate without = difference(arm, std::span(&base, 1), rules);
  EXPECT_LT(without.upper - without.mean, 0.01);
  // var(b) = 1/3 over 4 examples: the variance of the mean is 1/12, known with three degrees of
  // freedom.
  EXPECT_NEAR(with.upper - with.mean, reach(0.05, 3) * std::sqrt(1.0 / 12.0), 0.03);
}

// s^2 (1 / n + overlap), Nadeau & Bengio 2003.
TEST(Judge, RedrawnSplitsOverlap) {
  const Sample base = sample(std::vector<double>(5, 0.5));
  const Sample arm = sample({0.5, 0.6, 0.7, 0.6, 0.6});
  const Estimate plain = difference(arm, std::span(&base, 1), {});
  const Estimate overlapping = difference(arm, std::span(&base, 1), {.overlap = 0.25});
  EXPECT_NEAR((overlapping.upper - overlapping.mean) / (plain.upper - plain.mean),
              std::sqrt((0.2 + 0.25) / 0.2), 1e-9);
}

TEST(Judge, WhereSeedsCannotDecideMoreDataMight) {
  std::vector<double> scores;
  for (int i = 0; i < 20; ++i) scores.push_back(0.53 + 0.05 * std::sin(3.0 * i));
  const Sample arm = sample(scores);
  const Sample base = sample(std::vector<double>(20, 0.5));
  const Comparison found = judge(arm, base, base, {.overlap = 0.25});
  EXPECT_EQ(found.verdict, Verdict::kUndecided);
  EXPECT_EQ(found.seeds_needed, 0);
  EXPECT_TRUE(found.more_data);
  const Comparison fixed = judge(arm, base, base, {.arms = 40});
  EXPECT_TRUE(fixed.verdict == Verdict::kHelps || fixed.seeds_needed > 20);
  EXPECT_FALSE(fixed.more_data);
}

TEST(Judge, InARemedysTrialBothMustBeBeaten) {
  const Sample good = sample({0.70, 0.73, 0.69, 0.70, 0.71, 0.72});
  const Sample better = sample({0.80, 0.83, 0.79, 0.80, 0.81, 0.82});
  Comparison control = compare(good, std::span(&kBase, 1), {});
  require_both(control, compare(good, std::span(&better, 1), {}));
  EXPECT_EQ(control.verdict, Verdict::kUndecided);
  EXPECT_EQ(control.doubt, Doubt::kPlacebo);
  Comparison both = compare(good, std::span(&kBase, 1), {});
  require_both(both, compare(good, std::span(&kAgain, 1), {}));
  EXPECT_EQ(both.verdict, Verdict::kHelps);
}

TEST(Judge, MissingPartnersLeaveAPairOut) {
  Sample control = kBase;
  Sample placebo = kAgain;
  control[0].outcome = placebo[0].outcome = Outcome::kCollapsed;
  control[1].outcome = Outcome::kCollapsed;
  const Comparison found = judge(kBase, control, placebo, {});
  EXPECT_EQ(found.difference.n, 5);
  EXPECT_EQ(found.failures.reference_failed(), 3);
}

// The levels of an arm's looks never add up to less than what the arm may err, and early looks
// leave most to later ones.
TEST(Boundary, SpendsWhatItMay) {
  EXPECT_EQ(score_level(4, 1), 0.0);
  for (const int arms : {1, 2, 4, 8, 20}) {
    const double share = 0.04 / arms;
    double sum = 0.0;
    for (int n = 5; n <= 20; ++n) sum += score_level(n, arms);
    EXPECT_GT(sum, 0.8 * share) << "looks are dependent: the sum is an upper bound of the chance";
    EXPECT_LT(score_level(20, arms), 0.8 * share);
    EXPECT_LT(score_level(5, arms), score_level(20, arms));
    EXPECT_LT(score_level(21, arms), score_level(20, arms));
    double failures = 0.0;
    for (int n = 5; n <= 100'000; ++n) failures += 2.0 * failure_level(n, arms);
    EXPECT_LE(failures, 0.01 / arms + 1e-12);
  }
}

TEST(Boundary, LooksGrow) {
  std::vector<int> looks;
  for (int n = next_look(0); n <= 30; n = next_look(n)) looks.push_back(n);
  EXPECT_EQ(looks, (std::vector<int>{5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 29}));
}

// Studies of four arms without a difference, looked at after every pair from 5 to 20: any false
// verdict in at most 3.2% of them (4 standard errors of 3,000 studies above). scripts/calibrate
// asks more, and of more kinds.
TEST(Judge, ErrsNoMoreOftenThanItSays) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal(0.0, 0.05);
  constexpr int kStudies = 3000;
  constexpr int kArms = 4;
  int wrong = 0;
  for (int study = 0; study < kStudies; ++study) {
    std::vector<Sample> arms(kArms);
    std::vector<Sample> references(2);
    bool erred = false;
    for (int n = 1; n <= 20 && !erred; ++n) {
      for (auto* group : {&arms, &references})
        for (Sample& each : *group)
          each.push_back({.seed = static_cast<std::uint64_t>(n), .score = 0.5 + normal(engine)});
      if (n < kFirstLook) continue;
      for (const Sample& arm : arms) {
        const Verdict verdict = compare(arm, references, {.arms = kArms}).verdict;
        erred |= verdict == Verdict::kHelps || verdict == Verdict::kHurts;
      }
    }
    wrong += erred;
  }
  EXPECT_LT(wrong, kStudies * (0.032 + 4.0 * std::sqrt(0.032 * 0.968 / kStudies)));
  EXPECT_GT(wrong, kStudies * 0.01) << "and is not so careful as to be of no use";
}

// Four arms, normal scores, looks from 5 to 20: the first arm's mean is `effect` standard
// deviations of a pair above the others'.
Comparison planted(double effect, double margin, std::mt19937_64& engine) {
  std::normal_distribution<double> normal(0.0, 0.02 / std::sqrt(2.0));
  const TrialRules rules{.arms = 4, .margin = margin};
  Sample arm;
  std::vector<Sample> references(2);
  Comparison found;
  for (int n = next_look(0); n <= 20; n = next_look(n)) {
    for (auto seed = arm.size() + 1; seed <= static_cast<std::size_t>(n); ++seed) {
      arm.push_back({.seed = seed, .score = 0.5 + 0.02 * effect + normal(engine)});
      for (Sample& each : references) each.push_back({.seed = seed, .score = 0.5 + normal(engine)});
    }
    found = compare(arm, references, rules);
    if (!wants_more(found)) break;
  }
  return found;
}

TEST(Judge, DecidesWhatIsPlanted) {
  std::mt19937_64 engine(11);
  for (const auto& [effect, least, median] :
       {std::tuple(1.0, 0.85, 14), std::tuple(1.5, 0.98, 10), std::tuple(2.0, 0.99, 8)}) {
    constexpr int kStudies = 400;
    int helps = 0;
    std::vector<int> pairs;
    for (int i = 0; i < kStudies; ++i) {
      const Comparison found = planted(effect, 1e-9, engine);
      EXPECT_NE(found.verdict, Verdict::kHurts);
      helps += found.verdict == Verdict::kHelps;
      pairs.push_back(found.verdict == Verdict::kHelps ? found.difference.n : 99);
    }
    EXPECT_GE(helps, least * kStudies) << effect;
    std::nth_element(pairs.begin(), pairs.begin() + kStudies / 2, pairs.end());
    EXPECT_LE(pairs[kStudies / 2], median) << effect;
  }
}

// Arms that are as good as each other on all examples there are, scored on the same few: each finds
// others of them easy. Half of the runs end near the baseline, and those of one arm together.
TEST(Judge, ArmsThatCollapseByTheDrawOfTheExamplesAreNotTold) {
  constexpr std::size_t kExamples = 20;
  constexpr double kBound = 0.6;
  std::mt19937_64 engine(17);
  std::bernoulli_distribution easy(0.6);
  std::bernoulli_distribution noise(0.1);
  int wrong = 0;
  for (int study = 0; study < 300; ++study) {
    std::vector<Sample> arms(3);
    std::vector<std::vector<bool>> known(3, std::vector<bool>(kExamples));
    for (auto& each : known)
      for (std::size_t j = 0; j < kExamples; ++j) each[j] = easy(engine);
    std::vector<std::vector<float>> kept;
    kept.reserve(60);
    bool erred = false;
    for (int n = 1; n <= 20 && !erred; ++n) {
      for (std::size_t a = 0; a < 3; ++a) {
        std::vector<float> right(kExamples);
        for (std::size_t j = 0; j < kExamples; ++j)
          right[j] = known[a][j] != noise(engine) ? 1.0f : 0.0f;
        kept.push_back(right);
        const double score = std::accumulate(right.begin(), right.end(), 0.0) / kExamples;
        arms[a].push_back({.seed = static_cast<std::uint64_t>(n),
                           .outcome = score > kBound ? Outcome::kLearned : Outcome::kCollapsed,
                           .score = score,
                           .examples = kept.back()});
      }
      const Verdict verdict =
          compare(arms[2], std::span(arms).first(2), {.examples = kExamples}).verdict;
      erred = verdict == Verdict::kHelps || verdict == Verdict::kHurts;
    }
    wrong += erred;
  }
  EXPECT_LE(wrong, 30) << "5% of 300, and four standard errors";
}

TEST(Judge, ADifferenceInDivergencesIsNotTheSame) {
  std::vector<double> scores;
  for (int i = 0; i < 20; ++i) scores.push_back(0.5 + 0.0005 * (i % 5));
  Sample arm = sample(scores);
  const Sample base = sample(std::vector<double>(20, 0.501));
  EXPECT_EQ(judge(arm, base, base, {.margin = 0.01}).verdict, Verdict::kSame);
  for (std::size_t i = 0; i < 20; i += 3) arm[i].outcome = Outcome::kDiverged;
  const Comparison found = judge(arm, base, base, {.arms = 8, .margin = 0.01});
  EXPECT_NE(found.verdict, Verdict::kSame);
}

TEST(Judge, AnEffectOfTheMarginIsHardlyEverCalledTheSame) {
  std::mt19937_64 engine(13);
  int same = 0;
  int nothing = 0;
  for (int i = 0; i < 400; ++i) {
    same += planted(1.5, 0.03, engine).verdict == Verdict::kSame;
    nothing += planted(0.0, 0.03, engine).verdict == Verdict::kSame;
  }
  EXPECT_LE(same, 20) << "5% of 400";
  EXPECT_GE(nothing, 380);
}

}  // namespace
}  // namespace undying::trial
