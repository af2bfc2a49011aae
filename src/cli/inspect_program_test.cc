// What a network holds, and what it is good for, as a user asks.

#include "cli/test_program.h"
#include "data/array/test_npz.h"
#include "undying/graph.h"
#include "undying/onnx.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Ints = std::vector<std::int64_t>;

class InspectProgram : public Program {
 protected:
  // Scores, and beside them the place of the largest.
  void write_answering() const {
    const Graph graph({{"x", "input", {}, {{"shape", Ints{4}}}},
                       {"hidden", "linear", {0}, {{"outputs", std::int64_t{8}}}},
                       {"hidden.f",
                        "activation",
                        {1},
                        {{"activation", Activation("relu")}, {"layer", std::string("hidden")}}},
                       {"scores", "linear", {2}, {{"outputs", std::int64_t{3}}}},
                       {"answer", "arg_max", {3}, {}}},
                      {3, 4});
    onnx::save(folder_ / "net.onnx", graph, Trainer(graph, {.threads = 1}).tensors(),
               {.inputs = {"x"}, .outputs = {"scores", "answer"}});
    std::vector<float> x, answer;
    for (int i = 0; i < 400; ++i) x.push_back(0.37f * static_cast<float>(i * i % 11) - 2.0f);
    for (int i = 0; i < 100; ++i) answer.push_back(0.5f * static_cast<float>(i % 5));
    write("answers.npz",
          npz_of({{"x", npy_of({100, 4}, x)}, {"answer", npy_of({100, 1}, answer)}}));
  }
};

TEST_F(InspectProgram, WritesWhatItSaysAsJson) {
  write_answering();
  const Result result = run("inspect net.onnx --json net.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("scores (N, 3)\n"), HasSubstr("hidden: relu, 8 units"),
                                HasSubstr("67 trained"), HasSubstr("revive       yes")));
  const nlohmann::json told = json("net.json");
  EXPECT_EQ(told["format"], "undying-inspection 1");
  EXPECT_EQ(told["inputs"][0]["name"], "x");
  EXPECT_EQ(told["inputs"][0]["shape"], nlohmann::json({4}));
  EXPECT_EQ(told["outputs"][0]["name"], "scores");
  EXPECT_TRUE(told["outputs"][0]["no_gradient"].is_null());
  EXPECT_THAT(std::string(told["outputs"][1]["no_gradient"]), HasSubstr("arg_max"));
  EXPECT_EQ(told["parameters"]["trained"], 67);
  EXPECT_EQ(told["operators"]["linear"], 2);
  EXPECT_EQ(told["activations"][0]["units"], 8);
  EXPECT_EQ(told["uses"]["revive"]["possible"], true);
  expect_error("inspect net.onnx --json net.onnx", HasSubstr("net.onnx"));
}

// From an output that is the place of the largest nothing is learned: each command says so.
TEST_F(InspectProgram, AnOutputThatPassesNoGradientIsNotTrained) {
  write_answering();
  const Result told = run("inspect net.onnx --output answer");
  EXPECT_THAT(told.out, AllOf(HasSubstr("answer (N, 1); no gradient reaches any of 67 numbers"),
                              HasSubstr("revive       no: no gradient reaches any"),
                              HasSubstr("compare      no: no gradient reaches its weights")));
  const std::string rest = " --output answer --data npz:answers.npz ";
  const Result found = run("diagnose net.onnx --json found.json" + rest);
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("answer: values to predict"));
  EXPECT_EQ(json("found.json")["findings"][0]["what"], "no gradient");
  EXPECT_EQ(run("diagnose net.onnx --fail-on no-gradient" + rest).code, 3);
  const auto refusal = AllOf(HasSubstr("no gradient reaches any of 67 numbers"),
                             HasSubstr("arg_max"), HasSubstr("--output NAME"));
  expect_error("revive net.onnx --steps 2 --seeds 5" + rest, refusal);
  expect_error("train --model net.onnx --steps 2" + rest, refusal);
  expect_error("compare --model net.onnx --steps 2 --seeds 5" + rest, refusal);
}

TEST_F(InspectProgram, SaysHowImagesAreScaled) {
  std::vector<std::uint8_t> pixels(40 * 16);
  std::vector<std::int64_t> labels(40);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * 7 % 256);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i % 2);
  write("images.npz", npz_of({{"X", npy_of({40, 4, 4}, pixels)}, {"y", npy_of({40}, labels)}}));
  ASSERT_EQ(run("train --data npz:images.npz --model mlp:4 --steps 1 --quiet --out net.onnx").code,
            0);
  EXPECT_THAT(run("inspect net.onnx").out, AllOf(HasSubstr("scaling      images to [0, 1]"),
                                                 Not(HasSubstr("figures of the training rows"))));
  write("people.csv", "age,city,bought\n,Oslo,yes\n31,,no\n");
  for (const char* command : {"diagnose", "predict", "evaluate"})
    expect_error(
        std::string(command) + " net.onnx --data csv:people.csv:label=bought",
        AllOf(HasSubstr("a table of 3 columns"), HasSubstr("4 x 4"), Not(HasSubstr("missing"))));
}

}  // namespace
}  // namespace undying::cli
