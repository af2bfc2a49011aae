#include "undying/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace undying {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

Study make_study() {
  Study study{.settings = {.data = "made", .model = "mlp:4x1", .seeds = 2},
              .command = "undying compare </script><script>alert(1)</script>"};
  study.data_name = "made";
  study.train_examples = 100;
  study.test_examples = 50;
  study.baseline = {
      .metric = Metric::kAccuracy, .score = 0.5, .bound = 0.55, .answer = "always naming class 0"};
  for (const char* label : {"relu (control)", "relu (placebo)", "elu:1"}) {
    Arm arm{.label = label,
            .activation = std::string_view(label).starts_with("elu") ? "elu" : "relu"};
    arm.role = study.arms.empty()       ? Role::kControl
               : study.arms.size() == 1 ? Role::kPlacebo
                                        : Role::kTreatment;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      ArmRun slot{.seed = seed, .present = true};
      slot.run.test_accuracy =
          0.6 + 0.1 * static_cast<double>(study.arms.size()) + 0.01 * static_cast<double>(seed);
      slot.run.steps = {{1, 0.123456789, 0.1, 1.0, 0.5}, {2, std::nan(""), 0.1, INFINITY, 0.5}};
      slot.run.epochs = {{.epoch = 1,
                          .step = 2,
                          .train_loss = 0.1,
                          .test_loss = std::nan(""),
                          .test_accuracy = 0.6}};
      slot.run.ledger = {.data = "made train",
                         .examples = 100,
                         .layers = {"layer.0"},
                         .lives = {std::vector<UnitLife>(4)},
                         .censuses = {}};
      slot.run.ledger.lives[0][2] = {
          .state = UnitState::kDead, .born_dead = true, .firing_rate = 0.0, .died = {0}};
      slot.run.ledger.censuses = {
          {.step = 0,
           .examples = 100,
           .layers = {
               {.name = "layer.0", .units = 4, .dead = 1, .born_dead = 1, .firing_rate = 0.4}}}};
      arm.runs.push_back(slot);
    }
    study.arms.push_back(arm);
  }
  analyse(study);
  return study;
}

TEST(StudyJson, HoldsTheStudyWithNullForWhatIsNotANumber) {
  const Study study = make_study();
  const Json json = Json::parse(study_json(study));
  EXPECT_EQ(json["arms"][2]["score"]["mean"].get<double>(), study.arms[2].score.mean);
  EXPECT_EQ(json["arms"][2]["comparison"]["verdict"], name(study.arms[2].comparison.verdict));
  EXPECT_TRUE(json["arms"][0]["comparison"].is_null());
  EXPECT_TRUE(json["arms"][0]["runs"][0]["curve"]["loss"][1].is_null());
  EXPECT_NEAR(json["arms"][0]["runs"][0]["curve"]["loss"][0].get<double>(), 0.123456789, 1e-6);
  EXPECT_TRUE(json["arms"][0]["runs"][0]["epochs"]["test_loss"][0].is_null());
  EXPECT_EQ(json["arms"][0]["runs"][0]["events"][0]["unit"], 2);
  EXPECT_EQ(json["verdict"].get<std::vector<std::string>>(), study.verdict);
}

TEST(StudyJson, APointOfACurveIsTheMeanSinceThePointBefore) {
  Study study = make_study();
  std::vector<StepRecord>& steps = study.arms[0].runs[0].run.steps;
  steps.clear();
  for (int i = 1; i <= 400; ++i) steps.push_back({.step = i, .loss = static_cast<double>(i)});
  const Json curve = Json::parse(study_json(study))["arms"][0]["runs"][0]["curve"];
  ASSERT_EQ(curve["step"].size(), 200U);
  EXPECT_EQ(curve["step"][0], 2);
  EXPECT_EQ(curve["loss"][0], 1.5);
  EXPECT_EQ(curve["step"][199], 400);
  EXPECT_EQ(curve["loss"][199], 399.5);
}

TEST(StudyJson, MissingRunsSaySo) {
  Study study = make_study();
  study.arms[2].runs[1] = {.seed = 2};
  analyse(study);
  const Json json = Json::parse(study_json(study));
  EXPECT_EQ(json["missing"], 1);
  EXPECT_EQ(json["arms"][2]["runs"][1]["present"], false);
}

TEST(StudyHtml, KeepsStringsFromEndingTheScript) {
  const Study study = make_study();
  const std::string html = study_html(study);
  EXPECT_THAT(html, Not(HasSubstr("</script><script>alert(1)")));
  EXPECT_THAT(html, HasSubstr("\\u003c/script>"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, Not(HasSubstr("<!--study-->")));
  const auto begin = html.find("id=\"study\">") + 11;
  EXPECT_EQ(Json::parse(html.substr(begin, html.find("</script>", begin) - begin)),
            Json::parse(study_json(study)));
}

TEST(RunJson, HoldsSettingsAndLedgerPerLayer) {
  const Study study = make_study();
  const TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.5f, .momentum = 0.25f},
                               .batch = 7};
  const Json json = Json::parse(run_json({"made", "mlp:4x1", "leaky_relu:0.1", "undying train"},
                                         settings, study.arms[0].runs[0].run));
  EXPECT_EQ(json["settings"]["activation"], "leaky_relu:0.1");
  EXPECT_EQ(json["settings"]["lr"], 0.5);
  EXPECT_EQ(json["settings"]["momentum"], 0.25);
  EXPECT_EQ(json["settings"]["batch"], 7);
  const Json& layer = json["ledger"]["layers"][0];
  EXPECT_EQ(layer["units"], 4);
  EXPECT_EQ(layer["dead"], 1);
  EXPECT_EQ(layer["born_dead"], 1);
  EXPECT_EQ(layer["always_negative"], 0);
  EXPECT_EQ(layer["firing_rates"].size(), 4U);
  EXPECT_EQ(layer["states"][2], "dead");
}

TEST(StepsCsv, OneLineAStepThatReadsBackExactly) {
  undying::Run run;
  run.steps = {{1, 0.1, 0.01, 1.0 / 3.0, 1e-20}, {2, std::nan(""), 0.01, INFINITY, 0.0}};
  EXPECT_EQ(steps_csv(run),
            "step,loss,lr,grad_norm,update_ratio\n1,0.1,0.01,0.3333333333333333,1e-20\n2,nan,0.01,"
            "inf,0\n");
}

TEST(RunJson, NamesWhatWasAskedForAndSurvivesBytesThatAreNotText) {
  RunDescription description{"made", "mlp:4x1", "relu", "undying train --data csv:\xff.csv"};
  const Json bare = Json::parse(run_json(description, {}, {}));
  EXPECT_FALSE(bare["settings"].contains("batch_norm"));
  EXPECT_EQ(bare["command"], "undying train --data csv:\xef\xbf\xbd.csv");
  description.model_options = ModelOptions{.batch_norm = true, .dropout = 0.25};
  description.normalize = "standard";
  EXPECT_TRUE(bare["findings"].empty());
  description.findings = {{.what = "rate too large", .evidence = "seen", .remedy = "less"}};
  const Json json = Json::parse(run_json(description, {.seed = 7}, {}));
  EXPECT_EQ(json["settings"]["batch_norm"], true);
  EXPECT_EQ(json["settings"]["dropout"], 0.25);
  EXPECT_EQ(json["settings"]["normalize"], "standard");
  EXPECT_EQ(json["findings"][0]["what"], "rate too large");
  EXPECT_EQ(json["findings"][0]["layer"], nullptr);
  EXPECT_EQ(json["settings"]["init_seed"], 7);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(StudyTable, FitsTheTerminalAndKeepsTheVerdict) {
  const Study study = make_study();
  for (const int columns : {48, 60, 80, 100, 200}) {
    const std::string table = study_table(study, columns);
    for (const std::string& line : lines_of(table)) {
      EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
    EXPECT_THAT(table, HasSubstr("verdict"));
    EXPECT_THAT(table, HasSubstr("relu (placebo)"));
    EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  }
  EXPECT_THAT(study_table(study, 80), HasSubstr("Columns left out here:"));
  EXPECT_THAT(study_table(study, 300), Not(HasSubstr("Columns left out here:")));
}

TEST(StudyTable, TheVerdictComesFirst) {
  const Study study = make_study();
  EXPECT_TRUE(study_table(study, 1000).starts_with(study.verdict[0]));
}

TEST(StudyTable, ColourAddsNothingThatTheWordsDoNotSay) {
  Study study = make_study();
  study.arms[2].comparison.verdict = Verdict::kHelps;
  std::string colored = study_table(study, 120, true);
  EXPECT_THAT(colored, HasSubstr("\x1b[32mhelps\x1b[0m"));
  for (std::size_t at; (at = colored.find('\x1b')) != std::string::npos;)
    colored.erase(at, colored.find('m', at) - at + 1);
  EXPECT_EQ(colored, study_table(study, 120, false));
}

TEST(StudyTable, MissingRunsHaveAColumnOnlyWhenThereAreAny) {
  Study study = make_study();
  EXPECT_THAT(study_table(study, 300), Not(HasSubstr("missing")));
  study.arms[2].runs[1] = {.seed = 2};
  analyse(study);
  EXPECT_THAT(study_table(study, 300), HasSubstr("  missing  "));
}

}  // namespace
}  // namespace undying
