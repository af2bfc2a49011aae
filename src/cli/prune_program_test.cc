// prune as a user runs it: files that come smaller and give the same answers, and what it refuses.

#include <cmath>

#include "cli/test_program.h"
#include "undying/onnx.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PruneProgram : public Program {
 protected:
  // A network for spirals whose units of these indices are dead in the first layer, as another
  // program might have written it.
  void write_model(std::initializer_list<std::size_t> dead) const {
    const Graph graph = mlp({.inputs = 2, .hidden = {64, 200}, .outputs = 2, .activation = "relu"});
    std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
    for (const std::size_t unit : dead) weights[1].values[unit] = -100.0f;
    for (float& bias : weights[3].values) bias = 2.0f;
    onnx::save(folder_ / "model.onnx", graph, weights,
               {.inputs = {"pixels"},
                .outputs = {"logits"},
                .opset = 18,
                .metadata = {{"author", "somebody"}},
                .external = true});
  }

  std::vector<float> answers(const std::string& name) const {
    const onnx::Model model = onnx::load(folder_ / name);
    Trainer trainer(model.graph, {.threads = 1});
    trainer.load(model.weights);
    return trainer.predict(*open_dataset("spirals").train);
  }
};

TEST_F(PruneProgram, WritesASmallerFileOfTheSameKind) {
  write_model({3, 4, 9, 63});
  const Result result = run("prune model.onnx --data spirals -o smaller.onnx --json pruning.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("n = 3000 examples"), HasSubstr("4 dead"),
                                HasSubstr("13594 -> 12782"), HasSubstr("multiply-adds"),
                                HasSubstr("us an example"), HasSubstr("differ by"),
                                HasSubstr("smaller network: smaller.onnx")));
  const onnx::Model before = onnx::load(folder_ / "model.onnx");
  const onnx::Model after = onnx::load(folder_ / "smaller.onnx");
  EXPECT_EQ(after.inputs, before.inputs);
  EXPECT_EQ(after.outputs, before.outputs);
  EXPECT_EQ(after.opset, 18);
  EXPECT_EQ(after.metadata, before.metadata);
  EXPECT_TRUE(after.external);
  EXPECT_TRUE(exists("smaller.onnx.data"));
  EXPECT_EQ(after.graph.nodes().size(), before.graph.nodes().size());
  const std::vector<float> was = answers("model.onnx"), is = answers("smaller.onnx");
  ASSERT_EQ(was.size(), is.size());
  for (std::size_t i = 0; i < was.size(); ++i)
    ASSERT_NEAR(was[i], is[i], 1e-5 * std::fmax(10.0, std::fabs(was[i])));
  const auto document = json("pruning.json");
  EXPECT_EQ(document["format"], "undying-pruning 1");
  EXPECT_EQ(document["removed"]["dead"], 4);
  EXPECT_EQ(document["after"]["parameters"], 12782);
  EXPECT_EQ(document["changed"], true);
  EXPECT_THAT(run("diagnose smaller.onnx --data spirals --fail-on 'dead>0'").code, 0);
}

TEST_F(PruneProgram, AHealthyNetworkIsLeftAlone) {
  write_model({});
  const Result result = run("prune model.onnx --data spirals -o smaller.onnx");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("unchanged"), HasSubstr("nothing can be taken out"),
                                HasSubstr("no network was written")));
  EXPECT_FALSE(exists("smaller.onnx"));
}

// Without -o it says what would go.
TEST_F(PruneProgram, SaysWhatWouldGo) {
  write_model({1});
  const Result result = run("prune model.onnx --data spirals");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("1 dead"), Not(HasSubstr("network:"))));
}

// The outputs that are asked for stay, and the part that the others need goes.
TEST_F(PruneProgram, OfSeveralOutputs) {
  const Graph graph({{"x", "input", {}, {{"shape", std::vector<std::int64_t>{2}}}},
                     {"a", "linear", {0}, {{"outputs", std::int64_t{8}}}},
                     {"a.f",
                      "activation",
                      {1},
                      {{"activation", Activation("relu")}, {"layer", std::string("a")}}},
                     {"policy", "linear", {2}, {{"outputs", std::int64_t{2}}}},
                     {"value", "linear", {2}, {{"outputs", std::int64_t{1}}}}},
                    {3, 4});
  std::vector<Tensor> weights = Trainer(packed(graph), {.threads = 1}).tensors();
  weights[1].values[5] = -100.0f;
  onnx::save(folder_ / "model.onnx", graph, weights, {.outputs = {"policy", "value"}});
  ASSERT_EQ(run("prune model.onnx --data spirals -o both.onnx").code, 0);
  EXPECT_EQ(onnx::load(folder_ / "both.onnx").outputs,
            (std::vector<std::string>{"policy", "value"}));
  const Result result = run("prune model.onnx --data spirals --output value -o value.onnx");
  ASSERT_EQ(result.code, 0) << result.err;
  const onnx::Model value = onnx::load(folder_ / "value.onnx");
  EXPECT_EQ(value.outputs, std::vector<std::string>{"value"});
  EXPECT_EQ(value.weights.size(), 4U);
}

TEST_F(PruneProgram, RefusesBadInput) {
  write_model({1});
  expect_error("prune model.onnx --data spirals -o model.onnx",
               AllOf(HasSubstr("--out"), HasSubstr("model.onnx")));
  expect_error("prune model.onnx --data abs -o smaller.onnx", HasSubstr("abs"));
  expect_error("prune model.onnx --data spirals --part some", HasSubstr("--part"));
  expect_error("prune gone.onnx --data spirals", HasSubstr("gone.onnx"));
  expect_error("prune model.onnx --data spirals --output gone", HasSubstr("gone"));
  EXPECT_FALSE(exists("smaller.onnx"));
}

// Constants that move into a bias change the order of sums: here that is more than what is allowed.
TEST_F(PruneProgram, RefusesMoreThanRounding) {
  const Graph graph = mlp({.inputs = 2, .hidden = {64}, .outputs = 2, .activation = "tanh"});
  std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
  for (const std::size_t unit : {3U, 30U}) {
    weights[0].values[2 * unit] = weights[0].values[2 * unit + 1] = 0.0f;
    weights[1].values[unit] = 0.3f;
  }
  onnx::save(folder_ / "model.onnx", graph, weights);
  expect_error("prune model.onnx --data spirals --tolerance 0 -o smaller.onnx",
               AllOf(HasSubstr("rounding"), HasSubstr("--tolerance")));
  EXPECT_FALSE(exists("smaller.onnx"));
  const Result result = run("prune model.onnx --data spirals -o smaller.onnx");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 constant, folded into biases"));
}

}  // namespace
}  // namespace undying::cli
