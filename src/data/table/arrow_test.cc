#include "data/table/arrow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/test_files.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFolder = UNDYING_GOLDEN_DATA;

// The same table in both formats, written by pyarrow (tests/golden/make_table_files.py).
class ArrowFiles : public TestFiles, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    try {
      open_arrow(kFolder + "/people.parquet", TableFormat::kParquet);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kUnsupported)
        GTEST_SKIP() << "built without the Arrow library, which is optional";
      throw;
    }
  }
  std::string source() const {
    return GetParam() + ":" + kFolder + "/people." +
           (GetParam() == "arrow" ? "feather" : "parquet");
  }
};

TEST_P(ArrowFiles, AllThatIsWrongIsSaidAtOnce) {
  EXPECT_THAT(
      [&] { open_dataset(source() + ":label=bought"); },
      testing::ThrowsMessage<Error>(AllOf(HasSubstr("age: 1 of 24 values are missing (row 6)"),
                                          HasSubstr("joined: holds dates"),
                                          HasSubstr("Ready to paste: --data " + source() +
                                                    ":label=bought:drop=joined:missing=drop"))));
}

TEST_P(ArrowFiles, EveryKindOfColumnIsRead) {
  const Split split = open_dataset(source() + ":label=bought:drop=joined:missing=drop",
                                   {.normalize = Normalize::kUnit, .rule = {.share = 0.0}});
  const Dataset& data = *split.train;
  EXPECT_EQ(data.size, 23);
  EXPECT_THAT(data.columns, ElementsAre("age", "income", "share", "city=Oslo", "city=Rome",
                                        "member=false", "member=true"));
  EXPECT_THAT(data.class_names, ElementsAre("no", "yes"));
  for (std::size_t at = 0; at < 23; ++at) {
    const auto i = static_cast<int>(at < 5 ? at : at + 1);
    const float* row = data.values.data() + 7 * at;
    EXPECT_EQ(row[0], static_cast<float>(20 + i));
    EXPECT_EQ(row[1], static_cast<float>(0.1 + 1e6 * i));
    EXPECT_EQ(row[2], static_cast<float>(i) / 7.0f);  // the shortest digits give the number back
    EXPECT_EQ(row[3], i % 3 == 0 ? 1.0f : 0.0f);
    EXPECT_EQ(row[6], i % 4 == 0 ? 1.0f : 0.0f);
    EXPECT_EQ(data.labels[at], i % 2 == 0 ? 1 : 0);
  }
  EXPECT_EQ(split.reading.dropped.size(),
            3U);  // id counts, visits is a list in every row, joined by the option
}

TEST_P(ArrowFiles, WrongFilesAreNamed) {
  const std::string bad = write("bad.parquet", "no such thing").string();
  EXPECT_THAT(
      [&] { open_dataset(GetParam() + ":" + bad); },
      testing::ThrowsMessage<Error>(AllOf(HasSubstr("bad.parquet"), HasSubstr("cannot be read"))));
  EXPECT_THAT([&] { open_dataset(GetParam() + ":/no/such"); },
              testing::ThrowsMessage<Error>(HasSubstr("no such file")));
}

INSTANTIATE_TEST_SUITE_P(Formats, ArrowFiles, testing::Values("parquet", "arrow"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace undying::data
