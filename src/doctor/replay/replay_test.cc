// Why units died: against a plain forward pass in double, on runs whose deaths are made on purpose.

#include "doctor/replay/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/philox.h"
#include "train/test_data.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using Tensors = std::vector<undying::Tensor>;
using testing::HasSubstr;

// `size` examples of normal inputs around `mean`, all with this target.
Dataset shifted(std::int64_t size, std::int64_t features, double mean, double deviation,
                float target) {
  const Random random(5, Stream::kTest);
  Dataset data{.name = "shifted", .size = size, .shape = {features}, .outputs = 1};
  for (std::int64_t i = 0; i < size * features; ++i)
    data.values.push_back(
        static_cast<float>(mean + deviation * random.normal(static_cast<std::uint64_t>(i))));
  data.targets.assign(static_cast<std::size_t>(size), target);
  return data;
}

struct Case {
  Graph graph;
  TrainSettings settings;
  const Dataset& data;
  Tensors start = {};  // of what is not drawn

  Trainer trainer(const TrainSettings& chosen) const {
    Trainer made(graph, chosen);
    made.set(start);
    return made;
  }
};

// What a run leaves on record, and its events.
struct Recorded {
  RecordedCourse course;
  std::vector<UnitEvent> events;
  std::vector<std::string> layers;
};

Recorded record(const Case& made) {
  Trainer trainer = made.trainer(made.settings);
  const undying::Run run = trainer.fit(made.data, made.data);
  Recorded recorded{.course = {.name = "run"}, .layers = run.ledger.layers};
  for (const CensusRecord& census : run.ledger.censuses)
    recorded.course.censuses.push_back(census.step);
  for (const StepRecord& step : run.steps) recorded.course.steps.emplace_back(step.step, step.loss);
  for (const EpochRecord& epoch : run.epochs)
    recorded.course.epochs.emplace_back(epoch.step, epoch.train_loss);
  for (std::size_t l = 0; l < run.ledger.lives.size(); ++l)
    for (std::size_t u = 0; u < run.ledger.lives[l].size(); ++u) {
      const auto unit = static_cast<std::int64_t>(u);
      for (const std::int64_t step : run.ledger.lives[l][u].died)
        recorded.events.push_back({step, l, unit, UnitEvent::Kind::kDeath});
      for (const std::int64_t step : run.ledger.lives[l][u].revived)
        recorded.events.push_back({step, l, unit, UnitEvent::Kind::kRevival});
    }
  return recorded;
}

Replay again(const Case& made, const Recorded& recorded, const ReplaySettings& settings = {}) {
  Trainer trainer = made.trainer(replay_settings(made.settings));
  return replay(trainer, made.data, recorded.course, recorded.events, settings);
}

// The numbers of the network after so many steps: of the run that ends there.
Tensors after(const Case& made, std::int64_t step) {
  TrainSettings settings = made.settings;
  settings.evaluate = false;
  settings.health.census = false;
  settings.max_steps = step;
  Trainer trainer = made.trainer(settings);
  if (step > 0) trainer.fit(made.data, made.data);
  return trainer.tensors();
}

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

Case deadly(const Dataset& data) {
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
  const Case made = deadly(data);
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
  const Case made = deadly(data);
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

// Planted: what moves a unit is known from how the run is made.
struct Planted {
  const char* name;
  Part truth;
  double mean, deviation;           // of the inputs
  std::vector<std::string> frozen;  // tensors that do not move
};

Case planted(const Planted& plan, const Dataset& data, std::uint64_t seed) {
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.01f},
                         .loss = Loss::kMeanSquaredError,
                         .batch = 20,
                         .epochs = 12,
                         .seed = seed,
                         .threads = 1,
                         .shards = 1};
  settings.clip_norm = 20.0;
  const std::vector<std::int64_t> hidden(plan.truth == Part::kBelow ? 2 : 1, 24);
  const Graph graph = mlp({.inputs = 6, .hidden = hidden, .outputs = 1, .activation = "relu"});
  Tensors start = Trainer(graph, settings).tensors();  // frozen ones are not drawn
  settings.frozen = plan.frozen;
  return {graph, settings, data, std::move(start)};
}

TEST(Replay, PlantedCausesAreFound) {
  // Inputs near 0 leave a unit of the first layer its bias, inputs far from it the weights; a layer
  // that does not learn dies of what is below.
  // The output layer stands still, so that the units must move for it.
  const Planted plans[] = {
      {"bias", Part::kBias, 0.0, 0.1, {"layer.1.weight", "layer.1.bias"}},
      {"weights", Part::kWeights, 2.0, 0.5, {"layer.1.weight", "layer.1.bias"}},
      {"below",
       Part::kBelow,
       0.0,
       1.0,
       {"layer.1.weight", "layer.1.bias", "layer.2.weight", "layer.2.bias"}}};
  for (const Planted& plan : plans) {
    int right = 0, all = 0;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
      const Dataset data = shifted(200, 6, plan.mean, plan.deviation, -40.0f);
      const Case made = planted(plan, data, seed);
      const std::size_t layer = plan.truth == Part::kBelow ? 1 : 0;
      for (const Explanation& each : again(made, record(made)).explanations) {
        if (each.event.layer != layer || each.event.step == 0) continue;
        ++all;
        right += each.change && static_cast<std::size_t>(each.change->cause) ==
                                    static_cast<std::size_t>(plan.truth);
      }
    }
    RecordProperty(std::string(plan.name) + "_right", std::to_string(right));
    RecordProperty(std::string(plan.name) + "_deaths", std::to_string(all));
    EXPECT_GE(all, 20) << plan.name << ": the test needs deaths";
    EXPECT_GE(right, 0.9 * all) << plan.name;
  }
}

// The batch that is named is the one that was trained on.
TEST(Replay, NamesTheBatchAndItsUpdate) {
  const Dataset data = make_classes(600, 12, 4);
  Case made = deadly(data);
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
  Case made = deadly(data);
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
  std::vector<Case> cases;
  const auto add = [&](const std::function<void(Case&)>& change) {
    cases.push_back(deadly(data));
    change(cases.back());
  };
  add([](Case& made) { made.settings.optimizer = Adam{.learning_rate = 0.05f}; });
  add([](Case& made) { made.settings.schedule = parse_schedule("cosine"); });
  add([](Case& made) { made.settings.keep_alive = parse_keep_alive("redo:0.1,4"); });
  add([](Case& made) {
    made.graph = mlp({.inputs = 12,
                      .hidden = {16, 16},
                      .outputs = 4,
                      .activation = "relu",
                      .batch_norm = true,
                      .dropout = 0.2});
  });
  add([](Case& made) {
    made.graph = mlp({.inputs = 12, .hidden = {16, 16}, .outputs = 4, .activation = "rrelu"});
  });
  for (const Case& made : cases) {
    Recorded recorded = record(made);
    recorded.events = {{36, 0, 0, UnitEvent::Kind::kDeath}};  // as far as the run goes
    const Replay found = again(made, recorded);
    EXPECT_EQ(found.steps, 36);
    EXPECT_EQ(found.checked, 36 + 2) << "steps, and the epochs before the last";
  }
}

TEST(Replay, AnotherRunIsNotTakenForTheSame) {
  const Dataset data = make_classes(600, 12, 4);
  const Case made = deadly(data);
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
  Case made = deadly(data);
  made.settings.optimizer = Sgd{.learning_rate = 0.001f};
  Recorded recorded = record(made);
  recorded.events = {{5, 1, 3, UnitEvent::Kind::kDeath}};
  const Replay found = again(made, recorded);
  ASSERT_EQ(found.explanations.size(), 1U);
  EXPECT_FALSE(found.explanations[0].change);
  EXPECT_THAT(found.explanations[0].missing, HasSubstr("is not dead"));
}

TEST(Replay, AStopKeepsWhatWasFound) {
  const Dataset data = make_classes(600, 12, 4);
  const Case made = deadly(data);
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

TEST(Shapley, ThreePlayersByHand) {
  // Worth 6 together; 0 and 1 make 3 only together, 2 makes 3 alone.
  const auto value = [](unsigned set) {
    return ((set & 3U) == 3U ? 3.0 : 0.0) + ((set & 4U) != 0 ? 3.0 : 0.0);
  };
  EXPECT_THAT(shapley(3, value),
              testing::ElementsAre(testing::DoubleNear(1.5, 1e-15), testing::DoubleNear(1.5, 1e-15),
                                   testing::DoubleNear(3.0, 1e-15)));
  EXPECT_EQ(cause_of({-1.0, -2.0, -0.5, {}}, -3.5), Cause::kWeights);
  EXPECT_EQ(cause_of({-1.0, -1.1, -0.5, {}}, -2.6), Cause::kMixed);
  EXPECT_EQ(cause_of(Shares{std::nullopt, 1.0, -3.0, std::nullopt}, -2.0), Cause::kBelow);
}

}  // namespace
}  // namespace undying::doctor
