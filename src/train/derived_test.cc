// Training of weights that are computed from others: weight normalisation.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "train/test_data.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kInputs = 12;
constexpr std::int64_t kHidden = 16;
constexpr std::int64_t kClasses = 4;

Node parameter(const std::string& name, const Shape& shape) {
  return {name, "parameter", {}, {{"shape", shape}}, {name}};
}

// g v / |v|, row by row.
Derived weight_norm(const std::string& name, const Shape& shape) {
  return {name,
          {{"none", "input", {}, {{"shape", Ints{1}}}},
           parameter(name + ".v", shape),
           {"squares", "mul", {1, 1}},
           {"sums", "reduce_sum", {2}, {{"axes", Ints{1}}}},
           {"lengths", "sqrt", {3}},
           parameter(name + ".g", {shape[0], 1}),
           {"scales", "div", {5, 4}},
           {"weight", "mul", {1, 6}}}};
}

Graph derived_network(bool normed) {
  std::vector<Derived> derived;
  if (normed)
    derived = {weight_norm("fc.weight", {kHidden, kInputs}),
               weight_norm("out.weight", {kClasses, kHidden})};
  return Graph({{"x", "input", {}, {{"shape", Shape{kInputs}}}},
                {"fc", "linear", {0}, {{"outputs", kHidden}}, {"fc.weight", "fc.bias"}},
                {"act",
                 "activation",
                 {1},
                 {{"activation", Activation("relu")}, {"layer", std::string("fc")}}},
                {"out", "linear", {2}, {{"outputs", kClasses}}, {"out.weight", "out.bias"}}},
               {}, std::move(derived));
}

TrainSettings settings(int threads = 1) {
  TrainSettings chosen{.optimizer = Adam{.learning_rate = 0.01f},
                       .batch = 32,
                       .epochs = 4,
                       .seed = 5,
                       .threads = threads,
                       .shards = 3};
  chosen.clip_norm = 1.0;
  return chosen;
}

Tensor tensor(const std::vector<Tensor>& tensors, const std::string& name) {
  return *std::ranges::find(tensors, name, &Tensor::name);
}

void expect_normed(const std::vector<Tensor>& tensors, const std::string& name) {
  const Tensor weight = tensor(tensors, name);
  const std::vector<float> v = tensor(tensors, name + ".v").values;
  const std::int64_t inputs = weight.shape[1];
  for (std::int64_t i = 0; i < std::ssize(v); ++i) {
    double square = 0.0;
    const std::int64_t row = i / inputs;
    for (std::int64_t k = row * inputs; k < (row + 1) * inputs; ++k)
      square += static_cast<double>(v[k]) * static_cast<double>(v[k]);
    const double g = tensor(tensors, name + ".g").values[row];
    EXPECT_NEAR(weight.values[i], g * static_cast<double>(v[i]) / std::sqrt(square), 1e-6) << i;
  }
}

TEST(TrainDerived, WeightsAreDrawnAsTheyWouldBe) {
  Trainer normed(derived_network(true), settings());
  Trainer plain(derived_network(false), settings());
  for (const Tensor& drawn : plain.tensors()) {
    const Tensor found = tensor(normed.tensors(), drawn.name);
    for (std::size_t i = 0; i < drawn.values.size(); ++i)
      EXPECT_NEAR(found.values[i], drawn.values[i], 1e-6) << drawn.name << " " << i;
  }
  expect_normed(normed.tensors(), "fc.weight");
}

TEST(TrainDerived, LeavesLearnAndTheWeightsFollow) {
  const Dataset train = make_classes(600, kInputs, kClasses);
  const Dataset test = make_classes(200, kInputs, kClasses, 1);
  Trainer trainer(derived_network(true), settings());
  const std::vector<Tensor> before = trainer.tensors();
  const undying::Run run = trainer.fit(train, test);
  EXPECT_LT(run.epochs.back().train_loss, 0.7 * run.epochs.front().train_loss);
  for (const char* name : {"fc.weight", "out.weight"}) {
    expect_normed(trainer.tensors(), name);
    EXPECT_NE(tensor(before, std::string(name) + ".g").values,
              tensor(trainer.tensors(), std::string(name) + ".g").values);
  }
  EXPECT_GT(run.ledger.censuses.back().layers[0].gradient_norm, 0.0);
}

TEST(TrainDerived, ThreadsDecideNoBit) {
  const Dataset data = make_classes(600, kInputs, kClasses);
  std::vector<std::vector<Tensor>> ends;
  for (const int threads : {1, 2, 3}) {
    Trainer trainer(derived_network(true), settings(threads));
    trainer.fit(data, data);
    ends.push_back(trainer.tensors());
  }
  for (std::size_t i = 0; i < ends[0].size(); ++i) {
    EXPECT_EQ(ends[1][i].values, ends[0][i].values) << ends[0][i].name;
    EXPECT_EQ(ends[2][i].values, ends[0][i].values) << ends[0][i].name;
  }
}

// A weight is what its leaves give, whatever is loaded in its place.
TEST(TrainDerived, WhatIsLoadedAreTheLeaves) {
  Trainer first(derived_network(true), settings());
  std::vector<Tensor> tensors = first.tensors();
  std::ranges::fill(std::ranges::find(tensors, "fc.weight", &Tensor::name)->values, 7.0f);
  Trainer second(derived_network(true), settings());
  second.load(tensors);
  EXPECT_EQ(tensor(second.tensors(), "fc.weight").values,
            tensor(first.tensors(), "fc.weight").values);
}

}  // namespace
}  // namespace undying
