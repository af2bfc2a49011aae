#include "data/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/test_files.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void expect_error(const std::string& content, testing::Matcher<const std::string&> message, const char* label = "label") {
  EXPECT_THAT([&] { parse_csv(content, "file.csv", label); }, testing::ThrowsMessage<Error>(message)) << content;
}

TEST(Csv, IntegerLabelsAreClassesSortedByValue) {
  const Dataset data = parse_csv("a,label,b\n1,10,2\n3,9,4.5\r\n-1e2,10,.5\n", "file.csv", "label");
  EXPECT_THAT(data.values, ElementsAre(1, 2, 3, 4.5f, -100, .5f));
  EXPECT_THAT(data.labels, ElementsAre(1, 0, 1));
  EXPECT_EQ(data.classes, 2);
  EXPECT_THAT(data.class_names, ElementsAre("9", "10"));
}

TEST(Csv, NamesAreClassesSortedByText) {
  const Dataset data = parse_csv("x,label\n1,pear\n2,\"apple, red\"\n3,pear", "file.csv", "label");
  EXPECT_THAT(data.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(data.class_names, ElementsAre("apple, red", "pear"));
}

TEST(Csv, FractionsAreTargets) {
  const Dataset data = parse_csv("x,y\n1,0.5\n2,3\n", "file.csv", "y");
  EXPECT_EQ(data.classes, 0);
  EXPECT_THAT(data.targets, ElementsAre(0.5f, 3.0f));
}

TEST(Csv, QuotesMayHoldCommasQuotesAndLineEnds) {
  const Dataset data = parse_csv("\xef\xbb\xbf\"a \"\"b\"\"\",label\n 5 ,\"x\ny\"\n\n6,z\n", "file.csv", "label");
  EXPECT_EQ(data.size, 2);
  EXPECT_THAT(data.values, ElementsAre(5, 6));
}

TEST(Csv, OptionsStandBehindTheFile) {
  const auto parts = [](const char* text) {
    const CsvSource source = parse_csv_source(text);
    return source.file + "|" + source.column + (source.kind == CsvLabel::kValue ? "|value" : "");
  };
  EXPECT_EQ(parts("d.csv"), "d.csv|label");
  EXPECT_EQ(parts("d.csv:label=a=b"), "d.csv|a=b");
  EXPECT_EQ(parts("a:b/d.csv:target=y"), "a:b/d.csv|y|value");
  EXPECT_EQ(parts("runs:lr=0.1/x.csv"), "runs:lr=0.1/x.csv|label");
  EXPECT_THAT([&] { parts("d.csv:lable=y"); }, testing::ThrowsMessage<Error>(HasSubstr("\"lable\"")));
  EXPECT_THAT([&] { parts("d.csv:label="); }, testing::ThrowsMessage<Error>(HasSubstr("no column")));
}

TEST(Csv, WholeNumbersAreValuesOnlyWhereAskedFor) {
  const Dataset data = parse_csv("x,price\n1,200\n2,350\n", "file.csv", "price", CsvLabel::kValue);
  EXPECT_EQ(data.classes, 0);
  EXPECT_EQ(data.outputs, 1);
  EXPECT_THAT(data.targets, ElementsAre(200.0f, 350.0f));
  EXPECT_THAT([&] { parse_csv("x,price\n1,200\n2,cheap\n", "file.csv", "price", CsvLabel::kValue); },
              testing::ThrowsMessage<Error>(HasSubstr("\"cheap\" is not a number")));
}

TEST(Csv, ErrorsNameLineAndColumn) {
  expect_error("a;b;label\n1;2;0\n", HasSubstr("expected fields separated by commas"));
  expect_error("a,label\r1,0\r", HasSubstr("carriage return stands alone"));
  expect_error("a,a,label\n1,2,0\n", HasSubstr("two columns \"a\""));
  expect_error("a,label\n1,0\nnan,1\n", AllOf(HasSubstr("file.csv"), HasSubstr("line 3"), HasSubstr("column a"), HasSubstr("nan")));
  expect_error("a,label\ninf,0\n", HasSubstr("line 2"));
  expect_error("a,label\n1e99,0\n", HasSubstr("finite"));
  expect_error("a,label\n,0\n", HasSubstr("\"\" is not a finite number"));
  expect_error("a,label\n1x,0\n", HasSubstr("1x"));
  expect_error("a,label\n1,0,3\n", AllOf(HasSubstr("3 fields"), HasSubstr("2")));
  expect_error("a,label\n1,\n", HasSubstr("label is empty"));
  expect_error("a,b\n1,2\n", AllOf(HasSubstr("no column \"label\""), HasSubstr("a, b")));
  expect_error("label\n1\n", HasSubstr("at least one feature"));
  expect_error("label,a,label\n1,2,3\n", HasSubstr("two columns"));
  expect_error("a,label\n", HasSubstr("no examples"));
  expect_error("", HasSubstr("empty"));
  expect_error("a,label\n\"1,0\n", HasSubstr("never closed"));
  expect_error("a,label\n\"1\"x,0\n", HasSubstr("follows a closing quote"));
  expect_error("\"a\nb\",label\n1,0\nbad,0\n", HasSubstr("line 4"));
}

}  // namespace
}  // namespace undying::data
