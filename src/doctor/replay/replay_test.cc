// Why units died: against a plain forward pass in double.

#include "doctor/replay/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "doctor/replay/test_replay.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using testing::HasSubstr;

// The largest pre-activation of a unit of a ReLU network, tensors in the order weight, bias.
double largest(const Tensors& tensors, const Dataset& data, std::size_t layer, std::size_t unit) {
  double most = -1e300;
  for (std::int64_t row = 0; row < data.size; ++row) {
    const float* input = data.values.data() + row * data.features();
    std::vector<double> h(input, input + data.features());
    for (std::size_t l = 0; l <= layer; ++l) {
      std::vector<double> z;
      for (std::size_t j = 0; j < tensors[2 * l + 1].values.size(); ++j) {
        double sum = tensors[2 * l + 1].values[j];
        for (std::size_t i = 0; i < h.size(); ++i)
          sum += static_cast<double>(tensors[2 * l].values[j * h.size() + i]) * h[i];
        z.push_back(sum);
      }
      if (l == layer) most = std::max(most, z[unit]);
      for (double& value : z) value = std::max(value, 0.0);
      h = std::move(z);
    }
  }
  return most;
}

// What the parts add, averaged over all orders in which they may move: by the definition.
std::array<double, 3> shares_by_orders(const Tensors& then, const Tensors& now, const Dataset& data,
                                       std::size_t layer, std::size_t unit) {
  std::array<int, 3> order{0, 1, 2};  // bias, weights, below
  std::array<double, 3> shares{};
  do {
    Tensors mixed = then;
    double before = largest(mixed, data, layer, unit);
    for (const int part : order) {
      for (std::size_t t = 0; t <= 2 * layer + 1; ++t) {
        const int of = t == 2 * layer + 1 ? 0 : t == 2 * layer ? 1 : 2;
        if (of == part) mixed[t] = now[t];
      }
      const double value = largest(mixed, data, layer, unit);
      shares[static_cast<std::size_t>(part)] += (value - before) / 6.0;
      before = value;
    }
  } while (std::ranges::next_permutation(order).found);
  return shares;
}

Killed deadly(const Dataset& data) {
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.4f, .momentum = 0.9f},
                         .batch = 50,
                         .epochs = 3,
                         .seed = 3,
                         .threads = 2,
                         .shards = 2};
  settings.clip_norm = 5.0;
  return {mlp({.inputs = 12, .hidden = {16, 16, 16}, .outputs = 4, .activation = "relu"}), settings,
          data};
}

TEST(Replay, SharesAreThoseOfAPlainPassInDouble) {
  const Dataset data = make_classes(600, 12, 4);
  const Killed made = deadly(data);
  const Recorded recorded = record(made);
  const Replay found = again(made, recorded, {.last = 5});
  ASSERT_EQ(found.explanations.size(), recorded.events.size());
  int compared = 0;
  for (const Explanation& each : found.explanations) {
    if (!each.change) continue;
    const Change& change = *each.change;
    EXPECT_EQ(each.rows, 600) << "all there are";
    const std::size_t layer = each.event.layer;
    const auto unit = static_cast<std::size_t>(each.event.unit);
    const Tensors then = after(made, change.from), now = after(made, change.to);
    const double scale = 1e-4 * (1.0 + std::fabs(change.before) + std::fabs(change.after));
    EXPECT_NEAR(change.before, largest(then, data, layer, unit), scale);
    EXPECT_NEAR(change.after, largest(now, data, layer, unit), scale);
    const auto expected = shares_by_orders(then, now, data, layer, unit);
    double sum = 0.0;
    for (std::size_t part = 0; part < 3; ++part) {
      EXPECT_EQ(change.shares[part].has_value(), part < 2 || layer > 0);
      EXPECT_NEAR(change.shares[part].value_or(0.0), expected[part], scale);
      sum += change.shares[part].value_or(0.0);
    }
    EXPECT_NEAR(sum, change.after - change.before, 1e-12);
    EXPECT_FALSE(change.shares[static_cast<std::size_t>(Part::kStatistics)]);
    ++compared;
  }
  EXPECT_GE(compared, 12) << "the test needs deaths";
}

TEST(Replay, AUnitFiresBeforeItsDeathAndNeverAfter) {
  const Dataset data = make_classes(600, 12, 4);
  const Killed made = deadly(data);
  const Recorded recorded = record(made);
  int deaths = 0, revivals = 0;
  for (const Explanation& each : again(made, recorded).explanations) {
    if (each.event.step == 0) {
      EXPECT_THAT(each.missing, HasSubstr("born dead"));
      continue;
    }
    EXPECT_TRUE(each.dated);
    ASSERT_TRUE(each.change) << each.missing;
    const bool death = each.event.kind == UnitEvent::Kind::kDeath;
    (death ? deaths : revivals)++;
    EXPECT_GT(death ? each.change->before : each.change->after, 0.0);
    EXPECT_LE(death ? each.change->after : each.change->before, 0.0);
    // A dead unit has no gradient of its own: only what lies below can wake it. Momentum alone may
    // still move it.
    if (death && each.update) {
      EXPECT_GT(each.update->z.fired, 0);
      EXPECT_EQ(each.update->record.step, each.event.step);
    }
  }
  EXPECT_GT(deaths, 5);
}

// The batch that is named is the one that was trained on.
TEST(Replay, NamesTheBatchAndItsUpdate) {
  const Dataset data = make_classes(600, 12, 4);
  Killed made = deadly(data);
  made.settings.shuffle = false;
  const Recorded recorded = record(made);
  int updates = 0;
  for (const Explanation& each : again(made, recorded, {.life = true}).explanations) {
    if (!each.update) continue;
    ++updates;
    const UnitUpdate& update = *each.update;
    std::vector<std::uint32_t> rows(50);
    std::iota(rows.begin(), rows.end(),
              static_cast<std::uint32_t>((update.record.step - 1) % 12 * 50));
    EXPECT_EQ(update.rows, rows);
    EXPECT_EQ(update.epoch, (update.record.step - 1) / 12 + 1);
    EXPECT_EQ(update.record.loss,
              recorded.course.steps[static_cast<std::size_t>(update.record.step - 1)].second);
    const std::string name = "layer." + std::to_string(each.event.layer);
    const Tensors then = after(made, update.record.step - 1), now = after(made, update.record.step);
    const auto tensor = [&](const Tensors& all, const std::string& called) {
      return std::ranges::find(all, called, &undying::Tensor::name)->values;
    };
    const auto unit = static_cast<std::size_t>(each.event.unit);
    EXPECT_NEAR(*update.bias,
                std::fabs(tensor(now, name + ".bias")[unit] - tensor(then, name + ".bias")[unit]),
                1e-7);
    const std::size_t inputs = each.event.layer == 0 ? 12 : 16;
    double square = 0.0;
    for (std::size_t i = unit * inputs; i < (unit + 1) * inputs; ++i)
      square += std::pow(tensor(now, name + ".weight")[i] - tensor(then, name + ".weight")[i], 2);
    EXPECT_NEAR(*update.weights, std::sqrt(square), 1e-6);
    ASSERT_FALSE(each.life.empty());
    EXPECT_TRUE(std::ranges::is_sorted(each.life, {}, &Moment::step));
    EXPECT_EQ(each.life.front().z.n, 600);
  }
  EXPECT_GE(updates, 5);
}

// Where training sees units otherwise than evaluation does: between two censuses, and there between
// the two looks that saw it otherwise.
TEST(Replay, BehindBatchNormTheWindowLiesBetweenCensuses) {
  const Dataset data = make_classes(600, 12, 4);
  Killed made = deadly(data);
  made.graph = mlp(
      {.inputs = 12, .hidden = {16, 16}, .outputs = 4, .activation = "relu", .batch_norm = true});
  made.settings.optimizer = Sgd{.learning_rate = 2.0f, .momentum = 0.9f};
  made.settings.clip_norm = 0.0;
  const Recorded recorded = record(made);
  int deaths = 0;
  for (const Explanation& each : again(made, recorded).explanations) {
    if (each.event.step == 0) continue;
    EXPECT_FALSE(each.dated);
    EXPECT_FALSE(each.update);
    ASSERT_TRUE(each.change) << each.missing;
    EXPECT_LE(each.change->to, each.event.step);
    EXPECT_GE(each.change->from, each.event.step - 12);
    EXPECT_LE(each.change->to, each.change->from + 2) << "an epoch has 12 steps and 8 looks";
    const bool death = each.event.kind == UnitEvent::Kind::kDeath;
    EXPECT_GT(death ? each.change->before : each.change->after, 0.0);
    EXPECT_LE(death ? each.change->after : each.change->before, 0.0);
    double sum = 0.0;
    for (const auto& share : each.change->shares) sum += share.value_or(0.0);
    EXPECT_NEAR(sum, each.change->after - each.change->before, 1e-12);
    EXPECT_TRUE(each.change->shares[static_cast<std::size_t>(Part::kStatistics)]);
    deaths += death;
  }
  EXPECT_GT(deaths, 0);
}

// Whatever a run has in it, it is repeated bit by bit without its censuses and evaluations.
TEST(Replay, RepeatsEveryKindOfRun) {
  const Dataset data = make_classes(600, 12, 4);
  std::vector<Killed> cases;
  const auto add = [&](const std::function<void(Killed&)>& change) {
    cases.push_back(deadly(data));
    change(cases.back());
  };
  add([](Killed& made) { made.settings.optimizer = Adam{.learning_rate = 0.05f}; });
  add([](Killed& made) { made.settings.schedule = parse_schedule("cosine"); });
  add([](Killed& made) { made.settings.keep_alive = parse_keep_alive("redo:0.1,4"); });
  add([](Killed& made) {
    made.graph = mlp({.inputs = 12,
                      .hidden = {16, 16},
                      .outputs = 4,
                      .activation = "relu",
                      .batch_norm = true,
                      .dropout = 0.2});
  });
  add([](Killed& made) {
    made.graph = mlp({.inputs = 12, .hidden = {16, 16}, .outputs = 4, .activation = "rrelu"});
  });
  for (const Killed& made : cases) {
    Recorded recorded = record(made);
    recorded.events = {{36, 0, 0, UnitEvent::Kind::kDeath}};  // as far as the run goes
    const Replay found = again(made, recorded);
    EXPECT_EQ(found.steps, 36);
    EXPECT_EQ(found.checked, 36 + 2) << "steps, and the epochs before the last";
  }
}

TEST(Replay, AnotherRunIsNotTakenForTheSame) {
  const Dataset data = make_classes(600, 12, 4);
  const Killed made = deadly(data);
  Recorded recorded = record(made);
  recorded.course.steps[2].second = std::nextafter(recorded.course.steps[2].second, 0.0);
  recorded.events = {{20, 0, 0, UnitEvent::Kind::kDeath}};
  try {
    again(made, recorded);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("the loss of step 3"));
  }
}

// A unit that is said to have died and lives.
TEST(Replay, ALivingUnitIsNotExplainedAway) {
  const Dataset data = make_classes(600, 12, 4);
  Killed made = deadly(data);
  made.settings.optimizer = Sgd{.learning_rate = 0.001f};
  Recorded recorded = record(made);
  recorded.events = {{5, 1, 3, UnitEvent::Kind::kDeath}};
  const Replay found = again(made, recorded);
  ASSERT_EQ(found.explanations.size(), 1U);
  EXPECT_FALSE(found.explanations[0].change);
  EXPECT_THAT(found.explanations[0].missing, HasSubstr("is not dead"));
}

// A death dated at a step when the unit was long silent: from there it can have died of nothing.
TEST(Replay, AUnitThatWasSilentBeforeHasNoCause) {
  const Dataset data = make_classes(600, 12, 4);
  const Killed made = deadly(data);
  Recorded recorded = record(made);
  const auto dead = std::ranges::find_if(recorded.events, [](const UnitEvent& event) {
    return event.kind == UnitEvent::Kind::kDeath && event.step > 0 && event.step < 10;
  });
  ASSERT_NE(dead, recorded.events.end());
  recorded.events = {{30, dead->layer, dead->unit, UnitEvent::Kind::kDeath}};
  const Replay found = again(made, recorded, {.last = 8});
  ASSERT_EQ(found.explanations.size(), 1U);
  EXPECT_FALSE(found.explanations[0].change);
  EXPECT_THAT(found.explanations[0].missing, HasSubstr("not among the rows"));
}

TEST(Replay, AStopKeepsWhatWasFound) {
  const Dataset data = make_classes(600, 12, 4);
  const Killed made = deadly(data);
  const Recorded recorded = record(made);
  Trainer trainer = made.trainer(replay_settings(made.settings));
  std::stop_source stop;
  const Replay found = replay(
      trainer, data, recorded.course, recorded.events, {},
      [&](std::int64_t step, std::int64_t, std::size_t) {
        if (step == 20) stop.request_stop();
      },
      stop.get_token());
  EXPECT_TRUE(found.interrupted);
  EXPECT_EQ(found.steps, 20);
  EXPECT_FALSE(found.explanations.empty());
  EXPECT_LT(found.explanations.size(), recorded.events.size());
}

}  // namespace
}  // namespace undying::doctor
