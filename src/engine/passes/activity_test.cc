#include "engine/passes/activity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/philox.h"
#include "engine/engine.h"

namespace undying::engine {
namespace {

void fill(StepCounters& counters, const std::vector<std::uint32_t>& fired, float gradient) {
  for (std::size_t i = 0; i < fired.size(); ++i) {
    counters.fired[i] = fired[i];
    counters.abs_output[i] = 0.5f * static_cast<float>(fired[i]);
    counters.abs_gradient[i] = gradient;
  }
}

template <class T>
std::vector<T> values(const Buffer<T>& buffer) {
  return {buffer.data(), buffer.data() + buffer.size()};
}

TEST(Activity, TalliesStepsAndEmptiesTheirCounters) {
  StepCounters counters(3);
  Activity activity(3);
  fill(counters, {0, 2, 4}, 0.25f);
  activity.tally(counters, 1, 8);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(counters.fired[i], 0U);
    EXPECT_EQ(counters.abs_output[i], 0.0f);
    EXPECT_EQ(counters.abs_gradient[i], 0.0f);
  }
  fill(counters, {0, 0, 1}, 0.5f);
  activity.tally(counters, 2, 4);
  EXPECT_EQ(values(activity.fired), (std::vector<std::uint64_t>{0, 2, 5}));
  EXPECT_EQ(values(activity.first_fired), (std::vector<std::uint32_t>{0, 1, 1}));
  EXPECT_EQ(values(activity.last_fired), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(values(activity.abs_output), (std::vector<double>{0.0, 1.0, 2.5}));
  EXPECT_EQ(values(activity.abs_gradient), (std::vector<double>{4.0, 4.0, 4.0}));
  EXPECT_EQ(activity.examples, 12);
}

TEST(Activity, OfShardsIsTheirSum) {
  StepCounters counters(4);
  Activity one(4), two(4);
  fill(counters, {0, 1, 0, 0}, 1.0f);
  one.tally(counters, 1, 2);
  fill(counters, {0, 0, 3, 3}, 1.0f);
  two.tally(counters, 1, 2);
  fill(counters, {0, 0, 0, 2}, 1.0f);
  one.tally(counters, 2, 2);
  fill(counters, {0, 5, 0, 0}, 1.0f);
  two.tally(counters, 2, 2);
  one.add(two);
  EXPECT_EQ(values(one.fired), (std::vector<std::uint64_t>{0, 6, 3, 5}));
  EXPECT_EQ(values(one.first_fired), (std::vector<std::uint32_t>{0, 1, 1, 1}));
  EXPECT_EQ(values(one.last_fired), (std::vector<std::uint32_t>{0, 2, 1, 2}));
  EXPECT_EQ(values(one.abs_gradient), (std::vector<double>{8.0, 8.0, 8.0, 8.0}));
  EXPECT_EQ(one.examples, 4);
  one.clear();
  EXPECT_EQ(values(one.fired), (std::vector<std::uint64_t>(4)));
  EXPECT_EQ(values(one.first_fired), (std::vector<std::uint32_t>(4)));
  EXPECT_EQ(one.examples, 0);
}

// Four features, a target of 0 each.
class Rows final : public BatchSource {
 public:
  void inputs(int, std::int64_t first, std::int64_t rows, float* dst) const override {
    const Random random(3, Stream::kTest);
    for (std::int64_t i = 0; i < 4 * rows; ++i)
      dst[i] = static_cast<float>(random.normal(static_cast<std::uint64_t>(4 * first + i)));
  }
  bool has_labels() const override { return false; }
  void labels(std::int64_t, std::int64_t, std::int32_t*) const override {}
  void targets(std::int64_t, std::int64_t rows, float* dst) const override {
    std::fill_n(dst, rows, 0.0f);
  }
};

// The shortcut behind batch norm does not hold for gamma = 0: the plan is compiled again between
// two steps, and nothing is forgotten.
TEST(Activity, OutlivesThePlanThatSawIt) {
  const Graph graph({{"x", "input", {}, {{"shape", Shape{4}}}},
                     {"a", "linear", {0}, {{"outputs", std::int64_t{3}}}},
                     {"n", "batch_norm", {1}, {}},
                     {"f",
                      "activation",
                      {2},
                      {{"activation", Activation("leaky_relu:0.1")}, {"layer", std::string("f")}}},
                     {"b", "linear", {3}, {{"outputs", std::int64_t{1}}}}});
  Model model(graph);
  const Random random(4, Stream::kTest, 1);
  std::uint64_t drawn = 0;
  const Parameter* gamma = nullptr;
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.role == ops::ParameterSpec::Role::kScale) gamma = &parameter;
    if (parameter.role != ops::ParameterSpec::Role::kWeight) continue;
    for (std::int64_t i = 0; i < parameter.size; ++i)
      model.values(parameter)[i] = static_cast<float>(random.normal(drawn++));
  }
  ASSERT_NE(gamma, nullptr);
  Engine engine(
      model, {.batch = 10, .shards = 3, .threads = 2, .loss = {.loss = Loss::kMeanSquaredError}});
  const Rows rows;
  engine.step(rows, 10, 1, {});
  ASSERT_TRUE(engine.training_plan().unusable().empty());
  model.values(*gamma)[1] = 0.0f;  // unit 1: z = beta = 0, which does not fire
  ASSERT_FALSE(engine.training_plan().unusable().empty());
  engine.step(rows, 10, 2, {});
  const Activity activity = engine.take_activity();
  EXPECT_EQ(activity.examples, 20);
  EXPECT_EQ(
      std::vector<std::uint32_t>(activity.first_fired.data(), activity.first_fired.data() + 3),
      (std::vector<std::uint32_t>{1, 1, 1}));
  EXPECT_EQ(std::vector<std::uint32_t>(activity.last_fired.data(), activity.last_fired.data() + 3),
            (std::vector<std::uint32_t>{2, 1, 2}));
  EXPECT_EQ(activity.fired[0] % 2, 0U);  // the same rows twice
  EXPECT_GT(activity.fired[1], 0U);
  EXPECT_EQ(engine.take_activity().examples, 0);
  engine.step(rows, 10, 3, {});
  EXPECT_EQ(engine.take_activity().last_fired[0], 1U);  // counted from the last time it was taken
}

}  // namespace
}  // namespace undying::engine
