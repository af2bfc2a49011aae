// replay as a program: what it says of a run, and what it refuses.

#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "cli/test_program.h"

namespace undying::cli {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Kills most of its units.
constexpr const char* kDeadly =
    "train --data spirals --model mlp:16x3 --lr 0.5 --momentum 0.9 --batch 20 --epochs 3 --seed 1 "
    "--shards 2 --quiet --json run.json";

class Replay : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    const Result trained = Program::run(kDeadly);
    ASSERT_EQ(trained.code, 0) << trained.err;
  }

  void write(const std::string& name, const Json& json) const {
    std::ofstream(folder_ / name) << json;
  }

  // The first unit that died at a step, "1:3", and one that never died.
  std::pair<std::string, std::string> units() const {
    std::string dead, alive;
    const Json run = json("run.json");
    for (const Json& layer : run["ledger"]["layers"]) {
      const std::string name = layer["name"].get<std::string>().substr(6);
      std::set<int> died;
      for (const Json& event : layer["events"]) {
        died.insert(event["unit"].get<int>());
        if (dead.empty() && event["died"][0] > 0)
          dead = name + ":" + std::to_string(event["unit"].get<int>());
      }
      for (int unit = 0; alive.empty() && unit < 16; ++unit)
        if (!died.contains(unit)) alive = name + ":" + std::to_string(unit);
    }
    return {dead, alive};
  }
};

TEST_F(Replay, ExplainsTheDeathsOfARun) {
  const Result result = run("replay run.json --first 0 --quiet --json causes.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(HasSubstr("all of them the same"), HasSubstr("deaths by cause")));
  const Json causes = json("causes.json");
  EXPECT_EQ(causes["format"], "undying-replay 1");
  EXPECT_GT(causes["losses_checked"], 0);
  std::size_t events = 0, explained = 0;
  const Json trained = json("run.json");
  for (const Json& layer : trained["ledger"]["layers"])
    for (const Json& event : layer["events"]) {
      for (const Json& step : event["died"]) events += step > 0;
      events += event["revived"].size();
    }
  ASSERT_EQ(causes["events"].size(), events);
  std::int64_t before = 0;
  for (const Json& event : causes["events"]) {
    EXPECT_GE(event["step"], before) << "by step";
    before = event["step"];
    if (event["change"].is_null()) continue;
    ++explained;
    const Json& change = event["change"];
    double sum = 0.0;
    for (const char* part : {"bias", "weights", "below", "statistics"})
      if (!change[part].is_null()) sum += change[part].get<double>();
    EXPECT_NEAR(sum, change["after"].get<double>() - change["before"].get<double>(), 1e-9);
  }
  EXPECT_GT(explained, 10U);
}

TEST_F(Replay, ShowsTheLastMomentsOfAUnit) {
  const std::string unit = units().first;
  const Result result = run("replay run.json --unit " + unit + " --json unit.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("cause: "), HasSubstr("Its largest pre-activation over"),
                                HasSubstr("gradient norm"), HasSubstr("largest z")));
  const Json event = json("unit.json")["events"][0];
  EXPECT_EQ(event["layer"].get<std::string>() + ":" + std::to_string(event["unit"].get<int>()),
            "layer." + unit);
  EXPECT_GT(event["life"].size(), 2U);
  EXPECT_EQ(run("replay run.json --unit layer." + unit).out, result.out)
      << "the layer's whole name";
}

TEST_F(Replay, ThreadsDoNotChangeWhatItSays) {
  Json on_one = json("run.json");
  on_one["command"] = on_one["command"].get<std::string>() + " --threads 1";
  on_one["settings"]["threads"] = 1;
  write("one.json", on_one);
  ASSERT_EQ(run("replay run.json --json a.json").code, 0);
  ASSERT_EQ(run("replay one.json --json b.json").code, 0);
  EXPECT_EQ(json("a.json")["events"], json("b.json")["events"]);
}

TEST_F(Replay, RefusesWhatItCannotAnswer) {
  const auto [dead, alive] = units();
  expect_error("replay run.json --unit 7:0",
               AllOf(HasSubstr("\"7\" is no layer"), HasSubstr("layer.0 (16 units)")));
  expect_error("replay run.json --unit 1:16", AllOf(HasSubstr("--unit"), HasSubstr("0..15")));
  expect_error("replay run.json --unit 1:x", AllOf(HasSubstr("--unit"), HasSubstr("\"x\"")));
  expect_error("replay run.json --unit 1", HasSubstr("expected LAYER:J"));
  expect_error("replay run.json --unit " + alive,
               AllOf(HasSubstr("never died in this run"), HasSubstr("layer." + dead)));
  expect_error("replay", HasSubstr("RUN"));
  expect_error("replay nothing.json", HasSubstr("nothing.json"));
  std::ofstream(folder_ / "text.json") << "no json";
  expect_error("replay text.json", AllOf(HasSubstr("text.json"), HasSubstr("is not JSON")));
  write("study.json", {{"format", "undying-study 2"}});
  expect_error("replay study.json", AllOf(HasSubstr("undying-study 2"), HasSubstr("train --json")));
  write("half.json", {{"format", "undying-run 1"}, {"command", "undying train"}});
  expect_error("replay half.json", HasSubstr("is damaged"));
  expect_error("replay run.json --last 0", HasSubstr("--last"));
  expect_error("replay run.json --json run.json", HasSubstr("run.json"));
  expect_error("replay run.json --report run.json", HasSubstr("run.json"));
  expect_error("replay run.json --json a.html --report a.html", HasSubstr("a.html"));
  expect_error("replay run.json --report nowhere/a.html", HasSubstr("nowhere"));
}

// One number or list of a run's file changed, by the place it stands at.
TEST_F(Replay, WhatIsDamagedIsRefused) {
  const Json good = json("run.json");
  std::string unit;  // place of the first layer that has events
  for (std::size_t layer = 0; unit.empty(); ++layer)
    if (!good["ledger"]["layers"][layer]["events"].empty())
      unit = "/ledger/layers/" + std::to_string(layer) + "/events/0";
  const std::pair<std::string, Json> changes[] = {
      {unit + "/unit", 9999},
      {unit + "/unit", -5},
      {unit + "/unit", 1.5},
      {unit + "/died", 3},
      {unit + "/died", Json::array({1e30})},
      {unit + "/died", Json::array({-5})},
      {unit + "/died", Json::array({1.5})},
      {unit + "/revived", Json::array({0, 1, 2, 3})},
      {"/ledger/layers/0/units", 0},
      {"/ledger/layers/0/name", 7},
      {"/ledger/layers", Json::object()},
      {"/ledger/examples", "all"},
      {"/settings", nullptr},
      {"/settings", Json::object()},
      {"/shards", 0},
      {"/shards", (1LL << 40) + 2},
      {"/censuses/step", Json::array({3, 2})},
      {"/losses/step", Json::array({2, 1})},
      {"/epochs", Json::object()},
  };
  for (const auto& [place, value] : changes) {
    Json bad = good;
    bad[Json::json_pointer(place)] = value;
    write("bad.json", bad);
    SCOPED_TRACE(place + " = " + value.dump());
    if (place.ends_with("/revived")) bad[Json::json_pointer(unit + "/died")] = Json::array({1});
    expect_error("replay bad.json", AllOf(HasSubstr("bad.json"), HasSubstr("is damaged"),
                                          Not(HasSubstr("json.exception"))));
  }
  std::string deep = good.dump();
  deep.replace(deep.find("\"settings\":"), 11,
               "\"settings\":" + std::string(100000, '[') + std::string(100000, ']') + ",\"x\":");
  std::ofstream(folder_ / "deep.json") << deep;
  expect_error("replay deep.json", HasSubstr("nested deeper than 32"));
  std::ofstream(folder_ / "null.json") << "null";
  expect_error("replay null.json", HasSubstr("holds null"));
}

// Layers that are not those of the network that the command makes now.
TEST_F(Replay, AnotherNetworkIsRefused) {
  Json more = json("run.json");
  more["ledger"]["layers"].push_back(more["ledger"]["layers"][0]);
  write("more.json", more);
  expect_error("replay more.json", AllOf(HasSubstr("more.json"), HasSubstr("another network")));
  Json wider = json("run.json");
  wider["ledger"]["layers"][0]["units"] = 17;
  write("wider.json", wider);
  expect_error("replay wider.json", AllOf(HasSubstr("has 17 units"), HasSubstr("has 16 units")));
}

TEST_F(Replay, WithoutALossOnRecordNothingShowsThatItIsTheSameRun) {
  Json bare = json("run.json");
  bare.erase("losses");
  bare["epochs"] = Json::array();
  write("bare.json", bare);
  const Result result = run("replay bare.json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("no loss on record"));
}

TEST_F(Replay, AnotherRunIsRefused) {
  Json changed = json("run.json");
  changed["losses"]["loss"][5] = changed["losses"]["loss"][5].get<double>() * 1.0001;
  write("loss.json", changed);
  expect_error("replay loss.json --json out.json",
               AllOf(HasSubstr("[loss.json]"), HasSubstr("is of another run")));
  EXPECT_FALSE(exists("out.json"));
  changed = json("run.json");
  changed["settings"]["lr"] = 0.25;
  write("settings.json", changed);
  expect_error("replay settings.json", AllOf(HasSubstr("lr 0.25"), HasSubstr("0.5 here")));
  changed = json("run.json");
  changed["command"] = "undying.train(X, y, lr=0.5)";
  write("python.json", changed);
  expect_error("replay python.json", HasSubstr("on the command line"));
  changed["command"] = "undying train --no-such-flag";
  write("flag.json", changed);
  expect_error("replay flag.json", HasSubstr("--no-such-flag"));
}

TEST_F(Replay, ARunWithoutDeathsHasNothingToExplain) {
  ASSERT_EQ(run("train" + std::string(kTiny) + "--activation leaky_relu:0.1 --json calm.json").code,
            0);
  const Result result = run("replay calm.json --json causes.json --report causes.html");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("no unit died"));
  EXPECT_EQ(json("causes.json")["events"], Json::array()) << "what was asked for is written";
  EXPECT_TRUE(std::filesystem::exists(folder_ / "causes.html"));
}

TEST_F(Replay, AnInterruptKeepsWhatWasFound) {
  ASSERT_EQ(run("train --data spirals --model mlp:32x4 --lr 0.02 --batch 1 --epochs 100 --seed 2 "
                "--quiet --json long.json")
                .code,
            0);
  Json run = json("long.json");  // one event more, at the very end, so that it goes on for long
  Json& events = run["ledger"]["layers"][0]["events"];
  const Json last = run["steps"];
  events.push_back(
      {{"unit", 0}, {"born_dead", false}, {"died", {last}}, {"revived", Json::array()}});
  write("long.json", run);
  Child child(folder_, {"replay", "long.json", "--first", "0", "--json", "out.json"},
              {.channel = Child::Channel::kTerminal});
  ASSERT_TRUE(child.wait_for("explained"));
  child.send(SIGINT);
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(child.seen(), HasSubstr("interrupted: "));
}

}  // namespace
}  // namespace undying::cli
