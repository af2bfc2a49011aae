// Networks from files, as a user's commands take them.

#include "cli/test_program.h"
#include "data/test_npz.h"
#include "undying/graph.h"
#include "undying/onnx.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class NetworkProgram : public Program {
 protected:
  void save(const std::string& name, const Graph& graph, const onnx::SaveOptions& options = {}) const {
    onnx::save(folder_ / name, graph, Trainer(graph, {.threads = 1}).tensors(), options);
  }

  // The test losses of every run of a comparison.
  std::vector<double> losses(const std::string& file) const {
    std::vector<double> all;
    const nlohmann::json study = json(file);
    for (const auto& arm : study["arms"])
      for (const auto& run : arm["runs"]) all.push_back(run["test_loss"]);
    return all;
  }

  void expect_same_study(const std::string& flags, const std::string& built, const std::string& given) {
    const std::string rest = " --activations relu,leaky_relu:0.1,prelu --seeds 5 --batch 50 --steps 12 --quiet " + flags;
    const Result by_name = run("compare --model " + built + rest + " --json name.json");
    const Result by_file = run("compare --model " + given + rest + " --json file.json");
    ASSERT_EQ(by_name.code, 0) << by_name.err;
    ASSERT_EQ(by_file.code, 0) << by_file.err;
    EXPECT_EQ(losses("name.json"), losses("file.json"));
    EXPECT_EQ(losses("file.json").size(), 20u);
  }
};

TEST_F(NetworkProgram, AFileThatABuiltNetworkWasWrittenToGivesItsBits) {
  ASSERT_EQ(run("train --data spirals --model mlp:8x3 --activation elu --steps 3 --quiet --out net.onnx").code, 0);
  expect_same_study("--data spirals", "mlp:8x3", "net.onnx");
}

// Convolutions, batch norms, sums and pools.
TEST_F(NetworkProgram, SoDoesAResidualOne) {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
  for (int row = 0; row < 100; ++row) {
    labels.push_back(row % 2);
    for (int i = 0; i < 64; ++i) pixels.push_back(static_cast<std::uint8_t>((i * 7 + row * 13) % 131 + 100 * (row % 2)));
  }
  write("images.npz", npz_of({{"X", npy_of({100, 1, 8, 8}, pixels)}, {"y", npy_of({100}, labels)}}));
  ASSERT_EQ(run("train --data npz:images.npz --model resnet:20 --batch 50 --steps 1 --quiet --out net.onnx").code, 0);
  expect_same_study("--data npz:images.npz --split 0.3", "resnet:20", "net.onnx");
}

TEST_F(NetworkProgram, AFilesWeightsAreWhereARunBegins) {
  ASSERT_EQ(run("train --data spirals --model mlp:8x2 --steps 5 --quiet --out net.onnx").code, 0);
  ASSERT_EQ(run("train --data spirals --model net.onnx --init net.onnx --lr 1e-30 --steps 1 --quiet --out same.onnx").code, 0);
  const onnx::Model before = onnx::load(folder_ / "net.onnx");
  const onnx::Model after = onnx::load(folder_ / "same.onnx");
  ASSERT_EQ(before.weights.size(), after.weights.size());
  for (std::size_t i = 0; i < before.weights.size(); ++i) EXPECT_EQ(before.weights[i].values, after.weights[i].values);
  const Result study = run("compare --data spirals --model net.onnx --init net.onnx --activations relu,prelu --seeds 5 --steps 4 --quiet");
  EXPECT_EQ(study.code, 0) << study.err;
  EXPECT_THAT(study.out, HasSubstr("network: 2 activations of the file, relu, become each arm's"));
  expect_error("train --data spirals --model mlp:9x2 --init net.onnx", AllOf(HasSubstr("net.onnx"), HasSubstr("has shape (8, 2)")));
  expect_error("train --data spirals --model mlp:8x2 --output y", AllOf(HasSubstr("--output"), HasSubstr("is built here")));
  expect_error("train --data spirals --model net.onnx --dropout 0.1", HasSubstr("--dropout"));
  expect_error("train --data spirals --model gone.onnx", HasSubstr("gone.onnx"));
}

TEST_F(NetworkProgram, AFileIsMeasuredLikeAWorkload) {
  save("net.onnx", mlp({.inputs = 3, .hidden = {4}, .outputs = 2}));
  const Result result = run("bench --model net.onnx --batch 8 --seconds 0.05 --threads 1 --quiet");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("net.onnx leaky_relu:0.01"));
}

}  // namespace
}  // namespace undying::cli
