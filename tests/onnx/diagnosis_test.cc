// Diagnosing networks as PyTorch exports them (tests/onnx): gradient norms and silent units are
// those that PyTorch finds.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "undying/undying.h"

namespace undying {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> networks() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(UNDYING_ONNX_MODELS))
    if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

class OnnxDiagnosis : public testing::TestWithParam<std::string> {
 protected:
  OnnxDiagnosis() {
    const fs::path stem = fs::path(UNDYING_ONNX_MODELS) / GetParam();
    for (Tensor& tensor : read_safetensors(stem.string() + ".safetensors"))
      values_[tensor.name] = tensor;
    const onnx::Model model = onnx::load(stem.string() + ".onnx");
    const Tensor& input = values_.at("input");
    Dataset data{.name = "PyTorch's inputs",
                 .size = input.shape[0],
                 .shape = model.graph.input_shape(),
                 .values = input.values};
    data.classes = values_.at("output").shape[1];
    for (const float label : values_.at("labels").values)
      data.labels.push_back(static_cast<std::int32_t>(label));
    diagnosis_ = diagnose(model.graph, model.weights, data, {.threads = 1});
  }

  std::map<std::string, Tensor> values_;
  Diagnosis diagnosis_;
};

bool near(double found, double expected) {
  return std::abs(found - expected) <= 1e-3 * expected + 1e-7;
}

// A weight goes by its module's name here. Where the exporter folded a batch norm into it, the file
// holds a tensor of its own making, with a gradient of its own under that tensor's name.
TEST_P(OnnxDiagnosis, FindsTheGradientNormsOfPyTorch) {
  std::vector<double> folded;
  for (const auto& [name, tensor] : values_)
    if (name.starts_with("gradient_norm.onnx::Conv_"))
      folded.push_back(static_cast<double>(tensor.values[0]));
  ASSERT_FALSE(diagnosis_.gradients.empty());
  for (const GradientNorm& found : diagnosis_.gradients) {
    const auto expected = values_.find("gradient_norm." + found.parameter);
    if (expected != values_.end() &&
        near(found.gradient, static_cast<double>(expected->second.values[0])))
      continue;
    const auto own =
        std::ranges::find_if(folded, [&](double each) { return near(found.gradient, each); });
    ASSERT_NE(own, folded.end()) << found.parameter << ": " << found.gradient;
    folded.erase(own);
  }
}

TEST_P(OnnxDiagnosis, FindsTheSilentUnitsOfPyTorch) {
  for (std::size_t k = 0; k < diagnosis_.layers.size(); ++k) {
    const LayerDiagnosis& layer = diagnosis_.layers[k];
    const std::vector<float>& fired = values_.at("fired." + std::to_string(k)).values;
    const std::vector<float>& near = values_.at("near." + std::to_string(k)).values;
    ASSERT_EQ(layer.lives.size(), fired.size()) << layer.name;
    for (std::size_t unit = 0; unit < fired.size(); ++unit) {
      if (near[unit] > 0.0f) continue;  // rounding may turn them
      const bool silent = layer.lives[unit].firing_rate == 0.0;
      EXPECT_EQ(silent, fired[unit] == 0.0f) << layer.name << " unit " << unit;
      if (layer.activation.specification() == "relu") {
        EXPECT_EQ(layer.lives[unit].state == UnitState::kDead, silent)
            << layer.name << " unit " << unit;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, OnnxDiagnosis, testing::ValuesIn(networks()),
                         [](const auto& network) { return network.param; });

}  // namespace
}  // namespace undying
