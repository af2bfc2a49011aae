// A long training step that is asked to end: it is as if it had not been taken.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/philox.h"
#include "base/stop.h"
#include "engine/engine.h"
#include "engine/test_rows.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kStopRows = 32;
constexpr std::int64_t kSize = 6;

// Asks for an end while the rows of a shard are read.
class Rows final : public DrawnRows {
 public:
  explicit Rows(std::stop_source* asks) : DrawnRows(kSize), asks_(asks) {}

  void inputs(int input, std::int64_t first, std::int64_t rows, float* dst) const override {
    DrawnRows::inputs(input, first, rows, dst);
    if (asks_ != nullptr) asks_->request_stop();
  }

 private:
  std::stop_source* asks_;
};

// Two steps, the plainest gradient descent; `asked`: with another in between that is asked to end.
struct Trained {
  std::vector<float> weights;
  std::vector<float> statistics;
  Activity activity{0};
};

Trained train(int threads, bool asked) {
  Model model(mlp({.inputs = kSize,
                   .hidden = {16, 8},
                   .outputs = 3,
                   .activation = "relu",
                   .batch_norm = true}));
  const Random random(8, Stream::kTest, 1);
  for (std::int64_t i = 0; i < model.trained_size(); ++i)
    model.trained()[i] = static_cast<float>(0.3 * random.normal(static_cast<std::uint64_t>(i)));
  Engine engine(model, {.batch = kStopRows, .shards = 4, .threads = threads, .long_steps = true});
  const SlicePass update{.apply =
                             [&](const Slice& slice) {
                               for (std::int64_t i = 0; i < slice.size; ++i)
                                 for (const float* gradient : slice.gradients)
                                   model.trained()[slice.offset + i] -= 0.1f * gradient[i];
                             },
                         .finish = {}};
  const Rows rows(nullptr);
  engine.step(rows, kStopRows, 1, std::span(&update, 1));
  if (asked) {
    std::stop_source source;
    const Stoppable stoppable(source.get_token());
    EXPECT_FALSE(
        unless_stopped([&] { engine.step(Rows(&source), kStopRows, 2, std::span(&update, 1)); }));
  }
  engine.step(rows, kStopRows, 2, std::span(&update, 1));
  Trained found;
  found.weights.assign(model.trained(), model.trained() + model.trained_size());
  found.statistics.assign(model.statistics().begin(), model.statistics().end());
  found.activity = engine.take_activity();
  return found;
}

void expect_equal(const auto& a, const auto& b) {
  EXPECT_TRUE(std::ranges::equal(a.span(), b.span()));
}

TEST(LongStep, ThatIsAskedToEndIsAsIfItHadNotBeenTaken) {
  for (const int threads : {1, 3}) {
    const Trained whole = train(threads, false);
    const Trained interrupted = train(threads, true);
    EXPECT_EQ(whole.weights, interrupted.weights);
    EXPECT_EQ(whole.statistics, interrupted.statistics);
    EXPECT_EQ(whole.activity.examples, interrupted.activity.examples);
    expect_equal(whole.activity.fired, interrupted.activity.fired);
    expect_equal(whole.activity.last_fired, interrupted.activity.last_fired);
    expect_equal(whole.activity.abs_gradient, interrupted.activity.abs_gradient);
  }
}

}  // namespace
}  // namespace undying::engine
