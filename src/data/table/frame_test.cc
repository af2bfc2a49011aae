#include "data/table/frame.h"

#include <gtest/gtest.h>

#include <limits>

#include "data/table/csv.h"
#include "undying/error.h"

namespace undying::data {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Frame people() {
  return Frame("people",
               {{.name = "age", .numbers = {30.0, 0.1, kNone, 41.5}, .texts = {}},
                {.name = "sex", .numbers = {}, .texts = {{"f", "m", "f", std::nullopt}}},
                {.name = "bought", .numbers = {}, .texts = {{"yes", "no", "no", "yes"}}}});
}

TEST(Frame, RowsAreTextsWithTheShortestDigitsAndNothingWhereThereIsNothing) {
  Frame frame = people();
  std::vector<std::string_view> fields;
  std::vector<std::vector<std::string>> rows;
  while (frame.next(fields)) rows.emplace_back(fields.begin(), fields.end());
  const std::vector<std::vector<std::string>> expected = {{"age", "sex", "bought"},
                                                          {"30", "f", "yes"},
                                                          {"0.1", "m", "no"},
                                                          {"", "f", "no"},
                                                          {"41.5", "", "yes"}};
  EXPECT_EQ(rows, expected);
  frame.restart();
  ASSERT_TRUE(frame.next(fields));
  EXPECT_EQ(fields[0], "age");
}

TEST(Frame, IsReadAsATable) {
  Frame frame = people();
  const CsvSource source{
      .file = "people", .column = "bought", .missing = Missing::kMean, .separator = std::nullopt};
  const CsvTable table = read_table(frame, source);
  EXPECT_EQ(table.data.size, 4);
  EXPECT_EQ(table.data.columns, (std::vector<std::string>{"age", "sex=f", "sex=m"}));
  EXPECT_EQ(table.data.class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(table.data.labels, (std::vector<std::int32_t>{1, 0, 0, 1}));
  EXPECT_EQ(table.data.values[3], 0.1f);
}

TEST(Frame, ColumnsOfDifferentLengthAreRefused) {
  EXPECT_THROW(Frame("f", {{.name = "a", .numbers = {1.0, 2.0}, .texts = {}},
                           {.name = "b", .numbers = {1.0}, .texts = {}}}),
               Error);
  EXPECT_THROW(Frame("f", {}), Error);
}

}  // namespace
}  // namespace undying::data
