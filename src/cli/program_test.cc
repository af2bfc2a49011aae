// The program as a user runs it: what it prints, what it writes, how it ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "undying/dataset.h"

namespace undying::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Result {
  int code = 0;
  std::string out;
  std::string err;
};

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class Program : public testing::Test {
 protected:
  Program() : folder_(fs::temp_directory_path() / ("undying_cli_" + std::to_string(::getpid()))) { fs::create_directories(folder_); }
  ~Program() override { fs::remove_all(folder_); }

  Result run(const std::string& arguments) const {
    const std::string command = "cd '" + folder_.string() + "' && '" UNDYING_BINARY "' " + arguments + " >out.txt 2>err.txt </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder_ / "out.txt"), content(folder_ / "err.txt")};
  }

  // One line "error: ..." with exit code 2, and no result.
  void expect_error(const std::string& arguments, testing::Matcher<const std::string&> message) const {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments << '\n' << result.err;
    EXPECT_THAT(result.err, message) << arguments;
    const auto error = result.err.find("error: ");
    EXPECT_NE(error, std::string::npos) << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "") << arguments;
  }

  void write(const char* name, const std::string& text) const { std::ofstream(folder_ / name, std::ios::binary) << text; }
  Json json(const char* name) const { return Json::parse(content(folder_ / name)); }
  bool exists(const char* name) const { return fs::exists(folder_ / name); }

  fs::path folder_;
};

constexpr const char* kTiny = " --data spirals --model mlp:8x2 --epochs 2 --batch 50 --quiet ";

TEST_F(Program, HelpTeachesAndVersionIsShort) {
  for (const char* command : {"", "compare", "train", "bench", "list"}) {
    const Result help = run(std::string(command) + " --help");
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("undying")) << command;
    EXPECT_THAT(help.out, HasSubstr("--")) << command;
  }
  EXPECT_THAT(run("compare --help").out, AllOf(HasSubstr("Examples:"), HasSubstr("Exit codes:"), HasSubstr("mlp:16x30")));
  EXPECT_THAT(run("--version").out, testing::StartsWith("undying 0."));
}

TEST_F(Program, ListNamesEverything) {
  const Result list = run("list --json list.json");
  EXPECT_EQ(list.code, 0);
  EXPECT_THAT(list.out,
              AllOf(HasSubstr("leaky_relu"), HasSubstr("slope"), HasSubstr("fashion-mnist"), HasSubstr("adamw"), HasSubstr("one-cycle")));
  EXPECT_GE(json("list.json")["activations"].size(), 19U);
}

TEST_F(Program, WrongFlagsAreNamed) {
  expect_error("", HasSubstr("needs a command: compare, train, bench, list"));
  expect_error("comprae", HasSubstr("did you mean compare?"));
  expect_error("train --bacth 3", AllOf(HasSubstr("--bacth"), HasSubstr("did you mean --batch?")));
  expect_error("train --batch 0", AllOf(HasSubstr("--batch"), HasSubstr("0 is out of range")));
  expect_error("train --batch abc", AllOf(HasSubstr("--batch"), HasSubstr("\"abc\" is not a whole number")));
  expect_error("train --lr nan", HasSubstr("--lr"));
  expect_error("train --lr -0.1", HasSubstr("--lr"));
  expect_error("train --threads -1", HasSubstr("--threads"));
  expect_error("train --epochs 99999999999999999999", HasSubstr("out of range"));
  expect_error("train --activation leekyrelu", AllOf(HasSubstr("leekyrelu"), HasSubstr("leaky_relu")));
  expect_error("train --activation leaky_relu:x", HasSubstr("leaky_relu:x"));
  expect_error("compare --activations relu,,elu", HasSubstr("--activations"));
  expect_error("compare --seeds 0", HasSubstr("--seeds"));
  expect_error("train --data spirals --optimizer adam --momentum 0.9", AllOf(HasSubstr("--momentum"), HasSubstr("adam")));
  expect_error("train --data spirals --optimizer lion", AllOf(HasSubstr("lion"), HasSubstr("rmsprop")));
  expect_error("train --data spirals --schedule linear", HasSubstr("linear"));
  expect_error("train --data spirals --loss hinge", HasSubstr("hinge"));
  expect_error("train --data spirals --init-scheme zeros", HasSubstr("zeros"));
  expect_error("train --data spirals --normalize maybe", HasSubstr("--normalize"));
  expect_error("train --data spirals --model resnet:20", HasSubstr("resnet"));
  expect_error("train --data spirals --model mlp:0x3", HasSubstr("mlp:0x3"));
  expect_error("train --data mnist", AllOf(HasSubstr("mnist"), HasSubstr("fashion-mnist")));
  expect_error("bench --workload W9", AllOf(HasSubstr("W9"), HasSubstr("W4")));
}

TEST_F(Program, WrongDataIsNamed) {
  write("nan.csv", "a,label\n1,0\nnan,1\n");
  expect_error("train --data csv:nan.csv", AllOf(HasSubstr("nan.csv"), HasSubstr("line 3"), HasSubstr("column a")));
  expect_error("train --data csv:missing.csv", HasSubstr("missing.csv"));
  expect_error("train --data idx:.", HasSubstr("train-images-idx3-ubyte"));
  expect_error("train --data fashion-mnist --data-dir .", HasSubstr("dataset-fashion-mnist"));
  write("weights.safetensors", "not a file of tensors");
  expect_error("train --init weights.safetensors" + std::string(kTiny), HasSubstr("weights.safetensors"));
  write_safetensors(folder_ / "other.safetensors", std::vector<Tensor>{{"layer.0.weight", {3, 2}, std::vector<float>(6)}});
  expect_error("train --init other.safetensors" + std::string(kTiny),
               AllOf(HasSubstr("other.safetensors"), HasSubstr("layer.0.weight"), HasSubstr("(8, 2)")));
  expect_error("train --data abs --loss cross-entropy", HasSubstr("cross-entropy"));
}

TEST_F(Program, UnwritableOutputFailsBeforeTheJob) {
  for (const char* flag : {"--json", "--metrics", "--out"})
    expect_error("train --epochs 1000000 --data spirals " + std::string(flag) + " no/such/file", HasSubstr("no/such/file"));
  for (const char* flag : {"--json", "--report", "--store"})
    expect_error("compare --epochs 1000000 --data spirals " + std::string(flag) + " no/such/file", HasSubstr("no/such/file"));
}

TEST_F(Program, FullDiskIsOneErrorAndCostsNoOtherResult) {
  const Result train = run("train" + std::string(kTiny) + "--metrics /dev/full --json run.json");
  EXPECT_EQ(train.code, 2);
  EXPECT_EQ(train.err, "error: [/dev/full] cannot be written: No space left on device\n");
  EXPECT_THAT(train.out, HasSubstr("test accuracy"));
  EXPECT_EQ(json("run.json")["status"], "finished");
  const Result compare = run("compare --seeds 1" + std::string(kTiny) + "--json /dev/full --report report.html");
  EXPECT_EQ(compare.code, 2);
  EXPECT_EQ(compare.err, "error: [/dev/full] cannot be written: No space left on device\n");
  EXPECT_THAT(compare.out, HasSubstr("relu (control)"));
  EXPECT_TRUE(exists("report.html"));
}

TEST_F(Program, FullStandardOutputIsAnError) {
  for (const char* arguments : {"list", "--help", "--version", "train --data spirals --model mlp:8x2 --epochs 1 --quiet"}) {
    const int status =
        std::system(("'" UNDYING_BINARY "' " + std::string(arguments) + " >/dev/full 2>'" + (folder_ / "err.txt").string() + "'").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 2) << arguments;
    EXPECT_EQ(content(folder_ / "err.txt"), "error: [standard output] cannot be written: No space left on device\n") << arguments;
  }
}

// Progress is worth less than the job: nowhere to show it must not end it, nor must messages land in a file that took the descriptor.
TEST_F(Program, UnwritableStandardErrorDoesNotEndTheJob) {
  for (const char* redirection : {"2>/dev/full", "2>&-"}) {
    const std::string command = "cd '" + folder_.string() +
                                "' && '" UNDYING_BINARY
                                "' compare --data spirals --model mlp:8x2 --epochs 1 --seeds 1 "
                                "--json study.json --store study.sqlite >out.txt " +
                                redirection;
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 0) << redirection;
    EXPECT_EQ(json("study.json")["missing"], 0) << redirection;
    fs::remove(folder_ / "study.sqlite");
  }
}

TEST_F(Program, TrainWritesWhatTheContractSays) {
  const Result first = run("train" + std::string(kTiny) +
                           "--activation prelu --lr 0.03 --momentum 0.9 --weight-decay 1e-4 --steps 30 --seed 1 --no-shuffle --shards 2 "
                           "--metrics steps.csv --out out.safetensors --json run.json");
  ASSERT_EQ(first.code, 0) << first.err;
  std::istringstream csv(content(folder_ / "steps.csv"));
  std::string line;
  std::getline(csv, line);
  EXPECT_THAT(line, testing::StartsWith("step,loss,lr,grad_norm"));
  int lines = 0;
  while (std::getline(csv, line)) EXPECT_THAT(line, testing::StartsWith(std::to_string(++lines) + ","));
  EXPECT_EQ(lines, 30);
  std::vector<std::string> names;
  for (const Tensor& tensor : read_safetensors(folder_ / "out.safetensors")) names.push_back(tensor.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("layer.0.weight", "layer.0.bias", "layer.0.slope", "layer.1.weight", "layer.1.bias",
                                                   "layer.1.slope", "layer.2.weight", "layer.2.bias"));
  const Json report = json("run.json");
  EXPECT_EQ(report["settings"]["activation"], "prelu:0.25");
  EXPECT_EQ(report["settings"]["batch"], 50);
  EXPECT_EQ(report["shards"], 2);
  EXPECT_EQ(report["ledger"]["layers"][1]["firing_rates"].size(), 8U);
  EXPECT_TRUE(report["test_accuracy"].is_number());
}

// Without momentum the weights are all there is to a run: two halves equal the whole.
TEST_F(Program, InitContinuesExactlyFromOut) {
  const std::string common = "train --data spirals --model mlp:8x2 --batch 50 --quiet --no-shuffle --shards 1 --lr 0.05 ";
  ASSERT_EQ(run(common + "--epochs 2 --out whole.safetensors").code, 0);
  ASSERT_EQ(run(common + "--epochs 1 --out half.safetensors").code, 0);
  ASSERT_EQ(run(common + "--epochs 1 --seed 99 --init half.safetensors --out rest.safetensors").code, 0);
  EXPECT_EQ(content(folder_ / "whole.safetensors"), content(folder_ / "rest.safetensors"));
}

TEST_F(Program, ThreadsDoNotChangeTheResult) {
  for (const char* threads : {"1", "2", "4"})
    ASSERT_EQ(run("train" + std::string(kTiny) + "--shards 4 --threads " + threads + " --out t" + threads + ".safetensors").code, 0);
  EXPECT_EQ(content(folder_ / "t1.safetensors"), content(folder_ / "t2.safetensors"));
  EXPECT_EQ(content(folder_ / "t1.safetensors"), content(folder_ / "t4.safetensors"));
}

TEST_F(Program, CompareWritesJsonAndReportWithControlAndPlacebo) {
  const Result result =
      run("compare" + std::string(kTiny) + "--activations leaky_relu:0.1,prelu --seeds 2 --json study.json --report report.html");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "") << "--quiet";
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("relu (control)"), HasSubstr("relu (placebo)"), HasSubstr("leaky_relu:0.1"), HasSubstr("prelu:0.25")));
  const Json study = json("study.json");
  EXPECT_EQ(study["arms"].size(), 4U);
  EXPECT_EQ(study["missing"], 0);
  EXPECT_THAT(study["command"].get<std::string>(), HasSubstr("undying compare --data spirals"));
  EXPECT_THAT(content(folder_ / "report.html"), HasSubstr("<!doctype html>"));
}

TEST_F(Program, RegressionIsComparedByLoss) {
  const Result result =
      run("compare --data abs --model mlp:8x2 --epochs 2 --batch 50 --quiet --activations elu --seeds 2 --json study.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(json("study.json")["score"], "test loss");
}

TEST_F(Program, StoreIsResumedToTheSameNumbers) {
  const std::string command = "compare" + std::string(kTiny) + "--activations elu --store study.sqlite ";
  ASSERT_EQ(run(command + "--seeds 1 --json one.json").code, 0);
  ASSERT_EQ(run(command + "--seeds 2 --json two.json").code, 0);
  ASSERT_EQ(run("compare" + std::string(kTiny) + "--activations elu --seeds 2 --json fresh.json").code, 0);
  const Json two = json("two.json");
  const Json fresh = json("fresh.json");
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_EQ(two["arms"][arm]["accuracy"], fresh["arms"][arm]["accuracy"]);
    EXPECT_EQ(two["arms"][arm]["runs"][0]["curve"], fresh["arms"][arm]["runs"][0]["curve"]);
  }
  expect_error("compare" + std::string(kTiny) + "--activations elu --seeds 2 --lr 0.5 --store study.sqlite",
               AllOf(HasSubstr("study.sqlite"), HasSubstr("0.5")));
}

// Starts a study far too long to finish, waits for its first finished runs, and interrupts it.
TEST_F(Program, InterruptKeepsFinishedRuns) {
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (chdir(folder_.c_str()) != 0) _exit(99);
    dup2(channel[1], STDERR_FILENO);
    close(channel[0]);
    close(channel[1]);
    if (freopen("out.txt", "w", stdout) == nullptr) _exit(99);
    execl(UNDYING_BINARY, "undying", "compare", "--data", "spirals", "--model", "mlp:8x2", "--epochs", "20", "--seeds", "1000",
          "--activations", "elu", "--json", "study.json", "--report", "report.html", nullptr);
    _exit(99);
  }
  close(channel[1]);
  FILE* progress = fdopen(channel[0], "r");
  char line[512];
  int finished = 0;
  while (finished < 3 && fgets(line, sizeof line, progress) != nullptr)
    finished += std::string(line).find("test accuracy") != std::string::npos;
  ASSERT_EQ(finished, 3);
  ASSERT_EQ(kill(child, SIGINT), 0);
  while (fgets(line, sizeof line, progress) != nullptr) continue;
  fclose(progress);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const Json study = json("study.json");
  int present = 0;
  for (const Json& arm : study["arms"])
    for (const Json& made : arm["runs"]) present += made["present"].get<bool>();
  EXPECT_GE(present, 3);
  EXPECT_EQ(study["missing"].get<int>() + present, 3000);
  EXPECT_THAT(content(folder_ / "out.txt"), HasSubstr("of 3000 runs are missing"));
  EXPECT_THAT(content(folder_ / "report.html"), HasSubstr("of 3000 runs are missing"));
}

TEST_F(Program, BenchVerifiesAndMeasures) {
  const Result result = run("bench --workload W1 --seconds 0.2 --threads 1 --json bench.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GT(json("bench.json")["samples_per_second"].get<double>(), 0.0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("samples/s"), HasSubstr("GFLOP/s")));
}

}  // namespace
}  // namespace undying::cli
