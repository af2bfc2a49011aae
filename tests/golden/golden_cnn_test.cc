// Convolutional and residual networks against PyTorch 1.13: the same weights, the same batches, 50
// steps (make_golden_cnn.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "undying/undying.h"

namespace undying {
namespace {

using Json = nlohmann::json;

const std::string kFolder = UNDYING_GOLDEN;

constexpr std::int64_t kSteps = 50;
constexpr std::int64_t kBatch = 32;
constexpr std::int64_t kExamples = 256;
constexpr std::int64_t kSide = 28;
constexpr std::int64_t kClasses = 10;
constexpr double kNoRate = 1e-30;  // a learning rate that changes no weight here

// The i-th integer of a name: the finalizer of MurmurHash3 over FNV-1a(name) + i, as draw() of
// make_golden_cnn.py.
class Draw {
 public:
  explicit Draw(std::string_view name) {
    for (const char byte : name) seed_ = (seed_ ^ static_cast<unsigned char>(byte)) * 16777619U;
  }

  std::uint32_t operator()(std::int64_t i) const {
    std::uint32_t x = seed_ + static_cast<std::uint32_t>(i);
    x = (x ^ x >> 16) * 0x85EBCA6BU;
    x = (x ^ x >> 13) * 0xC2B2AE35U;
    return x ^ x >> 16;
  }

 private:
  std::uint32_t seed_ = 2166136261U;
};

Dataset make_data() {
  Dataset data{.name = "bars", .size = kExamples, .shape = {1, kSide, kSide}, .classes = kClasses};
  const Draw label("labels");
  const Draw shift("shift");
  const Draw pixel("pixels");
  for (std::int64_t i = 0; i < kExamples; ++i) {
    const std::int64_t kind = label(i) % kClasses;
    const std::int64_t place = 3 + 4 * (kind % 5) + shift(i) % 3;
    data.labels.push_back(static_cast<std::int32_t>(kind));
    for (std::int64_t p = 0; p < kSide * kSide; ++p) {
      const std::int64_t line = kind < 5 ? p / kSide : p % kSide;
      const std::uint32_t bar = line >= place && line < place + 4 ? 96 : 0;
      data.bytes.push_back(static_cast<std::uint8_t>((pixel(i * kSide * kSide + p) & 127U) + bar));
    }
  }
  return data;
}

Tensor initial(const std::string& name, const std::vector<std::int64_t>& shape, double gain) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  Tensor tensor{
      .name = name, .shape = shape, .values = std::vector<float>(static_cast<std::size_t>(count))};
  if (name.ends_with("running_mean")) return tensor;
  const double scale = (shape[0] == kClasses ? 1.0 / 32.0 : gain) *
                       std::sqrt(24.0 / static_cast<double>(count / shape[0]));
  const Draw draw(name);
  for (std::int64_t i = 0; i < count; ++i) {
    const float uniform = static_cast<float>(draw(i) >> 8) * 0x1p-24f;
    tensor.values[i] = name.ends_with("running_var") ? 1.0f
                       : name.ends_with("bn.weight") ? uniform + 0.5f
                       : name.ends_with("bias")      ? (uniform - 0.5f) * 0.25f
                                                     : (uniform - 0.5f) * static_cast<float>(scale);
  }
  return tensor;
}

// A network of the golden file, trained here from the same draw.
struct Trained {
  std::vector<Tensor> before;
  std::vector<Tensor> after;
  undying::Run run;
};

class GoldenCnn : public testing::TestWithParam<std::string> {
 protected:
  GoldenCnn() : golden_(Json::parse(std::ifstream(kFolder + "/cnn.json"))["cases"][GetParam()]) {}

  Trained train(double rate, std::int64_t steps) const {
    const auto space = GetParam().find(' ');
    const std::string model = GetParam().substr(0, space);
    const ModelOptions options{.activation = Activation(GetParam().substr(space + 1)),
                               .batch_norm = model != "vgg:small"};
    Trainer trainer(build_model(model, {1, kSide, kSide}, kClasses, options),
                    settings(rate, steps));
    Trained trained;
    for (const auto& [name, shape] : golden_["shapes"].items())
      trained.before.push_back(initial(name, shape, golden_["gain"]));
    trainer.load(trained.before);
    const Dataset data = make_data();
    trained.run = trainer.fit(data, data);
    trained.after = trainer.tensors();
    return trained;
  }

  static TrainSettings settings(double rate, std::int64_t steps) {
    return {.optimizer = Sgd{.learning_rate = static_cast<float>(rate), .momentum = 0.9f},
            .batch = kBatch,
            .epochs = (steps * kBatch + kExamples - 1) / kExamples,
            .max_steps = steps,
            .shuffle = false,
            .evaluate = false,
            .threads = 2,
            .shards = 2};
  }

  // Firing rates as counts, against those of PyTorch; `examples` is what the rate is over.
  void expect_fired(const Ledger& ledger, double UnitLife::*rate, std::int64_t examples,
                    const char* when) const {
    const Json& layers = golden_[when];
    ASSERT_EQ(ledger.lives.size(), layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const std::vector<std::int64_t> fired = layers[l]["fired"];
      const std::vector<std::int64_t> near = layers[l]["near"];
      const double inputs = static_cast<double>(examples) * layers[l]["positions"].get<double>();
      ASSERT_EQ(ledger.lives[l].size(), fired.size()) << ledger.layers[l];
      for (std::size_t u = 0; u < fired.size(); ++u)
        EXPECT_LE(std::llabs(std::llround(ledger.lives[l][u].*rate * inputs) - fired[u]), near[u])
            << when << ", " << ledger.layers[l] << ", unit " << u << " of PyTorch's " << fired[u];
    }
  }

  const Json golden_;
};

TEST_P(GoldenCnn, TensorsAreThoseOfPyTorch) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const Tensor& tensor : train(kNoRate, 1).after) shapes[tensor.name] = tensor.shape;
  EXPECT_EQ(shapes, golden_["shapes"].get<decltype(shapes)>());
}

TEST_P(GoldenCnn, UnitsFireAsInPyTorchInTheFirstStep) {
  const Trained trained = train(golden_["rate"], 1);
  expect_fired(trained.run.ledger, &UnitLife::training_firing_rate, kBatch, "first_step");
}

TEST_P(GoldenCnn, UnitsFireAsInPyTorchInEvaluation) {
  expect_fired(train(kNoRate, kSteps).run.ledger, &UnitLife::firing_rate, kExamples, "frozen");
}

TEST_P(GoldenCnn, FiftyStepsAreThoseOfPyTorch) {
  const Trained trained = train(golden_["rate"], kSteps);
  ASSERT_EQ(trained.run.steps.size(), static_cast<std::size_t>(kSteps));
  for (std::size_t step = 0; step < trained.run.steps.size(); ++step) {
    const double expected = golden_["loss"][step];
    EXPECT_NEAR(trained.run.steps[step].loss, expected, 1e-3 * expected) << "step " << step + 1;
  }
  expect_fired(trained.run.ledger, &UnitLife::firing_rate, kExamples, "final");

  std::map<std::string, const Tensor*> after;
  for (const Tensor& tensor : trained.after) after[tensor.name] = &tensor;
  std::map<std::string, Tensor> statistics;
  for (Tensor& tensor : read_safetensors(kFolder + "/cnn.safetensors"))
    if (tensor.name.starts_with(GetParam() + " "))
      statistics[tensor.name.substr(GetParam().size() + 1)] = tensor;

  // Running means may differ by 1e-4 of the unit's standard deviation, running variances by 1e-4 of
  // themselves.
  for (const auto& [name, expected] : statistics) {
    ASSERT_TRUE(after.contains(name)) << name;
    const std::string variance = name.substr(0, name.rfind("running_")) + "running_var";
    for (std::size_t u = 0; u < expected.values.size(); ++u) {
      const double var = statistics.at(variance).values[u];
      EXPECT_NEAR(after[name]->values[u], expected.values[u],
                  1e-4 * (name == variance ? var : std::sqrt(var)))
          << name << " " << u;
    }
  }

  // What the steps added to each tensor: a gradient that is missing or wrong shows here, whatever
  // its share in the loss.
  for (const Tensor& before : trained.before) {
    if (!golden_["change"].contains(before.name)) continue;
    ASSERT_TRUE(after.contains(before.name)) << before.name;
    const Draw sign("sign " + before.name);
    double squares = 0.0;
    double product = 0.0;
    for (std::size_t i = 0; i < before.values.size(); ++i) {
      const double added = static_cast<double>(after[before.name]->values[i]) - before.values[i];
      squares += added * added;
      product += (sign(static_cast<std::int64_t>(i)) & 1U) != 0 ? -added : added;
    }
    const double norm = golden_["change"][before.name][0];
    EXPECT_NEAR(std::sqrt(squares), norm, 0.02 * norm) << before.name;
    EXPECT_NEAR(product, golden_["change"][before.name][1].get<double>(), 0.03 * norm)
        << before.name;
  }
}

INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenCnn,
                         testing::Values("vgg:small leaky_relu:0.01", "resnet:20 leaky_relu:0.01",
                                         "resnet:20 relu"),
                         [](const auto& made) {
                           std::string name = made.param;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace undying
