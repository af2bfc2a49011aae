// Networks from files, as a user's commands take them.

#include <fmt/format.h>

#include <cmath>

#include "cli/test_program.h"
#include "data/array/test_npz.h"
#include "undying/graph.h"
#include "undying/onnx.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Ints = std::vector<std::int64_t>;

Node activation(const std::string& name, const std::string& which, int input) {
  return {name,
          "activation",
          {input},
          {{"activation", Activation(which)}, {"layer", name}, {"sequence", std::int64_t{0}}}};
}

Node linear(const std::string& name, int input, std::int64_t outputs) {
  return {name, "linear", {input}, {{"outputs", outputs}}};
}

class NetworkProgram : public Program {
 protected:
  void save(const std::string& name, const Graph& graph,
            const onnx::SaveOptions& options = {}) const {
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

  void expect_same_study(const std::string& flags, const std::string& built,
                         const std::string& given) {
    const std::string rest =
        " --activations relu,leaky_relu:0.1,prelu --seeds 5 --batch 50 --steps 12 --quiet " + flags;
    const Result by_name = run("compare --model " + built + rest + " --json name.json");
    const Result by_file = run("compare --model " + given + rest + " --json file.json");
    ASSERT_EQ(by_name.code, 0) << by_name.err;
    ASSERT_EQ(by_file.code, 0) << by_file.err;
    EXPECT_EQ(losses("name.json"), losses("file.json"));
    EXPECT_EQ(losses("file.json").size(), 20u);
  }
};

TEST_F(NetworkProgram, AFileThatABuiltNetworkWasWrittenToGivesItsBits) {
  ASSERT_EQ(
      run("train --data spirals --model mlp:8x3 --activation elu --steps 3 --quiet --out net.onnx")
          .code,
      0);
  expect_same_study("--data spirals", "mlp:8x3", "net.onnx");
}

// Convolutions, batch norms, sums and pools.
TEST_F(NetworkProgram, SoDoesAResidualOne) {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
  for (int row = 0; row < 100; ++row) {
    labels.push_back(row % 2);
    for (int i = 0; i < 64; ++i)
      pixels.push_back(static_cast<std::uint8_t>((i * 7 + row * 13) % 131 + 100 * (row % 2)));
  }
  write("images.npz",
        npz_of({{"X", npy_of({100, 1, 8, 8}, pixels)}, {"y", npy_of({100}, labels)}}));
  ASSERT_EQ(run("train --data npz:images.npz --model resnet:20 --batch 50 --steps 1 --quiet --out "
                "net.onnx")
                .code,
            0);
  expect_same_study("--data npz:images.npz --split 0.3", "resnet:20", "net.onnx");
}

TEST_F(NetworkProgram, AFilesWeightsAreWhereARunBegins) {
  ASSERT_EQ(run("train --data spirals --model mlp:8x2 --steps 5 --quiet --out net.onnx").code, 0);
  ASSERT_EQ(run("train --data spirals --model net.onnx --init net.onnx --lr 1e-30 --steps 1 "
                "--quiet --out same.onnx")
                .code,
            0);
  const onnx::Model before = onnx::load(folder_ / "net.onnx");
  const onnx::Model after = onnx::load(folder_ / "same.onnx");
  ASSERT_EQ(before.weights.size(), after.weights.size());
  for (std::size_t i = 0; i < before.weights.size(); ++i)
    EXPECT_EQ(before.weights[i].values, after.weights[i].values);
  const Result study =
      run("compare --data spirals --model net.onnx --init net.onnx --activations relu,prelu "
          "--seeds 5 --steps 4 --quiet");
  EXPECT_EQ(study.code, 0) << study.err;
  EXPECT_THAT(study.out, HasSubstr("network: 2 activations of the file, relu, become each arm's"));
  expect_error("train --data spirals --model mlp:9x2 --init net.onnx",
               AllOf(HasSubstr("net.onnx"), HasSubstr("has shape (8, 2)")));
  expect_error("train --data spirals --model mlp:8x2 --output y",
               AllOf(HasSubstr("--output"), HasSubstr("is built here")));
  expect_error("train --data spirals --model net.onnx --dropout 0.1", HasSubstr("--dropout"));
  expect_error("train --data spirals --model gone.onnx", HasSubstr("gone.onnx"));
}

// As diagnose and revive show it them: nobody says that the data of a given network is to be
// scaled.
TEST_F(NetworkProgram, AFilesWeightsGetTheDataAsItIs) {
  save("net.onnx", mlp({.inputs = 2, .hidden = {4}, .outputs = 2}));
  std::vector<float> x, far;
  std::vector<std::int64_t> y;
  for (int i = 0; i < 100; ++i) {
    x.insert(x.end(), {300.0f + static_cast<float>(i), -5.0f * static_cast<float>(i % 7)});
    y.push_back(i % 2);
    far.push_back(5e4f + static_cast<float>(i * i));
  }
  write("far.npz", npz_of({{"X", npy_of({100, 2}, x)}, {"y", npy_of({100}, y)}}));
  const std::string train = "train --data npz:far.npz --model net.onnx --steps 1 --quiet ";
  const std::string scaled = "inputs to mean 0 and variance 1";
  EXPECT_THAT(run(train).out, HasSubstr(scaled));
  EXPECT_THAT(run(train + "--init net.onnx").out, HasSubstr("inputs as they are"));
  EXPECT_THAT(run(train + "--init net.onnx --normalize standard").out, HasSubstr(scaled));
  save("value.onnx", mlp({.inputs = 2, .hidden = {4}, .outputs = 1}));
  write("values.npz", npz_of({{"X", npy_of({100, 2}, x)}, {"y", npy_of({100, 1}, far)}}));
  const std::string values =
      "train --data npz:values.npz --model value.onnx --init value.onnx --steps 1 --quiet ";
  EXPECT_THAT(run(values).out, testing::Not(HasSubstr("likewise inside (mean")));
  EXPECT_THAT(run(values + "--normalize standard").out, HasSubstr("likewise inside (mean"));
}

// Whose outputs nobody has named.
TEST_F(NetworkProgram, ItIsSaidWhichOutputIsTakenForWhichClass) {
  save("net.onnx", mlp({.inputs = 1, .hidden = {4}, .outputs = 3}));
  std::string table = "x,colour\n";
  for (int i = 0; i < 60; ++i)
    table += std::to_string(i) + (i % 3 == 0 ? ",red\n" : i % 3 == 1 ? ",green\n" : ",blue\n");
  write("d.csv", table);
  const auto warns = HasSubstr("outputs 0 to 2 are taken for blue, green,");
  std::string numbers = "x,colour\n";
  for (int i = 0; i < 60; ++i) numbers += fmt::format("{},{}\n", i, i % 3);
  write("n.csv", numbers);
  EXPECT_THAT(run("diagnose net.onnx --data csv:n.csv:label=colour").out,
              testing::Not(HasSubstr("outputs 0 to 2 are taken")))
      << "they are numbered as the outputs are";
  EXPECT_THAT(run("diagnose net.onnx --data csv:d.csv:label=colour").out, warns);
  EXPECT_THAT(run("train --model net.onnx --data csv:d.csv:label=colour --steps 1 --quiet").out,
              testing::Not(warns))
      << "drawn anew";
  EXPECT_EQ(run("train --model net.onnx --data csv:d.csv:label=colour --steps 1 --quiet --out "
                "own.onnx")
                .code,
            0);
  EXPECT_THAT(run("diagnose own.onnx --data csv:d.csv:label=colour").out, testing::Not(warns));
}

TEST_F(NetworkProgram, AFileIsMeasuredLikeAWorkload) {
  save("net.onnx", mlp({.inputs = 3, .hidden = {4}, .outputs = 2}));
  const Result result = run("bench --model net.onnx --batch 8 --seconds 0.05 --threads 1 --quiet");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("net.onnx leaky_relu:0.01"));
}

// Two inputs, a trunk with dead units, a head of classes and one of values; and an output that
// needs the second input alone.
class SeveralProgram : public NetworkProgram {
 protected:
  void write_actor_critic() const {
    const Graph graph({{"obs", "input", {}, {{"shape", Ints{2}}}},
                       {"state", "input", {}, {{"shape", Ints{1}}}},
                       {"joined", "concat", {0, 1}, {{"axis", std::int64_t{0}}}},
                       linear("trunk", 2, 12),
                       activation("rectified", "relu", 3),
                       linear("policy", 4, 3),
                       linear("value", 4, 1),
                       linear("memory", 1, 2),
                       activation("next", "tanh", 7)},
                      {5, 6, 8});
    std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
    for (std::size_t unit = 0; unit < 11; ++unit) weights[1].values[unit] = -50.0f;
    onnx::save(folder_ / "net.onnx", graph, weights,
               {.inputs = {"obs", "state"}, .outputs = {"policy", "value", "next"}});
    std::vector<float> obs, state, value;
    std::vector<std::int64_t> policy;
    for (int i = 0; i < 400; ++i) {
      const float angle = 0.01582f * static_cast<float>(i * i % 397);
      obs.insert(obs.end(), {std::cos(angle), std::sin(angle)});
      state.push_back(0.01f * static_cast<float>(i % 7));
      policy.push_back(angle < 2.1f ? 0 : angle < 4.2f ? 1 : 2);
      value.push_back(std::fabs(std::cos(angle)));
    }
    write("both.npz", npz_of({{"obs", npy_of({400, 2}, obs)},
                              {"state", npy_of({400, 1}, state)},
                              {"policy", npy_of({400}, policy)},
                              {"value", npy_of({400, 1}, value)}}));
    write("obs.npz", npz_of({{"obs", npy_of({400, 2}, obs)}}));
    write("state.npz", npz_of({{"state", npy_of({400, 1}, state)}}));
  }
};

// As policies hand a state on that they do not use.
TEST_F(SeveralProgram, InspectKnowsAnOutputThatIsAnInput) {
  const Graph graph({{"obs", "input", {}, {{"shape", Ints{2}}}},
                     {"state", "input", {}, {{"shape", Ints{1}}}},
                     linear("policy", 0, 3)},
                    {2, 1});
  onnx::save(folder_ / "net.onnx", graph, Trainer(graph, {.threads = 1}).tensors(),
             {.inputs = {"obs", "state"}, .outputs = {"policy", "next"}});
  const Result result = run("inspect net.onnx");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("policy (N, 3)"), HasSubstr("next (N, 1)")));
}

TEST_F(SeveralProgram, InspectNamesInputsAndOutputs) {
  write_actor_critic();
  const Result all = run("inspect net.onnx");
  EXPECT_THAT(all.out, AllOf(HasSubstr("obs (N, 2)"), HasSubstr("state (N, 1)"),
                             HasSubstr("next (N, 2)"), HasSubstr("arrays obs, state")));
  const Result one = run("inspect net.onnx --output next");
  EXPECT_THAT(one.out, AllOf(HasSubstr("obs, which no chosen output needs"),
                             HasSubstr("value (N, 1), not chosen"), HasSubstr("1 linear\n")));
}

TEST_F(SeveralProgram, DiagnoseTakesWhatHasTargets) {
  write_actor_critic();
  const Result result = run("diagnose net.onnx --data npz:both.npz --json d.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr(
                "looked at are outputs policy, value, for which the data has targets; not at next"),
            HasSubstr("Output policy: cross-entropy"), HasSubstr("Output value: mse"),
            HasSubstr("11 of 12 units"), testing::Not(HasSubstr("memory"))));
  const auto record = json("d.json");
  EXPECT_NEAR(
      record["loss"].get<double>(),
      record["outputs"][0]["value"].get<double>() + record["outputs"][1]["value"].get<double>(),
      1e-6);
  const Result weighted =
      run("diagnose net.onnx --data npz:both.npz --output value=huber:0.5,policy=cross-entropy "
          "--json w.json");
  ASSERT_EQ(weighted.code, 0) << weighted.err;
  EXPECT_EQ(json("w.json")["outputs"][0]["loss"], "huber");
  EXPECT_EQ(json("w.json")["outputs"][1]["value"], record["outputs"][0]["value"]);
}

TEST_F(SeveralProgram, OneOutputNeedsItsInputsAlone) {
  write_actor_critic();
  const Result result = run("diagnose net.onnx --data npz:state.npz --output next");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("not at policy, value"), testing::Not(HasSubstr("trunk"))));
  expect_error(
      "diagnose net.onnx --data npz:state.npz",
      AllOf(HasSubstr("no array for the input obs"), HasSubstr("--output next needs state alone")));
  expect_error("diagnose net.onnx --data npz:both.npz --output polcy", HasSubstr("mean policy?"));
  expect_error("diagnose net.onnx --data npz:both.npz --output policy=guess", HasSubstr("guess"));
  expect_error("diagnose net.onnx --data npz:both.npz --output policy,next",
               HasSubstr("no array next"));
  expect_error("diagnose net.onnx --data npz:both.npz --output value=cross-entropy,policy",
               HasSubstr("needs classes"));
  expect_error("diagnose net.onnx --data npz:both.npz --shape obs=3",
               HasSubstr("the model fixes it at 2"));
  expect_error("diagnose net.onnx --data npz:both.npz --shape obs", HasSubstr("--shape"));
}

TEST_F(SeveralProgram, EveryOutputIsEvaluatedAndPredicted) {
  write_actor_critic();
  const Result measured = run("evaluate net.onnx --data npz:both.npz --part all --json e.json");
  ASSERT_EQ(measured.code, 0) << measured.err;
  EXPECT_THAT(measured.out, AllOf(HasSubstr("Output policy. On"), HasSubstr("accuracy"),
                                  HasSubstr("Output value. On"), HasSubstr("RMSE")));
  EXPECT_EQ(json("e.json")["outputs"].size(), 2u);
  const Result answers = run("predict net.onnx --data npz:both.npz");
  EXPECT_THAT(answers.out, HasSubstr("row,policy,p(policy=0),p(policy=1),p(policy=2),value\n1,"));
  const Result all = run("predict net.onnx --data npz:both.npz --output next");
  EXPECT_THAT(all.out, HasSubstr("row,prediction"));
  expect_error("evaluate net.onnx --data npz:both.npz --report e.html",
               AllOf(HasSubstr("--output NAME"), HasSubstr("called NAME")));
  EXPECT_EQ(run("evaluate net.onnx --data npz:both.npz --output value --report e.html").code, 0);
}

// A single example needs no --split none where nothing is trained.
TEST_F(SeveralProgram, OneExampleIsEnoughToLookAt) {
  write_actor_critic();
  write("one.npz", npz_of({{"obs", npy_of({1, 2}, std::vector<float>(2, 1.0f))},
                           {"state", npy_of({1, 1}, std::vector<float>(1, 1.0f))},
                           {"value", npy_of({1, 1}, std::vector<float>(1, 0.5f))}}));
  EXPECT_THAT(run("predict net.onnx --data npz:one.npz").out, HasSubstr("\n1,"));
  EXPECT_THAT(run("diagnose net.onnx --data npz:one.npz").out,
              HasSubstr("1 example is too few to hold any out"));
  EXPECT_EQ(run("prune net.onnx --data npz:one.npz").code, 0);
  EXPECT_EQ(run("evaluate net.onnx --data npz:one.npz --output value").code, 0);
  expect_error("predict net.onnx --data npz:one.npz --split 0.5", HasSubstr("has 1 example, of"));
  expect_error("revive net.onnx --data npz:one.npz --output value", HasSubstr("has 1 example, of"));
}

// Neither inputs nor targets are guessed: what is missing is named, all of it.
TEST_F(SeveralProgram, WhatTheDataLacksIsNamed) {
  write_actor_critic();
  write("inputs.npz", npz_of({{"obs", npy_of({4, 2}, std::vector<float>(8, 1.0f))},
                              {"state", npy_of({4, 1}, std::vector<float>(4, 1.0f))}}));
  write("targets.npz", npz_of({{"policy", npy_of({4}, Ints{1, 2, 0, 1})}}));
  expect_error("evaluate net.onnx --data npz:inputs.npz --split none",
               AllOf(HasSubstr("has no targets"), HasSubstr("(policy, value, next), or y0, y1")));
  expect_error("evaluate net.onnx --data npz:targets.npz --split none",
               HasSubstr("the inputs obs, state"));
  expect_error("evaluate net.onnx",
               AllOf(HasSubstr("[--data] is missing"), HasSubstr("obs (N, 2), state (N, 1)")));
}

TEST_F(SeveralProgram, ReviveSaysWhatBecomesOfOtherOutputs) {
  write_actor_critic();
  const Result result =
      run("revive net.onnx --data npz:both.npz --output policy --lr 0.1 --momentum 0.9 --epochs 25 "
          "--batch 32 --seeds 8 --remedies "
          "leaky_relu:0.3,re-initialise -o healed.onnx --json r.json --quiet");
  ASSERT_EQ(result.code, 0) << result.err;
  ASSERT_TRUE(exists("healed.onnx")) << result.out;
  EXPECT_THAT(result.out, AllOf(HasSubstr("output value, which was not chosen, changes by at most"),
                                HasSubstr("output next, which was not chosen, is as it was")));
  const auto others = json("r.json")["other_outputs"];
  ASSERT_EQ(others.size(), 2u);
  EXPECT_GT(others[0]["largest_change"].get<double>(), 0.0);
  EXPECT_EQ(others[1]["note"], "is as it was");
  const onnx::Model before = onnx::load(folder_ / "net.onnx");
  const onnx::Model after = onnx::load(folder_ / "healed.onnx");
  EXPECT_EQ(after.outputs, before.outputs);
  EXPECT_EQ(after.inputs, before.inputs);
  for (std::size_t i = 0; i < before.weights.size(); ++i) {
    const bool kept =
        before.weights[i].name.starts_with("value") || before.weights[i].name.starts_with("memory");
    EXPECT_EQ(before.weights[i].values == after.weights[i].values, kept) << before.weights[i].name;
  }
}

TEST_F(SeveralProgram, TrainAndCompareTakeSeveralOutputs) {
  write_actor_critic();
  const Result result =
      run("train --model net.onnx --data npz:both.npz --epochs 2 --quiet --out new.onnx");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(onnx::load(folder_ / "new.onnx").outputs,
            (std::vector<std::string>{"policy", "value"}));
  EXPECT_EQ(run("compare --model net.onnx --data npz:both.npz --output policy --epochs 1 --seeds 5 "
                "--quiet --activations relu,elu")
                .code,
            0);
}

// Token ids that are no rows of the table.
TEST_F(SeveralProgram, IdsOutOfTheTableAreNamed) {
  const Graph graph(
      {{"tokens", "input", {}, {{"shape", Ints{2}}, {"integer", std::int64_t{1}}}},
       {"table", "embedding", {0}, {{"rows", std::int64_t{10}}, {"features", std::int64_t{3}}}},
       {"flat", "flatten", {1}, {}},
       linear("fc", 2, 2),
       activation("a", "relu", 3),
       linear("out", 4, 2)});
  save("tokens.onnx", graph, {.inputs = {"tokens"}, .outputs = {"logits"}});
  write("good.npz", npz_of({{"tokens", npy_of({4, 2}, Ints{1, 2, 3, 4, 5, 6, 7, 9})},
                            {"logits", npy_of({4}, Ints{0, 1, 0, 1})}}));
  write("bad.npz", npz_of({{"tokens", npy_of({4, 2}, Ints{1, 2, 3, 4, 5, 10, 7, 8})},
                           {"logits", npy_of({4}, Ints{0, 1, 0, 1})}}));
  const Result result = run("diagnose tokens.onnx --data npz:good.npz --split none");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(run("inspect tokens.onnx").out, HasSubstr("whole numbers, rows of a table of 10"));
  expect_error(
      "diagnose tokens.onnx --data npz:bad.npz --split none",
      AllOf(HasSubstr("input tokens is 10 in example 2 (value 1 of it"), HasSubstr("from 0 to 9")));
}

}  // namespace
}  // namespace undying::cli
