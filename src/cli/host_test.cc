// Commands inside an application that stops them.

#include <fmt/format.h>

#include "base/stop.h"
#include "cli/commands/commands.h"
#include "cli/test_program.h"
#include "undying/onnx.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

class Hosted : public Program {
 protected:
  Hosted() {
    const Graph graph = mlp({.inputs = 2, .hidden = {8}, .outputs = 2, .activation = "relu"});
    onnx::save(file("model.onnx"), graph, Trainer(graph, {.threads = 1}).tensors(), {});
  }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  // With a stop that was asked for before it began; "interrupted" where it threw that.
  std::string stopped(const std::string& command, std::vector<std::string> words) const {
    std::stop_source source;
    source.request_stop();
    const Host host{
        .command = command, .write = [](const std::string&) {}, .stop = source.get_token()};
    words.insert(words.begin(), command);
    words.insert(words.end(), {"--data=spirals", "--threads=1"});
    int code = 0;
    return unless_stopped([&] { code = run_in(host, words); }) ? fmt::format("code {}", code)
                                                               : "interrupted";
  }
};

TEST_F(Hosted, APassOverDataThatIsStoppedWritesNothing) {
  const std::string model = file("model.onnx");
  EXPECT_EQ(stopped("diagnose", {model, "--json=" + file("found")}), "interrupted");
  EXPECT_EQ(stopped("prune", {model, "--json=" + file("found"), "--out=" + file("out.onnx")}),
            "interrupted");
  EXPECT_EQ(stopped("predict", {model, "--out=" + file("out.csv")}), "interrupted");
  EXPECT_EQ(stopped("evaluate", {model, "--json=" + file("found")}), "interrupted");
  EXPECT_EQ(stopped("revive", {model, "--json=" + file("found"), "--out=" + file("out.onnx")}),
            "interrupted");
  for (const char* name : {"found", "out.onnx", "out.csv"}) EXPECT_FALSE(exists(name)) << name;
}

TEST_F(Hosted, TrainingThatIsStoppedSaysSo) {
  EXPECT_EQ(stopped("train", {"--model=mlp:4x1", "--json=" + file("run.json")}), "code 130");
  EXPECT_EQ(json("run.json")["status"], "interrupted");
  EXPECT_EQ(json("run.json")["steps"], 0);
}

}  // namespace
}  // namespace undying::cli
