// The engine against PyTorch 1.13: the same weights, the same batches, 200 steps (make_golden.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "undying/undying.h"

namespace undying {
namespace {

const std::string kFolder = UNDYING_GOLDEN;

Dataset make_dataset(const std::vector<Tensor>& inputs) {
  Dataset data{.name = "golden", .classes = 5};
  for (const Tensor& tensor : inputs) {
    if (tensor.name == "x") {
      data.size = tensor.shape[0];
      data.shape = {tensor.shape[1]};
      data.values = tensor.values;
    }
    if (tensor.name == "y") data.labels.assign(tensor.values.begin(), tensor.values.end());
  }
  return data;
}

Optimizer make_optimizer(const std::string& name) {
  if (name == "adam") return Adam{.learning_rate = 1e-3f};
  if (name == "adamw") return AdamW{.learning_rate = 1e-3f, .weight_decay = 0.01f};
  return Sgd{.learning_rate = 0.02f, .momentum = 0.9f, .weight_decay = 1e-3f};
}

class Golden : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Golden, LossesAndFinalWeightsAreThoseOfPyTorch) {
  const auto& [activation, optimizer] = GetParam();
  const std::string label = activation + " " + optimizer;
  const auto inputs = read_safetensors(kFolder + "/inputs.safetensors");
  const Dataset data = make_dataset(inputs);
  Trainer trainer(mlp({.inputs = 20,
                       .hidden = {24, 24, 24},
                       .outputs = 5,
                       .activation = Activation(activation)}),
                  {.optimizer = make_optimizer(optimizer),
                   .batch = 16,
                   .epochs = 10,
                   .shuffle = false,
                   .evaluate = false,
                   .threads = 2,
                   .shards = 2});
  std::vector<Tensor> initial;
  for (const Tensor& tensor : inputs)
    if (tensor.name.starts_with("layer.")) initial.push_back(tensor);
  for (const Tensor& tensor : trainer.tensors())
    if (tensor.name.ends_with(".slope")) initial.push_back(tensor);
  trainer.load(initial);
  const undying::Run run = trainer.fit(data, data);
  const auto losses =
      nlohmann::json::parse(std::ifstream(kFolder + "/losses.json"))["losses"][label];
  ASSERT_EQ(losses.size(), 200U);
  ASSERT_EQ(run.steps.size(), 200U);
  for (std::size_t step = 0; step < 50; ++step) {
    const double expected = losses[step];
    EXPECT_NEAR(run.steps[step].loss, expected, 1e-4 * expected) << "step " << step + 1;
  }
  const auto finals = read_safetensors(kFolder + "/finals.safetensors");
  double difference = 0.0;
  double norm = 0.0;
  for (const Tensor& tensor : trainer.tensors()) {
    const auto golden = std::find_if(finals.begin(), finals.end(), [&](const Tensor& other) {
      return other.name == label + " " + tensor.name;
    });
    ASSERT_NE(golden, finals.end()) << tensor.name;
    ASSERT_EQ(golden->values.size(), tensor.values.size());
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      difference += std::pow(static_cast<double>(tensor.values[i]) - golden->values[i], 2.0);
      norm += std::pow(static_cast<double>(golden->values[i]), 2.0);
    }
  }
  RecordProperty("relative_difference", std::to_string(std::sqrt(difference / norm)));
  EXPECT_LT(std::sqrt(difference / norm), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(
    PyTorch, Golden,
    testing::Combine(testing::Values("relu", "leaky_relu:0.01", "leaky_relu:0.3", "prelu:0.25",
                                     "elu:1", "selu", "gelu", "silu", "mish", "hardswish"),
                     testing::Values("sgd", "adam", "adamw")),
    [](const auto& made) {
      std::string name = std::get<0>(made.param) + "_" + std::get<1>(made.param);
      for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      return name;
    });

}  // namespace
}  // namespace undying
