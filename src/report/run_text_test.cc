// What `train` says of a run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "undying/report.h"

namespace undying {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Run run_of(double accuracy, std::int64_t dead_of_first) {
  Run run{.test_accuracy = accuracy, .test_loss = 2.0};
  run.ledger = {.data = "digits train",
                .examples = 500,
                .layers = {"layer.0", "layer.1"},
                .lives = {std::vector<UnitLife>(4), std::vector<UnitLife>(8)}};
  for (std::int64_t unit = 0; unit < dead_of_first; ++unit)
    run.ledger.lives[0][unit] = {.state = UnitState::kDead, .died = {10 + unit}};
  run.ledger.censuses.push_back({.step = 40,
                                 .layers = {{.name = "layer.0", .units = 4, .dead = dead_of_first},
                                            {.name = "layer.1", .units = 8}}});
  return run;
}

const Baseline kChance{
    .metric = Metric::kAccuracy, .score = 0.1, .bound = 0.12, .answer = "always naming class 7"};

TEST(RunText, TheBaselineStandsBesideTheScore) {
  const std::string text = run_text(run_of(0.9, 0), {.baseline = kChance});
  EXPECT_THAT(
      text,
      HasSubstr(
          "test accuracy 90.00%; baseline 10.00% (always naming class 7; beaten above 12.00%)"));
  EXPECT_THAT(text, Not(HasSubstr("Nothing was learned")));
  undying::Run values = run_of(std::nan(""), 0);
  const Baseline mean{.metric = Metric::kLoss,
                      .score = 1.5,
                      .bound = 1.4,
                      .answer = "always the mean of the training targets"};
  EXPECT_THAT(run_text(values, {.baseline = mean}),
              AllOf(HasSubstr("test loss 2; baseline loss 1.5 (always the mean of the training "
                              "targets; beaten below loss 1.4)"),
                    HasSubstr("Nothing was learned: loss 2 does not beat loss 1.5")));
}

TEST(RunText, ANetworkThatDoesNotBeatItIsSaidToHaveLearnedNothing) {
  const std::string text = run_text(
      run_of(0.10, 0), {.baseline = kChance, .next = {"undying diagnose net.onnx --data digits"}});
  EXPECT_THAT(text, AllOf(HasSubstr("Nothing was learned: 10.00% does not beat 10.00%"),
                          HasSubstr("Next: undying diagnose net.onnx")));
}

TEST(RunText, ALeadThatChanceGivesIsNoLead) {
  EXPECT_THAT(run_text(run_of(0.11, 0), {.baseline = kChance}),
              HasSubstr("11.00% is within chance of 10.00%"));
}

TEST(RunText, AWholeDeadLayerIsNamedWithTheStepOfItsLastDeath) {
  const std::string text =
      run_text(run_of(0.9, 4), {.baseline = kChance, .next = {"undying compare"}});
  EXPECT_THAT(text, AllOf(HasSubstr("Every unit is dead in layer.0 (since step 13)"),
                          HasSubstr("Next: undying compare")));
  EXPECT_THAT(run_text(run_of(0.9, 1), {.baseline = kChance, .next = {"undying compare"}}),
              Not(HasSubstr("Every unit")));
}

TEST(RunText, CausesAndDivergenceAreInWords) {
  undying::Run run = run_of(std::nan(""), 0);
  run.status = RunStatus::kDiverged;
  run.reason = "loss is nan at step 3";
  const Finding scale{.what = "scale of the inputs",
                      .evidence = "1 of 6 columns are far from unit scale",
                      .remedy = "--normalize standard"};
  EXPECT_THAT(run_text(run, {.baseline = kChance, .causes = {scale}}),
              AllOf(HasSubstr("diverged: loss is nan at step 3"), HasSubstr("The run diverged"),
                    HasSubstr("Found: scale of the inputs: 1 of 6 columns are far from unit scale. "
                              "To try: --normalize standard."),
                    Not(HasSubstr("Nothing was learned"))));
}

TEST(RunText, AStretchThatWasBrokenOffHasNoDead) {
  undying::Run run = run_of(std::nan(""), 0);
  run.epochs = {{.epoch = 1, .step = 20, .train_loss = 2.0, .units = 12, .dead = 3},
                {.epoch = 2, .step = 25, .train_loss = 1.5}};
  EXPECT_THAT(run_text(run, {.online = true}),
              AllOf(HasSubstr("3/12\n"), HasSubstr("not counted\n"), Not(HasSubstr("0/0"))));
}

}  // namespace
}  // namespace undying
