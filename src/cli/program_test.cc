// The program as a user runs it: what it prints, what it writes, how it ends.

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

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(Program, HelpTeachesAndVersionIsShort) {
  for (const char* command : {"", "compare", "train", "diagnose", "revive", "bench", "list"}) {
    const Result help = run(std::string(command) + " --help");
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("undying")) << command;
    EXPECT_THAT(help.out, HasSubstr("--")) << command;
  }
  EXPECT_THAT(run("compare --help").out,
              AllOf(HasSubstr("Examples:"), HasSubstr("Exit codes:"), HasSubstr("mlp:16x30")));
  EXPECT_THAT(run("--version").out, testing::StartsWith("undying 0."));
}

TEST_F(Program, ListNamesEverything) {
  const Result list = run("list --json list.json");
  EXPECT_EQ(list.code, 0);
  EXPECT_THAT(list.out,
              AllOf(HasSubstr("leaky_relu"), HasSubstr("slope"), HasSubstr("fashion-mnist"),
                    HasSubstr("adamw"), HasSubstr("one-cycle"), HasSubstr("resnet:20"),
                    HasSubstr("lenet"), HasSubstr("mobilenet:small")));
  EXPECT_GE(json("list.json")["activations"].size(), 19U);
}

TEST_F(Program, WhatListNamesIsAccepted) {
  ASSERT_EQ(run("list --quiet --json list.json").code, 0);
  const Json list = json("list.json");
  std::string names;
  for (const Json& activation : list["activations"])
    names += activation["name"].get<std::string>() + "\n";
  EXPECT_EQ(content("out.txt"), names);
  for (const Json& loss : list["loss"]) EXPECT_NO_THROW(parse_loss(loss.get<std::string>()));
  for (const Json& metric : list["metric"])
    EXPECT_NO_THROW(parse_metric(metric.get<std::string>()));
  for (const Json& scheme : list["init-scheme"])
    EXPECT_NO_THROW(parse_initializer(scheme.get<std::string>()));
  for (const Json& optimizer : list["optimizer"])
    EXPECT_EQ(
        run("train" + std::string(kTiny) + "--optimizer " + optimizer.get<std::string>()).code, 0)
        << optimizer;
  for (const char* schedule :
       {"constant", "step:10", "step:10,0.5", "cosine", "cosine:0.1", "one-cycle"})
    EXPECT_EQ(run("train" + std::string(kTiny) + "--schedule " + schedule).code, 0) << schedule;
  for (const char* data : {"spirals", "abs", "slowly-changing"})
    EXPECT_EQ(
        run("train --model mlp:4 --steps 2 --no-census --quiet --data " + std::string(data)).code,
        0)
        << data;
}

TEST_F(Program, EveryCommandTakesTheCommonFlags) {
  const std::string common = " --seed 3 --threads 1 --quiet --json result.json";
  EXPECT_EQ(run("train --data spirals --model mlp:4 --epochs 1" + common).code, 0);
  EXPECT_EQ(
      run("compare --data spirals --model mlp:4 --epochs 1 --seeds 1 --activations elu" + common)
          .code,
      0);
  EXPECT_EQ(run("bench --seconds 0.05" + common).code, 0);
  EXPECT_EQ(run("list" + common).code, 0);
  EXPECT_EQ(content("err.txt"), "") << "--quiet";
}

TEST_F(Program, DefaultRateAndDecayAreTheOptimizers) {
  const auto optimizer = [&](const std::string& flags) {
    EXPECT_EQ(run("train" + std::string(kTiny) + "--json run.json " + flags).code, 0);
    return json("run.json")["settings"];
  };
  EXPECT_NEAR(optimizer("")["lr"].get<double>(), 0.01, 1e-8);
  EXPECT_NEAR(optimizer("--optimizer adam")["lr"].get<double>(), 0.001, 1e-9);
  EXPECT_NEAR(optimizer("--optimizer adamw")["weight_decay"].get<double>(), 0.01, 1e-8);
  EXPECT_NEAR(optimizer("--optimizer adamw --lr 0.5 --weight-decay 0")["lr"].get<double>(), 0.5,
              1e-7);
  EXPECT_EQ(optimizer("--optimizer adamw --weight-decay 0")["weight_decay"].get<double>(), 0.0);
}

// No result is worth the data it was made of.
TEST_F(Program, NoOutputOverwritesAnInput) {
  const std::string csv = "a,label\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n";
  std::ofstream(folder_ / "d.csv") << csv;
  fs::create_directory(folder_ / "images");
  std::ofstream(folder_ / "images/train-images-idx3-ubyte") << "x";
  expect_error("train --data csv:d.csv --model mlp:4 --json d.csv",
               AllOf(HasSubstr("[--json]"), HasSubstr("which --data reads")));
  expect_error("train --data csv:d.csv:label=label --model mlp:4 --out ./d.csv",
               HasSubstr("[--out]"));
  expect_error("compare --data csv:d.csv --model mlp:4 --report d.csv", HasSubstr("[--report]"));
  expect_error("compare --data csv:d.csv --model mlp:4 --store d.csv", HasSubstr("[--store]"));
  expect_error("train --data idx:images --model mlp:4 --metrics images/train-images-idx3-ubyte",
               HasSubstr("[--metrics]"));
  EXPECT_EQ(content("d.csv"), csv);
  ASSERT_EQ(run("train" + std::string(kTiny) + "--out w.safetensors").code, 0);
  expect_error("train" + std::string(kTiny) + "--init w.safetensors --out w.safetensors",
               HasSubstr("which --init reads"));
}

TEST_F(Program, AResultMayStandBesideItsData) {
  fs::create_directory(folder_ / "spirals");
  for (int time = 0; time < 2; ++time)
    EXPECT_EQ(run("train" + std::string(kTiny) + "--json spirals/run.json").code, 0);
  fs::create_directory(folder_ / "images");
  for (const char* name : {"a", "b"}) {
    fs::create_directory(folder_ / "images" / name);
    for (int i = 0; i < 8; ++i)
      write(std::string("images/") + name + "/" + std::to_string(i) + ".png",
            gray_png(4, 4, static_cast<std::uint8_t>(i)));
  }
  const std::string study =
      "compare --data images:images --model mlp:4 --epochs 1 --seeds 1 --activations elu --quiet "
      "--store images/study.sqlite";
  for (int time = 0; time < 2; ++time) EXPECT_EQ(run(study).code, 0) << time << content("err.txt");
}

TEST_F(Program, StepsAloneTakeTheEpochsTheyNeed) {
  ASSERT_EQ(run("train --data spirals --model mlp:4 --batch 1000 --no-census --steps 20 --quiet "
                "--json run.json")
                .code,
            0);
  EXPECT_EQ(json("run.json")["steps"], 20);
  ASSERT_EQ(run("train --data spirals --model mlp:4 --batch 1000 --no-census --steps 20 --epochs 3 "
                "--quiet --json run.json")
                .code,
            0);
  EXPECT_EQ(json("run.json")["steps"], 6);
}

TEST_F(Program, ARunsJsonSaysHowItWasMade) {
  ASSERT_EQ(
      run("train" + std::string(kTiny) + "--normalize standard --batch-norm --json run.json").code,
      0);
  EXPECT_EQ(json("run.json")["settings"]["normalize"], "standard");
  EXPECT_EQ(json("run.json")["settings"]["batch_norm"], true);
  EXPECT_TRUE(json("run.json").contains("version"));
}

TEST_F(Program, WrongFlagsAreNamed) {
  expect_error("trian --help",
               AllOf(HasSubstr("[trian] is not a command"), HasSubstr("did you mean train?")));
  std::string many = "x,label\n";
  for (int i = 0; i < 60; ++i) many += "1," + std::to_string(1000 + 7 * (i % 50)) + "\n";
  std::ofstream(folder_ / "many.csv") << many;
  expect_error("train --data csv:many.csv",
               AllOf(HasSubstr("different whole numbers"), HasSubstr(":target=label")));
  std::ofstream(folder_ / "one.csv")
      << "x,label\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n7,a\n8,a\n9,a\n9,a\n";
  expect_error("train --data csv:one.csv", HasSubstr("the same label in every training example"));
  expect_error("train --data spirals --explain --out x.safetensors",
               AllOf(HasSubstr("[--out]"), HasSubstr("--explain")));
  expect_error("train --data spirals --data-dir .", HasSubstr("--data-dir"));
  expect_error("train --data csv:x.csv:lable=y",
               AllOf(HasSubstr("\"lable\""), HasSubstr("label=NAME")));
  expect_error("train --data spirals --model mlp:1000000x3",
               AllOf(HasSubstr("parameters"), HasSubstr("GB of memory")));
  expect_error("", HasSubstr("needs a command: compare, advise, train, diagnose, revive, prune, "
                             "inspect, predict, evaluate, replay, bench, merge, reproduce, list"));
  expect_error("comprae", HasSubstr("did you mean compare?"));
  expect_error("train --bacth 3", AllOf(HasSubstr("--bacth"), HasSubstr("did you mean --batch?")));
  expect_error("train --store x", AllOf(HasSubstr("--store"), HasSubstr("it is one of compare")));
  expect_error("--lr 1 train", AllOf(HasSubstr("--lr"), HasSubstr("behind the command")));
  expect_error("train compare", HasSubstr("[compare] is not an argument of undying train"));
  expect_error("train --batch", HasSubstr("[--batch] needs a value"));
  expect_error("train --lr 1 --lr 2", HasSubstr("[--lr] is given more than once"));
  expect_error("train --quiet=maybe",
               AllOf(HasSubstr("[--quiet] takes no value"), HasSubstr("maybe")));
  expect_error("train --batch 0", AllOf(HasSubstr("--batch"), HasSubstr("0 is out of range")));
  expect_error("train --batch abc",
               AllOf(HasSubstr("--batch"), HasSubstr("\"abc\" is not a whole number")));
  expect_error("train --lr nan", HasSubstr("--lr"));
  expect_error("train --lr -0.1", HasSubstr("--lr"));
  expect_error("train --threads -1", HasSubstr("--threads"));
  expect_error("train --epochs 99999999999999999999", HasSubstr("out of range"));
  expect_error("train --activation leekyrelu",
               AllOf(HasSubstr("leekyrelu"), HasSubstr("leaky_relu")));
  expect_error("train --activation leaky_relu:x", HasSubstr("leaky_relu:x"));
  expect_error("compare --activations relu,,elu", HasSubstr("--activations"));
  expect_error("compare --seeds 0", HasSubstr("--seeds"));
  expect_error("train --data spirals --optimizer adam --momentum 0.9",
               AllOf(HasSubstr("--momentum"), HasSubstr("adam")));
  expect_error("train --data spirals --loss mse --label-smoothing 0.1",
               AllOf(HasSubstr("--label-smoothing"), HasSubstr("mse")));
  expect_error("train --data spirals --huber-delta 2",
               AllOf(HasSubstr("--huber-delta"), HasSubstr("cross-entropy")));
  expect_error("compare --data spirals --shards 2", HasSubstr("--shards"));
  expect_error("bench --compare-counters --first-step",
               AllOf(HasSubstr("--first-step"), HasSubstr("--compare-counters")));
  expect_error("bench --compare-activations relu", HasSubstr("names 1 activations; expected two"));
  expect_error("train --data spirals --optimizer adamax --momentum 0.9",
               AllOf(HasSubstr("adamax"), HasSubstr("rmsprop")));
  expect_error("train --data spirals --optimizer adamax",
               AllOf(HasSubstr("adamax"), HasSubstr("rmsprop")));
  expect_error("train --data spirals --schedule linear", HasSubstr("[--schedule linear]"));
  expect_error("train --data spirals --loss hinge", HasSubstr("hinge"));
  expect_error("train --data spirals --init-scheme zeros", HasSubstr("zeros"));
  expect_error("train --data spirals --normalize maybe", HasSubstr("--normalize"));
  expect_error("train --data spirals --model resnet:20", HasSubstr("resnet"));
  expect_error("train --data spirals --model mlp:0x3", HasSubstr("mlp:0x3"));
  expect_error("train --data mnist", AllOf(HasSubstr("mnist"), HasSubstr("fashion-mnist")));
  expect_error("bench --workload W9", AllOf(HasSubstr("W9"), HasSubstr("W1 to W6")));
}

TEST_F(Program, WrongDataIsNamed) {
  write("nan.csv", "a,label\n1,0\nnan,1\n");
  expect_error("train --data csv:nan.csv", AllOf(HasSubstr("nan.csv"), HasSubstr("line 3"),
                                                 HasSubstr("a: 1 of 2 values are missing")));
  expect_error("train --data csv:missing.csv", HasSubstr("missing.csv"));
  expect_error("train --data idx:.", HasSubstr("train-images-idx3-ubyte"));
  expect_error("train --data images:none", HasSubstr("[none] no such folder"));
  expect_error("train --data images:.:size=28", HasSubstr("HEIGHTxWIDTH"));
  fs::create_directories(folder_ / "pictures/train/a");
  fs::create_directories(folder_ / "pictures/train/b");
  write("pictures/train/a/1.png", "text");
  write("pictures/train/b/1.png", "text");
  for (int i = 2; i < 10; ++i) write("pictures/train/b/" + std::to_string(i) + ".png", "text");
  expect_error("train --data images:pictures",
               AllOf(HasSubstr("a/1.png"), HasSubstr("neither PNG")));
  expect_error("train --data fashion-mnist --data-dir .", HasSubstr("dataset-fashion-mnist"));
  write("weights.safetensors", "not a file of tensors");
  expect_error("train --init weights.safetensors" + std::string(kTiny),
               HasSubstr("weights.safetensors"));
  write_safetensors(folder_ / "other.safetensors",
                    std::vector<Tensor>{{"layer.0.weight", {3, 2}, std::vector<float>(6)}});
  expect_error(
      "train --init other.safetensors" + std::string(kTiny),
      AllOf(HasSubstr("other.safetensors"), HasSubstr("layer.0.weight"), HasSubstr("(8, 2)")));
  expect_error("train --data abs --loss cross-entropy", HasSubstr("[--loss cross-entropy]"));
}

TEST_F(Program, WrongImagesAreNamed) {
  const std::string images = idx_images(6, 2, 2);
  const std::string labels = idx_labels(std::string("\0\1\2\0\1\2", 6));
  for (const char* part : {"train", "t10k"}) {
    write(std::string(part) + "-images-idx3-ubyte", images);
    write(std::string(part) + "-labels-idx1-ubyte", labels);
  }
  EXPECT_EQ(run("train --data idx:. --model mlp:4 --epochs 1 --quiet").code, 0);
  const std::string train = "train --data fashion-mnist --data-dir .";
  write("train-images-idx3-ubyte", labels);
  expect_error(train, AllOf(HasSubstr("train-images-idx3-ubyte"), HasSubstr("0x00000801"),
                            HasSubstr("0x00000803")));
  write("train-images-idx3-ubyte.gz", gzip(images).substr(0, 20));
  expect_error(train, HasSubstr("train-images-idx3-ubyte.gz"));
  write("train-images-idx3-ubyte.gz", gzip(images));
  write("train-labels-idx1-ubyte", idx_labels(std::string("\0\1\2\0\1\12", 6)));
  expect_error(
      train, AllOf(HasSubstr("train-labels-idx1-ubyte"), HasSubstr("label 10"), HasSubstr("0..9")));
}

TEST_F(Program, AugmentationIsRecordedAndNeedsImages) {
  for (const char* part : {"train", "t10k"}) {
    write(std::string(part) + "-images-idx3-ubyte", idx_images(6, 4, 4));
    write(std::string(part) + "-labels-idx1-ubyte", idx_labels(std::string("\0\1\2\0\1\2", 6)));
  }
  const std::string data = " --data idx:. --model mlp:4 --epochs 1 --quiet ";
  ASSERT_EQ(run("train" + data + "--augment cutout:2,flip --json run.json").code, 0);
  EXPECT_EQ(json("run.json")["settings"]["augment"], "flip,cutout:2");
  ASSERT_EQ(
      run("compare" + data + "--seeds 1 --activations elu --augment crop:2 --json study.json").code,
      0);
  EXPECT_EQ(json("study.json")["settings"]["augment"], "crop:2");
  ASSERT_EQ(run("train" + data + "--json plain.json").code, 0);
  EXPECT_EQ(json("plain.json")["settings"]["augment"], "none");
  expect_error("train --data spirals --augment flip",
               AllOf(HasSubstr("flip needs images"), HasSubstr("spirals")));
  expect_error("compare --data spirals --augment flip", HasSubstr("flip needs images"));
  expect_error("train" + data + "--augment crop:4", AllOf(HasSubstr("crop:4"), HasSubstr("4 x 4")));
  expect_error("train --augment rotate", AllOf(HasSubstr("rotate"), HasSubstr("cutout[:SIDE]")));
}

TEST_F(Program, UnwritableOutputFailsBeforeTheJob) {
  for (const char* flag : {"--json", "--metrics", "--out"})
    expect_error("train --epochs 1000000 --data spirals " + std::string(flag) + " no/such/file",
                 HasSubstr("no/such/file"));
  for (const char* flag : {"--json", "--report", "--store"})
    expect_error("compare --epochs 1000000 --data spirals " + std::string(flag) + " no/such/file",
                 HasSubstr("no/such/file"));
}

TEST_F(Program, FullDiskIsOneErrorAndCostsNoOtherResult) {
  const Result train = run("train" + std::string(kTiny) + "--metrics /dev/full --json run.json");
  EXPECT_EQ(train.code, 2);
  EXPECT_EQ(train.err, "error: [/dev/full] cannot be written: No space left on device\n");
  EXPECT_THAT(train.out, HasSubstr("test accuracy"));
  EXPECT_EQ(json("run.json")["status"], "finished");
  const Result compare =
      run("compare --seeds 1" + std::string(kTiny) + "--json /dev/full --report report.html");
  EXPECT_EQ(compare.code, 2);
  EXPECT_EQ(compare.err, "error: [/dev/full] cannot be written: No space left on device\n");
  EXPECT_THAT(compare.out, HasSubstr("relu (control)"));
  EXPECT_TRUE(exists("report.html"));
}

TEST_F(Program, FullStandardOutputIsAnError) {
  for (const char* arguments :
       {"list", "--help", "--version", "train --data spirals --model mlp:8x2 --epochs 1 --quiet"}) {
    const Result result = run(arguments, ">/dev/full 2>err.txt");
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_EQ(result.err, "error: [standard output] cannot be written: No space left on device\n")
        << arguments;
  }
}

// Progress is worth less than the job: nowhere to show it must not end it, nor must messages land
// in a file that took the descriptor.
TEST_F(Program, UnwritableStandardErrorDoesNotEndTheJob) {
  for (const char* redirection : {"2>/dev/full", "2>&-"}) {
    const Result result =
        run("compare --data spirals --model mlp:8x2 --epochs 1 --seeds 1 --json study.json --store "
            "study.sqlite",
            std::string(">out.txt ") + redirection);
    EXPECT_EQ(result.code, 0) << redirection;
    EXPECT_EQ(json("study.json")["missing"], 0) << redirection;
    fs::remove(folder_ / "study.sqlite");
  }
}

TEST_F(Program, OutputsWithoutNameOrWithTheSameAreErrors) {
  expect_error("train" + std::string(kTiny) + "--json ''",
               AllOf(HasSubstr("--json"), HasSubstr("is empty")));
  expect_error("train" + std::string(kTiny) + "--init \"$UNSET\"",
               AllOf(HasSubstr("--init"), HasSubstr("is empty")));
  expect_error("train" + std::string(kTiny) + "--json same --out ./same",
               AllOf(HasSubstr("--out"), HasSubstr("--json")));
  EXPECT_FALSE(exists("same"));
}

}  // namespace
}  // namespace undying::cli
