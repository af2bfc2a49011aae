// Networks as PyTorch exports them (tests/onnx), against what PyTorch computes: outputs, and how
// often every unit fires.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/engine.h"
#include "onnx/run.h"
#include "onnx/test_model.h"
#include "ops/operator.h"
#include "undying/dataset.h"

namespace undying::onnx {
namespace {

namespace fs = std::filesystem;

using Tensors = std::map<std::string, Tensor>;

Tensors read_values(const fs::path& file) {
  Tensors tensors;
  for (Tensor& tensor : read_safetensors(file)) tensors[tensor.name] = std::move(tensor);
  return tensors;
}

std::vector<std::string> networks() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(UNDYING_ONNX_MODELS, error))
    if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

float largest(const std::vector<float>& values) {
  float most = 0.0f;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

void expect_close(const std::vector<float>& found, const std::vector<float>& expected,
                  float relative) {
  ASSERT_EQ(found.size(), expected.size());
  const float tolerance = relative * largest(expected);
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], tolerance) << "element " << i;
}

// Inputs and labels that stand in memory.
class NamedExamples final : public engine::BatchSource {
 public:
  NamedExamples(const Tensor& inputs, const Tensor& labels) : inputs_(inputs), labels_(labels) {}

  void inputs(int, std::int64_t first, std::int64_t rows, float* dst) const override {
    const auto size = static_cast<std::int64_t>(inputs_.values.size()) / inputs_.shape[0];
    std::copy_n(inputs_.values.data() + first * size, rows * size, dst);
  }
  bool has_labels() const override { return true; }
  void labels(std::int64_t first, std::int64_t rows, std::int32_t* dst) const override {
    for (std::int64_t i = 0; i < rows; ++i)
      dst[i] = static_cast<std::int32_t>(labels_.values[first + i]);
  }
  void targets(std::int64_t, std::int64_t, float*) const override {}

 private:
  const Tensor& inputs_;
  const Tensor& labels_;
};

// Of every activation, in order: how often each unit fired.
void expect_fired(const Model& model, const Tensors& values) {
  engine::Model network(model.graph);
  set_weights(network, model);
  engine::Engine engine(network, {.batch = 16});
  engine::Census census(network.unit_size());
  engine.evaluate(NamedExamples(values.at("input"), values.at("labels")),
                  values.at("input").shape[0], nullptr, &census);
  for (std::size_t k = 0; k < network.layers().size(); ++k) {
    const engine::Layer& layer = network.layers()[k];
    const std::string number = std::to_string(k);
    ASSERT_TRUE(values.contains("fired." + number)) << layer.name;
    const std::vector<float>& fired = values.at("fired." + number).values;
    const std::vector<float>& near = values.at("near." + number).values;
    ASSERT_EQ(static_cast<std::int64_t>(fired.size()), layer.units) << layer.name;
    for (std::size_t unit = 0; unit < fired.size(); ++unit) {
      const auto found =
          static_cast<float>(census.fired[static_cast<std::size_t>(layer.offset) + unit]);
      EXPECT_NEAR(found, fired[unit], near[unit]) << layer.name << " unit " << unit;
    }
  }
  EXPECT_FALSE(values.contains("fired." + std::to_string(network.layers().size())))
      << "an activation was not recognised";
}

class OnnxPyTorchModels : public testing::TestWithParam<std::string> {
 protected:
  fs::path file(const char* extension) const {
    return fs::path(UNDYING_ONNX_MODELS) / (GetParam() + extension);
  }
};

TEST_P(OnnxPyTorchModels, ComputeWhatPyTorchComputes) {
  const Model model = load(file(".onnx"));
  const Tensors values = read_values(file(".safetensors"));
  const Tensor& input = values.at("input");
  expect_close(evaluate(model, {input.values}, input.shape[0])[0], values.at("output").values,
               1e-5f);
  expect_fired(model, values);
}

TEST_P(OnnxPyTorchModels, ComeBackFromARoundTrip) {
  const Model model = load(file(".onnx"));
  const fs::path saved = test_path(GetParam() + ".onnx");
  save(saved, model.graph, model.weights, {.inputs = model.inputs, .outputs = model.outputs});
  const Model again = load(saved);
  const Tensors values = read_values(file(".safetensors"));
  const Tensor& input = values.at("input");
  const auto before = evaluate(model, {input.values}, input.shape[0])[0];
  expect_close(evaluate(again, {input.values}, input.shape[0])[0], before, 1e-6f);
  EXPECT_EQ(again.inputs, model.inputs);
  EXPECT_EQ(again.outputs, model.outputs);
  save(saved, model.graph, model.weights, {.fold = true});
  expect_close(evaluate(load(saved), {input.values}, input.shape[0])[0], before, 1e-5f);
}

TEST(OnnxPyTorchModelsThere, AreAtLeast25) { EXPECT_GE(networks().size(), 25u); }

INSTANTIATE_TEST_SUITE_P(Networks, OnnxPyTorchModels, testing::ValuesIn(networks()),
                         [](const auto& network) { return network.param; });

}  // namespace
}  // namespace undying::onnx
