// What advise() chooses, on which rows, from which seeds, and what it keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "study/test_split.h"
#include "study/test_study.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

// Next to constant: hardly more than the bias of the outputs learns.
constexpr const char* kDeaf = "hardsigmoid:0.0001,0.5";

StudySettings asked(std::vector<Activation> activations) {
  StudySettings settings{
      .data = "made", .model = "mlp:8x1", .activations = std::move(activations), .seeds = 5};
  settings.train = {.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f},
                    .batch = 20,
                    .epochs = 3,
                    .seed = 4};
  settings.threads = 2;
  return settings;
}

TEST(Advise, TheBetterHalfGetsTwiceTheRuns) {
  const Study study =
      advise(asked({kDeaf, "elu", "hardsigmoid:0.0002,0.5", "leaky_relu:0.1"}), classes());
  ASSERT_EQ(study.search.size(), 4u);
  std::vector<int> runs;
  for (const Tried& tried : study.search) runs.push_back(tried.figures.runs);
  EXPECT_EQ(runs, (std::vector<int>{4, 4, 2, 2}));
  const std::set<std::string> best = {study.search[0].label, study.search[1].label};
  EXPECT_EQ(best, (std::set<std::string>{"elu:1", "leaky_relu:0.1"}));
  EXPECT_GT(study.search[0].figures.score, 0.6);
  EXPECT_LT(study.search[2].figures.score, 0.6);
  EXPECT_EQ(study.search[1].difference.n, 4);
  ASSERT_EQ(study.arms.size(), 3u);
  EXPECT_EQ(study.arms[2].label, study.search[0].label);
  EXPECT_THAT(study.verdict.front(), HasSubstr("Advice: "));
}

TEST(Advise, HeldOutExamplesHaveNoPartInTheChoice) {
  const std::vector<Activation> both = {kDeaf, "leaky_relu:0.1"};
  const Study fair = advise(asked(both), classes());
  const Study unfair = advise(asked(both), misleading());
  EXPECT_EQ(fair.search[0].label, "leaky_relu:0.1");
  EXPECT_EQ(unfair.search[0].label, "leaky_relu:0.1");
  EXPECT_EQ(unfair.search[0].figures.score, fair.search[0].figures.score);
  EXPECT_EQ(fair.search_examples, 60);
}

// A split that was drawn is not drawn anew: other draws hold out what the search is scored on.
TEST(Advise, OneSplitForAll) {
  Split data = hold_out(make_classes(300, 6, 3));
  EXPECT_TRUE(run_study(asked({"elu"}), data).redrawn);
  EXPECT_FALSE(advise(asked({"elu", "leaky_relu:0.1"}), data).redrawn);
}

TEST(Advise, SlopesAndRatesAreSearchedTogether) {
  StudySettings settings = asked({"leaky_relu:0.1", "elu"});
  settings.learning_rates = {1e-6f, 0.05f};
  const Study study = advise(settings, classes());
  ASSERT_EQ(study.search.size(), 4u);
  EXPECT_EQ(study.search[0].figures.learning_rate, 0.05f);
  EXPECT_EQ(study.search[1].figures.learning_rate, 0.05f);
  EXPECT_EQ(study.arms[0].learning_rate, 0.05f) << "relu gets the best of its own";
  EXPECT_EQ(study.arms[2].activation, study.search[0].activation);
}

// The last of the rates does best for few runs of three: what wins by more of them is kept.
TEST(Advise, WhatIsJudgedIsWhatWonTheSearch) {
  StudySettings settings = asked({"leaky_relu:0.1", "leaky_relu:0.3", "elu"});
  settings.learning_rates = {0.02f, 0.05f, 0.1f, 0.2f};
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    settings.train.seed = seed;
    const Study study = advise(settings, classes());
    const Arm& judged = study.arms[2];
    EXPECT_EQ(judged.activation, study.search[0].activation);
    EXPECT_EQ(judged.learning_rate, study.search[0].figures.learning_rate) << seed;
    ASSERT_EQ(judged.rates.size(), 4U) << "what the search made of each";
    for (const RateTried& rate : judged.rates)
      EXPECT_EQ(rate.chosen, rate.learning_rate == judged.learning_rate);
    EXPECT_EQ(study.arms[0].rates.size(), 4U);
    EXPECT_THAT(study.verdict, testing::Contains(HasSubstr("with which it won the search")));
  }
}

TEST(Advise, NothingIsTheBestOfWhatDiverged) {
  StudySettings settings = asked({"leaky_relu:0.1", "leaky_relu:0.3"});
  settings.train.optimizer = Sgd{.learning_rate = 1e30f};
  const Study study = advise(settings, classes());
  EXPECT_THAT(study.verdict, testing::Contains(HasSubstr("None of the 2 that were tried")));
  for (const std::string& text : study.verdict) {
    EXPECT_THAT(text, testing::Not(HasSubstr("is the best of")));
    EXPECT_THAT(text, testing::Not(HasSubstr("beyond leaky_relu")));
  }
}

TEST(Advise, StoppedInTheSearchAndResumed) {
  const TemporaryFolder folder;
  StudySettings settings = asked({kDeaf, "elu", "leaky_relu:0.1"});
  const Study whole = advise(settings, classes());
  settings.store = folder / "advice.sqlite";
  std::stop_source stop;
  int finished = 0;
  const auto stop_early = [&](const StudyProgress& progress) {
    finished += progress.finished;
    if (finished == 3) stop.request_stop();
  };
  const Study part = advise(settings, classes(), {}, stop_early, stop.get_token());
  EXPECT_EQ(part.missing, 15);
  EXPECT_FALSE(part.search.empty());
  const Study resumed = advise(settings, classes());
  expect_same_runs(whole, resumed);
  EXPECT_EQ(resumed.search[0].figures.score, whole.search[0].figures.score);
  EXPECT_EQ(resumed.verdict, whole.verdict);
}

TEST(Advise, RefusesWhatItCannotAnswer) {
  const auto message = [](const StudySettings& settings) -> std::string {
    try {
      advise(settings, classes());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(asked({"relu"})), HasSubstr("nothing to use in the place of relu"));
  StudySettings part = asked({"elu"});
  part.part = {1, 2};
  EXPECT_THAT(message(part), HasSubstr("does not go with a search"));
}

}  // namespace
}  // namespace undying
