// train, compare and bench as programs: what they write and how they go on.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/test_program.h"
#include "data/image/test_images.h"
#include "undying/dataset.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(Program, TrainWritesWhatTheContractSays) {
  const Result first = run("train" + std::string(kTiny) +
                           "--activation prelu --lr 0.03 --momentum 0.9 --weight-decay 1e-4 "
                           "--steps 30 --seed 1 --no-shuffle --shards 2 "
                           "--metrics steps.csv --out out.safetensors --json run.json");
  ASSERT_EQ(first.code, 0) << first.err;
  std::istringstream csv(content("steps.csv"));
  std::string line;
  std::getline(csv, line);
  EXPECT_THAT(line, testing::StartsWith("step,loss,lr,grad_norm"));
  int lines = 0;
  while (std::getline(csv, line))
    EXPECT_THAT(line, testing::StartsWith(std::to_string(++lines) + ","));
  EXPECT_EQ(lines, 30);
  std::vector<std::string> names;
  for (const Tensor& tensor : read_safetensors(folder_ / "out.safetensors"))
    names.push_back(tensor.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "layer.0.weight", "layer.0.bias", "layer.0.slope", "layer.1.weight",
                         "layer.1.bias", "layer.1.slope", "layer.2.weight", "layer.2.bias"));
  const Json report = json("run.json");
  EXPECT_EQ(report["settings"]["activation"], "prelu:0.25");
  EXPECT_EQ(report["settings"]["batch"], 50);
  EXPECT_EQ(report["shards"], 2);
  EXPECT_EQ(report["ledger"]["layers"][1]["firing_rates"].size(), 8U);
  EXPECT_TRUE(report["test_accuracy"].is_number());
}

// Without momentum the weights are all there is to a run: two halves equal the whole.
TEST_F(Program, InitContinuesExactlyFromOut) {
  const std::string common =
      "train --data spirals --model mlp:8x2 --batch 50 --quiet --no-shuffle --shards 1 --lr 0.05 ";
  ASSERT_EQ(run(common + "--epochs 2 --out whole.safetensors").code, 0);
  ASSERT_EQ(run(common + "--epochs 1 --out half.safetensors").code, 0);
  ASSERT_EQ(
      run(common + "--epochs 1 --seed 99 --init half.safetensors --out rest.safetensors").code, 0);
  EXPECT_EQ(content("whole.safetensors"), content("rest.safetensors"));
}

TEST_F(Program, ThreadsDoNotChangeTheResult) {
  for (const char* threads : {"1", "2", "4"})
    ASSERT_EQ(run("train" + std::string(kTiny) + "--shards 4 --threads " + threads + " --out t" +
                  threads + ".safetensors")
                  .code,
              0);
  EXPECT_EQ(content("t1.safetensors"), content("t2.safetensors"));
  EXPECT_EQ(content("t1.safetensors"), content("t4.safetensors"));
}

TEST_F(Program, CompareWritesJsonAndReportWithControlAndPlacebo) {
  const Result result =
      run("compare" + std::string(kTiny) +
          "--activations leaky_relu:0.1,prelu --seeds 2 --json study.json --report report.html");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "") << "--quiet";
  EXPECT_THAT(result.out, AllOf(HasSubstr("relu (control)"), HasSubstr("relu (placebo)"),
                                HasSubstr("leaky_relu:0.1"), HasSubstr("prelu:0.25")));
  const Json study = json("study.json");
  EXPECT_EQ(study["arms"].size(), 4U);
  EXPECT_EQ(study["missing"], 0);
  EXPECT_THAT(study["command"].get<std::string>(), HasSubstr("undying compare --data spirals"));
  EXPECT_THAT(content("report.html"), HasSubstr("<!doctype html>"));
}

TEST_F(Program, SeveralRatesAreTriedForEachArm) {
  const std::string command =
      "compare" + std::string(kTiny) +
      "--activations elu --seeds 1 --json study.json --report report.html --lr ";
  const Result result = run(command + "0.1,1e-6,0.1,.01");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("the best of 1e-06, 0.01, 0.1"), HasSubstr("lr 1e-06"),
                                HasSubstr("as the control")));
  const Json study = json("study.json");
  EXPECT_EQ(study["settings"]["lr"], (std::vector<double>{1e-6, 0.01, 0.1}));
  EXPECT_GT(study["data"]["validation_examples"], 0);
  for (const Json& arm : study["arms"]) {
    ASSERT_EQ(arm["rates"].size(), 3U);
    for (const Json& tried : arm["rates"])
      EXPECT_EQ(tried["chosen"].get<bool>(), tried["learning_rate"] == arm["learning_rate"]);
  }
  EXPECT_THAT(content("report.html"), HasSubstr("rates-section"));
  EXPECT_EQ(run(command + "0.1").code, 0);
  EXPECT_EQ(json("study.json")["settings"]["lr"], 0.1);
  EXPECT_TRUE(json("study.json")["arms"][0]["rates"].empty());
  expect_error("compare --data spirals --lr 0.1,,1",
               AllOf(HasSubstr("--lr"), HasSubstr("\"\" is not a number")));
  expect_error("compare --data spirals --lr 0.1,-1",
               AllOf(HasSubstr("--lr"), HasSubstr("-1 is out of range")));
  expect_error("train --data spirals --lr 0.1,1",
               AllOf(HasSubstr("names 2 rates"), HasSubstr("undying compare")));
}

TEST_F(Program, StopsEarlyAndSaysSo) {
  const std::string data =
      " --data spirals --model mlp:8x2 --batch 50 --epochs 40 --early-stop 1 --quiet ";
  const Result train = run("train" + data + "--metric auc --out early.onnx --json run.json");
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_THAT(train.out, AllOf(HasSubstr("for validation: "),
                               HasSubstr("not trained on, the run stops early by them"),
                               HasSubstr("test AUC 0."), HasSubstr("baseline AUC 0.5000"),
                               HasSubstr("the weights are those of epoch ")));
  const Json report = json("run.json");
  EXPECT_EQ(report["settings"]["early_stop"], 1);
  EXPECT_EQ(report["settings"]["metric"], "AUC");
  EXPECT_EQ(report["score"], "AUC");
  const std::size_t best = report["best_epoch"].get<std::size_t>();
  EXPECT_EQ(report["epochs"][best - 1]["test_score"], report["test_score"]);
  const Result compare =
      run("compare" + data + "--metric auc --activations elu --seeds 2 --json study.json");
  ASSERT_EQ(compare.code, 0) << compare.err;
  EXPECT_THAT(compare.out,
              AllOf(HasSubstr("every run sets"), HasSubstr("test AUC (95%)"), HasSubstr("epochs"),
                    HasSubstr("Runs stop early, after 1 epoch without")));
  EXPECT_EQ(json("study.json")["score"], "AUC");
  EXPECT_GT(json("study.json")["arms"][0]["epochs_kept"]["most"], 0);
  EXPECT_THAT(run("revive --help").out, testing::Not(HasSubstr("--early-stop")));
}

TEST_F(Program, AMetricThatDoesNotFitIsOneError) {
  expect_error("train --data spirals --metric rmse",
               AllOf(HasSubstr("RMSE"), HasSubstr("has classes"), HasSubstr("balanced-accuracy")));
  expect_error("compare --data abs --metric auc",
               AllOf(HasSubstr("AUC"), HasSubstr("expected rmse, mae or r2")));
  expect_error("train --data spirals --metric precision",
               AllOf(HasSubstr("precision"), HasSubstr("log-loss")));
  expect_error("train --data abs --metrics= --seed=3", HasSubstr("[--metrics] is empty"));
  expect_error("train --data abs --class-weights balanced",
               HasSubstr("[--class-weights] are of cross-entropy"));
  expect_error("train --data spirals --class-weights heavy",
               AllOf(HasSubstr("heavy"), HasSubstr("balanced")));
}

TEST_F(Program, RegressionIsComparedByLoss) {
  const Result result =
      run("compare --data abs --model mlp:8x2 --epochs 2 --batch 50 --quiet --activations elu "
          "--seeds 2 --json study.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(json("study.json")["score"], "loss");
}

TEST_F(Program, StoreIsResumedToTheSameNumbers) {
  const std::string command =
      "compare" + std::string(kTiny) + "--activations elu --store study.sqlite ";
  ASSERT_EQ(run(command + "--seeds 1 --json one.json").code, 0);
  ASSERT_EQ(run(command + "--seeds 2 --json two.json").code, 0);
  ASSERT_EQ(
      run("compare" + std::string(kTiny) + "--activations elu --seeds 2 --json fresh.json").code,
      0);
  EXPECT_EQ(run("compare --data spirals --model mlp:8x2 --epochs 2 --batch 50 --activations elu "
                "--store study.sqlite --seeds 2")
                .code,
            0);
  const std::string progress = content("err.txt");
  EXPECT_EQ(std::count(progress.begin(), progress.end(), '\n'), 7) << progress;
  EXPECT_THAT(progress, AllOf(HasSubstr("[6/6]"), HasSubstr("kept from before")));
  const Json two = json("two.json");
  const Json fresh = json("fresh.json");
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_EQ(two["arms"][arm]["score"], fresh["arms"][arm]["score"]);
    EXPECT_EQ(two["arms"][arm]["runs"][0]["curve"], fresh["arms"][arm]["runs"][0]["curve"]);
  }
  expect_error(
      "compare" + std::string(kTiny) + "--activations elu --seeds 2 --lr 0.5 --store study.sqlite",
      AllOf(HasSubstr("study.sqlite"), HasSubstr("0.5")));
}

TEST_F(Program, PartsOfAStudyAreMergedIntoTheWhole) {
  const std::string command = "compare" + std::string(kTiny) + "--activations elu --seeds 3 ";
  for (const char* part : {"1", "2"}) {
    const Result result = run(command + "--part " + part + "/2 --store part-" + part + ".sqlite");
    EXPECT_EQ(result.code, 0);
    EXPECT_THAT(result.out,
                HasSubstr(std::string(part) == "1" ? "part 1 of 2 is whole: 5 of 9 runs"
                                                   : "part 2 of 2 is whole: 4 of 9 runs"));
  }
  const Result merged = run("merge part-1.sqlite part-2.sqlite --store all.sqlite");
  EXPECT_EQ(merged.code, 0);
  EXPECT_THAT(merged.out,
              AllOf(HasSubstr("all.sqlite: 9 runs, 9 of them new"), HasSubstr("3 seeds")));
  ASSERT_EQ(run(command + "--store all.sqlite --json merged.json").code, 0);
  EXPECT_EQ(content("err.txt").find("step"), std::string::npos) << "nothing is trained";
  ASSERT_EQ(run(command + "--json fresh.json").code, 0);
  for (std::size_t arm = 0; arm < 3; ++arm)
    EXPECT_EQ(json("merged.json")["arms"][arm]["score"], json("fresh.json")["arms"][arm]["score"]);

  expect_error(command + "--part 3/2 --store p.sqlite", HasSubstr("--part"));
  expect_error(command + "--part 3 --store p.sqlite", HasSubstr("expected K/N"));
  expect_error(command + "--part 1/2", HasSubstr("expected --store FILE"));
  expect_error(command + "--part 1/2 --store p.sqlite --json x.json", HasSubstr("--json"));
  expect_error("compare" + std::string(kTiny) + "--part 1/2 --store p.sqlite --seeds auto",
               HasSubstr("expected --seeds N"));
  expect_error("merge none.sqlite --store all.sqlite", HasSubstr("none.sqlite"));
  expect_error("merge all.sqlite --store all.sqlite", HasSubstr("all.sqlite"));
}

TEST_F(Program, BenchVerifiesAndMeasures) {
  const Result result = run("bench --workload W1 --seconds 0.2 --threads 1 --json bench.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GT(json("bench.json")["samples_per_second"].get<double>(), 0.0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("samples/s"), HasSubstr("GFLOP/s")));
}

}  // namespace
}  // namespace undying::cli
