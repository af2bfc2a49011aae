// diagnose and revive as a user runs them, on a network that an exporter might have written.

#include <cmath>

#include "cli/test_program.h"
#include "undying/doctor.h"
#include "undying/onnx.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DoctorProgram : public Program {
 protected:
  // A network for spirals whose units of these indices are dead in the first layer, and no other.
  void write_model(std::initializer_list<std::size_t> dead) const {
    const Graph graph = mlp({.inputs = 2, .hidden = {16, 16}, .outputs = 2, .activation = "relu"});
    std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
    for (const std::size_t unit : dead) weights[1].values[unit] = -100.0f;
    for (float& bias : weights[3].values) bias = 2.0f;
    onnx::save(folder_ / "model.onnx", graph, weights,
               {.inputs = {"pixels"}, .outputs = {"logits"}});
  }
};

TEST_F(DoctorProgram, DiagnoseNamesTheDead) {
  write_model({3, 4, 9, 15});
  const Result result = run("diagnose model.onnx --data spirals --json diagnosis.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("dead units"), HasSubstr("Units 3, 4, 9, 15."),
                                HasSubstr("n = 2000"), HasSubstr("spirals")));
  EXPECT_EQ(json("diagnosis.json")["dead"], 4);
  EXPECT_EQ(json("diagnosis.json")["locked"], 4);
}

TEST_F(DoctorProgram, DiagnoseIsOnePassAndSaysSo) {
  write_model({3});
  const Result result = run("diagnose model.onnx --data spirals --explain");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("Passes over data"),
                    testing::ContainsRegex("census, loss, gradients[^\n]* 2000 +1 +1\n$")));
}

TEST_F(DoctorProgram, MemoryIsABound) {
  write_model({3});
  EXPECT_EQ(run("diagnose model.onnx --data spirals --memory 1M").code, 0);
  EXPECT_EQ(run("prune model.onnx --data spirals --memory 1M").code, 0);
  for (const char* command : {"diagnose", "prune", "revive"})
    expect_error(std::string(command) + " model.onnx --data spirals --memory 100 --threads 2",
                 AllOf(HasSubstr("[memory]"), HasSubstr("for one example a thread, 2 threads")));
  expect_error("diagnose model.onnx --data spirals --memory lots",
               AllOf(HasSubstr("[--memory]"), HasSubstr("500M")));
}

TEST_F(DoctorProgram, InspectSaysWhatANetworkHolds) {
  write_model({});
  const Result result = run("inspect model.onnx");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("written by undying"), HasSubstr("pixels (N, 2)"),
                                HasSubstr("logits (N, 2)"), HasSubstr("354 trained"),
                                HasSubstr("relu, 16 units"), HasSubstr("revive       yes")));
  expect_error("inspect gone.onnx", HasSubstr("gone.onnx"));
}

TEST_F(DoctorProgram, FailOnIsAnExitCode) {
  write_model({3, 4, 9, 15});
  const Result fails =
      run("diagnose model.onnx --data spirals --fail-on 'dead>5%' --fail-on 'saturated>5%'");
  EXPECT_EQ(fails.code, 3);
  EXPECT_THAT(fails.out, HasSubstr("--fail-on 'dead>5%' is met: 4 of 32 units, 12.50%"));
  EXPECT_EQ(run("diagnose model.onnx --data spirals --fail-on 'dead>20%'").code, 0);
  expect_error("diagnose model.onnx --data spirals --fail-on 'alive>5%'", HasSubstr("alive"));
}

TEST_F(DoctorProgram, FailOnTakesFindings) {
  write_model({});
  const Result fresh = run("diagnose model.onnx --data spirals --fail-on not-learned");
  EXPECT_EQ(fresh.code, 3) << fresh.out;
  EXPECT_THAT(fresh.out,
              AllOf(HasSubstr("baseline 50.00%"), HasSubstr("--fail-on 'not-learned' is met")));
  EXPECT_EQ(run("diagnose model.onnx --data spirals --fail-on dead-network --fail-on 'constant>0' "
                "--fail-on 'out-of-reach>0'")
                .code,
            0);
  expect_error("diagnose model.onnx --data spirals --fail-on headache",
               AllOf(HasSubstr("headache"), HasSubstr("scale-of-the-inputs")));
}

// Whole layers that are dead are said to be so, with what to type next.
TEST_F(DoctorProgram, TrainSaysWhenNothingCanBeLearned) {
  const Graph graph = mlp({.inputs = 2, .hidden = {8, 8}, .outputs = 2, .activation = "relu"});
  std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
  for (float& bias : weights[3].values) bias = -1000.0f;
  write_safetensors(folder_ / "dead.safetensors", weights);
  const Result result = run(
      "train --data spirals --model mlp:8-8 --init dead.safetensors --epochs 1 --json run.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(
          HasSubstr("baseline 50.00%"), HasSubstr("Nothing was learned"),
          HasSubstr("Every unit is dead in layer.1 (from the start)"),
          HasSubstr("Next: undying train --data spirals --model mlp:8-8 --init dead.safetensors "
                    "--epochs 1 --json run.json "
                    "--out net.onnx && undying diagnose net.onnx --data spirals"),
          HasSubstr("Next: undying compare --data spirals --model mlp:8-8 --init dead.safetensors "
                    "--epochs 1 --activations")));
  EXPECT_NEAR(json("run.json")["baseline"]["score"].get<double>(), 0.5, 1e-9);
  EXPECT_EQ(run("diagnose net.onnx --data spirals").code, 2)
      << "nothing was written without being asked for";
}

// And what the updates say of the rate.
TEST_F(DoctorProgram, TrainSaysThatTheRateIsTooSmallOrTooLarge) {
  const std::string train = "train --data spirals --model mlp:8-8 --quiet --threads 1 --lr ";
  const std::string rates =
      "Next: undying compare --data spirals --model mlp:8-8 --quiet --threads 1 "
      "--lr 0.[0-9]+,0.[0-9]+,0.[0-9]+ --activations";
  EXPECT_THAT(run(train + "1e-9").out,
              AllOf(HasSubstr("Found: rate too small: all "), HasSubstr("To try: a larger --lr"),
                    testing::ContainsRegex(rates), Not(HasSubstr("Next: undying train"))));
  EXPECT_THAT(run(train + "300").out, AllOf(HasSubstr("Found: rate too large: the update of step "),
                                            testing::ContainsRegex(rates)));
  EXPECT_THAT(run(train + "0.01 --epochs 1").out, Not(HasSubstr("Found: rate")));
}

// What a NaN computes is beyond every threshold, and beyond cure.
TEST_F(DoctorProgram, ANetworkThatIsNotFiniteMeetsEveryConditionAndIsNotRevived) {
  const Graph graph = mlp({.inputs = 2, .hidden = {16, 16}, .outputs = 2, .activation = "relu"});
  std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
  weights[0].values[3] = std::nanf("");
  onnx::save(folder_ / "model.onnx", graph, weights, {.inputs = {"pixels"}, .outputs = {"logits"}});
  const Result result = run("diagnose model.onnx --data spirals --fail-on 'dead>99%'");
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, HasSubstr("outputs are not finite"));
  expect_error("revive model.onnx --data spirals --seeds 5", HasSubstr("not finite"));
  expect_error("diagnose model.onnx --data spirals --json model.onnx",
               HasSubstr("which MODEL reads"));
}

TEST_F(DoctorProgram, ForecastReadsNoData) {
  write_model({});
  const Result result = run("diagnose model.onnx --data nonsense --forecast --json forecast.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("upper bound on being born dead"));
  EXPECT_EQ(json("forecast.json")["layers"].size(), 2U);
}

TEST_F(DoctorProgram, WrongInputIsNamed) {
  write_model({});
  expect_error("diagnose missing.onnx --data spirals", HasSubstr("missing.onnx"));
  expect_error("diagnose", HasSubstr("MODEL"));
  expect_error("diagnose model.onnx --data abs", HasSubstr("abs"));
  expect_error("diagnose model.onnx --data spirals --part half", HasSubstr("half"));
  expect_error("diagnose model.onnx --data spirals --labels y.npy", HasSubstr("--labels"));
  expect_error("revive model.onnx --data spirals --remedies leeches",
               AllOf(HasSubstr("leeches"), HasSubstr("re-initialise")));
  for (const char* command : {"revive", "prune"})
    for (const char* opset : {"3", "16", "29"})
      expect_error(std::string(command) + " model.onnx --data spirals --opset " + opset,
                   HasSubstr("--opset"));
  expect_error("revive model.onnx --data spirals -o healed.safetensors",
               AllOf(HasSubstr("[--out]"), HasSubstr("expected FILE.onnx")));
  expect_error("prune model.onnx --data spirals -o smaller.safetensors", HasSubstr("[--out]"));
  expect_error("train --data spirals --out net.pt --steps 1", HasSubstr("[--out]"));
  expect_error(
      "revive model.onnx --data spirals --remedies crelu,leaky_relu:0,l2-init:0 --epochs 1",
      AllOf(HasSubstr("crelu: it makes 2 values of one"),
            HasSubstr("leaky_relu:0: each activation is that already"),
            HasSubstr("l2-init:0: l2-init:0 changes nothing")));
  expect_error("revive model.onnx --data spirals -o no/such/file.onnx",
               HasSubstr("no/such/file.onnx"));
  expect_error("revive model.onnx --data spirals --seeds 1", HasSubstr("seeds"));
}

TEST_F(DoctorProgram, ReviveWritesTheRecordAndTheNetworkOnlyWhereSomethingHelped) {
  write_model({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Result result =
      run("revive model.onnx --data spirals --epochs 8 --lr 0.1 --momentum 0.9 --seeds 6 -o "
          "healed.onnx --json revival.json --report "
          "page.html --quiet");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto record = json("revival.json");
  EXPECT_EQ(record["before"]["dead"], 13);
  EXPECT_EQ(record["remedies"].size(), 12U);
  EXPECT_THAT(content("page.html"), HasSubstr("<!doctype html>"));
  EXPECT_EQ(exists("healed.onnx"), !record["chosen"].is_null());
  if (record["chosen"].is_null()) return;
  EXPECT_LT(record["after"]["dead"].get<int>(), 13);
  EXPECT_EQ(run("diagnose healed.onnx --data spirals --fail-on 'dead>40%'").code, 0);
  const onnx::Model healed = onnx::load(folder_ / "healed.onnx");
  EXPECT_EQ(healed.inputs, std::vector<std::string>{"pixels"});
  EXPECT_EQ(healed.outputs, std::vector<std::string>{"logits"});
}

TEST_F(DoctorProgram, ReviveSaysWhenNothingHelped) {
  write_model({});
  const Result result =
      run("revive model.onnx --data spirals --steps 1 --lr 1e-9 --seeds 5 -o healed.onnx --quiet");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("Nothing is shown to help"), HasSubstr("no network was written")));
  EXPECT_FALSE(exists("healed.onnx"));
}

}  // namespace
}  // namespace undying::cli
