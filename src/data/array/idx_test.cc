#include "data/array/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/test_files.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class IdxFiles : public TestFiles {
 protected:
  void write_good() const {
    write("train-images-idx3-ubyte", idx_images(4, 2, 3));
    write("train-labels-idx1-ubyte", idx_labels({0, 1, 2, 1}));
    write("t10k-images-idx3-ubyte.gz", gzip(idx_images(2, 2, 3)));
    write("t10k-labels-idx1-ubyte.gz", gzip(idx_labels({2, 0})));
  }
  void expect_error(const testing::Matcher<const std::string&>& message) const {
    try {
      open_dataset("idx:" + folder_.string());
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(std::string(error.what()), message);
      EXPECT_EQ(error.code(), ErrorCode::kBadData);
    }
  }
};

TEST_F(IdxFiles, PlainAndGzippedAreRead) {
  write_good();
  const Split split = open_dataset("idx:" + folder_.string());
  EXPECT_EQ(split.train->size, 4);
  EXPECT_EQ(split.train->shape, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(split.train->classes, 3);
  EXPECT_EQ(split.test->size, 2);
  EXPECT_THAT(split.test->labels, testing::ElementsAre(2, 0));
  EXPECT_EQ(split.train->bytes[7], static_cast<std::uint8_t>(49));
}

TEST_F(IdxFiles, WrongMagicSaysWhatWasFoundAndExpected) {
  write_good();
  write("train-images-idx3-ubyte", big_endian(0x802) + std::string(100, 'x'));
  expect_error(AllOf(HasSubstr("train-images-idx3-ubyte"), HasSubstr("0x00000802"),
                     HasSubstr("0x00000803")));
}

TEST_F(IdxFiles, TruncatedGzipIsRefused) {
  write_good();
  const std::string whole = gzip(idx_images(2, 2, 3));
  for (const std::size_t size :
       {whole.size() - 1, whole.size() - 8, whole.size() / 2, std::size_t{12}}) {
    write("t10k-images-idx3-ubyte.gz", whole.substr(0, size));
    expect_error(AllOf(HasSubstr("t10k-images"), HasSubstr("truncated")));
  }
}

TEST_F(IdxFiles, CorruptGzipIsRefused) {
  write_good();
  std::string bad = gzip(idx_images(200, 2, 3));
  bad[bad.size() - 6] = static_cast<char>(bad[bad.size() - 6] ^ 1);  // the checksum
  write("t10k-images-idx3-ubyte.gz", bad);
  expect_error(HasSubstr("t10k-images"));
}

TEST_F(IdxFiles, TruncatedPlainAndTrailingBytesAreRefused) {
  write_good();
  write("train-images-idx3-ubyte", idx_images(4, 2, 3).substr(0, 30));
  expect_error(AllOf(HasSubstr("14 values"), HasSubstr("24")));
  write("train-images-idx3-ubyte", idx_images(4, 2, 3) + "x");
  expect_error(HasSubstr("25 values"));
  write("train-images-idx3-ubyte", "abc");
  expect_error(HasSubstr("3 bytes"));
}

TEST_F(IdxFiles, CountsThatDisagreeAreRefused) {
  write_good();
  write("train-labels-idx1-ubyte", idx_labels({0, 1, 2}));
  expect_error(AllOf(HasSubstr("3 labels"), HasSubstr("4 images")));
}

TEST_F(IdxFiles, LabelsOutOfRangeAreRefused) {
  write_good();
  write("t10k-labels-idx1-ubyte.gz", gzip(idx_labels({7, 0})));
  expect_error(AllOf(HasSubstr("t10k-labels"), HasSubstr("label 7"), HasSubstr("0..2")));
}

TEST_F(IdxFiles, FashionMnistHasTenClassesAndNoMore) {
  write_good();
  write("train-labels-idx1-ubyte", idx_labels({0, 1, 12, 1}));
  EXPECT_THAT([&] { open_dataset("fashion-mnist", {.directory = folder_}); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("label 12"), HasSubstr("0..9"))));
}

TEST_F(IdxFiles, AbsurdDimensionsAllocateNothing) {
  write_good();
  write("train-images-idx3-ubyte", big_endian(0x803) + big_endian(0xffffffff) +
                                       big_endian(0xffffffff) + big_endian(0xffffffff));
  expect_error(HasSubstr("train-images"));
  // 8 x 2147352580 x 1073807362 is 64 modulo 2^64.
  write("train-images-idx3-ubyte", big_endian(0x803) + big_endian(8) + big_endian(2147352580) +
                                       big_endian(1073807362) + std::string(64, 'x'));
  expect_error(HasSubstr("more values than"));
}

TEST_F(IdxFiles, MissingFileNamesThePackage) {
  try {
    open_dataset("fashion-mnist", {.directory = folder_});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("dataset-fashion-mnist"));
  }
}

}  // namespace
}  // namespace undying
