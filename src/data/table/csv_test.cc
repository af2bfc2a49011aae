#include "data/table/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/table/test_csv.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

TEST(Csv, IntegerLabelsAreClassesSortedByValue) {
  const CsvTable table = read("a,label,b\n1,10,2\n3,9,4.5\r\n-1e2,10,.5\n");
  EXPECT_THAT(table.data.values, ElementsAre(1, 2, 3, 4.5f, -100, .5f));
  EXPECT_THAT(table.data.labels, ElementsAre(1, 0, 1));
  EXPECT_EQ(table.data.classes, 2);
  EXPECT_THAT(table.data.class_names, ElementsAre("9", "10"));
  EXPECT_THAT(table.data.columns, ElementsAre("a", "b"));
  EXPECT_THAT(table.reading.task, HasSubstr("whole numbers"));
}

TEST(Csv, NamesAreClassesSortedByText) {
  const Dataset data = read("x,label\n1,pear\n2,\"apple, red\"\n3,pear").data;
  EXPECT_THAT(data.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(data.class_names, ElementsAre("apple, red", "pear"));
}

TEST(Csv, EqualNumbersAreOneClass) {
  const Dataset data = read("x,label\n1,0.0\n2,1\n3,1.0\n4,0\n").data;
  EXPECT_THAT(data.labels, ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(data.class_names, ElementsAre("0", "1"));
}

TEST(Csv, FractionsAreTargets) {
  const CsvTable table = read("x,y\n1,0.5\n2,3\n4,0.25\n", ":label=y");
  EXPECT_EQ(table.data.classes, 0);
  EXPECT_THAT(table.data.targets, ElementsAre(0.5f, 3.0f, 0.25f));
  EXPECT_THAT(table.reading.task, HasSubstr("fractions"));
}

TEST(Csv, OneFractionAmongWholeLabelsIsAMistake) {
  const std::string content =
      rows(120, "x,label", [](int i) { return std::to_string(i * i) + (i == 5 ? ",2.5" : ",1"); });
  expect_error(content,
               AllOf(HasSubstr("\"2.5\""), HasSubstr("line 7"), HasSubstr(":target=label")));
}

TEST(Csv, QuotesMayHoldCommasQuotesAndLineEnds) {
  const Dataset data = read("\xef\xbb\xbf\"a \"\"b\"\"\",label\n 5 ,\"x\ny\"\n\n6,z\n").data;
  EXPECT_EQ(data.size, 2);
  EXPECT_THAT(data.values, ElementsAre(5, 6));
  EXPECT_THAT(data.columns, ElementsAre("a \"b\""));
}

TEST(Csv, OptionsStandBehindTheFile) {
  const auto again = [](const char* text) { return parse_csv_source(text).text_form(); };
  EXPECT_EQ(parse_csv_source("d.csv").file, "d.csv");
  EXPECT_EQ(parse_csv_source("d.csv:label=a=b").column, "a=b");
  EXPECT_EQ(parse_csv_source("a:b/d.csv:target=y").file, "a:b/d.csv");
  EXPECT_EQ(parse_csv_source("runs:lr=0.1/x.csv").file, "runs:lr=0.1/x.csv");
  EXPECT_THAT(parse_csv_source("d.csv:drop=a,\"b,c\":missing=mean").drop, ElementsAre("a", "b,c"));
  for (const char* text :
       {"d.csv:header=no:sep=tab:label=9", "d.csv:target=y:drop=a,\"b,c\":missing=mean:values=50",
        "d.csv:label=\"a:drop=b\""})
    EXPECT_EQ(again(text), std::string("csv:") + text);
  EXPECT_THAT(
      [&] { again("d.csv:lable=y"); },
      testing::ThrowsMessage<Error>(AllOf(HasSubstr("\"lable\""), HasSubstr("perhaps label"))));
  EXPECT_THAT([&] { again("d.csv:label=y:mising=drop"); },
              testing::ThrowsMessage<Error>(HasSubstr("perhaps missing")));
  EXPECT_THAT([&] { again("d.csv:label="); },
              testing::ThrowsMessage<Error>(HasSubstr("no column")));
  EXPECT_THAT([&] { again("d.csv:missing=zero"); },
              testing::ThrowsMessage<Error>(HasSubstr("drop, mean, keep")));
}

TEST(Csv, WholeNumbersAreValuesOnlyWhereAskedFor) {
  const Dataset data = read("x,price\n1,200\n2,350\n", ":target=price").data;
  EXPECT_EQ(data.classes, 0);
  EXPECT_THAT(data.targets, ElementsAre(200.0f, 350.0f));
  expect_error("x,price\n1,200\n2,cheap\n", AllOf(HasSubstr("\"cheap\""), HasSubstr("line 3")),
               ":target=price");
  expect_error(rows(60, "x,price",
                    [](int i) { return std::to_string(i % 7) + "," + std::to_string(10 * i); }),
               HasSubstr(":target=price"), ":label=price");
}

TEST(Csv, TextColumnsBecomeAFeatureForEachValue) {
  const CsvTable table = read("age,sex,label\n5,m,0\n6,f,1\n7,m,1\n");
  EXPECT_THAT(table.data.columns, ElementsAre("age", "sex=f", "sex=m"));
  EXPECT_THAT(table.data.values, ElementsAre(5, 0, 1, 6, 1, 0, 7, 0, 1));
  EXPECT_THAT(table.reading.columns[1].values, ElementsAre("f", "m"));
}

// All that is wrong, in one message, with options that mend it.
TEST(Csv, OneErrorListsAllAndIsReadyToPaste) {
  const auto row = [](int i) {
    return std::to_string(i % 2) + "," + (i == 3 ? "" : std::to_string(20 + i * i % 37)) +
           ",name " + std::to_string(i) + ",2024-01-" + std::to_string(10 + i % 20) + "," +
           (i % 5 == 0 ? "C" : "") + (i % 2 == 0 ? ",no" : ",yes");
  };
  const std::string content = rows(60, "survived,age,name,day,deck,alive", row);
  const std::string mended = ":label=survived:drop=name,day,deck,alive:missing=drop";
  expect_error(content,
               AllOf(HasSubstr("age: 1 of 60 values are missing (line 5)"),
                     HasSubstr("name: 60 different texts"), HasSubstr("day: holds dates"),
                     HasSubstr("deck: 48 of 60 values are missing (lines 3, 4, 5, ...)"),
                     HasSubstr("alive"), HasSubstr("--data csv:file.csv" + mended)),
               ":label=survived");
  EXPECT_THAT(read(content, mended).data.columns, ElementsAre("age"));
}

TEST(Csv, ALabelThatIsNotThereIsFoundOrProposed) {
  expect_error("a,species\n1,x\n2,y\n",
               AllOf(HasSubstr("no column \"label\""), HasSubstr("a, species"),
                     HasSubstr("csv:file.csv:label=species")));
  expect_error("a,species\n1,x\n2,y\n",
               AllOf(HasSubstr("perhaps \"species\""), HasSubstr("label=species")),
               ":label=specie");
  expect_error("a,mpg\n1,0.5\n2,0.7\n3,0.9\n", HasSubstr("csv:file.csv:target=mpg"));
}

// Nobody but its user knows which column is meant, so each that may be gets its own line, with what
// else it takes.
TEST(Csv, EveryColumnThatMayBeMeantIsOfferedReadyToPaste) {
  const std::string cars = rows(60, "mpg,year,name,maker", [](int i) {
    return std::to_string(i * 0.5) + "," + std::to_string(70 + i % 7) + ",car " +
           std::to_string(i) + "," + (i % 3 == 0 ? "a" : "b");
  });
  expect_error(cars,
               AllOf(HasSubstr("by what is to be predicted"), HasSubstr("maker (2 classes)"),
                     HasSubstr("mpg (values)"), HasSubstr("csv:file.csv:label=maker:drop=name\n"),
                     HasSubstr("csv:file.csv:target=mpg:drop=name")));
  const std::string levels = rows(
      60, "a,quality", [](int i) { return std::to_string(i * 0.5) + "," + std::to_string(i % 4); });
  expect_error(levels, AllOf(HasSubstr("csv:file.csv:label=quality\n"),
                             HasSubstr("csv:file.csv:target=quality\n")));
  expect_error("id,name\n1,x\n2,y\n3,x\n",
               AllOf(HasSubstr("no column is left to predict from"), Not(HasSubstr("Ready"))));
}

TEST(Csv, ColumnsHaveOneUse) {
  expect_error("a,label\n1,x\n2,y\n", HasSubstr("label is to be predicted, and cannot be dropped"),
               ":drop=label");
  EXPECT_THAT(read("a,label\n1,12345678901\n2,12345678902\n").data.class_names,
              ElementsAre("12345678901", "12345678902"));
}

// Programs write True, TRUE and true; a class of labels is told apart by nothing else here.
TEST(Csv, TextsInOtherCaseAreWhatWasTrained) {
  const CsvTable train = read("a,member,label\n1,True,x\n2,False,y\n3,True,x\n");
  const Coding coding{train.reading.columns, train.data.class_names, "label"};
  TextStream text("a,member\n5,true\n6,FALSE\n7,maybe\n", "new.csv");
  const CsvTable again = read_csv(text, parse_csv_source("new.csv"), {}, &coding);
  EXPECT_THAT(again.data.values, ElementsAre(5, 0, 1, 6, 1, 0, 7, 0, 0));
  EXPECT_THAT(again.reading.warnings, ElementsAre(HasSubstr("member: 1 row")));
}

TEST(Csv, AColumnWithoutNameIsFoundAgain) {
  const std::string content = "a,,label\n1,0.5,x\n2,0.25,y\n3,0.5,x\n";
  const CsvTable train = read(content);
  const Coding coding{train.reading.columns, train.data.class_names, "label"};
  TextStream text(content, "new.csv");
  EXPECT_EQ(read_csv(text, parse_csv_source("new.csv"), {}, &coding).data.values,
            train.data.values);
}

// A frame whose rows were thinned out before it was written.
TEST(Csv, AnIndexWithGapsIsLeftOutWhereItIsOne) {
  const auto table = [](const char* name) {
    return rows(12, std::string(name) + ",a,label", [](int i) {
      return std::to_string(i * i) + "," + std::to_string(i % 5) + "," + (i % 2 ? "x" : "y");
    });
  };
  EXPECT_THAT(read(table("")).data.columns, ElementsAre("a"));
  EXPECT_THAT(read(table("__index_level_0__")).data.columns, ElementsAre("a"));
  EXPECT_THAT(read(table("id")).data.columns, ElementsAre("id", "a"));
}

// The same in other words, be they texts or numbers: it is said where the file is read, and left
// out where it is not.
TEST(Csv, AColumnThatSaysTheLabelIsNamed) {
  const auto table = [](const char* missing) {
    return rows(40, "a,code,word,label", [&](int i) {
      const int kind = i % 3;
      return (i == 7 ? std::string(missing) : std::to_string(i * 0.25)) + "," +
             std::to_string(10 * kind) + "," + std::string(1, static_cast<char>('p' + kind)) + "," +
             std::to_string(kind);
    });
  };
  EXPECT_THAT(read(table("7.5")).reading.warnings,
              AllOf(Contains(AllOf(HasSubstr("code: each"), HasSubstr(":drop=code"))),
                    Contains(HasSubstr("word: each")), testing::SizeIs(2)));
  expect_error(table(""), HasSubstr("drop=code,word:missing=drop"));
}

TEST(Csv, MissingNumbersAreRefusedDroppedOrFilled) {
  const std::string content = "a,b,label\n1,5,x\nNA,7,y\n3,,x\n5,9,y\n";
  expect_error(content, AllOf(HasSubstr("a: 1 of 4 values"), HasSubstr("b: 1 of 4 values"),
                              HasSubstr(":missing=mean")));
  const CsvTable dropped = read(content, ":missing=drop");
  EXPECT_THAT(dropped.data.values, ElementsAre(1, 5, 5, 9));
  EXPECT_THAT(dropped.data.rows, ElementsAre(0, 3));
  EXPECT_THAT(dropped.reading.remarks, Contains(HasSubstr("2 of 4 rows")));
  const CsvTable filled = read(content, ":missing=mean");
  EXPECT_THAT(filled.data.values, ElementsAre(1, 5, 3, 7, 3, 7, 5, 9));
  EXPECT_EQ(filled.reading.columns[0].fill, 3.0f);
}

TEST(Csv, LabelsThatMarkAMissingValueAreNoClass) {
  const std::string content = "a,label\n1,yes\n2,NA\n3,no\n4,no\n";
  expect_error(content, AllOf(HasSubstr("label: 1 of 4 values are missing (line 3)"),
                              HasSubstr(":missing=keep")));
  EXPECT_THAT(read(content, ":missing=drop").data.class_names, ElementsAre("no", "yes"));
  EXPECT_THAT(read(content, ":missing=keep").data.class_names, ElementsAre("NA", "no", "yes"));
}

TEST(Csv, OddLabelsAreWarnedOf) {
  const CsvTable table = read("a,label\n1,Setosa\n2,setosa\n3,setosa\n4,other\n5,other\n");
  EXPECT_THAT(table.reading.warnings, AllOf(Contains(HasSubstr("upper and lower case")),
                                            Contains(HasSubstr("\"Setosa\" has one row"))));
  expect_error(
      rows(51, "a,abbrev", [](int i) { return std::to_string(i % 9) + ",S" + std::to_string(i); }),
      HasSubstr("51 different labels in 51 rows"), ":label=abbrev");
}

TEST(Csv, ATextThatSaysTheLabelIsNamed) {
  const std::string content = rows(20, "a,alive,label", [](int i) {
    return std::to_string(i * i) + (i % 2 == 0 ? ",no,0" : ",yes,1");
  });
  EXPECT_THAT(read(content).reading.warnings,
              ElementsAre(AllOf(HasSubstr("alive"), HasSubstr(":drop=alive"))));
}

TEST(Csv, AnIndexIsNoInput) {
  const CsvTable table = read(rows(20, ",a,label", [](int i) {
    return std::to_string(i) + "," + std::to_string(i * i % 7) + "," + std::to_string(i % 2);
  }));
  EXPECT_THAT(table.data.columns, ElementsAre("a"));
  EXPECT_THAT(table.reading.dropped,
              ElementsAre(Pair("column 1 (no name)", HasSubstr("counts the rows"))));
  const std::string id = rows(20, "id,label", [](int i) {
    return std::to_string(1000000000 + i) + "," + std::to_string(i / 10);
  });
  expect_error(
      id, AllOf(HasSubstr("no column is left"), HasSubstr("id"), HasSubstr("counts the rows")));
  EXPECT_THAT(read(id, ":keep=id").data.columns, ElementsAre("id"));
}

TEST(Csv, AFirstLineOfNumbersIsNoHeader) {
  const std::string content = "6,148,0.6,1\n1,85,0.3,0\n8,183,0.7,1\n";
  expect_error(content, AllOf(HasSubstr("no header line"), HasSubstr("6,148,0.6"),
                              HasSubstr("csv:file.csv:header=no:label=4")));
  const CsvTable table = read(content, ":header=no:label=4");
  EXPECT_EQ(table.data.size, 3);
  EXPECT_THAT(table.data.columns, ElementsAre("1", "2", "3"));
  EXPECT_THAT(read("1990,1991,label\n1,2,0\n3,4,1\n", ":label=label").data.columns,
              ElementsAre("1990", "1991"));
}

TEST(Csv, Utf16AndLatin1AreRead) {
  std::string wide = "\xff\xfe";
  for (const char c : std::string("a,label\n1,x\n2,y\n")) wide += {c, '\0'};
  EXPECT_THAT(read(wide).data.class_names, ElementsAre("x", "y"));
  EXPECT_THAT(read(wide.substr(2)).data.class_names, ElementsAre("x", "y"));
  EXPECT_THAT(read("a,label\n1,caf\xe9\n2,y\n").data.class_names, ElementsAre("caf\xc3\xa9", "y"));
}

TEST(Csv, ATableIsReadAsAnEarlierOne) {
  const CsvTable train = read("age,sex,label\n5,m,no\n,f,yes\n7,m,yes\n", ":missing=mean");
  const Coding coding{train.reading.columns, train.data.class_names, "label"};
  const auto again = [&](const std::string& content) {
    TextStream text(content, "new.csv");
    return read_csv(text, parse_csv_source("new.csv"), {}, &coding);
  };
  const CsvTable other = again("sex,note,age\nf,hello,9\nx,hello,\n");
  EXPECT_THAT(other.data.values, ElementsAre(9, 1, 0, 6, 0, 0));
  EXPECT_THAT(other.data.labels, IsEmpty());
  EXPECT_THAT(other.reading.warnings, ElementsAre(HasSubstr("sex: 1 row")));
  EXPECT_THAT(again("sex,age,label\nf,9,yes\n").data.labels, ElementsAre(1));
  EXPECT_THAT([&] { again("sex,age,label\nf,9,maybe\n"); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("\"maybe\""), HasSubstr("no, yes"))));
  EXPECT_THAT([&] { again("sex\nf\n"); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("\"age\""), Not(HasSubstr("Ready")))));
}

TEST(Csv, ATableIsNoImage) {
  const auto reading = [](std::vector<std::int64_t> example) {
    return [example = std::move(example)] {
      TextStream text("a,b,label\n,1,x\n2,,y\n", "file.csv");
      CsvSource source = parse_csv_source("file.csv");
      source.example = example;
      read_csv(text, source);
    };
  };
  EXPECT_THAT(reading({1, 28, 28}),
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("a table of 3 columns"),
                                                  HasSubstr("1 x 28 x 28, 784 values"),
                                                  Not(HasSubstr("missing")))));
  for (const std::vector<std::int64_t>& example : {std::vector<std::int64_t>{1, 9}, {1, 3, 1}, {}})
    EXPECT_THAT(reading(example), testing::ThrowsMessage<Error>(HasSubstr("missing")));
}

TEST(Csv, ErrorsNameLineAndColumn) {
  expect_error("a,label\r1,0\r", HasSubstr("carriage return stands alone"));
  expect_error("a,a,label\n1,2,0\n", HasSubstr("two columns are called \"a\""));
  expect_error(
      "a,label\n1,0\n1,0\n2,0\n4,0\n3,0\n7,1\n8,1\n9,1\n10,1\n12,1\ninf,0\n",
      AllOf(HasSubstr("a: 1 of 11 values is not"), HasSubstr("\"inf\""), HasSubstr("line 12")));
  expect_error("a,label\n1e99,0\n2,1\n", HasSubstr("finite"));
  expect_error("a,label\n1,0,3\n2,1\n",
               AllOf(HasSubstr("line 2"), HasSubstr("3 fields"), HasSubstr("2 columns")));
  expect_error("a,label\n1,\n2,0\n", HasSubstr("label: 1 of 2 values are missing"));
  expect_error("label\n1\n0\n", HasSubstr("no column is left"));
  expect_error("a,label\n", HasSubstr("no examples"));
  expect_error("", HasSubstr("empty"));
  expect_error("a,label\n\"1,0\n", HasSubstr("never closed"));
  expect_error("a,label\n\"1\"x,0\n", HasSubstr("follows a closing quote"));
  expect_error(std::string("a,label\n1,0\n2\0,1\n", 17),
               AllOf(HasSubstr("line 3"), HasSubstr("NUL")));
}

}  // namespace
}  // namespace undying::data
