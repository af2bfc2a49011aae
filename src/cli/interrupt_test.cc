// Ctrl-C: what was finished is kept, the second one ends at once, and progress behaves on a
// terminal.

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "cli/test_program.h"
#include "undying/dataset.h"

namespace undying::cli {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Far too long to finish.
const std::vector<std::string> kLongStudy = {"compare",    "--data",        "spirals",    "--model",
                                             "mlp:8x2",    "--epochs",      "20",         "--seeds",
                                             "1000",       "--activations", "elu",        "--json",
                                             "study.json", "--report",      "report.html"};

int present_runs(const Json& study) {
  int present = 0;
  for (const Json& arm : study["arms"])
    for (const Json& run : arm["runs"]) present += run["present"].get<bool>();
  return present;
}

TEST_F(Program, InterruptKeepsFinishedRuns) {
  Child child(folder_, kLongStudy, {});
  ASSERT_TRUE(child.wait_for("test accuracy", 3));
  child.send(SIGINT);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const Json study = json("study.json");
  const int present = present_runs(study);
  EXPECT_GE(present, 3);
  EXPECT_EQ(study["missing"].get<int>() + present, 3000);
  EXPECT_THAT(content("out.txt"), HasSubstr("of 3000 runs are missing"));
  EXPECT_THAT(content("report.html"), HasSubstr("of 3000 runs are missing"));
  EXPECT_THAT(child.seen(), AllOf(HasSubstr("interrupted: "), Not(HasSubstr("\x1b"))));
}

TEST_F(Program, AnInterruptBeforeTheFirstRunEndsOverwritesNothing) {
  std::ofstream(folder_ / "study.json") << "an earlier study";
  Child child(folder_,
              {"compare", "--data", "spirals", "--model", "mlp:32x2", "--epochs", "1000000",
               "--seeds", "2", "--activations", "elu", "--json", "study.json"},
              {});
  ASSERT_TRUE(child.wait_for("samples/s"));
  child.send(SIGINT);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(content("study.json"), "an earlier study");
  EXPECT_THAT(content("out.txt"),
              AllOf(HasSubstr("nothing is written"), HasSubstr("study.json is an older file")));
}

TEST_F(Program, WhileRatesAreTriedTheStoreKeepsWhatFinished) {
  const std::vector<std::string> arguments = {
      "compare",   "--data",  "spirals", "--model",       "mlp:8x2",   "--epochs",
      "20",        "--seeds", "2",       "--activations", "elu",       "--lr",
      "0.01,0.05", "--store", "runs.db", "--json",        "study.json"};
  Child child(folder_, arguments, {});
  ASSERT_TRUE(child.wait_for("validation accuracy"));
  child.send(SIGINT);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_FALSE(exists("study.json"));
  EXPECT_THAT(content("out.txt"),
              AllOf(HasSubstr("no result is written"), HasSubstr("runs.db holds what finished"),
                    HasSubstr("goes on from there")));
}

TEST_F(Program, TerminationIsAnInterruptToo) {
  Child child(folder_, kLongStudy, {});
  ASSERT_TRUE(child.wait_for("test accuracy"));
  child.send(SIGTERM);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_GE(present_runs(json("study.json")), 1);
}

TEST_F(Program, InterruptedTrainingWritesTheStepsTaken) {
  Child child(folder_,
              {"train", "--data", "spirals", "--model", "mlp:8x2", "--epochs", "1000000",
               "--metrics", "steps.csv", "--out", "out.safetensors", "--json", "run.json"},
              {});
  ASSERT_TRUE(child.wait_for("epoch 3 of 1000000"));
  child.send(SIGINT);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const Json run = json("run.json");
  EXPECT_EQ(run["status"], "interrupted");
  const std::string csv = content("steps.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + run["steps"].get<std::int64_t>());
  EXPECT_EQ(read_safetensors(folder_ / "out.safetensors").size(), 6U);
}

// A terminal that is closed, too; and it is said how the run goes on.
TEST_F(Program, AHangUpKeepsTheRunInItsCheckpoint) {
  const std::vector<std::string> arguments = {"train",    "--data",       "spirals", "--model",
                                              "mlp:8x2",  "--epochs",     "1000000", "--json",
                                              "run.json", "--checkpoint", "kept"};
  Child child(folder_, arguments, {});
  ASSERT_TRUE(child.wait_for("epoch 3 of 1000000"));
  child.send(SIGHUP);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(json("run.json")["status"], "interrupted");
  EXPECT_THAT(content("out.txt"),
              HasSubstr("kept holds the run at step " +
                        std::to_string(json("run.json")["steps"].get<std::int64_t>()) +
                        "; the same command with --resume goes on from there"));
}

TEST_F(Program, WhatAnEarlierRunLeftIsSaidToBeOlder) {
  for (const char* file : {"net.onnx", "run.json"}) std::ofstream(folder_ / file) << "earlier";
  const Result result =
      run("train --data spirals --model mlp:8x2 --lr 1e30 --quiet --out net.onnx --json run.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("net.onnx is an older file: nothing was written to it"),
                                Not(HasSubstr("run.json is an older"))));
  EXPECT_EQ(content("net.onnx"), "earlier");
}

// The result goes to a pipe that nobody reads: the program waits there until it is ended.
class Waiting : public Program {
 protected:
  Waiting() { EXPECT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0); }

  const std::vector<std::string> arguments_ = {
      "train", "--data", "spirals", "--model", "mlp:8x2", "--epochs", "1", "--json", "pipe"};
};

TEST_F(Waiting, TheSecondInterruptEndsAtOnce) {
  Child child(folder_, arguments_, {.channel = Child::Channel::kTerminal});
  ASSERT_TRUE(child.wait_for("epoch 1 of 1:"));
  child.send(SIGINT);
  ASSERT_TRUE(child.wait_for("interrupted: "));
  child.send(SIGINT);
  const int status = child.wait();
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
  EXPECT_GT(child.seen().rfind("\x1b[?25h") + 1, child.seen().rfind("\x1b[?25l") + 1)
      << "the cursor is left hidden";
}

TEST_F(Waiting, AnIgnoredInterruptStaysIgnored) {
  Child child(folder_, arguments_, {.ignore_interrupts = true});
  ASSERT_TRUE(child.wait_for("epoch 1 of 1:"));
  child.send(SIGINT);
  EXPECT_EQ(json("pipe")["status"], "finished");
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(child.seen(), Not(HasSubstr("interrupted")));
}

TEST_F(Program, ATerminalShowsBarsWithinItsWidthAndGetsItsCursorBack) {
  constexpr int kColumns = 60;
  Child child(folder_, kLongStudy, {.channel = Child::Channel::kTerminal, .columns = kColumns});
  ASSERT_TRUE(child.wait_for("] step "));
  ASSERT_TRUE(child.wait_for("of 3000 runs [", 2));
  child.send(SIGINT);
  child.wait();
  EXPECT_TRUE(child.seen().starts_with("\x1b[?25l"));
  EXPECT_TRUE(child.seen().ends_with("\x1b[?25h"));
  std::istringstream lines(
      std::regex_replace(child.seen(), std::regex("\x1b\\[\\??[0-9]*[A-Za-z]|\r"), ""));
  int bars = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" [#") == std::string::npos && line.find(" [-") == std::string::npos) continue;
    EXPECT_LT(line.size(), kColumns) << line;
    ++bars;
  }
  EXPECT_GE(bars, 3)
      << "a run and twice the whole: a frame right after the end of a run may show no other";
}

TEST_F(Program, ADumbTerminalGetsPlainLines) {
  Child child(folder_, {"train", "--data", "spirals", "--model", "mlp:8x2", "--epochs", "3"},
              {.channel = Child::Channel::kTerminal, .terminal = "dumb"});
  const int status = child.wait();
  EXPECT_EQ(status, 0);
  EXPECT_THAT(child.seen(), AllOf(HasSubstr("epoch 3 of 3"), Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace undying::cli
