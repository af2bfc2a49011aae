#ifndef UNDYING_DOCTOR_PRUNE_TEST_PRUNE_H_
#define UNDYING_DOCTOR_PRUNE_TEST_PRUNE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "doctor/network.h"
#include "doctor/prune/unit_facts.h"
#include "doctor/test_networks.h"
#include "engine/passes/runner.h"
#include "ops/shapes.h"
#include "train/source.h"
#include "undying/doctor.h"
#include "undying/error.h"

#include "undying/prune.h"

// Networks to prune, and what must hold of any that is.
namespace undying::doctor {

using Ints = std::vector<std::int64_t>;

inline constexpr PruneSettings kQuick{.threads = 1, .measure_time = false};

inline Dataset images(std::int64_t count = 60) {
  Dataset data = make_classes(count, 64, 4);
  data.shape = {1, 8, 8};
  return data;
}

inline void kill(Patient& patient, const std::string& bias, const std::vector<std::size_t>& units) {
  for (const std::size_t unit : units) patient.values(bias)[unit] = -1000.0f;
}

inline Node relu(const std::string& name, int src, const char* activation = "relu") {
  return {name, "activation", {src}, {{"activation", Activation(activation)}, {"layer", name}}};
}
inline Node input(const Shape& shape) { return {"x", "input", {}, {{"shape", shape}}}; }
inline Node linear(const std::string& name, int src, std::int64_t outputs) {
  return {name, "linear", {src}, {{"outputs", outputs}}};
}
inline Node conv(const std::string& name, int src, std::int64_t outputs, std::int64_t pad = 1,
                 std::int64_t groups = 1, std::int64_t kernel = 3) {
  return {name,
          "conv",
          {src},
          {{"outputs", outputs},
           {"kernel", Ints{kernel, kernel}},
           {"pads", Ints{pad, pad, pad, pad}},
           {"groups", groups}}};
}

inline std::vector<float> outputs(const Graph& graph, const std::vector<Tensor>& weights,
                                  const Dataset& data) {
  Dataset alone = data;  // without targets, which need not fit
  alone.labels.clear();
  alone.classes = 0;
  alone.outputs = 1;
  for (const Shape& shape = graph.output_shape(); const std::int64_t extent : shape)
    alone.outputs *= extent;
  alone.targets.assign(static_cast<std::size_t>(alone.outputs * alone.size), 0.0f);
  Trainer trainer(graph, {.loss = Loss::kMeanSquaredError, .threads = 1});
  trainer.load(weights);
  return trainer.predict(alone);
}

// The largest difference relative to the largest output.
inline double difference(const Patient& patient, const Pruning& pruned, const Dataset& data) {
  const std::vector<float> before = outputs(patient.graph, patient.weights, data);
  const std::vector<float> after = outputs(pruned.graph, pruned.weights, data);
  double largest = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    largest = std::fmax(largest, std::fabs(static_cast<double>(before[i]) - after[i]));
    scale = std::fmax(scale, std::fabs(static_cast<double>(before[i])));
  }
  return largest / scale;
}

inline Shape shape_of(const Pruning& pruned, const std::string& tensor) {
  return std::ranges::find(pruned.weights, tensor, &Tensor::name)->shape;
}

// Prunes, and checks what holds of every network.
inline Pruning pruned(const Patient& patient, const Dataset& data,
                      PruneSettings settings = kQuick) {
  Pruning all = prune(patient.graph, patient.weights, data, settings);
  EXPECT_TRUE(all.sound()) << all.output_difference << " of " << all.output_scale;
  EXPECT_LE(difference(patient, all, data), 1e-5);
  EXPECT_EQ(all.graph.output_shape(), patient.graph.output_shape());
  EXPECT_EQ(all.graph.input_shape(), patient.graph.input_shape());
  if (all.branches == 0) {
    EXPECT_EQ(all.graph.nodes().size(), patient.graph.nodes().size());
  }
  EXPECT_LE(all.after.multiply_adds, all.before.multiply_adds);
  return all;
}

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PRUNE_TEST_PRUNE_H_
