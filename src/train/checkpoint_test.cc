// A run that goes on from its checkpoint has the bits of one that never ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using testing::HasSubstr;

Graph network(bool batch_norm) {
  return mlp({.inputs = 12,
              .hidden = {20, 16},
              .outputs = 4,
              .activation = "relu",
              .batch_norm = batch_norm,
              .dropout = 0.1});
}

TrainSettings settings_of(const char* rules) {
  return {.optimizer = Adam{.learning_rate = 0.02f},
          .schedule = {.kind = Schedule::Kind::kCosine},
          .keep_alive = parse_keep_alive(rules),
          .batch = 16,
          .epochs = 5,
          .seed = 5,
          .threads = 2,
          .shards = 2};
}

// A stream of stretches of 70 examples, whose labels turn with each.
DataStream turning() {
  return {.name = "turning",
          .stretch_name = "70 examples",
          .stretch = 70,
          .read = [](std::int64_t index) {
            auto data = std::make_shared<Dataset>(
                make_classes(70, 12, 4, static_cast<std::uint32_t>(index)));
            for (std::int32_t& label : data->labels)
              label = static_cast<std::int32_t>((label + index) % 4);
            return data;
          }};
}

struct Ended {
  undying::Run run;
  std::vector<Tensor> tensors;
};

class CheckpointTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("undying-checkpoint-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file() const { return folder_ / "run.checkpoint"; }

  // `stop_at`: the step after which it is told to end; 0: none. `copy_at`: the step after which the
  // file is put aside, as a kill would leave it.
  Ended train(const Checkpoint& checkpoint, bool on_stream, std::int64_t stop_at = 0,
              std::int64_t copy_at = 0) {
    Trainer trainer(network(!on_stream), settings_of(GetParam()));
    trainer.keep(checkpoint);
    std::stop_source stop;
    const Observer observer{.step = [&](const StepRecord& record) {
      if (record.step == stop_at) stop.request_stop();
      if (record.step == copy_at) std::filesystem::copy_file(file(), folder_ / "killed");
    }};
    const Dataset data = make_classes(70, 12, 4);
    Ended ended;
    ended.run = on_stream ? trainer.fit(turning(), observer, stop.get_token())
                          : trainer.fit(data, data, observer, stop.get_token());
    ended.tensors = trainer.tensors();
    return ended;
  }

  std::filesystem::path folder_;
};

void expect_same(const Ended& a, const Ended& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i)
    EXPECT_EQ(a.tensors[i].values, b.tensors[i].values) << a.tensors[i].name;
  ASSERT_EQ(a.run.steps.size(), b.run.steps.size());
  for (std::size_t i = 0; i < a.run.steps.size(); ++i) {
    EXPECT_EQ(a.run.steps[i].step, b.run.steps[i].step);
    EXPECT_EQ(a.run.steps[i].loss, b.run.steps[i].loss);
    EXPECT_EQ(a.run.steps[i].update_ratio, b.run.steps[i].update_ratio);
  }
  ASSERT_EQ(a.run.epochs.size(), b.run.epochs.size());
  for (std::size_t i = 0; i < a.run.epochs.size(); ++i) {
    EXPECT_EQ(a.run.epochs[i].train_loss, b.run.epochs[i].train_loss);
    EXPECT_EQ(a.run.epochs[i].train_accuracy, b.run.epochs[i].train_accuracy);
    EXPECT_EQ(a.run.epochs[i].dead, b.run.epochs[i].dead);
  }
  EXPECT_EQ(a.run.test_loss, b.run.test_loss);
  EXPECT_EQ(a.run.samples, b.run.samples);
  EXPECT_EQ(a.run.keep_alive.replaced, b.run.keep_alive.replaced);
  ASSERT_EQ(a.run.keep_alive.events.size(), b.run.keep_alive.events.size());
  for (std::size_t i = 0; i < a.run.keep_alive.events.size(); ++i)
    EXPECT_EQ(a.run.keep_alive.events[i].units, b.run.keep_alive.events[i].units);
  ASSERT_EQ(a.run.ledger.censuses.size(), b.run.ledger.censuses.size());
  for (std::size_t l = 0; l < a.run.ledger.lives.size(); ++l)
    for (std::size_t u = 0; u < a.run.ledger.lives[l].size(); ++u) {
      const UnitLife& one = a.run.ledger.lives[l][u];
      const UnitLife& other = b.run.ledger.lives[l][u];
      EXPECT_EQ(one.state, other.state);
      EXPECT_EQ(one.output, other.output);
      EXPECT_EQ(one.gradient, other.gradient);
      EXPECT_EQ(one.training_firing_rate, other.training_firing_rate);
      EXPECT_EQ(one.died, other.died);
      EXPECT_EQ(one.revived, other.revived);
    }
}

TEST_P(CheckpointTest, GoesOnFromAnyStepWithTheSameBits) {
  for (const bool on_stream : {false, true}) {
    const Ended whole = train({}, on_stream);
    ASSERT_EQ(whole.run.steps.size(), 25U);
    // In an epoch, at its last step, at the first of the next, at the very end.
    for (const std::int64_t stop_at : {3, 5, 6, 17, 25}) {
      std::filesystem::remove(file());
      train({file(), 1000}, on_stream, stop_at);
      expect_same(whole, train({file(), 1000, true}, on_stream));
    }
  }
}

TEST_P(CheckpointTest, GoesOnFromWhatAKillLeaves) {
  const Ended whole = train({}, true);
  train({file(), 4}, true, 0, 15);  // its last checkpoint was of step 12
  std::filesystem::rename(folder_ / "killed", file());
  expect_same(whole, train({file(), 4, true}, true));
}

INSTANTIATE_TEST_SUITE_P(Rules, CheckpointTest,
                         testing::Values("none", "cbp:0.02,3+l2-init:0.01",
                                         "redo:0.5,4+shrink-perturb:0.9,0.1,7"));

class CheckpointFile : public CheckpointTest {};
INSTANTIATE_TEST_SUITE_P(Once, CheckpointFile, testing::Values("none"));

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST_P(CheckpointFile, OfAnotherRunIsRefusedWithWhatDiffers) {
  train({file(), 10}, true);
  Trainer other(network(false), settings_of("redo"));
  other.keep({file(), 10, true});
  EXPECT_THAT(refusal([&] { other.fit(turning()); }),
              testing::AllOf(HasSubstr("holds another run"), HasSubstr("keep alive: redo")));
}

TEST_P(CheckpointFile, OfOtherWeightsAtFirstIsRefused) {
  train({file(), 10}, false);
  Trainer other(network(true), settings_of("none"));
  std::vector<Tensor> tensors = other.tensors();
  tensors.front().values.front() += 1.0f;
  other.set(tensors);
  other.keep({file(), 10, true});
  const Dataset data = make_classes(70, 12, 4);
  EXPECT_THAT(refusal([&] { other.fit(data, data); }),
              testing::AllOf(HasSubstr("holds another run"), HasSubstr("initial: ")));
}

TEST_P(CheckpointFile, AStopWhileAnEpochEndsLosesNothing) {
  for (const bool on_stream : {false, true}) {
    std::filesystem::remove(file());
    Trainer trainer(network(!on_stream), settings_of(GetParam()));
    trainer.keep({file(), 1000});
    std::stop_source stop;
    const Observer observer{.epoch = [&](const EpochRecord& epoch) {
      if (epoch.epoch == 2) stop.request_stop();
    }};
    const Dataset data = make_classes(70, 12, 4);
    on_stream ? trainer.fit(turning(), observer, stop.get_token())
              : trainer.fit(data, data, observer, stop.get_token());
    expect_same(train({}, on_stream), train({file(), 1000, true}, on_stream));
  }
}

TEST_P(CheckpointFile, DamageIsSaid) {
  train({file(), 10}, true);
  std::string bytes;
  {
    std::ifstream in(file(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file(), std::ios::binary) << bytes;
  EXPECT_THAT(refusal([&] { train({file(), 10, true}, true); }), HasSubstr("is damaged"));
  std::ofstream(file(), std::ios::binary) << "something else";
  EXPECT_THAT(refusal([&] { train({file(), 10, true}, true); }), HasSubstr("no checkpoint"));
}

TEST_P(CheckpointFile, ALongerRunGoesOnFromAShorterOne) {
  TrainSettings settings = settings_of("cbp:0.02,3");
  settings.schedule = {};
  const auto run_to = [&](std::int64_t steps, const Checkpoint& checkpoint) {
    settings.max_steps = steps;
    Trainer trainer(network(false), settings);
    trainer.keep(checkpoint);
    Ended ended;
    ended.run = trainer.fit(turning());
    ended.tensors = trainer.tensors();
    return ended;
  };
  const Ended whole = run_to(25, {});
  run_to(12, {file(), 6});
  expect_same(whole, run_to(25, {file(), 6, true}));
  EXPECT_THAT(refusal([&] {
                run_to(5, {file(), 6, true});
              }),
              HasSubstr("this one ends after 5: ask for as many at least"));
}

}  // namespace
}  // namespace undying
