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
#include "study/train_arm.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

TEST(Study, HasControlAndPlaceboAndEachActivationOnce) {
  StudySettings settings = tiny();
  settings.activations = {"elu", "relu", "elu", "leaky_relu:0.010", "leaky_relu"};
  const auto arms = study::plan_arms(settings);
  ASSERT_EQ(arms.size(), 4U);
  EXPECT_EQ(arms[0].label, "relu (control)");
  EXPECT_EQ(arms[1].label, "relu (placebo)");
  EXPECT_EQ(arms[2].activation, Activation("elu"));
  EXPECT_EQ(arms[3].activation, Activation("leaky_relu:0.01"));
}

TEST(Study, TakesFurtherArmsBesideThoseOfTheProduct) {
  StudySettings settings = tiny();
  settings.activations = {"relu", "elu"};
  settings.further = {{"elu"}, {"elu", parse_keep_alive("redo")}, {"relu", {}, true}};
  const auto arms = study::plan_arms(settings);
  ASSERT_EQ(arms.size(), 5U);  // elu is there already
  EXPECT_EQ(arms[3].label, "elu:1 + redo");
  EXPECT_EQ(arms[4].label, "relu + layer norm");
  const Split data = open_dataset("spirals");
  const auto parameters = [&](const Arm& arm) {
    return study::begin(settings, arm, *data.train, 1).tensors().size();
  };
  EXPECT_GT(parameters(arms[4]), parameters(arms[0]));
  EXPECT_EQ(parameters(arms[3]), parameters(arms[0]));
}

TEST(Study, PlaceboDiffersFromControlInTheDrawAlone) {
  const StudySettings settings = tiny();
  const auto arms = study::plan_arms(settings);
  const TrainSettings control = study::run_settings(settings, arms[0], 9);
  const TrainSettings placebo = study::run_settings(settings, arms[1], 9);
  EXPECT_EQ(control.seed, placebo.seed);
  EXPECT_EQ(control.init_seed, 0U);
  EXPECT_NE(placebo.init_seed, 0U);
}

TEST(Study, GivesTheSameNumbersOnAnyNumberOfThreads) {
  const Split data = open_dataset("spirals");
  StudySettings settings = tiny();
  settings.threads = 1;
  const Study one = run_study(settings, data);
  settings.threads = 3;
  expect_same_runs(one, run_study(settings, data));
  EXPECT_EQ(one.missing, 0);
  EXPECT_EQ(one.arms.size(), 4U);
}

TEST(Study, InterruptedKeepsFinishedRunsAndResumesToTheSameNumbers) {
  const TemporaryFolder folder;
  const Split data = open_dataset("spirals");
  StudySettings settings = tiny();
  const Study whole = run_study(settings, data);
  settings.store = folder / "study.sqlite";
  std::stop_source source;
  std::atomic<int> finished = 0;
  const Study part = run_study(
      settings, data, {},
      [&](const StudyProgress& progress) {
        if (progress.finished && ++finished == 4) source.request_stop();
      },
      source.get_token());
  EXPECT_GE(part.missing, 6);
  EXPECT_LE(part.missing, 8);
  EXPECT_THAT(part.verdict.front(), HasSubstr("of 12 runs are missing"));
  int trained = 0;
  const Study resumed = run_study(
      settings, data, {}, [&](const StudyProgress& progress) { trained += !progress.finished; });
  EXPECT_EQ(resumed.missing, 0);
  expect_same_runs(whole, resumed);
  trained = 0;
  expect_same_runs(whole, run_study(settings, data, {}, [&](const StudyProgress& progress) {
                     trained += !progress.finished;
                   }));
  EXPECT_EQ(trained, 0) << "everything was in the store";
}

TEST(Study, RefusesTheStoreOfAnotherStudy) {
  const TemporaryFolder folder;
  const Split data = open_dataset("spirals");
  StudySettings settings = tiny();
  settings.seeds = 1;
  settings.store = folder / "study.sqlite";
  run_study(settings, data);
  settings.train.batch = 50;
  EXPECT_THAT([&] { run_study(settings, data); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(HasSubstr("batch: 100"), HasSubstr("batch: 50"))));
  std::ofstream(folder / "text.sqlite") << "this is not a database, and long enough to be read as "
                                           "one .....................................";
  settings.store = folder / "text.sqlite";
  EXPECT_THAT([&] { run_study(settings, data); },
              testing::ThrowsMessage<Error>(HasSubstr("text.sqlite")));
  settings.store = folder / "no/such/folder.sqlite";
  EXPECT_THROW(run_study(settings, data), Error);
}

// Of classes and of values, in every part: nothing that was changed may pass for what it was.
TEST(Study, RefusesTheStoreOfOtherData) {
  const TemporaryFolder folder;
  for (const char* source : {"spirals", "abs"}) {
    const Split data = open_dataset(source);
    StudySettings settings = tiny();
    settings.data = source;
    settings.seeds = 1;
    settings.train.epochs = 1;
    settings.train.loss =
        data.train->classes > 0 ? Loss::kSoftmaxCrossEntropy : Loss::kMeanSquaredError;
    settings.store = folder / (std::string(source) + ".sqlite").c_str();
    run_study(settings, data);
    const auto refuses = [&](auto change, bool test) {
      auto part = std::make_shared<Dataset>(test ? *data.test : *data.train);
      change(*part);
      const Split changed = {test ? data.train : part, test ? part : data.test, data.note};
      EXPECT_THAT([&] { run_study(settings, changed); },
                  testing::ThrowsMessage<Error>(HasSubstr("checksum")))
          << source;
    };
    for (const bool test : {false, true}) {
      refuses([](Dataset& part) { part.values[7] = -part.values[7]; }, test);
      if (data.train->classes > 0)
        refuses([](Dataset& part) { part.labels[3] = 1 - part.labels[3]; }, test);
      if (data.train->classes == 0) refuses([](Dataset& part) { part.targets[3] += 1.0f; }, test);
    }
  }
}

// An injected run of an activation: elu and leaky_relu:0.1 score as asked, with a little noise of
// their own.
study::TrainArm scoring(double elu, double leaky) {
  return [=](const Arm& arm, std::uint64_t seed, const Observer&, std::stop_token) {
    double phase = 0.0;
    for (const char letter : arm.label) phase = 1.7 * phase + letter;
    const double wave = 0.01 * std::sin(phase * static_cast<double>(seed));
    const double level = arm.activation == Activation("elu")              ? elu
                         : arm.activation == Activation("leaky_relu:0.1") ? leaky
                                                                          : 0.7;
    undying::Run run{.test_accuracy = level + wave};
    run.epochs = {
        {.epoch = 1, .step = 10, .train_loss = 1.0 + wave, .test_accuracy = level + wave}};
    return run;
  };
}

StudySettings growing() {
  StudySettings settings = tiny();
  settings.seeds = 0;
  settings.margin = 1e-6;
  return settings;
}

TEST(Study, AddsSeedsToWhatIsUndecidedAlone) {
  const Split data = open_dataset("spirals");
  int extensions = -1;
  const Study study = study::run_study_with(
      growing(), data,
      {.train = scoring(0.9, 0.703), .planned = [&](const auto&) { ++extensions; }}, {});
  EXPECT_EQ(study.arms[3].comparison.verdict, Verdict::kHelps);
  EXPECT_EQ(study.arms[3].runs.size(), 5U);
  EXPECT_EQ(study.arms[2].runs.size(), 20U) << study.arms[2].comparison.sentence;
  EXPECT_EQ(study.arms[0].runs.size(), 20U);
  EXPECT_EQ(study.arms[1].runs.size(), 20U);
  EXPECT_EQ(study.missing, 0);
  EXPECT_EQ(extensions, 9) << "looks at 6, 7, 8, 10, ..., 20";
}

TEST(Study, GoesOnWithAHigherLimitAndTheSameStore) {
  const TemporaryFolder folder;
  const Split data = open_dataset("spirals");
  StudySettings settings = growing();
  const Study whole = study::run_study_with(settings, data, {.train = scoring(0.9, 0.703)}, {});
  settings.store = folder / "study.sqlite";
  settings.max_seeds = 8;
  EXPECT_EQ(
      study::run_study_with(settings, data, {.train = scoring(0.9, 0.703)}, {}).arms[2].runs.size(),
      8U);
  settings.max_seeds = 20;
  int trained = 0;
  const auto counting = [&](const Arm& arm, std::uint64_t seed, const Observer& observer,
                            std::stop_token stop) {
    ++trained;
    return scoring(0.9, 0.703)(arm, seed, observer, std::move(stop));
  };
  settings.threads = 1;
  expect_same_runs(whole, study::run_study_with(settings, data, {.train = counting}, {}));
  EXPECT_EQ(trained, 3 * 12) << "control, placebo and the open arm, from 9 to 20";
}

TEST(Study, EndsWithItsBudget) {
  const Split data = open_dataset("spirals");
  StudySettings settings = growing();
  settings.budget = 1e-9;
  const Study study = study::run_study_with(settings, data, {.train = scoring(0.9, 0.703)}, {});
  EXPECT_TRUE(study.out_of_budget);
  EXPECT_EQ(study.arms[0].runs.size(), 5U);
}

// Few examples, held out by drawing: each seed draws its own part, the same for all arms, and the
// intervals know that they overlap.
TEST(Study, ASmallSplitThatWasDrawnIsDrawnAnewForEverySeed) {
  const Split data = hold_out(*open_dataset("spirals").test, {.share = 0.2, .seed = 3});
  ASSERT_LT(data.test->size, 1000);
  StudySettings settings = tiny();
  settings.seeds = 5;
  const Study study = run_study(settings, data);
  EXPECT_TRUE(study.redrawn);
  EXPECT_NEAR(study.rules.overlap, 0.25, 0.01);
  EXPECT_THAT(study.verdict, testing::Contains(HasSubstr("Every seed draws another split")));
  Split given = data;
  given.given = true;
  EXPECT_FALSE(run_study(settings, given).redrawn);
}

// Judged by AUC, each run stopped early: resumed from its store to the same numbers.
TEST(Study, RunsStopEarlyAndAreJudgedByTheMetric) {
  const TemporaryFolder folder;
  const Split data = open_dataset("spirals");
  StudySettings settings = tiny();
  settings.train.epochs = 12;
  settings.train.early_stop = 2;
  settings.train.metric = Metric::kAuc;
  settings.store = folder / "study.sqlite";
  const Study study = run_study(settings, data);
  EXPECT_EQ(study.rules.metric, Metric::kAuc);
  EXPECT_EQ(study.baseline.score, 0.5);
  EXPECT_EQ(study.watched_examples + study.train_examples, data.train->size);
  EXPECT_EQ(study.watched_examples, std::llround(0.2 * static_cast<double>(data.train->size)));
  for (const Arm& arm : study.arms) {
    std::vector<std::int64_t> kept;
    for (const ArmRun& run : arm.runs) {
      kept.push_back(run.run.best_epoch);
      EXPECT_EQ(run.run.ledger.examples, study.train_examples);
      EXPECT_EQ(run.run.test_score, run.run.epochs[run.run.best_epoch - 1].test_score);
    }
    EXPECT_EQ(arm.least_epochs, *std::ranges::min_element(kept));
    EXPECT_EQ(arm.most_epochs, *std::ranges::max_element(kept));
    EXPECT_GT(arm.score.mean, 0.5);
  }
  expect_same_runs(study, run_study(settings, data));
  settings.train.metric = Metric::kF1;
  EXPECT_THAT([&] { run_study(settings, data); },
              testing::ThrowsMessage<Error>(HasSubstr("metric: AUC")));
  settings.store.clear();
  settings.train.metric = Metric::kRmse;
  EXPECT_THAT([&] { run_study(settings, data); }, testing::ThrowsMessage<Error>(HasSubstr("RMSE")));
}

TEST(Study, AnErrorInOneRunEndsTheStudyWithIt) {
  const Split data = open_dataset("spirals");
  const auto broken = [](const Arm& arm, std::uint64_t, const Observer&,
                         std::stop_token) -> undying::Run {
    if (arm.activation == Activation("elu")) throw Error(ErrorCode::kInternal, "elu", "broke");
    return {};
  };
  EXPECT_THAT([&] { study::run_study_with(tiny(), data, {.train = broken}, {}); },
              testing::ThrowsMessage<Error>(HasSubstr("broke")));
}

TEST(Study, WrongSettingsFailBeforeTheFirstRun) {
  const Split data = open_dataset("spirals");
  bool planned = false;
  const auto refuses = [&](auto change) {
    StudySettings settings = tiny();
    change(settings);
    EXPECT_THROW(run_study(settings, data, [&](const auto&) { planned = true; }), Error);
  };
  refuses([](StudySettings& s) { s.seeds = -1; });
  refuses([](StudySettings& s) { s.seeds = 0, s.max_seeds = 4; });
  refuses([](StudySettings& s) { s.model = "mlp:0x3"; });
  refuses([](StudySettings& s) { s.train.batch = 0; });
  refuses([](StudySettings& s) { s.threads = -1; });
  refuses([](StudySettings& s) { s.train.loss = Loss::kMeanSquaredError, s.model = "resnet:20"; });
  EXPECT_FALSE(planned);
}
TEST(Record, KeepsEveryBit) {
  undying::Run run;
  run.steps = {{1, 0.1, std::nan(""), INFINITY, 1e-300}};
  run.reason = "loss is nan at step 1";
  run.status = RunStatus::kDiverged;
  run.ledger.lives = {{UnitLife{.state = UnitState::kDead, .died = {0, 7}, .revived = {3}}}};
  UnitLife& life = run.ledger.lives[0][0];
  life.training_firing_rate = 0.1, life.output = 1.0 / 3.0, life.gradient = 1e-30;
  const undying::Run back = study::decode(study::encode(run), "test");
  EXPECT_EQ(back.ledger.lives[0][0].training_firing_rate, 0.1);
  EXPECT_EQ(back.ledger.lives[0][0].output, 1.0 / 3.0);
  EXPECT_EQ(back.ledger.lives[0][0].gradient, 1e-30);
  EXPECT_EQ(study::encode(back), study::encode(run));
  EXPECT_TRUE(std::isnan(back.steps[0].learning_rate));
  EXPECT_TRUE(std::isinf(back.steps[0].gradient_norm));
  EXPECT_THROW(study::decode("nonsense", "test"), Error);
}

TEST(Record, ThinningKeepsTheLast) {
  std::vector<StepRecord> steps(1234);
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i].step = static_cast<std::int64_t>(i) + 1;
  study::thin(steps, 500);
  EXPECT_EQ(steps.size(), 500U);
  EXPECT_EQ(steps.back().step, 1234);
}

}  // namespace
}  // namespace undying
