// The trial of a network killed on purpose: what is chosen, and what a stop or too little data
// makes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/test_networks.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using testing::HasSubstr;

Split split() {
  return {std::make_shared<Dataset>(make_classes(1500, 12, 4)),
          std::make_shared<Dataset>(make_classes(1500, 12, 4, 1)), ""};
}

ReviveSettings trial() {
  const std::vector<Remedy> all = standard_remedies();
  ReviveSettings settings{.model = "killed",
                          .data = "test classes",
                          .remedies = {all[0], all[1], all[2], all[6], all[8], all[9], all[10]},
                          .seeds = 12};
  settings.train = {.optimizer = Sgd{.learning_rate = 0.03f, .momentum = 0.9f},
                    .batch = 50,
                    .epochs = 4,
                    .seed = 1};
  settings.threads = 2;
  return settings;
}

TEST(Remedies, AreReadAsTheyAreLabelled) {
  const Remedy both = parse_remedy("leaky_relu:0.1 annealed + re-initialise");
  EXPECT_EQ(both.label, "leaky_relu:0.1 annealed + re-initialise");
  EXPECT_EQ(both.swap, Activation("leaky_relu:0.1"));
  EXPECT_TRUE(both.anneal && both.reinitialise);
  EXPECT_EQ(both.learning_rate_factor, 1.0);
  const Remedy slower = parse_remedy("learning rate x 0.1");
  EXPECT_EQ(slower.learning_rate_factor, 0.1);
  EXPECT_FALSE(slower.swap || slower.anneal || slower.reinitialise);
  EXPECT_EQ(standard_remedies().size(), 12u);
  EXPECT_TRUE(standard_remedies()[1].placebo);
  const Remedy several = parse_remedy("redo:0.2,50+ leaky_relu:0.25 +l2-init");
  EXPECT_EQ(several.label, "redo:0.2,50 + leaky_relu:0.25 + l2-init");
  EXPECT_EQ(several.swap, Activation("leaky_relu:0.25"));
  ASSERT_EQ(several.keep_alive.rules.size(), 2u);
  EXPECT_EQ(several.keep_alive.rules[0].values, (std::vector<double>{0.2, 50}));
}

std::string refusal(const char* text) {
  try {
    parse_remedy(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Remedies, WhatIsNoneSaysWhatThereIs) {
  EXPECT_THAT(refusal("nothing"), HasSubstr("\"nothing\" is not known; expected an activation"));
  EXPECT_THAT(refusal("elu + relu"), HasSubstr("\"relu\" is a second activation"));
  EXPECT_THAT(refusal("elu annealed"), HasSubstr("has no slope to anneal in"));
  EXPECT_THAT(refusal("redo + "), HasSubstr("\"\" is empty"));
  EXPECT_THAT(refusal("learning rate x 0"), HasSubstr("is no factor above 0"));
  EXPECT_THAT(refusal("learning rate x 1"), HasSubstr("changes nothing"));
  EXPECT_THAT(refusal("redo + redo:0.2"), HasSubstr("\"redo:0.2\" is there twice"));
  EXPECT_THAT(refusal("redo:2"), HasSubstr("TAU of redo"));
  EXPECT_THAT(refusal("leaky_relu:x"), HasSubstr("slope of leaky_relu"));
}

TEST(Revive, ARemedyInsideTrainingThatHasNothingToReplaceIsRefusedBeforehand) {
  const Split data = split();
  ReviveSettings settings = trial();
  settings.remedies.resize(2);
  settings.remedies.push_back(parse_remedy("leaky_relu:0.2 + redo:0.1,20"));
  const Graph graph = mlp({.inputs = 12, .hidden = {}, .outputs = 4, .activation = "relu"});
  Trainer trainer(graph, settings.train);
  int runs = 0;
  try {
    settings.remedies.back().swap.reset();
    revive(graph, trainer.tensors(), data, settings, {}, [&](const StudyProgress&) { ++runs; });
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("[remedies] \"leaky_relu:0.2 + redo:0.1,20\" cannot be tried: redo "
                          "has no layer whose units it could replace"));
  }
  EXPECT_EQ(runs, 0);
}

// What acts inside training is there in its arm's runs alone.
TEST(Revive, ARemedyInsideTraining) {
  const Split data = split();
  Patient patient = killed(*data.train, 0.5f);
  ReviveSettings settings = trial();
  settings.remedies.resize(2);
  settings.remedies.push_back(parse_remedy("redo:0.1,20"));
  settings.seeds = 5;
  settings.train.epochs = 2;
  const Revival revival = revive(patient.graph, patient.weights, data, settings);
  ASSERT_EQ(revival.study.arms.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    for (const ArmRun& run : revival.study.arms[i].runs)
      EXPECT_EQ(run.run.keep_alive.replaced > 0, i == 2) << revival.study.arms[i].label;
  EXPECT_EQ(revival.arms[2].effect.output_difference, 0.0) << "it changes nothing beforehand";
}

// A third of the units and more are dead, the network knows next to nothing; the trial finds what
// gives it back.
TEST(Revive, ANetworkKilledOnPurpose) {
  const Split data = split();
  Patient patient = killed(*data.train, 0.5f);
  const Revival revival = revive(patient.graph, patient.weights, data, trial());
  ASSERT_GT(3 * revival.before.dead(), revival.before.units());
  ASSERT_TRUE(revival.chosen.has_value()) << revival.sentence;
  const Arm& chosen = revival.study.arms[*revival.chosen];
  EXPECT_EQ(chosen.comparison.verdict, Verdict::kHelps);
  EXPECT_EQ(chosen.against_placebo->verdict, Verdict::kHelps);
  EXPECT_EQ(chosen.comparison.failures.shown, -1)
      << "the control never learns: it is by failures that the remedy is better";
  EXPECT_GT(revival.held_out_after.accuracy, revival.held_out_before.accuracy);
  EXPECT_LT(20 * revival.after->dead(), revival.after->units())
      << "the healed network passes dead>5%";
  EXPECT_THAT(revival.sentence, HasSubstr("helps: "));
  for (const RevivalArm& arm : revival.arms) {
    if (!arm.remedy.reinitialise || arm.remedy.swap) continue;
    EXPECT_EQ(arm.effect.output_difference, 0.0);
  }
  // What is handed back is what was scored.
  Trainer again(*revival.graph, trial().train);
  again.load(revival.weights);
  EXPECT_EQ(again.evaluate(*data.test).accuracy, revival.held_out_after.accuracy);
}

// Nothing is dead and the network is as good as it gets.
TEST(Revive, SaysThatNothingHelped) {
  const Split data = split();
  const Graph graph = mlp({.inputs = 12, .hidden = {64}, .outputs = 4, .activation = "relu"});
  TrainSettings settings = trial().train;
  settings.epochs = 30;
  Trainer trainer(graph, settings);
  trainer.fit(*data.train, *data.test);
  ReviveSettings few = trial();
  few.seeds = 5;
  few.train.optimizer = Sgd{.learning_rate = 1e-4f};
  few.train.epochs = 1;
  const Revival revival = revive(graph, trainer.tensors(), data, few);
  EXPECT_FALSE(revival.chosen.has_value()) << revival.sentence;
  EXPECT_FALSE(revival.graph.has_value());
  EXPECT_THAT(revival.sentence, HasSubstr("Nothing "));
}

TEST(Revive, AStoppedTrialChoosesNothing) {
  const Split data = split();
  Patient patient = killed(*data.train, 0.5f);
  std::stop_source stop;
  const Revival revival = revive(
      patient.graph, patient.weights, data, trial(), {},
      [&](const StudyProgress&) { stop.request_stop(); }, stop.get_token());
  EXPECT_GT(revival.study.missing, 0);
  EXPECT_FALSE(revival.chosen.has_value());
  EXPECT_THAT(revival.sentence, HasSubstr("Interrupted"));
}

TEST(Revive, StoppedAfterItsLastRunItKeepsTheTrialAndChoosesNothing) {
  const Split data = split();
  Patient patient = killed(*data.train, 0.5f);
  std::stop_source stop;
  std::size_t runs = 0;
  const auto planned = [&](const std::vector<Arm>& arms) {
    for (const Arm& arm : arms) runs += arm.runs.size();
  };
  const auto progress = [&](const StudyProgress& now) {
    if (now.finished && --runs == 0) stop.request_stop();
  };
  const Revival revival =
      revive(patient.graph, patient.weights, data, trial(), planned, progress, stop.get_token());
  EXPECT_EQ(revival.study.missing, 0);
  EXPECT_TRUE(revival.interrupted);
  EXPECT_FALSE(revival.chosen || revival.graph || revival.after);
  EXPECT_THAT(revival.sentence, HasSubstr("Interrupted after the last run"));
}

TEST(Revive, TooFewRowsAreRefused) {
  Split data = split();
  data.train = std::make_shared<Dataset>(
      hold_out_rows(*data.train, 8.0 / static_cast<double>(data.train->size), 1).held_out);
  const Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {6}, .outputs = 4, .activation = "relu"}));
  EXPECT_THAT([&] { revive(patient.graph, patient.weights, data, trial()); },
              testing::ThrowsMessage<Error>(HasSubstr("validation rows")));
}

TEST(Revive, ASingleSeedIsRefused) {
  ReviveSettings settings = trial();
  settings.seeds = 1;
  const Split data = split();
  const Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {6}, .outputs = 4, .activation = "relu"}));
  EXPECT_THAT([&] { revive(patient.graph, patient.weights, data, settings); },
              testing::ThrowsMessage<Error>(HasSubstr("seeds")));
}

}  // namespace
}  // namespace undying::doctor
