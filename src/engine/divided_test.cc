// Layers whose shards divide the units: on any number of threads the same bits, with early updates
// or late ones, in whole and in short batches, and what shards that take rows give.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/philox.h"
#include "engine/engine.h"
#include "engine/test_rows.h"
#include "engine/test_whole_graph.h"
#include "onednn/convolution.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kWholeBatch = 8;
// Whole vectors in each of 2, 3 or 4 parts, and so many weights that they are updated early.
constexpr std::int64_t kDividedChannels = 576;

struct DividedLayer {
  bool convolution;
  Precision precision = Precision::kFloat32;
};

// The divided layer is the last but one, and nothing behind it makes the shards meet.
Graph divided_network(const DividedLayer& tested) {
  if (!tested.convolution)
    return Graph({input("x", {kDividedChannels}), linear("a", 0, kDividedChannels),
                  activation("f", 1, "tanh"), linear("b", 2, 3)});
  Node conv{"a", "conv", {0}, {{"outputs", kDividedChannels}, {"kernel", Ints{1, 1}}}};
  return Graph({input("x", {kDividedChannels, 1, 1}), conv, activation("f", 1, "leaky_relu:0.1"),
                node("flat", "flatten", {2}), linear("b", 3, 3)});
}

struct DividedWeights {
  std::vector<float> weights;
  bool divided = false;
};

// A whole batch, a short one, one of fewer rows than shards, and a whole one again.
DividedWeights train_divided(const DividedLayer& tested, EngineOptions options) {
  Model model(divided_network(tested));
  const Random random(8, Stream::kTest, 1);
  for (std::int64_t i = 0; i < model.trained_size(); ++i)
    model.trained()[i] = static_cast<float>(0.04 * random.normal(static_cast<std::uint64_t>(i)));
  options.batch = kWholeBatch;
  options.precision = tested.precision;
  Engine engine(model, options);
  const SlicePass update{.apply =
                             [&](const Slice& slice) {
                               for (std::int64_t i = 0; i < slice.size; ++i)
                                 for (const float* gradient : slice.gradients)
                                   model.trained()[slice.offset + i] -= 0.1f * gradient[i];
                             },
                         .finish = {}};
  const DrawnRows rows(kDividedChannels);
  std::uint64_t step = 0;
  for (const std::int64_t count : {kWholeBatch, std::int64_t{5}, std::int64_t{2}, kWholeBatch})
    engine.step(rows, count, ++step, std::span(&update, 1));
  return {{model.trained(), model.trained() + model.trained_size()},
          std::ranges::any_of(engine.training_plan().steps(),
                              [](const Step& each) { return each.kernel->divides; })};
}

class Divided : public testing::TestWithParam<int> {};

TEST_P(Divided, ThreadsDecideNoBitAndShardsOnlyTheOrderOfSums) {
  const int shards = GetParam();
  for (const DividedLayer& tested : {DividedLayer{true}, DividedLayer{true, Precision::kBfloat16},
                                     DividedLayer{false, Precision::kBfloat16}}) {
    if (tested.precision == Precision::kBfloat16 && !onednn::has_bfloat16()) continue;
    SCOPED_TRACE(tested.convolution ? "convolution" : "linear");
    const DividedWeights one = train_divided(tested, {.shards = 1, .early_updates = false});
    const DividedWeights alone =
        train_divided(tested, {.shards = shards, .threads = 1, .early_updates = false});
    EXPECT_FALSE(one.divided);
    EXPECT_TRUE(alone.divided);
    for (const int threads : {2, shards})
      EXPECT_EQ(
          train_divided(tested, {.shards = shards, .threads = threads, .early_updates = false})
              .weights,
          alone.weights)
          << threads;
    for (const int threads : {1, shards})
      EXPECT_EQ(train_divided(tested, {.shards = shards, .threads = threads}).weights,
                alone.weights)
          << "updated early";
    // A sum that differs in its last bits may be rounded to the next bfloat16.
    const double near = tested.precision == Precision::kBfloat16 ? 2e-3 : 2e-6;
    for (std::size_t i = 0; i < one.weights.size(); ++i)
      EXPECT_NEAR(alone.weights[i], one.weights[i], near) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, Divided, testing::Values(2, 3, 4));

}  // namespace
}  // namespace undying::engine
