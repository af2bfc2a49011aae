#include "data/table/csv_reader.h"

#include "data/table/test_csv.h"

namespace undying::data {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(CsvReader, SeparatorsAreFoundOut) {
  for (const char* separator : {";", "\t", "|", " ", "  "}) {
    const std::string s = separator;
    const CsvTable table =
        read("\"a b\"" + s + "b" + s + "label\n1" + s + "2" + s + "0\n3" + s + "4" + s + "1\n");
    EXPECT_THAT(table.data.values, ElementsAre(1, 2, 3, 4)) << separator;
    EXPECT_THAT(table.reading.remarks, Contains(HasSubstr("separated by")));
  }
  const CsvTable commas = read("a;label\n1,5;0\n-2,25;1\n");
  EXPECT_THAT(commas.data.values, ElementsAre(1.5f, -2.25f));
  EXPECT_THAT(commas.reading.remarks, Contains(HasSubstr("decimal commas")));
}

// Commas cut every row alike where each holds as many decimals.
TEST(CsvReader, DecimalCommasAreNoSeparators) {
  const auto found = [](const std::string& content) {
    TextStream text(content, "file.csv");
    return separator_name(find_separator(text));
  };
  const auto every_row = [](const char* header, const char* row) {
    return rows(60, header, [&](int) { return row; });
  };
  EXPECT_EQ(found(every_row("size;price;buy", "1,5;2,25;ja")), ";");
  EXPECT_EQ(found(every_row("a;label", "-0,23;ja")), ";");
  EXPECT_EQ(found(every_row("a\tb", "1,5\t2,25")), "tab");
  EXPECT_EQ(found(every_row("a|b|c", "1,5|2,25|x")), "|");
  EXPECT_EQ(found(every_row("a b c", "1,5 2,25 x")), "space");
  EXPECT_EQ(found(every_row("size, cm;weight, kg;buy", "1,5;2,25;ja")), ";");
  EXPECT_EQ(found(every_row("1,5;2,25", "2,5;3,0")), ";");
  // and those that are
  EXPECT_EQ(found(every_row("a,b,label", "1,x;y,2")), ",");
  EXPECT_EQ(found(every_row("first name,last name", "Ada B,Lovelace C")), ",");
  EXPECT_EQ(found(every_row("a,b", "row1,2,3")), ",");
  EXPECT_EQ(found(every_row("when,x,y", "2024-01-01 10:00,5,6")), ",");
  EXPECT_EQ(found("label\n1\n0\n"), ",");
}

// Records across the pieces that a file is read in.
TEST(CsvReader, PiecesDoNotShow) {
  std::string content;
  for (int i = 0; i < 40'000; ++i)
    content += std::to_string(i) + ",\"text, \"\"" +
               std::string(static_cast<std::size_t>(i % 91), 'x') + "\"\"\"\r\n";
  TextStream text(content, "file.csv");
  CsvReader reader(text, ',');
  std::vector<std::string_view> fields;
  for (int i = 0; i < 40'000; ++i) {
    ASSERT_TRUE(reader.next(fields));
    ASSERT_EQ(fields.size(), 2U);
    ASSERT_EQ(fields[0], std::to_string(i));
    ASSERT_EQ(fields[1], "text, \"" + std::string(static_cast<std::size_t>(i % 91), 'x') + "\"");
    ASSERT_EQ(reader.line(), i + 1);
  }
  EXPECT_FALSE(reader.next(fields));
}

}  // namespace
}  // namespace undying::data
