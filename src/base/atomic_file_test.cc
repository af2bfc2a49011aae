#include "base/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "undying/error.h"

namespace undying {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  AtomicFile()
      : folder_(fs::temp_directory_path() / ("undying_file_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~AtomicFile() override { fs::remove_all(folder_); }

  static std::string content(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
};

TEST_F(AtomicFile, ReplacesTheWholeFileAndLeavesNothingElse) {
  write_file(folder_ / "a", "first, and longer");
  write_file(folder_ / "a", std::string("se\0cond", 7));
  EXPECT_EQ(content(folder_ / "a"), std::string("se\0cond", 7));
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFile, MissingFolderIsAnErrorThatNamesTheFile) {
  for (const auto& write : {std::function<void()>([&] { write_file(folder_ / "no" / "a", "x"); }),
                            std::function<void()>([&] { check_writable(folder_ / "no" / "a"); })})
    EXPECT_THAT(write, testing::ThrowsMessage<Error>(testing::AllOf(
                           testing::HasSubstr("no/a"), testing::HasSubstr("there is no folder"))));
}

TEST_F(AtomicFile, AFolderIsNotAFile) {
  EXPECT_THROW(check_writable(folder_), Error);
  EXPECT_THROW(write_file(folder_, "x"), Error);
}

TEST_F(AtomicFile, FullDiskIsAnError) {
  EXPECT_THAT([] { write_file("/dev/full", "x"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("No space left")));
}

TEST_F(AtomicFile, DevicesAreWrittenInPlace) {
  EXPECT_NO_THROW(check_writable("/dev/null"));
  EXPECT_NO_THROW(write_file("/dev/null", "x"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(AtomicFile, WhetherAFileCanBeMadeIsTriedAndLeavesNothing) {
  check_writable(folder_ / "a");
  EXPECT_EQ(files(), 0);
  EXPECT_THROW(check_writable("/proc/a"), Error) << "root may write there, and no file can be made";
}

TEST_F(AtomicFile, WhatAKilledProcessLeftIsRemovedAndNothingElse) {
  for (const char* name : {"a.undying-x1Y2z3", "a.backup", "b.undying-x1Y2z3", "a.undying-longer1"})
    std::ofstream(folder_ / name) << "half";
  check_writable(folder_ / "a");
  EXPECT_FALSE(fs::exists(folder_ / "a.undying-x1Y2z3"));
  EXPECT_EQ(files(), 3);
}

TEST_F(AtomicFile, WhatAnotherIsWritingStays) {
  std::ofstream(folder_ / "a.undying-x1Y2z3") << "half";
  const int other = ::open((folder_ / "a.undying-x1Y2z3").c_str(), O_RDONLY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  check_writable(folder_ / "a");
  EXPECT_EQ(files(), 1);
  ::close(other);
}

}  // namespace
}  // namespace undying
