#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "train/keep_alive/keep_alive.h"
#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

KeepAlive keep(const char* text) { return parse_keep_alive(text); }

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "nothing was refused";
}

TEST(KeepAlive, NotationFillsInAndLeavesOutDefaults) {
  EXPECT_EQ(keep("none").specification(), "none");
  EXPECT_THAT(keep("redo").rules[0].values, ElementsAre(0.1, 1000.0));
  EXPECT_EQ(keep("redo:0.1,1000"), keep("redo"));
  EXPECT_EQ(keep("cbp:0.001").specification(), "cbp:0.001");
  EXPECT_EQ(keep("cbp:0.0001,50").specification(), "cbp:0.0001,50");
  EXPECT_EQ(keep("redo + l2-init:0.01").specification(), "redo + l2-init:0.01");
  EXPECT_EQ(keep(keep("redo:0.2,5+shrink-perturb:0.5,0.25,7").specification().c_str()),
            keep("redo:0.2,5+shrink-perturb:0.5,0.25,7"));
}

TEST(KeepAlive, BadNotationIsOneErrorThatSaysWhatWasExpected) {
  EXPECT_THAT(refusal([] { keep("rado"); }), HasSubstr("perhaps redo"));
  EXPECT_THAT(refusal([] { keep("redo:x"); }), HasSubstr("TAU of redo is \"x\""));
  EXPECT_THAT(refusal([] { keep("redo:2"); }), HasSubstr("in 0..1"));
  EXPECT_THAT(refusal([] { keep("redo:0.1,2.5"); }), HasSubstr("a whole number"));
  EXPECT_THAT(refusal([] { keep("l2-init:1,2"); }), HasSubstr("l2-init[:LAMBDA]"));
  EXPECT_THAT(refusal([] { keep("cbp+cbp:1"); }), HasSubstr("more than once"));
  EXPECT_THAT(refusal([] { keep("cbp:nan"); }), HasSubstr("RATE of cbp"));
}

TrainSettings settings_of(const char* rules, Optimizer optimizer = Sgd{.learning_rate = 0.05f}) {
  return {.optimizer = optimizer,
          .loss = Loss::kMeanSquaredError,
          .keep_alive = keep(rules),
          .batch = 10,
          .epochs = 6,
          .seed = 5,
          .shuffle = false,
          .evaluate = false,
          .threads = 1,
          .shards = 1,
          .health = {.census = false}};
}

// Sixty examples of three inputs, a value each.
Dataset values() {
  Dataset data = make_classes(60, 3, 3);
  data.classes = 0;
  data.outputs = 1;
  for (std::int64_t i = 0; i < data.size; ++i)
    data.targets.push_back(std::fabs(data.values[static_cast<std::size_t>(3 * i)]) -
                           data.values[static_cast<std::size_t>(3 * i + 1)]);
  data.labels.clear();
  return data;
}

constexpr std::size_t kInputs = 3;
constexpr std::size_t kUnits = 6;

Graph one_layer() {
  return mlp({.inputs = kInputs, .hidden = {kUnits}, .outputs = 1, .activation = "relu"});
}

// The network of one_layer() in double, by the formulas: forward, squared error, gradient, SGD.
struct Oracle {
  using Numbers = std::vector<double>;

  explicit Oracle(const Trainer& trainer) { take(trainer); }

  void take(const Trainer& trainer) {
    for (const Tensor& tensor : trainer.tensors())
      weights[tensor.name] = Numbers(tensor.values.begin(), tensor.values.end());
  }

  // A step on rows [first, first + rows); `pull`: added to the gradient of each weight.
  void step(const Dataset& data, std::int64_t first, std::int64_t rows, double rate,
            const std::function<double(const std::string&, std::size_t)>& pull = {}) {
    std::map<std::string, Numbers> gradient;
    for (const auto& [name, values] : weights) gradient[name] = Numbers(values.size());
    mean.assign(kUnits, 0.0);
    for (std::int64_t row = first; row < first + rows; ++row)
      add(data, row, static_cast<double>(rows), gradient);
    for (auto& [name, values] : weights)
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] -= rate * (gradient[name][i] + (pull ? pull(name, i) : 0.0));
  }

  void add(const Dataset& data, std::int64_t row, double rows,
           std::map<std::string, Numbers>& gradient) {
    const float* x = data.values.data() + row * static_cast<std::int64_t>(kInputs);
    Numbers z(kUnits);
    double y = weights["layer.1.bias"][0];
    for (std::size_t j = 0; j < kUnits; ++j) {
      z[j] = weights["layer.0.bias"][j];
      for (std::size_t i = 0; i < kInputs; ++i)
        z[j] += weights["layer.0.weight"][j * kInputs + i] * static_cast<double>(x[i]);
      const double h = std::max(z[j], 0.0);
      mean[j] += h / rows;
      y += weights["layer.1.weight"][j] * h;
    }
    const double slope =
        2.0 * (y - static_cast<double>(data.targets[static_cast<std::size_t>(row)])) / rows;
    gradient["layer.1.bias"][0] += slope;
    for (std::size_t j = 0; j < kUnits; ++j) {
      gradient["layer.1.weight"][j] += slope * std::max(z[j], 0.0);
      if (z[j] <= 0.0) continue;
      const double back = slope * weights["layer.1.weight"][j];
      gradient["layer.0.bias"][j] += back;
      for (std::size_t i = 0; i < kInputs; ++i)
        gradient["layer.0.weight"][j * kInputs + i] += back * static_cast<double>(x[i]);
    }
  }

  std::map<std::string, Numbers> weights;
  Numbers mean;  // of h over the batch of the last step
};

// Runs `rules` and asks `expected` after each step, with what the oracle has made of the step
// before, which units are replaced; returns how many were.
std::int64_t follow(
    const char* rules, const Dataset& data,
    const std::function<std::vector<std::int64_t>(std::int64_t, Oracle&)>& expected) {
  Trainer trainer(one_layer(), settings_of(rules));
  Oracle oracle(trainer);
  std::map<std::int64_t, std::vector<std::int64_t>> replaced;
  const Observer observer{.step = [&](const StepRecord& record) {
    oracle.step(data, (record.step - 1) % 6 * 10, 10, 0.05);
    std::vector<std::int64_t>& units = replaced[record.step] = expected(record.step, oracle);
    const Oracle now(trainer);
    for (const auto& [name, values] : now.weights)
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto unit = static_cast<std::int64_t>(name == "layer.0.weight" ? i / kInputs : i);
        const bool drawn = name != "layer.1.bias" && std::ranges::count(units, unit) > 0;
        if (drawn && name == "layer.1.weight") {
          EXPECT_EQ(values[i], 0.0);
        }
        if (drawn) continue;
        EXPECT_NEAR(values[i], oracle.weights[name][i], 1e-6) << name << " " << i;
      }
    oracle.take(trainer);
  }};
  const Run run = trainer.fit(data, data, observer);
  std::map<std::int64_t, std::vector<std::int64_t>> happened;
  for (const Replacement& event : run.keep_alive.events)
    happened[event.step].insert(happened[event.step].end(), event.units.begin(), event.units.end());
  for (auto& [step, units] : replaced) {
    std::ranges::sort(units);
    std::ranges::sort(happened[step]);
    EXPECT_EQ(happened[step], units) << "step " << step;
  }
  return run.keep_alive.replaced;
}

TEST(KeepAlive, ContinualBackpropFollowsItsFormula) {
  std::vector<double> utility(kUnits);
  std::vector<double> age(kUnits);
  double owed = 0.0;
  const auto rule = [&](std::int64_t, Oracle& oracle) {
    std::vector<std::pair<double, std::int64_t>> mature;
    for (std::size_t j = 0; j < kUnits; ++j) {
      age[j] += 1.0;
      utility[j] = 0.99 * utility[j] +
                   0.01 * oracle.mean[j] * std::fabs(oracle.weights["layer.1.weight"][j]);
      if (age[j] > 4.0) mature.emplace_back(utility[j] / (1.0 - std::pow(0.99, age[j])), j);
    }
    owed += 0.06 * static_cast<double>(mature.size());
    std::ranges::sort(mature);
    std::vector<std::int64_t> units;
    for (; owed >= 1.0; owed -= 1.0) {
      units.push_back(mature[units.size()].second);
      utility[static_cast<std::size_t>(units.back())] = 0.0;
      age[static_cast<std::size_t>(units.back())] = 0.0;
    }
    return units;
  };
  EXPECT_GT(follow("cbp:0.06,4", values(), rule), 5);
}

TEST(KeepAlive, RedoFollowsItsFormula) {
  std::vector<double> sums(kUnits);
  const auto rule = [&](std::int64_t step, Oracle& oracle) {
    std::vector<std::int64_t> units;
    double total = 0.0;
    for (std::size_t j = 0; j < kUnits; ++j) total += sums[j] += oracle.mean[j];
    if (step % 4 != 0) return units;
    for (std::size_t j = 0; j < kUnits; ++j) {
      if (sums[j] / (total / kUnits) <= 0.9) units.push_back(static_cast<std::int64_t>(j));
      sums[j] = 0.0;
    }
    return units;
  };
  EXPECT_GT(follow("redo:0.9,4", values(), rule), 5);
}

TEST(KeepAlive, L2InitFollowsItsFormula) {
  const Dataset data = values();
  Trainer trainer(one_layer(), settings_of("l2-init:0.3"));
  Oracle oracle(trainer);
  const Oracle initial = oracle;
  const auto pull = [&](const std::string& name, std::size_t i) {
    return 2.0 * 0.3 * (oracle.weights.at(name)[i] - initial.weights.at(name)[i]);
  };
  for (std::int64_t step = 0; step < 36; ++step) oracle.step(data, step % 6 * 10, 10, 0.05, pull);
  trainer.fit(data, data);
  double moved = 0.0;
  for (const auto& [name, values] : Oracle(trainer).weights)
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], oracle.weights[name][i], 1e-5) << name << " " << i;
      moved = std::max(moved, std::fabs(values[i] - initial.weights.at(name)[i]));
    }
  EXPECT_GT(moved, 0.05);
}

TEST(KeepAlive, ShrinkPerturbShrinksAndAddsAFreshDraw) {
  TrainSettings settings = settings_of("shrink-perturb:0.5,0.25,4", Sgd{.learning_rate = 1e-30f});
  settings.max_steps = 4;
  Graph wide = mlp({.inputs = 100, .hidden = {200}, .outputs = 4, .activation = "relu"});
  settings.loss = Loss::kSoftmaxCrossEntropy;
  Trainer trainer(std::move(wide), settings);
  const std::vector<float> before = trainer.tensors()[0].values;
  const Dataset data = make_classes(40, 100, 4);
  EXPECT_EQ(trainer.fit(data, data).keep_alive.perturbed, 1);
  const std::vector<float> after = trainer.tensors()[0].values;
  double sum = 0.0;
  double squares = 0.0;
  double common = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double drawn = (static_cast<double>(after[i]) - 0.5 * before[i]) / 0.25;
    sum += drawn;
    squares += drawn * drawn;
    common += drawn * before[i];
  }
  const auto n = static_cast<double>(before.size());
  EXPECT_NEAR(sum / n, 0.0, 0.005);
  EXPECT_NEAR(squares / n, 2.0 / 100.0, 0.0015);  // He et al.: gain^2 / fan_in
  EXPECT_NEAR(common / n, 0.0, 0.001);            // not the draw it began with
}

TEST(KeepAlive, ADormantUnitsChangeIsTheDifferenceOfTheOutputs) {
  const Dataset data = values();
  TrainSettings settings = settings_of("redo:1,1");  // half of the units, about
  settings.batch = 60;
  settings.epochs = 1;
  Trainer treated(one_layer(), settings);
  const undying::Run run = treated.fit(data, data);
  settings.keep_alive = {};
  Trainer plain(one_layer(), settings);
  plain.fit(data, data);
  const std::vector<float> before = plain.predict(data);
  const std::vector<float> after = treated.predict(data);
  double largest = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(before[i]) - after[i]));
  ASSERT_EQ(run.keep_alive.events.size(), 1U);
  EXPECT_FALSE(run.keep_alive.events[0].silent);
  EXPECT_GT(largest, 0.0);
  EXPECT_NEAR(run.keep_alive.events[0].output_change, largest, 1e-6);
  EXPECT_EQ(run.keep_alive.output_change, run.keep_alive.events[0].output_change);
}

TEST(KeepAlive, ThreadsChangeNoBit) {
  const Dataset data = make_classes(300, 12, 4);
  for (const char* rules : {"redo:0.5,7", "cbp:0.01,5", "l2-init:0.01+shrink-perturb:0.9,0.1,5"}) {
    std::vector<std::vector<Tensor>> found;
    std::vector<std::int64_t> replaced;
    for (const int threads : {1, 2, 4}) {
      TrainSettings settings = settings_of(rules, Adam{.learning_rate = 0.01f});
      settings.loss = Loss::kSoftmaxCrossEntropy;
      settings.threads = threads;
      settings.shards = 4;
      Trainer trainer(small_mlp(), settings);
      replaced.push_back(trainer.fit(data, data).keep_alive.replaced);
      found.push_back(trainer.tensors());
    }
    for (std::size_t run = 1; run < found.size(); ++run) {
      EXPECT_EQ(replaced[run], replaced[0]);
      for (std::size_t i = 0; i < found[0].size(); ++i)
        EXPECT_EQ(found[run][i].values, found[0][i].values) << rules << " " << found[0][i].name;
    }
  }
}

TEST(KeepAlive, WhatCannotBeTreatedIsRefused) {
  const Dataset data = values();
  TrainSettings settings = settings_of("redo");
  settings.health.counters = false;
  Trainer blind(one_layer(), settings);
  EXPECT_THAT(refusal([&] { blind.fit(data, data); }), HasSubstr("--no-counters"));
  Trainer linear(mlp({.inputs = kInputs, .hidden = {}, .outputs = 1, .activation = "relu"}),
                 settings_of("cbp"));
  EXPECT_THAT(refusal([&] { linear.fit(data, data); }), HasSubstr("no layer whose units"));
}

}  // namespace
}  // namespace undying
