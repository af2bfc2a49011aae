// A table of one's own: from a file as people have it to a network, its answers and how good they
// are.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include "cli/test_program.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// An index, numbers of very different scale, a text, free text, missing values; the label follows
// income and city.
std::string messy_table(int rows) {
  std::string text = ";age;income;city;name;bought\n";
  for (int i = 0; i < rows; ++i) {
    const int income = 20'000 + 7'919 * i % 60'000;
    const char* city = i % 3 == 0 ? "Rome" : i % 3 == 1 ? "Oslo" : "Bonn";
    const bool bought = income > 50'000 || (i % 3 == 0 && income > 30'000);
    text += std::to_string(i) + ";" + (i % 40 == 7 ? "NA" : std::to_string(18 + i * 13 % 60)) +
            ";" + std::to_string(income) + ";" + city + ";person " + std::to_string(i) + ";" +
            (bought ? "yes" : "no") + "\n";
  }
  return text;
}

// The same without what must be asked back.
std::string people(int rows) {
  std::istringstream messy(messy_table(rows));
  std::string text;
  for (std::string line; std::getline(messy, line);) {
    std::vector<std::string> fields;
    std::istringstream record(line);
    for (std::string field; std::getline(record, field, ';');)
      fields.push_back(field == "NA" ? "33" : field);
    text += fields[1] + "," + fields[2] + "," + fields[3] + "," + fields[5] + "\n";
  }
  return text;
}

class Table : public Program {
 protected:
  // What an error proposes behind "Ready to paste: ".
  std::string proposal(const std::string& arguments) const {
    const std::string error = run(arguments).err;
    const auto at = error.find("Ready to paste: ");
    return at == std::string::npos ? "" : error.substr(at + 16, error.find('\n', at) - at - 16);
  }
};

constexpr const char* kNetwork =
    " --model mlp:16-16 --epochs 60 --lr 0.05 --momentum 0.9 --seed 3 --quiet ";

// Nine in ten are "no", and the columns tell next to nothing: always saying no is no success.
std::string imbalanced_table() {
  std::string text = "a,b,sick\n";
  for (int i = 0; i < 600; ++i)
    text += std::to_string(i * 37 % 101) + "," + std::to_string(i * 53 % 89) +
            (i % 10 == 3 ? ",yes\n" : ",no\n");
  return text;
}

TEST_F(Table, TheMajoritysShareIsNotSuccess) {
  write("rare.csv", imbalanced_table());
  const std::string data =
      " --data csv:rare.csv:label=sick --model mlp:8 --epochs 5 --lr 0.05 --quiet ";
  const Result trained = run("train" + data + "--out rare.onnx");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(
      trained.out,
      AllOf(HasSubstr("test accuracy 90.00%"), HasSubstr("Nothing was learned: 90.00%"),
            HasSubstr("One class is most of the examples"), HasSubstr("--class-weights balanced"),
            HasSubstr("--metric balanced-accuracy")));
  EXPECT_THAT(
      run("compare" + data + "--activations elu --seeds 2").out,
      AllOf(HasSubstr("Did not beat the baseline, 90.00%"), HasSubstr("--class-weights balanced")));
  const Result measured =
      run("evaluate rare.onnx --data csv:rare.csv:label=sick --metric auc --json evaluation.json");
  ASSERT_EQ(measured.code, 0) << measured.err;
  EXPECT_THAT(measured.out,
              AllOf(HasSubstr("with 95% intervals:\n  AUC "),
                    HasSubstr("The accuracy is just that of always naming \"no\", 90.00%")));
  EXPECT_EQ(json("evaluation.json")["metric"], "AUC");
  expect_error("evaluate rare.onnx --data csv:rare.csv:label=sick --metric mae",
               AllOf(HasSubstr("MAE"), HasSubstr("has classes")));
  const Result weighed =
      run("train" + data + "--class-weights balanced --metric balanced-accuracy --json run.json");
  ASSERT_EQ(weighed.code, 0) << weighed.err;
  EXPECT_THAT(weighed.out,
              HasSubstr("baseline 50.00% (any answer that is the same for all examples"));
  EXPECT_EQ(json("run.json")["settings"]["class_weights"], "balanced");
}

TEST_F(Table, FromFileToAnswersInThreeCommands) {
  write("people.csv", messy_table(400));
  expect_error("train --data csv:people.csv:label=bought",
               AllOf(HasSubstr("age: 10 of 400 values are missing"),
                     HasSubstr("name: 400 different texts")));
  const std::string ready = proposal("train --data csv:people.csv:label=bought");
  EXPECT_EQ(ready, "--data csv:people.csv:label=bought:drop=name:missing=drop");
  const Result trained = run("train " + ready + kNetwork + "--out people.onnx --json run.json");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out,
              AllOf(HasSubstr("city (Bonn, Oslo, Rome)"), HasSubstr("counts the rows"),
                    HasSubstr("10 of 400 rows were left out"), HasSubstr("separated by ;")));
  const auto record = json("run.json");
  EXPECT_EQ(record["data"]["columns"].size(), 3U);
  EXPECT_EQ(record["data"]["test"], 78);
  EXPECT_GT(record["test_accuracy"].get<double>(), 0.9);

  // The held-out part again, by its own path.
  ASSERT_EQ(run("evaluate people.onnx " + ready + " --json evaluation.json").code, 0)
      << content("err.txt");
  const auto evaluation = json("evaluation.json");
  EXPECT_NEAR(evaluation["metrics"]["accuracy"]["value"].get<double>(),
              record["test_accuracy"].get<double>(), 1e-9);
  EXPECT_NEAR(evaluation["metrics"]["log loss"]["value"].get<double>(),
              record["test_loss"].get<double>(), 1e-5);
  EXPECT_LT(evaluation["metrics"]["accuracy"]["lower"].get<double>(),
            evaluation["metrics"]["accuracy"]["value"].get<double>());

  // Answers for rows without label, columns in another order and one too many.
  write("new.csv", "city,extra,income,age\nRome,x,79000,30\nOslo,y,21000,40\nParis,z,79000,50\n");
  const Result answered = run("predict people.onnx --data csv:new.csv -o answers.csv");
  ASSERT_EQ(answered.code, 0) << answered.err;
  EXPECT_THAT(answered.err, HasSubstr("city: 1 row"));
  EXPECT_THAT(content("answers.csv"), AllOf(HasSubstr("row,prediction,p(no),p(yes)\n1,yes,"),
                                            HasSubstr("\n2,no,"), HasSubstr("\n3,")));
  expect_error("predict people.onnx --data csv:new.csv:drop=age", HasSubstr("the column age"));
  expect_error("train --model mpl:8", HasSubstr("perhaps mlp:8"));
  expect_error("predict people.onnx", AllOf(HasSubstr("[--data]"), HasSubstr("age, income, city")));
  ASSERT_EQ(run("predict people.onnx " + ready + " --part test -o part.csv").code, 0);
  const std::string part = content("part.csv");
  EXPECT_EQ(std::count(part.begin(), part.end(), '\n'), 79);
  expect_error("predict people.onnx " + ready + " --part none", HasSubstr("[--part]"));
  write("gaps.csv", "city,income,age\nRome,79000,30\nRome,NA,30\nOslo,21000,NA\n");
  EXPECT_THAT(run("predict people.onnx --data csv:gaps.csv:missing=drop").out,
              testing::EndsWith("\n2,,,\n3,,,\n"));
  write("gap.csv", "city,income,age\nRome,79000,NA\n");
  expect_error("predict people.onnx --data csv:gap.csv",
               HasSubstr("age: 1 of 1 values are missing (line 2); :missing=drop"));
  write("short.csv", "city,age\nRome,30\n");
  expect_error("predict people.onnx --data csv:short.csv", HasSubstr("\"income\""));
}

// The commands of the README that work on people.csv, as they stand there.
std::vector<std::string> commands_of_readme() {
  std::ifstream readme(UNDYING_README);
  std::vector<std::string> commands;
  for (std::string line; std::getline(readme, line);)
    if (line.starts_with("undying ") && line.find("people.") != std::string::npos)
      commands.push_back(line.substr(8));
  return commands;
}

TEST_F(Table, TheReadmesThreeCommandsGoFromFileToAnswers) {
  write("people.csv", people(240));
  write("new.csv", "city,income,age\nRome,79000,30\nOslo,21000,40\n");
  const std::vector<std::string> commands = commands_of_readme();
  ASSERT_EQ(commands.size(), 3U);
  for (const std::string& command : commands)
    ASSERT_EQ(run(command).code, 0) << command << "\n" << content("err.txt");
  EXPECT_THAT(content("answers.csv"), AllOf(HasSubstr("\n1,yes,"), HasSubstr("\n2,no,")));
  EXPECT_THAT(
      run("inspect people.onnx").out,
      AllOf(HasSubstr("city ("), HasSubstr("bought: no, yes"), HasSubstr("that the file holds")));
  write("abroad.csv", "city,income,age\nLima,79000,30\nQuito,21000,40\n");
  expect_error(
      "predict people.onnx --data csv:abroad.csv",
      AllOf(HasSubstr("city: the network knows none of its values (\"Lima\", ...); expected"),
            HasSubstr("Rome")));
  write("mixed.csv", "city,income,age\nLima,79000,30\nRome,21000,40\n");
  EXPECT_EQ(run("predict people.onnx --data csv:mixed.csv").code, 0);
  EXPECT_EQ(run("prune people.onnx --data csv:new.csv").code, 0)
      << "what is useless shows without a label: " << content("err.txt");
  expect_error("predict people.onnx --data csv:new.csv --test mixed.csv",
               AllOf(HasSubstr("--test"), HasSubstr("--part test")));
}

TEST_F(Table, AnEmptyLabelIsNotMendedByLeavingRowsOut) {
  std::string text = "a,label\n";
  for (int i = 0; i < 30; ++i) text += std::to_string(i * 7 % 11) + ",\n";
  write("d.csv", text);
  const Result result = run("train --model mlp:4 --data csv:d.csv");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("label: all its values are missing"),
                                HasSubstr(":target=NAME"), Not(HasSubstr("missing=drop"))));
}

// The file says how its data is read: no flag can be forgotten.
TEST_F(Table, DiagnoseFindsWhatTheLedgerSaid) {
  write("people.csv", messy_table(300));
  const std::string data = " --data csv:people.csv:label=bought:drop=name:missing=mean ";
  ASSERT_EQ(run("train" + data + kNetwork + "--lr 0.05 --out people.onnx --json run.json").code,
            2);  // --lr twice
  ASSERT_EQ(run("train" + data + kNetwork + "--out people.onnx --json run.json").code, 0)
      << content("err.txt");
  ASSERT_EQ(run("diagnose people.onnx" + data + "--json diagnosis.json").code, 0)
      << content("err.txt");
  const auto ledger = json("run.json")["ledger"];
  const auto diagnosis = json("diagnosis.json");
  for (std::size_t layer = 0; layer < 2; ++layer) {
    EXPECT_EQ(diagnosis["layers"][layer]["dead"], ledger["layers"][layer]["dead"]);
    EXPECT_NEAR(diagnosis["layers"][layer]["firing_rate"].get<double>(),
                ledger["layers"][layer]["firing_rate"].get<double>(), 1e-6);
  }
  expect_error("diagnose people.onnx" + data + "--normalize standard",
               HasSubstr("the model's file says"));
}

TEST_F(Table, ValuesAreAnsweredInTheirUnits) {
  std::string text = "x,big,price\n";
  double squares = 0.0;
  for (int i = 0; i < 300; ++i)
    text += std::to_string(i % 17) + "," + std::to_string(1000 * (i % 23)) + "," +
            std::to_string(200'000 + 9'000 * (i % 17) + 3'000 * (i % 23)) + ".5\n";
  write("homes.csv", text);
  const std::string data = " --data csv:homes.csv:target=price ";
  ASSERT_EQ(run("train" + data + kNetwork + "--out homes.onnx --json run.json").code, 0)
      << content("err.txt");
  const double loss = json("run.json")["test_loss"].get<double>();
  ASSERT_EQ(run("evaluate homes.onnx" + data + "--json evaluation.json").code, 0)
      << content("err.txt");
  const auto metrics = json("evaluation.json")["metrics"];
  EXPECT_NEAR(metrics["RMSE"]["value"].get<double>() / std::sqrt(loss), 1.0, 1e-4);
  EXPECT_GT(metrics["R2"]["value"].get<double>(), 0.95);
  ASSERT_EQ(run("predict homes.onnx" + data + "-o answers.csv").code, 0);
  std::istringstream lines(content("answers.csv"));
  std::string line;
  std::getline(lines, line);
  for (int i = 0; i < 300; ++i) {
    std::getline(lines, line);
    const double apart = std::stod(line.substr(line.find(',') + 1)) -
                         (200'000.5 + 9'000 * (i % 17) + 3'000 * (i % 23));
    squares += apart * apart / 300.0;
  }
  EXPECT_LT(std::sqrt(squares), 20'000.0);
  const Result few = run("evaluate homes.onnx" + data + "--split 0.01");
  EXPECT_THAT(few.out,
              AllOf(HasSubstr("3 examples are tested on, so small differences say nothing"),
                    Not(HasSubstr("accuracy"))));
}

TEST_F(Table, TheTestPartIsNamedDrawnOrTheLast) {
  std::string text = "a,who,label\n";
  for (int i = 0; i < 60; ++i)
    text += std::to_string(i * 7 % 31) + ",p" + std::to_string(i / 6) + "," +
            std::to_string(i % 2) + "\n";
  write("d.csv", text);
  write("t.csv", "a,label\n3,0\n4,1\n5,1\n");
  const std::string train = "train --model mlp:4 --epochs 1 --quiet --data csv:d.csv:drop=who ";
  EXPECT_THAT(run(train + "--test t.csv").out, HasSubstr("60 + 3 examples"));
  expect_error(train + "--split 0", HasSubstr("or none, which holds nothing out"));
  EXPECT_THAT(run(train + "--split 0.5,7").out, HasSubstr("30 of 60 examples, drawn with seed 7"));
  EXPECT_THAT(run(train + "--split none").out, HasSubstr("nothing is held out"));
  EXPECT_THAT(run(train + "--ordered").out, HasSubstr("12 of 60 examples, the last ones"));
  EXPECT_THAT(run("train --model mlp:4 --epochs 1 --quiet --data csv:d.csv --group who").out,
              HasSubstr("groups kept together"));
  expect_error(train + "--test t.csv --ordered", HasSubstr("--test"));
  expect_error(train + "--group whom", AllOf(HasSubstr("--group"), HasSubstr("perhaps \"who\"")));
  write("other.csv", "a,label\n3,0\n4,2\n");
  expect_error(train + "--test other.csv",
               AllOf(HasSubstr("\"2\""), HasSubstr("not one that was trained")));
  write("four.csv", "a,b,label\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n");
  expect_error("train --model mlp:4 --data csv:four.csv",
               AllOf(HasSubstr("--test"), HasSubstr("--split none")));
}

TEST_F(Table, TargetsThatALossCannotHaveAreRefused) {
  std::string text = "a,y\n";
  for (int i = 0; i < 20; ++i) text += std::to_string(i) + (i % 2 == 0 ? ",-1\n" : ",1\n");
  write("d.csv", text);
  expect_error("train --model mlp:4 --loss bce --data csv:d.csv:target=y",
               HasSubstr("outside 0..1"));
}

TEST_F(Table, ANetworkOfNoNumbersIsNotWritten) {
  write("people.csv", people(120));
  const Result diverged =
      run("train --data csv:people.csv:label=bought --model mlp:8-8 --epochs 40 --lr 1e30 --quiet "
          "--out d.onnx");
  EXPECT_EQ(diverged.code, 0) << diverged.err;
  EXPECT_THAT(diverged.out, AllOf(HasSubstr("d.onnx is not written"), HasSubstr("--lr"),
                                  Not(HasSubstr("diagnose d.onnx"))));
  EXPECT_FALSE(exists("d.onnx"));
}

TEST_F(Table, StandardInputIsRead) {
  write("d.csv", messy_table(60));
  const Result result =
      run("train --data csv:-:label=bought:drop=name:missing=drop --model mlp:4 --epochs 1 --quiet",
          "<d.csv >out.txt 2>err.txt");
  EXPECT_EQ(result.code, 0) << content("err.txt");
}

}  // namespace
}  // namespace undying::cli
