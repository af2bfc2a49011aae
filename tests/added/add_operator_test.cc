// An operator that is added with its one file and its line in the list is known to all who ask for
// what operators are: it is found, trained with gradients that are right, diagnosed by its range,
// and pruned through. The list this program is built with has one line more.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/diagnose/reach.h"
#include "doctor/prune/unit_flow.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

Graph network() {
  return Graph({{"x", "input", {}, {{"shape", Ints{2}}}},
                {"hidden", "linear", {0}, {{"outputs", std::int64_t{3}}}},
                {"square", "square", {1}, {}},
                {"out", "linear", {2}, {{"outputs", std::int64_t{1}}}},
                {"end", "square", {3}, {}}});
}

// What squares of sums can say exactly: (x0 + x1)^2 at points around the origin.
Dataset squares() {
  Dataset data{.name = "squares", .size = 64, .shape = {2}, .outputs = 1};
  for (int i = 0; i < 64; ++i) {
    const float a = static_cast<float>(i % 8) / 4.0f - 0.9f;
    const float b = static_cast<float>(i / 8) / 4.0f - 0.9f;
    data.values.insert(data.values.end(), {a, b});
    data.targets.push_back((a + b) * (a + b));
  }
  return data;
}

TEST(Operators, AddingOneTakesOneFileAndItsLine) {
  EXPECT_EQ(ops::operator_named({"s", "square", {0}, {}}).name, "square");
  const Graph graph = network();
  EXPECT_EQ(graph.output_shape(), Shape{1});
  EXPECT_EQ(multiply_adds(graph), 9.0);

  const Dataset data = squares();
  TrainSettings settings{.optimizer = Adam{.learning_rate = 0.01f},
                         .loss = Loss::kMeanSquaredError,
                         .batch = 16,
                         .epochs = 40};
  settings.threads = 1;
  Trainer trainer(graph, settings);
  const double before = trainer.evaluate(data).loss;
  trainer.fit(data, data);
  EXPECT_LT(trainer.evaluate(data).loss, 0.1 * before);

  const engine::Model model(graph);
  const doctor::UnitFlow flow(model);
  EXPECT_EQ(flow.passing(2), doctor::UnitFlow::Passing::kElementwise);
  EXPECT_EQ(flow.group(flow.units(2).first), flow.group(flow.units(1).first));

  Dataset negative = data;
  for (float& target : negative.targets) target -= 100.0f;
  const auto reach = doctor::reach_of(model, negative, Loss::kMeanSquaredError);
  ASSERT_TRUE(reach.has_value());
  EXPECT_EQ(reach->what, "square");
  EXPECT_EQ(reach->outputs.least, 0.0);
}

}  // namespace
}  // namespace undying
