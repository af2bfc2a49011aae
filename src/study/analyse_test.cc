// What is said of runs made by hand.
#include "undying/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "study/plan.h"
#include "study/record.h"
#include "study/store.h"
#include "study/test_study.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

// A study made by hand: control, placebo, one treatment, with the given test accuracies.
Study by_hand(const std::vector<double>& control, const std::vector<double>& placebo,
              const std::vector<double>& treatment) {
  StudySettings settings = tiny();
  settings.activations = {"leaky_relu:0.1"};
  settings.seeds = static_cast<int>(control.size());
  Study study{
      .settings = settings, .data_name = "made", .train_examples = 1000, .test_examples = 100};
  study.baseline = {
      .metric = Metric::kAccuracy, .score = 0.1, .bound = 0.16, .answer = "always naming class 0"};
  study.arms = study::plan_arms(settings);
  for (Arm& arm : study.arms) study::add_runs(settings, arm, settings.seeds);
  const std::vector<double>* scores[] = {&control, &placebo, &treatment};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t i = 0; i < control.size(); ++i) {
      ArmRun& slot = study.arms[a].runs[i];
      slot.present = true;
      slot.run.test_accuracy = (*scores[a])[i];
      slot.run.epochs = {{.epoch = 1, .step = 100, .test_accuracy = (*scores[a])[i] / 2},
                         {.epoch = 2,
                          .step = 200,
                          .train_loss = 1.0 / (1.0 + static_cast<double>(i)),
                          .test_accuracy = (*scores[a])[i]}};
      slot.run.ledger.layers = {"layer.0"};
      slot.run.ledger.censuses = {{.step = 200}};
      slot.run.ledger.lives = {std::vector<UnitLife>(10)};
      if (a < 2)
        for (std::size_t u = 0; u < 4; ++u)
          slot.run.ledger.lives[0][u] = {.state = UnitState::kDead, .died = {5}};
    }
  }
  analyse(study);
  return study;
}

std::string dead_paragraph(const Study& study) {
  for (const std::string& text : study.verdict)
    if (text.starts_with("Dead neurons:")) return text;
  return "";
}

TEST(Analyse, SaysHelpsHurtsAndUndecided) {
  const std::vector<double> base = {0.50, 0.52, 0.48, 0.51, 0.49};
  const std::vector<double> same = {0.51, 0.50, 0.49, 0.50, 0.50};
  const std::vector<double> better = {0.70, 0.73, 0.69, 0.70, 0.71};
  const std::vector<double> worse = {0.30, 0.33, 0.29, 0.30, 0.31};
  const Study helps = by_hand(base, same, better);
  EXPECT_EQ(helps.arms[2].comparison.verdict, Verdict::kHelps);
  EXPECT_NEAR(helps.arms[2].comparison.difference.mean, 0.206, 1e-12) << "both means are 0.5";
  EXPECT_THAT(helps.verdict.front(), HasSubstr("leaky_relu:0.1 (+20.6 points)"));
  EXPECT_NEAR(helps.arms[0].dead_share.mean, 0.4, 1e-12);
  EXPECT_THAT(dead_paragraph(helps), HasSubstr("40.0% of the 10 hidden units"));
  EXPECT_THAT(dead_paragraph(helps), HasSubstr("does not prove"));
  EXPECT_THAT(helps.verdict.back(), HasSubstr("at most 5%"));
  const Study hurts = by_hand(base, same, worse);
  EXPECT_EQ(hurts.arms[2].comparison.verdict, Verdict::kHurts);
  EXPECT_THAT(hurts.verdict.front(), HasSubstr("nothing that was tried is shown to do better"));
  const Study even = by_hand(base, same, {0.53, 0.47, 0.52, 0.48, 0.50});
  EXPECT_EQ(even.arms[2].comparison.verdict, Verdict::kUndecided);
  EXPECT_THAT(even.verdict[1], HasSubstr("Open: leaky_relu:0.1"));
  EXPECT_THAT(dead_paragraph(even),
              HasSubstr("no activation whose units cannot die has a verdict"));
}

// 1,000 units of which the 5 of layer.1 are all dead in one run: few of all, but everything has to
// pass layer.1.
TEST(Analyse, AFewDeadUnitsAreFewOnlyIfNoLayerLostManyOfIts) {
  Study study = by_hand({0.50, 0.52, 0.48, 0.51, 0.49}, {0.5, 0.5, 0.5, 0.5, 0.5},
                        {0.7, 0.7, 0.7, 0.7, 0.71});
  for (ArmRun& slot : study.arms[0].runs) {
    slot.run.ledger.layers = {"layer.0", "layer.1"};
    slot.run.ledger.lives = {std::vector<UnitLife>(995), std::vector<UnitLife>(5)};
    slot.run.ledger.lives[0][7].state = UnitState::kDead;
  }
  analyse(study);
  EXPECT_THAT(dead_paragraph(study), HasSubstr("0.1% of the 1000 hidden units"));
  EXPECT_THAT(dead_paragraph(study),
              HasSubstr("; the layer hit hardest is layer.0: 0.1% of its 995 units. So few"));
  EXPECT_THAT(dead_paragraph(study), HasSubstr("can hardly explain"));
  for (UnitLife& life : study.arms[0].runs[2].run.ledger.lives[1]) life.state = UnitState::kDead;
  analyse(study);
  EXPECT_THAT(dead_paragraph(study), HasSubstr("0.2% of the 1000 hidden units"));
  EXPECT_THAT(
      dead_paragraph(study),
      HasSubstr("the layer hit hardest is layer.1: 20.0% of its 5 units, 100.0% in one run"));
  EXPECT_THAT(dead_paragraph(study), testing::Not(HasSubstr("can hardly explain")));
}

// layer.0 is hit hardest on average; layer.1 lost less, but much of it in one run.
TEST(Analyse, AnyLayerOfAnyRunMayBeTheOneThatEverythingHasToPass) {
  Study study = by_hand({0.50, 0.52, 0.48}, {0.5, 0.5, 0.5}, {0.7, 0.7, 0.7});
  for (ArmRun& slot : study.arms[0].runs) {
    slot.run.ledger.layers = {"layer.0", "layer.1", "layer.2"};
    slot.run.ledger.lives = {std::vector<UnitLife>(20), std::vector<UnitLife>(10),
                             std::vector<UnitLife>(970)};
    slot.run.ledger.lives[0][7].state = UnitState::kDead;
  }
  study.arms[0].runs[1].run.ledger.lives[1][2].state = UnitState::kDead;
  analyse(study);
  EXPECT_THAT(dead_paragraph(study),
              HasSubstr("the layer hit hardest is layer.0: 5.0% of its 20 units"));
  EXPECT_THAT(dead_paragraph(study), testing::Not(HasSubstr("can hardly explain")));
}

TEST(Analyse, AnAccuracysIntervalStaysBetweenNothingAndAll) {
  const Study study = by_hand({0.2, 0.5, 0.98}, {0.9, 0.99, 0.6}, {0.2, 0.25, 0.3});
  EXPECT_EQ(study.arms[0].score.lower, 0.0);
  EXPECT_EQ(study.arms[0].score.upper, 1.0);
  EXPECT_EQ(study.arms[1].score.upper, 1.0);
  EXPECT_GT(study.arms[1].score.lower, 0.0);
}

TEST(Analyse, OneSeedIsTooFew) {
  const Study study = by_hand({0.5}, {0.5}, {0.9});
  EXPECT_EQ(study.arms[2].comparison.doubt, Doubt::kTooFew);
  EXPECT_TRUE(std::isnan(study.arms[2].score.lower));
}

TEST(Analyse, DivergedAndCollapsedRunsAreCountedAndNotAveraged) {
  Study study = by_hand({0.50, 0.52, 0.48}, {0.5, 0.5, 0.1}, {0.7, 0.7, 0.7});
  study.arms[2].runs[1].run.status = RunStatus::kDiverged;
  study.arms[2].runs[1].run.test_accuracy = 0.0;
  analyse(study);
  EXPECT_EQ(study.arms[2].diverged, 1);
  EXPECT_EQ(study.arms[1].collapsed, 1);
  EXPECT_NEAR(study.arms[2].score.mean, 0.7, 1e-12);
  EXPECT_EQ(study.arms[2].score.n, 2);
  EXPECT_THAT(study.arms[2].comparison.sentence, HasSubstr("1 diverged"));
  const auto has = [&](const char* text) { return testing::Contains(HasSubstr(text)); };
  EXPECT_THAT(study.verdict,
              has("Diverged: leaky_relu:0.1 (1 of 3 runs). Such a run has no score"));
  EXPECT_THAT(study.verdict, has("Did not beat the baseline, 10.00% (always naming class 0; beaten "
                                 "above 16.00%), after 200 steps: relu "
                                 "(placebo) (1 of 3 runs)."));
  EXPECT_THAT(study.verdict, testing::Not(has("too few to tell")));
}

TEST(Analyse, AControlThatMostlyFailedIsTheFirstSentence) {
  Study study = by_hand({0.50, 0.52, 0.48}, {0.5, 0.5, 0.5}, {0.7, 0.7, 0.7});
  study.arms[0].runs[0].run.status = study.arms[0].runs[1].run.status = RunStatus::kDiverged;
  analyse(study);
  EXPECT_THAT(study.verdict.front(),
              HasSubstr("relu (control) failed in 2 of 3 runs (2 diverged)"));
  for (ArmRun& slot : study.arms[0].runs)
    slot.run.status = RunStatus::kFinished, slot.run.test_accuracy = 0.1;
  analyse(study);
  EXPECT_THAT(study.verdict.front(),
              HasSubstr("relu (control) learned nothing in most runs: it failed in 3 of 3 runs"));
  study.arms.pop_back();
  analyse(study);
  EXPECT_THAT(study.verdict[1], HasSubstr("nothing to compare it with"));
}

// Losses of values, of which the last arm's runs are no better than the mean of the targets.
TEST(Analyse, WhatDoesNotBeatTheMeanOfTheTargetsHasLearnedNothing) {
  Study study =
      by_hand({0.5, 0.5, 0.5, 0.5, 0.5}, {0.5, 0.5, 0.5, 0.5, 0.5}, {0.5, 0.5, 0.5, 0.5, 0.5});
  study.baseline = {.metric = Metric::kLoss,
                    .score = 2.0,
                    .bound = 1.98,
                    .answer = "always the mean of the training targets"};
  const double losses[] = {0.5, 0.6, 2.1};
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t i = 0; i < 5; ++i)
      study.arms[a].runs[i].run.test_loss = losses[a] + 0.01 * static_cast<double>(i);
  analyse(study);
  EXPECT_EQ(study.arms[2].collapsed, 5);
  EXPECT_EQ(study.arms[2].score.n, 0);
  EXPECT_NE(study.arms[2].comparison.verdict, Verdict::kHelps);
  EXPECT_THAT(study.verdict,
              testing::Contains(HasSubstr("Did not beat the baseline, loss 2 (always the mean of "
                                          "the training targets; beaten below loss 1.98)")));
  EXPECT_NEAR(study.arms[0].score.mean, 0.52, 1e-3) << "a geometric mean";
  EXPECT_GT(study.arms[0].score.lower, 0.0);
}

// Runs on 100 examples each that agree to the last: the accuracy is known to 1%, no better.
TEST(Analyse, AFewRunsThatAgreeAreNoProof) {
  const auto verdict = [](double difference, std::size_t runs) {
    const std::vector<double> base(runs, 0.5);
    return by_hand(base, base, std::vector<double>(runs, 0.5 + difference))
        .arms[2]
        .comparison.verdict;
  };
  EXPECT_EQ(verdict(0.01, 5), Verdict::kUndecided);
  EXPECT_EQ(verdict(0.2, 3), Verdict::kUndecided);
  EXPECT_EQ(verdict(0.2, 5), Verdict::kHelps);
}

TEST(Analyse, WithoutACensusNothingIsSaidOfDeath) {
  Study study = by_hand({0.50, 0.52, 0.48}, {0.5, 0.5, 0.5}, {0.7, 0.7, 0.7});
  for (Arm& arm : study.arms)
    for (ArmRun& slot : arm.runs) slot.run.ledger.censuses.clear();
  analyse(study);
  EXPECT_EQ(study.arms[0].dead_share.n, 0);
  for (const std::string& paragraph : study.verdict)
    EXPECT_THAT(paragraph, testing::Not(HasSubstr("dead at the end")));
}

TEST(Analyse, ARatioOfTwoZerosIsNoRatio) {
  Study study = by_hand({0.50, 0.52, 0.48}, {0.5, 0.5, 0.5}, {0.7, 0.7, 0.7});
  const double ratios[] = {0.01, 0.01, std::numeric_limits<double>::quiet_NaN()};
  for (std::size_t i = 0; i < 3; ++i)
    study.arms[0].runs[i].run.ledger.censuses[0].gradient_norm_ratio = ratios[i];
  analyse(study);
  EXPECT_EQ(study.arms[0].gradient_norm_ratio.n, 2);
  EXPECT_NEAR(study.arms[0].gradient_norm_ratio.mean, -2.0, 1e-12);
}

TEST(Analyse, ALeakWithoutSlopeCanKill) {
  EXPECT_TRUE(Activation("leaky_relu:0").can_be_dead());
  EXPECT_TRUE(Activation("relu").can_be_dead());
  EXPECT_FALSE(Activation("leaky_relu:0.01").can_be_dead());
  EXPECT_FALSE(Activation("prelu:0").can_be_dead());
  EXPECT_FALSE(Activation("crelu").can_be_dead()) << "one of its halves always has a gradient";
}

TEST(Analyse, CollapsedRunsAreCounted) {
  const Study study = by_hand({0.10, 0.115, 0.5}, {0.5, 0.5, 0.5}, {0.7, 0.7, 0.7});
  EXPECT_EQ(study.arms[0].collapsed, 2);
  EXPECT_NEAR(study.target_accuracy, 0.95 * 0.7, 1e-12)
      << "the control collapsed, so the best arm sets the target";
  EXPECT_EQ(study.arms[2].reached_target, 3);
  EXPECT_EQ(study.arms[2].steps_to_target.mean, 200.0);
}

TEST(Analyse, OrderOfSeedsChangesNothing) {
  Study study = by_hand({0.50, 0.52, 0.48}, {0.5, 0.51, 0.5}, {0.7, 0.75, 0.7});
  Study turned = study;
  for (Arm& arm : turned.arms) std::reverse(arm.runs.begin(), arm.runs.end());
  analyse(turned);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(study.arms[i].score.lower, turned.arms[i].score.lower, 1e-12);
    EXPECT_EQ(study.arms[i].comparison.sentence, turned.arms[i].comparison.sentence);
  }
}

}  // namespace
}  // namespace undying
