// A pass over data: what it finds does not depend on who runs it, it keeps its bound, and a walk
// from node to node sees what a pass sees.

#include "engine/passes/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <mutex>

#include "base/philox.h"
#include "base/stop.h"
#include "engine/passes/census.h"
#include "engine/passes/gradients.h"
#include "engine/passes/layer_walk.h"
#include "undying/error.h"

namespace undying::engine {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kRows = 150;

class Images final : public BatchSource {
 public:
  void inputs(int, std::int64_t first, std::int64_t rows, float* dst) const override {
    const Random random(3, Stream::kTest);
    for (std::int64_t i = 0; i < rows * kSize; ++i)
      dst[i] = static_cast<float>(random.normal(static_cast<std::uint64_t>(first * kSize + i)));
  }
  bool has_labels() const override { return true; }
  void labels(std::int64_t first, std::int64_t rows, std::int32_t* dst) const override {
    for (std::int64_t i = 0; i < rows; ++i) dst[i] = static_cast<std::int32_t>((first + i) % 3);
  }
  void targets(std::int64_t, std::int64_t, float*) const override {}

 private:
  static constexpr std::int64_t kSize = 2 * 6 * 6;
};

// Convolutions with batch norm and without, a residual sum, an activation that keeps its input, a
// large linear layer.
Graph residual() {
  const auto conv = [](const char* name, int src) {
    return Node{name,
                "conv",
                {src},
                {{"outputs", std::int64_t{4}}, {"kernel", Ints{3, 3}}, {"pads", Ints(4, 1)}}};
  };
  const auto activation = [](const char* name, int src, const char* f) {
    return Node{
        name, "activation", {src}, {{"activation", Activation(f)}, {"layer", std::string(name)}}};
  };
  return Graph({{"x", "input", {}, {{"shape", Ints{2, 6, 6}}}},
                conv("a", 0),
                {"a.bn", "batch_norm", {1}, {}},
                activation("fa", 2, "relu"),
                conv("b", 3),
                {"b.bn", "batch_norm", {4}, {}},
                {"sum", "add", {5, 3}, {}},
                activation("fb", 6, "gelu"),
                conv("c", 7),
                activation("fc", 8, "relu"),
                {"flat", "flatten", {9}, {}},
                {"wide", "linear", {10}, {{"outputs", std::int64_t{200}}}},
                activation("fw", 11, "leaky_relu:0.1"),
                {"out", "linear", {12}, {{"outputs", std::int64_t{3}}}}});
}

Model filled(const Graph& graph) {
  Model model(graph);
  const Random random(8, Stream::kTest, 1);
  std::uint64_t drawn = 0;
  for (const Parameter& parameter : model.parameters())
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double draw = random.normal(drawn++);
      const bool positive = parameter.role == ops::ParameterSpec::Role::kRunningVariance;
      model.values(parameter)[i] = static_cast<float>(positive ? 0.5 + draw * draw : 0.3 * draw);
    }
  return model;
}

struct Found {
  Census census{0};
  Gradients gradients;
};

Found pass(Model& model, const RunnerOptions& options) {
  const ops::LossOptions loss;
  CensusObserver census(1e-3f);
  GradientObserver gradients;
  PassObserver* const observers[] = {&census, &gradients};
  const ops::LossSums sums =
      Runner(model, options)
          .run({.source = Images(), .rows = kRows, .loss = &loss, .observers = observers});
  return {census.total(), gradients.take(kRows, sums)};
}

void expect_same(const Found& a, const Found& b) {
  EXPECT_EQ(a.census.fired, b.census.fired);
  EXPECT_EQ(a.census.sum, b.census.sum);
  EXPECT_EQ(a.gradients.mean, b.gradients.mean);
  EXPECT_EQ(a.gradients.nonzero, b.gradients.nonzero);
  EXPECT_EQ(a.gradients.units, b.gradients.units);
  EXPECT_EQ(a.gradients.loss.loss, b.gradients.loss.loss);
}

TEST(Runner, BitsDependOnTheLanesNotOnTheThreads) {
  Model model = filled(residual());
  expect_same(pass(model, {.backward = true, .lanes = 3, .threads = 1, .most_rows = 16}),
              pass(model, {.backward = true, .lanes = 3, .threads = 3, .most_rows = 16}));
}

// Lanes without rows in the last round, and one lane with all of them.
TEST(Runner, LanesAndChunksChangeRoundingAlone) {
  Model model = filled(residual());
  const Found one = pass(model, {.backward = true, .most_rows = 64});
  const Found many = pass(model, {.backward = true, .lanes = 4, .threads = 2, .most_rows = 32});
  EXPECT_EQ(one.census.fired, many.census.fired);
  EXPECT_EQ(one.gradients.nonzero, many.gradients.nonzero);
  EXPECT_NEAR(one.gradients.loss.loss, many.gradients.loss.loss, 1e-9 * one.gradients.loss.loss);
  for (std::size_t i = 0; i < one.gradients.mean.size(); ++i)
    EXPECT_NEAR(one.gradients.mean[i], many.gradients.mean[i],
                1e-6 * std::fmax(1.0, std::fabs(one.gradients.mean[i])));
}

// Forward alone, where batch norm is folded too, counts the same.
TEST(Runner, APassBackSeesWhatAPassForwardSees) {
  Model model = filled(residual());
  CensusObserver census(1e-3f);
  PassObserver* const observers[] = {&census};
  Runner(model, {.most_rows = 16}).run({.source = Images(), .rows = kRows, .observers = observers});
  const Census forward = census.total();
  const Census back = pass(model, {.backward = true, .most_rows = 16}).census;
  EXPECT_EQ(forward.fired, back.fired);
  EXPECT_EQ(forward.square_sum, back.square_sum);
  EXPECT_EQ(forward.max, back.max);
}

TEST(Runner, KeepsItsBound) {
  Model model = filled(residual());
  const std::int64_t most = Runner(model, {.backward = true, .lanes = 2}).plan().bytes();
  const Runner bounded(model, {.backward = true, .lanes = 2, .memory = most / 3});
  EXPECT_LE(bounded.plan().bytes(), most / 3);
  EXPECT_GT(bounded.plan().capacity(), 1);
}

TEST(Runner, ABoundTooSmallForARowSaysWhatIsNeeded) {
  Model model = filled(residual());
  try {
    const Runner runner(model, {.backward = true, .lanes = 2, .memory = 1000});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("[memory]"), testing::HasSubstr("2 threads")));
  }
}

// Asks for an end in the middle of a pass, and counts the steps that run.
class Asking final : public PassObserver {
 public:
  void after(const Chunk& /*chunk*/, int /*step*/) override {
    if (++steps_ == kAsked) source_.request_stop();
  }
  std::stop_token token() const { return source_.get_token(); }
  int steps() const { return steps_; }

  static constexpr int kAsked = 7;

 private:
  std::stop_source source_;
  std::atomic<int> steps_ = 0;
};

TEST(Runner, AStopRequestEndsAPassAtTheStepAtHand) {
  Model model = filled(residual());
  const ops::LossOptions loss;
  for (const bool backward : {false, true})
    for (const int threads : {1, 3}) {
      Asking asking;
      PassObserver* const observers[] = {&asking};
      Runner runner(model, {.backward = backward, .lanes = 3, .threads = threads, .most_rows = 4});
      const PassRequest pass{
          .source = Images(), .rows = kRows, .loss = &loss, .observers = observers};
      const Stoppable stoppable(asking.token());
      EXPECT_FALSE(unless_stopped([&] { runner.run(pass); }));
      EXPECT_LT(asking.steps(), Asking::kAsked + threads);
      const Stoppable shielded{std::stop_token()};
      EXPECT_TRUE(unless_stopped([&] { runner.run(pass); })) << "and the next one is whole";
      EXPECT_GT(asking.steps(), 100);
    }
}

// What two nodes give, settled at the first: its units are raised by 1 where its bias is.
std::map<int, std::vector<float>> walked(std::int64_t memory, int threads,
                                         std::vector<float>* after) {
  Model model = filled(residual());
  const Images images;
  LayerWalk walk(model, images, kRows, {.nodes = {4, 8}, .threads = threads, .memory = memory});
  std::map<int, std::vector<float>> seen;
  const auto advance = [&](int node) {
    std::map<std::int64_t, std::vector<float>> chunks;
    std::mutex mutex;
    const std::int64_t size = ops::element_count(model.node_values()[node].shape);
    walk.advance([&](std::int64_t chunk, std::int64_t rows, const float* values) {
      const std::lock_guard lock(mutex);
      chunks[chunk].assign(values, values + rows * size);
    });
    for (const auto& [chunk, values] : chunks)
      seen[node].insert(seen[node].end(), values.begin(), values.end());
  };
  advance(4);
  float* bias = model.values(model.parameters()[model.parameters_of(4)[1]]);
  for (int unit = 0; unit < 4; ++unit) bias[unit] += 1.0f;
  walk.settle(std::vector<float>(4, 1.0f));
  advance(8);
  if (after != nullptr) {
    Model watched(Graph(model.graph().nodes(), {8}));
    for (std::size_t p = 0; p < watched.parameters().size(); ++p)
      std::copy_n(model.values(model.parameters()[p]), model.parameters()[p].size,
                  watched.values(watched.parameters()[p]));
    after->resize(seen[8].size());
    OutputObserver copied(after->data());
    PassObserver* const observers[] = {&copied};
    Runner(watched, {}).run({.source = images, .rows = kRows, .observers = observers});
  }
  return seen;
}

// Against the whole network run anew with the parameters as they became; a plain output is channels
// first.
TEST(LayerWalk, GoesOnWithWhatWasSettled) {
  std::vector<float> after;
  const auto seen = walked(0, 2, &after);
  ASSERT_EQ(seen.at(8).size(), after.size());
  for (std::size_t row = 0; row < kRows; ++row)
    for (std::size_t channel = 0; channel < 4; ++channel)
      for (std::size_t at = 0; at < 36; ++at)
        EXPECT_NEAR(seen.at(8)[(row * 36 + at) * 4 + channel], after[(row * 4 + channel) * 36 + at],
                    1e-5);
}

// Rows that find no buffer to wait in start again for every node.
TEST(LayerWalk, ABoundChangesRoundingAlone) {
  const auto free = walked(0, 1, nullptr);
  const auto bounded = walked(100'000, 2, nullptr);
  for (const int node : {4, 8}) {
    ASSERT_EQ(free.at(node).size(), bounded.at(node).size());
    for (std::size_t i = 0; i < free.at(node).size(); ++i)
      EXPECT_NEAR(free.at(node)[i], bounded.at(node)[i], 1e-5);
  }
}

}  // namespace
}  // namespace undying::engine
