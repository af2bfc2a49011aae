#ifndef UNDYING_TRAIN_TEST_DATA_H_
#define UNDYING_TRAIN_TEST_DATA_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/philox.h"
#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/node.h"
#include "undying/settings.h"

namespace undying {

// Examples of classes that a small network can learn: the label is the index of the largest of the
// first `classes` of `features` normal inputs.
inline Dataset make_classes(std::int64_t size, std::int64_t features, std::int64_t classes,
                            std::uint32_t sequence = 0) {
  const Random random(21, Stream::kTest, sequence);
  Dataset data{.name = "test classes", .size = size, .shape = {features}, .classes = classes};
  for (std::int64_t i = 0; i < size; ++i) {
    std::int32_t best = 0;
    for (std::int64_t j = 0; j < features; ++j) {
      data.values.push_back(
          static_cast<float>(random.normal(static_cast<std::uint64_t>(i * features + j))));
      const float* row = data.values.data() + i * features;
      if (j < classes && row[j] > row[best]) best = static_cast<std::int32_t>(j);
    }
    data.labels.push_back(best);
  }
  return data;
}

// The same examples as gray images (1, height, width) of bytes.
inline Dataset make_images(std::int64_t size, std::int64_t height, std::int64_t width,
                           std::int64_t classes) {
  Dataset data = make_classes(size, height * width, classes);
  data.shape = {1, height, width};
  for (const float value : data.values)
    data.bytes.push_back(
        static_cast<std::uint8_t>(std::clamp(128.0f + 40.0f * value, 0.0f, 255.0f)));
  data.values.clear();
  return data;
}

// A hundred examples of one input, 1 or a little more.
inline Dataset ones(float value = 1.0f) {
  return {.name = "ones",
          .size = 100,
          .shape = {1},
          .values = std::vector<float>(100, value),
          .classes = 2,
          .labels = std::vector<std::int32_t>(100, 1)};
}

// For make_classes(N, 12, 4).
inline Graph small_mlp(const char* activation = "relu", bool batch_norm = false) {
  return mlp({.inputs = 12,
              .hidden = {20, 16},
              .outputs = 4,
              .activation = activation,
              .batch_norm = batch_norm});
}

// Settings by which nothing moves.
inline TrainSettings still() {
  return {.optimizer = Sgd{.learning_rate = 1e-30f},
          .batch = 20,
          .epochs = 2,
          .seed = 3,
          .threads = 2,
          .shards = 2};
}

// The activation of a layer, LAYER.f.
inline Node activation(const char* name, const char* layer, int input) {
  return {std::string(layer) + ".f",
          "activation",
          {input},
          {{"activation", Activation(name)}, {"layer", std::string(layer)}}};
}

// Forty examples of the input 1, in four steps an epoch.
inline Dataset constant(float target) {
  return {.name = "constant",
          .size = 40,
          .shape = {1},
          .values = std::vector<float>(40, 1.0f),
          .outputs = 1,
          .targets = std::vector<float>(40, target)};
}

}  // namespace undying

#endif  // UNDYING_TRAIN_TEST_DATA_H_
