// Every sentence in which a trial speaks, in every form it can take, in one file: words.golden. A
// reader of that file has read all.
#include "trial/words.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>

namespace undying::trial {
namespace {

const Subject kSubject{"leaky_relu:0.1", "relu", "fashion-mnist", "mlp:16x30"};
const double kNan = std::nan("");

Comparison comparison(double mean, double lower, double upper, int n, Verdict verdict,
                      Doubt doubt = Doubt::kNone) {
  Comparison made{.difference = {mean, lower, upper, n},
                  .verdict = verdict,
                  .doubt = doubt,
                  .smallest_margin = kNan};
  made.failures = {.runs = n, .reference_runs = 2 * n};
  return made;
}

Comparison with_failures(Comparison made, Failures failures) {
  made.failures = failures;
  return made;
}

Comparison open_with(double margin, int seeds, bool more_data) {
  Comparison made = comparison(0.031, -0.02, 0.082, 20, Verdict::kUndecided, Doubt::kOpen);
  made.smallest_margin = margin;
  made.seeds_needed = seeds;
  made.more_data = more_data;
  return made;
}

void write_comparisons(std::ostream& out) {
  const TrialRules shares{.arms = 4, .margin = 0.01, .examples = 10'000};
  const TrialRules losses{.metric = Metric::kLoss, .arms = 1, .margin = 0.05, .examples = 100};
  const auto say = [&](const Comparison& made, const TrialRules& rules) {
    out << comparison_sentence(kSubject, made, rules) << "\n";
  };
  out << "## A comparison\n";
  say(comparison(0.198, 0.071, 0.326, 8, Verdict::kHelps), shares);
  say(comparison(-0.031, -0.042, -0.02, 20, Verdict::kHurts), shares);
  say(comparison(0.001, -0.006, 0.008, 12, Verdict::kSame), shares);
  say(comparison(-0.169, -0.251, -0.08, 8, Verdict::kHelps), losses);
  say(comparison(31.0, 12.0, 80.0, 8, Verdict::kHurts), losses);
  say(comparison(0.01, -0.02, 0.03, 8, Verdict::kSame), losses);
  say(with_failures(comparison(0.05, 0.01, 0.09, 6, Verdict::kHelps), {.collapsed = 1,
                                                                       .runs = 7,
                                                                       .reference_diverged = 2,
                                                                       .reference_collapsed = 1,
                                                                       .reference_runs = 14,
                                                                       .p_value = 0.61}),
      shares);
  say(with_failures(comparison(kNan, kNan, kNan, 0, Verdict::kHelps), {.runs = 6,
                                                                       .reference_collapsed = 12,
                                                                       .reference_runs = 12,
                                                                       .p_value = 5.4e-5,
                                                                       .shown = -1}),
      shares);
  say(with_failures(
          comparison(kNan, kNan, kNan, 0, Verdict::kHurts),
          {.diverged = 6, .runs = 6, .reference_runs = 12, .p_value = 5.4e-5, .shown = 1}),
      shares);
  say(with_failures(open_with(0.082, 34, false), {.collapsed = 6,
                                                  .runs = 20,
                                                  .reference_collapsed = 20,
                                                  .reference_runs = 20,
                                                  .p_value = 1.7e-6,
                                                  .unconfirmed = true}),
      shares);
  say(comparison(0.2, kNan, kNan, 3, Verdict::kUndecided, Doubt::kTooFew), shares);
  say(comparison(kNan, kNan, kNan, 1, Verdict::kUndecided, Doubt::kTooFew), shares);
  say(with_failures(comparison(kNan, kNan, kNan, 0, Verdict::kUndecided, Doubt::kTooFew),
                    {.collapsed = 5, .runs = 5, .reference_diverged = 10, .reference_runs = 10}),
      shares);
  say(with_failures(comparison(kNan, kNan, kNan, 0, Verdict::kUndecided, Doubt::kTooFew),
                    {.collapsed = 5,
                     .runs = 5,
                     .reference_diverged = 9,
                     .reference_runs = 10,
                     .p_value = 0.67}),
      shares);
  say(open_with(0.082, 34, false), shares);
  say(open_with(0.082, 0, true), shares);
  say(open_with(0.082, 0, false), shares);
  say(open_with(0.089, 34, false), losses);
  say(with_failures(comparison(0.4, kNan, kNan, 1, Verdict::kUndecided, Doubt::kSameRun),
                    {.diverged = 5, .runs = 5, .reference_runs = 10, .p_value = kNan}),
      shares);
  say(comparison(0.4, kNan, kNan, 1, Verdict::kUndecided, Doubt::kSameRun), shares);
  say(with_failures(comparison(0.1, 0.05, 0.15, 9, Verdict::kUndecided, Doubt::kDiverged),
                    {.diverged = 1, .runs = 10, .reference_runs = 20, .p_value = 0.33}),
      shares);
  say(with_failures(
          comparison(0.1, 0.05, 0.15, 5, Verdict::kUndecided, Doubt::kConflict),
          {.collapsed = 7, .runs = 12, .reference_runs = 24, .p_value = 1e-5, .shown = 1}),
      shares);
  say(with_failures(comparison(-0.1, -0.15, -0.05, 5, Verdict::kUndecided, Doubt::kConflict),
                    {.runs = 12,
                     .reference_collapsed = 19,
                     .reference_runs = 24,
                     .p_value = 1e-5,
                     .shown = -1}),
      shares);
  const auto striking = [&](int runs, double p_value) {
    return with_failures(
        comparison(kNan, kNan, kNan, 0, Verdict::kUndecided, Doubt::kTooFew),
        {.runs = runs, .reference_collapsed = runs, .reference_runs = runs, .p_value = p_value});
  };
  say(striking(8, 7.8e-5), shares);
  say(striking(4, 0.014), shares);
  say(open_with(0.082, 1415, false), shares);
  say(comparison(0.1, 0.05, 0.15, 9, Verdict::kUndecided, Doubt::kPlacebo), shares);
  const TrialRules auc{.metric = Metric::kAuc, .arms = 1, .margin = 0.01, .examples = 100};
  say(comparison(0.031, 0.01, 0.052, 8, Verdict::kHelps), auc);
  say(comparison(0.001, -0.006, 0.008, 12, Verdict::kSame), auc);
  say(open_with(0.082, 34, false),
      {.metric = Metric::kRmse, .arms = 1, .margin = 0.05, .examples = 100});
  out << score_text({0.91, 0.9, 0.92, 5}, Metric::kF1) << "; "
      << score_text({0.91, 0.9, 0.92, 5}, Metric::kBalancedAccuracy) << "; "
      << score_text({3.5, 3.0, 4.0, 5}, Metric::kMae) << "\n";
}

void write_headlines(std::ostream& out) {
  const TrialRules rules{.arms = 4, .margin = 0.01, .examples = 10'000};
  const Comparison helps = comparison(0.198, 0.071, 0.326, 8, Verdict::kHelps);
  const Comparison stable =
      with_failures(comparison(kNan, kNan, kNan, 0, Verdict::kHelps),
                    {.runs = 6, .reference_collapsed = 12, .reference_runs = 12, .shown = -1});
  const Comparison hurts = comparison(-0.05, -0.08, -0.02, 8, Verdict::kHurts);
  const Comparison same = comparison(0.001, -0.006, 0.008, 12, Verdict::kSame);
  const Comparison open = open_with(0.082, 34, false);
  const std::vector<std::vector<Judged>> cases = {
      {},
      {{"elu", &helps}},
      {{"elu", &helps}, {"prelu", &stable}, {"tanh", &hurts}, {"gelu", &same}, {"selu", &open}},
      {{"tanh", &hurts}},
      {{"selu", &open}}};
  out << "\n## The first paragraph\n";
  for (const auto& arms : cases) out << headline(kSubject, arms, rules) << "\n";
  out << headline(kSubject, std::vector<Judged>{{"gelu", &same}},
                  {.metric = Metric::kLoss, .margin = 0.05})
      << "\n";
  out << "\n## What is open\n";
  out << open_text(kSubject, std::vector<Judged>{{"selu", &open}, {"elu", &helps}, {"gelu", &open}},
                   rules)
      << "\n";
  out << "\n## The chance of error\n"
      << error_text(rules) << "\n"
      << error_text({.arms = 1}) << "\n";
}

void write_courses(std::ostream& out) {
  Course course;
  course.arms = {{"relu (control)", 5, 4, 0}, {"elu", 5, 0, 1}, {"prelu", 1, 1, 0}};
  course.baseline = "10.00% (always naming class 7)";
  course.steps = 40;
  course.learning_rate = 0.5;
  out << "\n## The control failed\n" << control_text(course) << "\n";
  course.scaled = true;
  course.values = true;
  out << control_text(course) << "\n";
  course.arms.front() = {"relu (control)", 5, 0, 5};
  out << control_text(course) << "\n";
  course.scaled = false;
  out << control_text(course) << "\n";
  out << budget_text(8) << "\n";
  course.arms.front() = {"relu (control)", 5, 4, 0};
  out << "\n## Trouble\n";
  for (const std::string& text : trouble(course)) out << text << "\n";
  course.imbalanced = true;
  out << trouble(course)[1] << "\n" << imbalance_text(true) << "\n";
  course.limited_by_steps = true;
  out << trouble(course).back() << "\n";
  course.improvement = 0.053;
  out << trouble(course).back() << "\n";
  out << missing_text(3, 12, "what follows rests on the others") << "\n"
      << missing_text(12, 12, "") << "\n";
  out << "\n## The placebo\n";
  out << placebo_text({0.002, -0.01, 0.014, 5}, Metric::kAccuracy) << "\n"
      << placebo_text({-0.2, -0.3, -0.1, 5}, Metric::kLoss) << "\n";
  out << "\n## Learning rates of their own\n";
  Tuning tuning{
      {{"relu (control)", 0.03f}, {"elu", 0.03f}, {"tanh", 0.03f}}, {0.003f, 0.03f, 0.3f}, 3, 960};
  out << tuning_text(tuning, Metric::kAccuracy) << "\n" << edge_text(tuning);
  tuning.arms[1].learning_rate = 0.3f;
  out << tuning_text(tuning, Metric::kLoss) << "\n" << edge_text(tuning) << "\n";
  tuning.arms[2].learning_rate = 0.003f;
  out << edge_text(tuning) << "\n";
  tuning.arms.pop_back();
  tuning.searched = true;
  out << tuning_text(tuning, Metric::kLoss) << "\n";
  course.tuned = true;
  out << control_text(course) << "\n";
  out << "\n## Held out\n";
  for (const TrialRules& rules :
       {TrialRules{.examples = 200, .overlap = 0.25}, TrialRules{.examples = 25, .overlap = 0.25},
        TrialRules{.examples = 1}, TrialRules{.metric = Metric::kLoss, .examples = 20},
        TrialRules{.metric = Metric::kF1, .examples = 20}})
    out << held_out_text(rules) << "\n";
}

void write_dead(std::ostream& out) {
  Dead dead{.share = 0.138,
            .born = 0.02,
            .units = 480,
            .examples = 60'000,
            .data = "fashion-mnist",
            .runs = 5,
            .correlation = kNan};
  const auto say = [&] { out << dead_text(dead, Metric::kAccuracy) << "\n"; };
  out << "\n## Dead neurons\n";
  say();
  dead.hardest_layer = "layer.3", dead.hardest_units = 16, dead.hardest_share = 0.4,
  dead.hardest_most = 0.55;
  dead.few = true;
  say();
  dead.differences = true;
  say();
  dead.few = false, dead.undying_judged = 3, dead.undying_open = 1, dead.undying_helps = true,
  dead.correlation = -0.85, dead.correlation_p = 0.032, dead.correlation_runs = 10;
  say();
  dead.undying_helps = false;
  say();
  dead.undying_open = 0;
  say();
  dead.undying_judged = 0, dead.undying_open = 2;
  say();
}

void write_remedies(std::ostream& out) {
  const TrialRules rules{.arms = 10, .margin = 0.01, .examples = 10'000};
  Remedied found{.data = "fashion-mnist",
                 .tried = 10,
                 .control = {0.7518, 0.75, 0.753, 12},
                 .placebo = {0.8388, 0.83, 0.84, 12},
                 .held_out_examples = 10'000};
  out << "\n## Remedies\n" << remedy_outcome(found, rules) << "\n";
  found.open = true;
  found.tried = 1;
  found.control = {.n = 0};
  out << remedy_outcome(found, rules) << "\n";
  found.remedy = "leaky_relu:0.1 + re-initialise";
  found.control = {0.7518, 0.75, 0.753, 12};
  found.chosen = {0.8485, 0.845, 0.852, 12};
  found.against_control = {0.0967, 0.0929, 0.1005, 12};
  found.against_placebo = {0.0097, 0.0051, 0.0144, 12};
  found.held_out = {0.095, 0.09, 0.1, 12};
  out << remedy_outcome(found, rules) << "\n" << held_out_outcome(found, rules) << "\n";
  found.held_out = {0.01, -0.01, 0.03, 12};
  out << held_out_outcome(found, rules) << "\n";
  found.held_out = {kNan, kNan, kNan, 0};
  found.control = {.n = 0};
  found.against_control = {kNan, kNan, kNan, 0};
  out << remedy_outcome(found, rules) << "\n";
  out << held_out_outcome(found, rules) << "\n"
      << not_finite_text(found.remedy) << "\n"
      << unfinished_text(found.remedy) << "\n";
  const Patient patient{.score = 0.7274,
                        .dead = 78,
                        .locked = 70,
                        .units = 192,
                        .data = "fashion-mnist train",
                        .examples = 60'000};
  out << before_text(patient, Metric::kAccuracy) << "\n"
      << after_text(patient, 4, Metric::kAccuracy) << "\n";
  out << others_text(std::vector<std::string>{"elu", "prelu"}) << "\n"
      << second_control_text() << "\n";
  out << preferred_text("elu", found.chosen, "prelu", 0.0, 0.08, Metric::kAccuracy) << "\n";
}

void write_advice(std::ostream& out) {
  out << "\n## Advice\n";
  const TrialRules rules{.arms = 1, .margin = 0.01, .examples = 10'000};
  for (const Comparison& made : {comparison(0.198, 0.071, 0.326, 8, Verdict::kHelps),
                                 comparison(-0.031, -0.042, -0.02, 20, Verdict::kHurts),
                                 comparison(0.001, -0.006, 0.008, 12, Verdict::kSame),
                                 open_with(0.082, 34, false), open_with(0.082, 0, true)})
    out << advice_text(kSubject, made, rules) << "\n";
  Searched search{.chosen = "leaky_relu:0.1",
                  .tried = 8,
                  .least_runs = 2,
                  .most_runs = 8,
                  .examples = 960,
                  .alike = {"leaky_relu:0.2", "leaky_relu:0.03"},
                  .end = {},
                  .rates = {0.03f}};
  out << search_text(search, Metric::kAccuracy) << "\n" << unknown_text(search) << "\n";
  search.alike.clear();
  search.end = "largest";
  search.rates = {0.003f, 0.03f};
  out << unknown_text(search) << "\n";
  search.most_runs = 2;
  out << search_text(search, Metric::kLoss) << "\n";
  EXPECT_EQ(linear_text(search), "");
  for (const float slope : {0.1f, 0.6f, 2.0f}) {
    search.slope = slope;
    EXPECT_EQ(linear_text(search), "") << slope;
  }
  search.slope = 0.9f;
  out << linear_text(search) << "\n";
  search.scored = false;
  out << search_text(search, Metric::kAccuracy) << "\n";
  search.tried = 1;
  EXPECT_EQ(search_text(search, Metric::kAccuracy), "");
}

TEST(Words, AreThoseOfTheGoldenFile) {
  std::ostringstream said;
  write_comparisons(said);
  write_headlines(said);
  write_courses(said);
  write_dead(said);
  write_remedies(said);
  write_advice(said);
  std::ifstream file(UNDYING_WORDS_GOLDEN);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  if (golden != said.str()) std::ofstream("words.said") << said.str();
  EXPECT_EQ(golden, said.str()) << "what is said now lies in words.said";
}

// A negation must not depend on the branch: that one remedy was tried once read as if it had
// helped.
TEST(Words, NothingHelpedSaysSoOfOneAndOfMany) {
  const Estimate score{0.5, 0.4, 0.6, 5};
  for (const int tried : {1, 2, 10}) {
    const std::string text =
        remedy_outcome({.data = "d", .tried = tried, .control = score, .placebo = score}, {});
    EXPECT_TRUE(text.find("was not") != std::string::npos ||
                text.find("none of") != std::string::npos)
        << text;
  }
}

}  // namespace
}  // namespace undying::trial
