// What is printed and written of a diagnosis, a forecast and a trial of remedies.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "report/wrap.h"
#include "undying/report.h"

namespace undying {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

Dataset examples(std::int64_t size) {
  Dataset data{.name = "ramp", .size = size, .shape = {2}, .classes = 2};
  for (std::int64_t i = 0; i < size; ++i) {
    data.values.push_back(static_cast<float>(i) / static_cast<float>(size));
    data.values.push_back(i % 3 == 0 ? 1.0f : -1.0f);
    data.labels.push_back(static_cast<std::int32_t>(i % 2));
  }
  return data;
}

struct Net {
  Graph graph = mlp({.inputs = 2, .hidden = {6}, .outputs = 2, .activation = "relu"});
  std::vector<Tensor> weights = Trainer(graph, {.threads = 1}).tensors();
};

Diagnosis sick() {
  Net net;
  net.weights[1].values[4] = -50.0f;
  return diagnose(net.graph, net.weights, examples(200), {.threads = 1});
}

TEST(DiagnosisText, NamesTheDataAndTheCountBesideEveryClaim) {
  const std::string text = diagnosis_text(sick(), 120);
  EXPECT_THAT(text, AllOf(HasSubstr("on the whole of ramp (n = 200 examples)"),
                          HasSubstr("dead units in layer.0"), HasSubstr("n = 200 examples of ramp"),
                          HasSubstr("0.015"), HasSubstr("Dead: z <= 0 on all of ramp")));
}

TEST(DiagnosisText, SaysWhenNothingWasFound) {
  Diagnosis healthy = sick();
  healthy.findings.clear();
  EXPECT_THAT(diagnosis_text(healthy), HasSubstr("Nothing was found"));
}

TEST(DiagnosisText, FitsItsColumns) {
  std::istringstream lines(diagnosis_text(sick(), 110));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110U) << line;
}

TEST(DiagnosisJson, HoldsEveryUnit) {
  const Json json = Json::parse(diagnosis_json("undying diagnose x", sick()));
  EXPECT_EQ(json["format"], "undying-diagnosis 1");
  EXPECT_EQ(json["data"]["examples"], 200);
  const Json& layer = json["layers"][0];
  EXPECT_EQ(layer["lives"]["state"].size(), 6U);
  EXPECT_EQ(layer["lives"]["state"][4], "dead");
  EXPECT_EQ(layer["lives"]["cause"][4], "bias far below its input");
  EXPECT_EQ(layer["lives"]["locked"][4], true);
  EXPECT_EQ(json["gradients"].size(), 2U);
  std::int64_t units = 0;
  for (const Json& bin : layer["histogram"]) units += bin.get<std::int64_t>();
  EXPECT_EQ(units, 6);
}

TEST(ForecastReport, IsWrittenBothWays) {
  const Forecast found =
      forecast(mlp({.inputs = 1, .hidden = {3, 3}, .outputs = 1, .activation = "relu"}));
  EXPECT_THAT(forecast_text(found),
              AllOf(HasSubstr("born dead"), HasSubstr("lower bound"), HasSubstr("layer.1")));
  EXPECT_EQ(Json::parse(forecast_json("", found))["layers"].size(), 2U);
}

TEST(RevivalReport, HoldsEveryArmAndRun) {
  Net net;
  net.weights[1].values[4] = -50.0f;
  const Split data{std::make_shared<Dataset>(examples(120)),
                   std::make_shared<Dataset>(examples(60)), ""};
  ReviveSettings settings{.model = "net.onnx", .data = "ramp", .seeds = 5};
  settings.train.epochs = 1;
  settings.threads = 1;
  settings.remedies = standard_remedies();
  for (const char* inert : {"relu", "relu + re-initialise", "leaky_relu:0.10", "redo:0.1,1000"})
    settings.remedies.push_back(parse_remedy(inert));
  const Revival revival = revive(net.graph, net.weights, data, settings);
  const Json json = Json::parse(revival_json("undying revive x", revival));
  EXPECT_EQ(json["format"], "undying-revival 2");
  ASSERT_EQ(json["remedies"].size(), 12U);
  EXPECT_EQ(json["study"]["arms"].size(), 12U);
  EXPECT_THAT(
      json["left_out"].get<std::vector<std::string>>(),
      testing::ElementsAre(
          "relu: each activation is that already, or one whose units cannot be dead",
          "relu + re-initialise: each activation is that already, or one whose units cannot "
          "be dead; it is re-initialise here",
          "leaky_relu:0.10: it is leaky_relu:0.1 here",
          "redo:0.1,1000: redo first acts after step 1000, and a run takes 1"));
  EXPECT_EQ(json["study"]["arms"][3]["runs"].size(), 5U);
  EXPECT_EQ(json["remedies"][8]["units_reinitialised"], 1);
  EXPECT_EQ(json["remedies"][8]["output_difference"], 0.0);
  EXPECT_GT(json["remedies"][3]["output_difference"].get<double>(), 0.0);
  const std::string text = revival_text(revival, 120);
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("continue (control)"), HasSubstr("(placebo)"),
            HasSubstr("1 units re-initialised; difference 0"),
            HasSubstr("Left out, as it would change nothing, or what another does:\n   relu: each"),
            HasSubstr("Against the control, and against the placebo")));
}

TEST(Wrap, IndentsWhatFollows) {
  EXPECT_EQ(report::wrap("one two three four", 9, 2), "one two\n  three\n  four");
  EXPECT_EQ(report::wrap(" 1 one two", 8, 3), " 1 one\n   two");
}

}  // namespace
}  // namespace undying
