// Streams, checkpoints, remedies inside training and published results, as programs.
#include <fstream>

#include "cli/test_program.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr const char* kStream =
    "train --data stream:slowly-changing:500 --model mlp:5x1 --batch 10 --lr 0.01 --quiet "
    "--shards 1 --seed 3 --keep-alive cbp:0.001 ";

TEST_F(Program, AStreamIsScoredByItsOnlineError) {
  const Result result = run(std::string(kStream) + "--steps 5000 --json run.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("a stream without end, in stretches of 20000 examples"),
                                HasSubstr("online loss"), HasSubstr("units replaced")));
  const Json report = json("run.json");
  ASSERT_EQ(report["epochs"].size(), 3U);  // two stretches and a half
  EXPECT_EQ(report["steps"], 5000);
  EXPECT_EQ(report["test_loss"], report["epochs"][2]["train_loss"]);
  EXPECT_EQ(report["settings"]["keep_alive"], "cbp:0.001");
  EXPECT_GT(report["keep_alive"]["replaced"], 0);
}

TEST_F(Program, ARunGoesOnFromItsCheckpointBitByBit) {
  ASSERT_EQ(
      run(std::string(kStream) + "--steps 4000 --out whole.safetensors --json whole.json").code, 0);
  const std::string kept = std::string(kStream) + "--checkpoint kept --checkpoint-every 700 ";
  ASSERT_EQ(run(kept + "--steps 2500").code, 0);  // as a kill at step 2500 leaves the file
  ASSERT_EQ(run(kept + "--steps 4000 --resume --out rest.safetensors --json rest.json").code, 0);
  EXPECT_EQ(content("whole.safetensors"), content("rest.safetensors"));
  Json whole = json("whole.json");
  Json rest = json("rest.json");
  EXPECT_EQ(whole["ledger"], rest["ledger"]);
  EXPECT_EQ(whole["keep_alive"], rest["keep_alive"]);
  expect_error(kept + "--steps 4000 --resume --momentum 0.5", HasSubstr("holds another run"));
  expect_error(kept + "--steps 4000 --resume --activation elu",
               AllOf(HasSubstr("holds another run"), HasSubstr("activation=relu"),
                     HasSubstr("activation=elu"), Not(HasSubstr("checksum"))));
}

TEST_F(Program, ACheckpointIsNotOverwrittenByAnotherRun) {
  const std::string kept = std::string(kStream) + "--checkpoint kept --checkpoint-every 700 ";
  ASSERT_EQ(run(kept + "--steps 1500").code, 0);
  const std::string before = content("kept");
  expect_error(
      kept + "--steps 1500 --momentum 0.5",
      AllOf(HasSubstr("[--checkpoint] kept holds a run at step 1400"), HasSubstr("--resume")));
  EXPECT_EQ(content("kept"), before);
  std::ofstream(folder_ / "thesis.txt") << "no checkpoint";
  expect_error(std::string(kStream) + "--steps 10 --checkpoint thesis.txt",
               HasSubstr("is no checkpoint"));
  EXPECT_EQ(content("thesis.txt"), "no checkpoint");
  expect_error(std::string(kStream) + "--steps 10 --checkpoint-every 5",
               HasSubstr("[--checkpoint-every]"));
  expect_error(std::string(kStream) + "--steps 10 --checkpoint /proc/kept",
               HasSubstr("/proc/kept"));
}

TEST_F(Program, AStreamWithoutEndMustBeTold) {
  expect_error("train --data stream:slowly-changing --model mlp:5x1", HasSubstr("[--steps]"));
  expect_error("train --data stream:slowly-changing --model mlp:5x1 --steps 100 --resume",
               HasSubstr("--checkpoint FILE"));
  expect_error("train --data stream:slowly-changing --model mlp:5x1 --steps 100 --early-stop 2",
               HasSubstr("[--early-stop]"));
  expect_error("train --data spirals --keep-alive rado",
               AllOf(HasSubstr("[--keep-alive \"rado\"]"), HasSubstr("perhaps redo")));
}

TEST_F(Program, RemediesInsideTrainingAreArms) {
  const std::string study =
      "compare --data spirals --model mlp:8x2 --epochs 2 --batch 50 --quiet --seeds 2 "
      "--activations relu,elu --keep-alive none,redo:0.1,20 --store study.sqlite --json study.json";
  ASSERT_EQ(run(study).code, 0);
  const Json found = json("study.json");
  std::vector<std::string> labels;
  for (const Json& arm : found["arms"]) labels.push_back(arm["label"]);
  EXPECT_THAT(labels, ElementsAre("relu (control)", "relu (placebo)", "elu:1", "relu + redo:0.1,20",
                                  "elu:1 + redo:0.1,20"));
  ASSERT_EQ(run(study).code, 0);  // from the store: the same figures
  EXPECT_EQ(json("study.json")["arms"][3]["score"], found["arms"][3]["score"]);
}

TEST_F(Program, ComparesOnAStream) {
  const Result result = run(
      "compare --data stream:slowly-changing:500 --model mlp:5x1 --batch 20 --steps 3000 --quiet "
      "--seeds 2 --activations relu,tanh --keep-alive none,cbp --json study.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(json("study.json")["part"], "online");
  EXPECT_EQ(json("study.json")["arms"].size(), 5U);
  EXPECT_THAT(result.out, AllOf(HasSubstr("each seed draws its own"),
                                testing::Not(HasSubstr("Nadeau & Bengio"))));
  expect_error("compare --data stream:slowly-changing --model mlp:5x1 --steps 100 --lr 0.1,0.01",
               HasSubstr("no validation rows"));
}

TEST_F(Program, ReproducesAtQuickSize) {
  const Result result = run("reproduce plasticity --quick --quiet --json found.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("Dohare et al. 2024"), HasSubstr("| relu + cbp "),
                                HasSubstr("quick: too small for the statement")));
  const Json found = json("found.json");
  EXPECT_EQ(found["plots"][0]["curves"].size(), found["tables"][0]["rows"].size());
  for (const Json& claim : found["claims"]) EXPECT_EQ(claim["verdict"], "undecided");
  // Every one of them, by the same rules.
  for (const char* name : {"remedies", "born-dead", "variance", "recovery", "learning-rate",
                           "deep-34x128", "overhead", "slopes"}) {
    const Result other = run(std::string("reproduce --quick --quiet --json other.json ") + name);
    ASSERT_EQ(other.code, 0) << name << other.err;
    EXPECT_GT(json("other.json")["tables"].size(), 0U) << name;
    EXPECT_GT(json("other.json")["plots"].size(), 0U) << name;
    for (const Json& claim : json("other.json")["claims"]) EXPECT_EQ(claim["verdict"], "undecided");
  }
  expect_error("reproduce nothing", HasSubstr("plasticity"));
}

// Whatever is short of a row's own size decides nothing, and says what was run.
TEST_F(Program, AShortenedReproductionDecidesNothing) {
  for (const char* row : {"recovery --seeds 1 --steps 10", "learning-rate --quick --steps 1"}) {
    const Result result = run(std::string("reproduce --quiet --json short.json ") + row);
    ASSERT_EQ(result.code, 0) << row << result.err;
    for (const Json& claim : json("short.json")["claims"])
      EXPECT_EQ(claim["verdict"], "undecided") << row;
  }
  const Json found = json("short.json");
  EXPECT_THAT(found["setting"].get<std::string>(), HasSubstr("1 step,"));
  EXPECT_THAT(found["tables"][0]["title"].get<std::string>(), HasSubstr("after 1 step,"));
  EXPECT_THAT(found["claims"][0]["found"].get<std::string>(),
              AllOf(HasSubstr("dead at 0.003:"), HasSubstr("; at 0.1:")));
}

TEST_F(Program, TheStoreOfAReproductionIsAFolder) {
  std::ofstream(folder_ / "taken") << "a file";
  expect_error("reproduce slopes --quick --store taken", HasSubstr("[--store] taken cannot be"));
  expect_error("reproduce slopes --quick --store taken/in", HasSubstr("[--store]"));
  expect_error("reproduce slopes --quick --store /proc/none", HasSubstr("[--store]"));
  for (const char* name : {"recovery", "overhead"}) {
    expect_error(std::string("reproduce --quick --store runs ") + name, HasSubstr("keeps no runs"));
    EXPECT_FALSE(exists("runs"));
  }
  EXPECT_THAT(run("reproduce --help").out, HasSubstr("--store FOLDER"));
}

}  // namespace
}  // namespace undying::cli
