#include "data/table/test_csv.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Of 100 rows the first `count` hold that text, others a number of few values or of many.
std::string mixed(int count, const std::string& text, int values = 10) {
  return rows(100, "a,b,label", [&](int i) {
    return std::to_string(i * i) + "," + (i < count ? text : std::to_string(i * 7 % values)) +
           (i % 3 ? ",x" : ",y");
  });
}

TEST(CsvMixed, NumbersAmongTextsAreTexts) {
  const CsvTable table = read("floor,label\n1,0\nground,1\n2,1\nground,0\n");
  EXPECT_THAT(table.data.columns, ElementsAre("floor=1", "floor=2", "floor=ground"));
}

// One slip is one slip, in the first row as in any other.
TEST(CsvMixed, AWordAmongNumbersIsNamedWhereverItStands) {
  for (const int at : {0, 1, 7}) {
    const std::string content = rows(20, "a,label", [&](int i) {
      return (i == at ? "unknown" : std::to_string(i % 4)) + (i % 2 ? ",x" : ",y");
    });
    expect_error(content, AllOf(HasSubstr("a: 1 of 20 values is not a finite number"),
                                HasSubstr("line " + std::to_string(at + 2))));
  }
}

TEST(CsvMixed, TextsInOneRowOfTenAreSlipsAndMoreAreCategories) {
  expect_error(
      mixed(10, "unk"),
      AllOf(HasSubstr("b: 10 of 100 values are not finite numbers (\"unk\", lines 2, 3, 4"),
            HasSubstr(":text=b"), HasSubstr("csv:file.csv:numbers=b:missing=mean")));
  expect_error(mixed(2, "unk"), HasSubstr("csv:file.csv:numbers=b:missing=drop"));
  const CsvTable table = read(mixed(11, "unk"));
  EXPECT_EQ(table.data.columns.size(), 12U);
  EXPECT_THAT(table.reading.warnings,
              ElementsAre(AllOf(HasSubstr("b: 89% of its values are numbers, 11% texts (\"unk\")"),
                                HasSubstr(":numbers=b"), HasSubstr(":text=b"))));
  EXPECT_THAT(read(mixed(11, "unk"), ":text=b").reading.warnings, IsEmpty());
  EXPECT_THAT(read(mixed(91, "unk")).reading.warnings, IsEmpty());  // numbers are the exception
  expect_error(mixed(30, "unk", 101),
               AllOf(HasSubstr("b: 70% of its values are numbers, 30% texts"),
                     HasSubstr("csv:file.csv:numbers=b:missing=mean")));
}

TEST(CsvMixed, WhatIsNoNumberOfAColumnOfNumbersIsMissing) {
  const std::string content = "a,b,label\nunk,1,x\n3,1e999,y\n5,inf,x\n?,12a,y\n9,5,x\n7,3,y\n";
  expect_error(content, HasSubstr("a: 2 of 6 values are missing"), ":numbers=a,b");
  const CsvTable dropped = read(content, ":numbers=a,b:missing=drop");
  EXPECT_THAT(dropped.data.values, ElementsAre(9, 5, 7, 3));
  EXPECT_THAT(
      dropped.reading.remarks,
      Contains(HasSubstr("b: 3 of 6 values are not finite numbers (\"1e999\", lines 3, 4, 5)")));
  EXPECT_THAT(read(content, ":numbers=a,b:missing=mean").data.values,
              ElementsAre(6, 1, 3, 3, 5, 3, 6, 3, 9, 5, 7, 3));
  expect_error(content, HasSubstr("no column \"c\" for :numbers"), ":numbers=c");
  expect_error(content, HasSubstr("a cannot be both"), ":numbers=a:text=a");
}

TEST(CsvMixed, NumbersBeyondFloatsAreNeverCategories) {
  for (const char* number : {"inf", "1e999", "-1e999", "1e99", "-Infinity"})
    expect_error(mixed(60, number), HasSubstr("b: 60 of 100 values are not finite numbers"));
  EXPECT_THAT(read("a,label\n1e-999,x\n-0.5e-400,y\n2,x\n").data.values, ElementsAre(0, 0, 2));
}

TEST(CsvMixed, ValuesToPredictThatAreNoneMayBeMissing) {
  const std::string content = rows(60, "a,y", [](int i) {
    return std::to_string(i * i) + "," + (i == 3 ? "cheap" : std::to_string(10 * i));
  });
  expect_error(
      content,
      AllOf(HasSubstr("y: 1 of 60 values is not a finite number (\"cheap\""), HasSubstr(":label=y"),
            HasSubstr("csv:file.csv:target=y:numbers=y:missing=drop")),
      ":target=y");
  EXPECT_EQ(read(content, ":target=y:numbers=y:missing=drop").data.size, 59);
  const std::string levels = "a,label\n1,0\n2,1\n3,unk\n4,1\n";
  EXPECT_THAT(read(levels, ":numbers=label:missing=drop").data.class_names, ElementsAre("0", "1"));
}

TEST(CsvMixed, ANewTableIsReadWithTheMeanOfTheOldOne) {
  const CsvTable train = read("a,label\n1,x\nunk,y\n3,x\n", ":numbers=a:missing=mean");
  const Coding coding{train.reading.columns, train.data.class_names, "label"};
  const auto again = [&](const std::string& options) {
    TextStream text("a\n5\nunk\n", "new.csv");
    return read_csv(text, parse_csv_source("new.csv" + options), {}, &coding);
  };
  EXPECT_THAT([&] { again(""); }, testing::ThrowsMessage<Error>(
                                      AllOf(HasSubstr(":numbers=a"), Not(HasSubstr(":text")))));
  EXPECT_THAT(again(":numbers=a").data.values, ElementsAre(5, 2));
}

}  // namespace
}  // namespace undying::data
