// Each arm's own learning rate: what it is chosen on, what it is not, and what is kept of it.
#include "study/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "study/plan.h"
#include "study/record.h"
#include "study/store.h"
#include "study/test_split.h"
#include "undying/error.h"

namespace undying {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

StudySettings tuned(std::vector<float> rates) {
  StudySettings settings{.data = "made", .model = "mlp:8x1", .activations = {"elu"}, .seeds = 2};
  settings.train = {.optimizer = Sgd{.learning_rate = rates.front(), .momentum = 0.9f},
                    .batch = 20,
                    .epochs = 4,
                    .seed = 4};
  settings.learning_rates = std::move(rates);
  settings.threads = 2;
  return settings;
}

double mean_accuracy(const Study& study, std::size_t arm) {
  double sum = 0.0;
  for (const ArmRun& run : study.arms[arm].runs)
    sum += run.run.test_accuracy / static_cast<double>(study.arms[arm].runs.size());
  return sum;
}

std::string bytes_of(Run run) {
  run.train_seconds = 0.0;
  for (EpochRecord& epoch : run.epochs) epoch.seconds = 0.0;
  return study::encode(run);
}

TEST(Tune, FewestDivergedThenTheBestThenTheLowest) {
  const auto rate = [](int diverged, double score) {
    return RateTried{.runs = 3, .diverged = diverged, .score = score};
  };
  const auto chosen = [](std::vector<RateTried> rates, Metric metric) {
    return study::choose_rate(rates, metric);
  };
  EXPECT_EQ(chosen({rate(0, 0.5), rate(0, 0.7), rate(0, 0.6)}, Metric::kAccuracy), 1U);
  EXPECT_EQ(chosen({rate(0, 0.5), rate(0, 0.7), rate(0, 0.6)}, Metric::kLoss), 0U);
  EXPECT_EQ(chosen({rate(0, 0.5), rate(1, 0.9), rate(3, kNan)}, Metric::kAccuracy), 0U);
  EXPECT_EQ(chosen({rate(3, kNan), rate(2, 0.2), rate(3, kNan)}, Metric::kAccuracy), 1U);
  EXPECT_EQ(chosen({rate(3, kNan), rate(3, kNan)}, Metric::kLoss), 0U);
  EXPECT_EQ(chosen({rate(0, 0.7), rate(0, 0.7)}, Metric::kAccuracy), 0U);
}

TEST(Tune, EveryArmButThePlaceboIsTriedAtEveryRateFromSeedsOfItsOwn) {
  const StudySettings settings = tuned({0.3f, 0.03f, 0.3f});
  const std::vector<Arm> candidates = study::plan_candidates(settings, study::plan_arms(settings));
  ASSERT_EQ(candidates.size(), 4U);
  EXPECT_EQ(candidates[0].label, "relu (control) at 0.03");
  EXPECT_EQ(candidates[3].label, "elu:1 at 0.3");
  for (const Arm& candidate : candidates)
    for (const ArmRun& run : candidate.runs) EXPECT_GE(run.seed, settings.train.seed + kMostSeeds);
  EXPECT_FALSE(study::tunes(tuned({0.1f, 0.1f})));
}

// On the held-out rows the lowest rate would win.
TEST(Tune, TheRateIsTheBestOnValidationRowsNotOnHeldOutOnes) {
  const Split data = misleading();
  const Study slow = run_study(tuned({1e-5f}), data);
  const Study fast = run_study(tuned({0.1f}), data);
  for (const std::size_t arm : {0U, 1U, 2U})
    ASSERT_GT(mean_accuracy(slow, arm), mean_accuracy(fast, arm) + 0.1) << "the trap is set";
  const Study study = run_study(tuned({1e-5f, 0.1f}), data);
  for (const Arm& arm : study.arms) {
    EXPECT_EQ(arm.learning_rate, 0.1f) << arm.label;
    ASSERT_EQ(arm.rates.size(), 2U);
    EXPECT_TRUE(arm.rates[1].chosen);
    EXPECT_GT(arm.rates[1].score, 0.7);
  }
  EXPECT_EQ(study.validation_examples, 60);
}

TEST(Tune, HeldOutRowsAreNeverRead) {
  const Split data = classes();
  Split blank = data;
  auto test = std::make_shared<Dataset>(*data.test);
  std::ranges::fill(test->values, std::numeric_limits<float>::quiet_NaN());
  for (std::int32_t& label : test->labels) label = 0;
  blank.test = test;
  const Study with = run_study(tuned({0.001f, 0.03f, 1.0f}), data);
  const Study without = run_study(tuned({0.001f, 0.03f, 1.0f}), blank);
  for (std::size_t arm = 0; arm < with.arms.size(); ++arm) {
    EXPECT_EQ(with.arms[arm].learning_rate, without.arms[arm].learning_rate);
    for (std::size_t rate = 0; rate < 3; ++rate) {
      EXPECT_EQ(with.arms[arm].rates[rate].score, without.arms[arm].rates[rate].score);
      EXPECT_EQ(with.arms[arm].rates[rate].runs, study::kTuningSeeds);
    }
  }
  EXPECT_EQ(without.arms[0].diverged, 2) << "whose scores are not numbers";
}

TEST(Tune, JudgedRunsAreThoseOfThatRateAlone) {
  const Split data = classes();
  const Study study = run_study(tuned({1e-5f, 0.1f}), data);
  const Study alone = run_study(tuned({0.1f}), data);
  for (std::size_t arm = 0; arm < alone.arms.size(); ++arm)
    for (std::size_t run = 0; run < 2; ++run)
      EXPECT_EQ(bytes_of(study.arms[arm].runs[run].run), bytes_of(alone.arms[arm].runs[run].run))
          << arm;
  EXPECT_TRUE(alone.arms[0].rates.empty());
}

TEST(Tune, ControlAndPlaceboShareARateAndItIsSaid) {
  const Study study = run_study(tuned({1e-5f, 0.1f}), classes());
  EXPECT_EQ(study.arms[1].learning_rate, study.arms[0].learning_rate);
  EXPECT_THAT(study.verdict,
              Contains(HasSubstr("the best of 1e-05, 0.1: relu (control), elu:1 at 0.1")));
  EXPECT_THAT(study.verdict, Contains(HasSubstr("3 runs at each rate on 60 validation rows")));
  EXPECT_THAT(study.verdict, Contains(HasSubstr("--lr 1e-05,0.1,1000")));
}

// What is chosen by is the metric, and a run that stops early is cut anew from what is trained on.
TEST(Tune, GoesByTheMetricAndStopsEarly) {
  StudySettings settings = tuned({1e-5f, 0.1f});
  settings.train.metric = Metric::kLogLoss;
  settings.train.early_stop = 1;
  const Study study = run_study(settings, classes());
  EXPECT_EQ(study.arms[0].learning_rate, 0.1f);
  EXPECT_LT(study.arms[0].rates[1].score, study.arms[0].rates[0].score);
  EXPECT_THAT(study.verdict, Contains(HasSubstr("the geometric mean log loss of 3 runs")));
}

// Where every seed would draw the split anew, rows that a rate was chosen on would be held out.
TEST(Tune, NothingIsRedrawn) {
  const Split data = hold_out(make_classes(300, 6, 3), {.share = 0.2, .seed = 3});
  EXPECT_TRUE(run_study(tuned({0.1f}), data).redrawn);
  const Study study = run_study(tuned({0.01f, 0.1f}), data);
  EXPECT_FALSE(study.redrawn);
  EXPECT_EQ(study.validation_examples, 48);
}

class TunedStore : public testing::Test {
 protected:
  TunedStore()
      : file_(fs::temp_directory_path() /
              ("undying_tune_" + std::to_string(::getpid()) + ".sqlite")) {}
  ~TunedStore() override {
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(file_.string() + end);
  }

  fs::path file_;
};

TEST_F(TunedStore, AnInterruptedTuningGoesOnToTheSameNumbers) {
  const Split data = classes();
  StudySettings settings = tuned({1e-5f, 0.1f});
  const Study whole = run_study(settings, data);
  settings.store = file_;
  settings.threads = 1;
  std::stop_source source;
  int finished = 0;
  const auto stop_at_third = [&](const StudyProgress& progress) {
    if (progress.finished && ++finished == 3) source.request_stop();
  };
  const Study part = run_study(settings, data, {}, stop_at_third, source.get_token());
  EXPECT_EQ(part.missing, 6);
  EXPECT_EQ(part.validation_examples, 0);
  int kept = 0;
  int trained = 0;
  std::vector<bool> seen;
  const Study resumed = run_study(settings, data, {}, [&](const StudyProgress& progress) {
    if (!progress.finished) seen.push_back(true);
    if (progress.finished) (seen.empty() ? kept : trained) += 1, seen.clear();
  });
  EXPECT_EQ(kept, 3);
  EXPECT_EQ(trained, 4 * 3 + 3 * 2 - 3);
  for (std::size_t arm = 0; arm < whole.arms.size(); ++arm) {
    EXPECT_EQ(whole.arms[arm].rates[0].score, resumed.arms[arm].rates[0].score);
    for (std::size_t run = 0; run < 2; ++run)
      EXPECT_EQ(bytes_of(whole.arms[arm].runs[run].run), bytes_of(resumed.arms[arm].runs[run].run));
  }
}

TEST_F(TunedStore, ALongerListKeepsWhatWasRun) {
  const Split data = classes();
  StudySettings settings = tuned({1e-5f, 0.1f});
  settings.store = file_;
  settings.threads = 1;
  run_study(settings, data);
  settings.learning_rates = {1e-6f, 1e-5f, 0.1f};
  std::set<std::pair<std::size_t, std::uint64_t>> trained;
  run_study(settings, data, {}, [&](const StudyProgress& progress) {
    if (!progress.finished) trained.insert({progress.arm, progress.seed});
  });
  EXPECT_EQ(trained.size(), 2U * 3U) << "two arms at the new rate";
  settings.learning_rates = {0.1f};
  settings.train.optimizer = Sgd{.learning_rate = 0.1f, .momentum = 0.9f};
  EXPECT_THAT([&] { run_study(settings, data); },
              testing::ThrowsMessage<Error>(HasSubstr("lr tuned")));
}

// All judged runs are in the store already: what is trained in the second call, and what its time
// goes by, is tuning alone.
TEST_F(TunedStore, TheBudgetCountsTuning) {
  const Split data = classes();
  StudySettings settings = tuned({0.05f, 0.1f});
  settings.seeds = 0;
  settings.margin = 1e-9;
  settings.max_seeds = 5;
  settings.store = file_;
  run_study(settings, data);
  settings.max_seeds = 20;
  settings.learning_rates = {1e-6f, 0.05f, 0.1f};
  settings.budget = 1e-9;
  const Study study = run_study(settings, data);
  ASSERT_EQ(study.arms[2].comparison.verdict, Verdict::kUndecided);
  EXPECT_EQ(study.arms[0].runs.size(), 5U);
  EXPECT_TRUE(study.out_of_budget);
}

}  // namespace
}  // namespace undying
