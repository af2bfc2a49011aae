#include "train/keep_alive/treatment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "train/fit.h"
#include "train/test_data.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using testing::HasSubstr;
using train::Treatment;

// A treatment of a trainer's network, by hand.
struct Patient {
  explicit Patient(Graph graph, Dataset examples, Optimizer optimizer = Adam{})
      : data(std::move(examples)),
        trainer(std::move(graph), {.optimizer = optimizer,
                                   .batch = 32,
                                   .seed = 5,
                                   .shuffle = false,
                                   .threads = 1,
                                   .shards = 1}),
        state(train::Access::of(trainer)),
        treatment(state.model, state.engine, state.moments, state.settings,
                  [this] { return trainer.predict(data); }) {}

  std::map<std::string, Tensor> tensors() const {
    std::map<std::string, Tensor> all;
    for (Tensor& tensor : trainer.tensors()) all[tensor.name] = tensor;
    return all;
  }

  // No example makes the unit fire.
  void kill(const std::string& bias, std::int64_t unit) {
    std::vector<Tensor> own = trainer.tensors();
    for (Tensor& tensor : own)
      if (tensor.name == bias) tensor.values[static_cast<std::size_t>(unit)] = -1000.0f;
    trainer.load(own);
  }

  Dataset data;
  Trainer trainer;
  train::State& state;
  Treatment treatment;
};

TEST(Treatment, OutputsKeepTheirBitsWhereASilentUnitIsReplaced) {
  Patient patient(small_mlp(), make_classes(40, 12, 4));
  patient.kill("layer.0.bias", 3);
  const std::vector<float> before = patient.trainer.predict(patient.data);
  const auto old = patient.tensors();
  const std::int64_t units[] = {3};
  patient.treatment.replace(7, 0, units, true);
  EXPECT_EQ(patient.trainer.predict(patient.data), before);
  const auto now = patient.tensors();
  EXPECT_EQ(now.at("layer.0.bias").values[3], 0.0f);
  for (std::size_t i = 0; i < 12; ++i)
    EXPECT_NE(now.at("layer.0.weight").values[3 * 12 + i],
              old.at("layer.0.weight").values[3 * 12 + i]);
  for (std::size_t out = 0; out < 16; ++out)
    EXPECT_EQ(now.at("layer.1.weight").values[out * 20 + 3], 0.0f);
  ASSERT_EQ(patient.treatment.record().events.size(), 1U);
  EXPECT_EQ(patient.treatment.record().events[0].output_change, 0.0);
  EXPECT_EQ(patient.treatment.record().silent, 1);
}

TEST(Treatment, NothingElseChanges) {
  Patient patient(small_mlp(), make_classes(40, 12, 4));
  const auto old = patient.tensors();
  const std::int64_t units[] = {3};
  patient.treatment.replace(7, 0, units, false);
  const auto now = patient.tensors();
  for (std::size_t i = 0; i < 20 * 12; ++i)
    if (i / 12 != 3) {
      EXPECT_EQ(now.at("layer.0.weight").values[i], old.at("layer.0.weight").values[i]);
    }
  for (std::size_t i = 0; i < 16 * 20; ++i)
    if (i % 20 != 3) {
      EXPECT_EQ(now.at("layer.1.weight").values[i], old.at("layer.1.weight").values[i]);
    }
  EXPECT_EQ(now.at("layer.2.weight").values, old.at("layer.2.weight").values);
}

TEST(Treatment, TheOptimizerForgetsTheReplacedUnitAndNoOther) {
  Patient patient(small_mlp(), make_classes(40, 12, 4));
  const auto& parameters = patient.state.model.parameters();
  for (Buffer<float>& moment : patient.state.moments)
    std::fill_n(moment.data(), moment.size(), 1.0f);
  const std::int64_t units[] = {3};
  patient.treatment.replace(7, 0, units, true);
  for (const Buffer<float>& moment : patient.state.moments)
    for (const engine::Parameter& parameter : parameters)
      for (std::int64_t i = 0; i < parameter.size; ++i) {
        const bool of_unit = (parameter.name == "layer.0.weight" && i / 12 == 3) ||
                             (parameter.name == "layer.0.bias" && i == 3) ||
                             (parameter.name == "layer.1.weight" && i % 20 == 3);
        EXPECT_EQ(moment.data()[parameter.offset + i], of_unit ? 0.0f : 1.0f)
            << parameter.name << " " << i;
      }
}

TEST(Treatment, ReplacesChannelsOfConvolutionsAndUnitsBehindBatchNorm) {
  Patient images(build_model("lenet", {1, 28, 28}, 4, {.activation = "relu"}),
                 make_images(20, 28, 28, 4));
  Patient normed(small_mlp("relu", true), make_classes(40, 12, 4));
  for (Patient* patient : {&images, &normed}) {
    ASSERT_FALSE(patient->treatment.layers().empty());
    for (std::size_t l = 0; l < patient->treatment.layers().size(); ++l) {
      const auto& wiring = patient->treatment.layers()[l].wiring;
      const auto numbers = [&] {
        double sum = 0.0;
        for (const engine::Span& span : engine::outgoing(patient->state.model, wiring, 1))
          span.each([&](std::int64_t i) {
            sum += std::fabs(
                patient->state.model.values(patient->state.model.parameters()[span.parameter])[i]);
          });
        return sum;
      };
      EXPECT_GT(numbers(), 0.0);
      const std::int64_t units[] = {1};
      patient->treatment.replace(100 + static_cast<std::int64_t>(l), l, units, false);
      EXPECT_EQ(numbers(), 0.0);
      // The new unit says nothing: a second replacement changes no output.
      const std::vector<float> before = patient->trainer.predict(patient->data);
      patient->treatment.replace(1000 + static_cast<std::int64_t>(l), l, units, false);
      EXPECT_EQ(patient->trainer.predict(patient->data), before);
    }
  }
}

TEST(Treatment, SaysWhichLayersItLeavesOut) {
  Patient patient(build_model("resnet:20", {1, 8, 8}, 4, {.activation = "relu"}),
                  make_images(20, 8, 8, 4));
  // Of a block of two convolutions the inner one's channels are read by the outer one alone; what a
  // sum reads stays.
  EXPECT_EQ(patient.treatment.layers().size(), 9U);
  EXPECT_EQ(patient.treatment.record().left_out.size(), 10U);
  EXPECT_THAT(patient.treatment.record().left_out.front(), HasSubstr("layer.0: "));
}

}  // namespace
}  // namespace undying
