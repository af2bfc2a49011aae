#include "base/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace undying {
namespace {

struct State {
  std::int64_t steps = 0;
  std::string text;
  std::vector<float> numbers;
  std::vector<bool> flags;
  std::vector<std::vector<std::int64_t>> lists;
  double fixed[2] = {};

  void each_state(Archive& archive) {
    archive(steps);
    archive(text);
    archive(numbers);
    archive(flags);
    archive(lists);
    archive.fixed(std::span<double>(fixed));
  }
};

std::string written() {
  State state{7, "seven", {0.5f, -1.0f}, {true, false, true}, {{1}, {}, {2, 3}}, {0.1, 0.2}};
  Archive archive;
  state.each_state(archive);
  return archive.bytes();
}

TEST(Archive, ReadsWhatItWrote) {
  State state;
  Archive archive(written(), "file");
  state.each_state(archive);
  archive.end();
  EXPECT_EQ(state.steps, 7);
  EXPECT_EQ(state.text, "seven");
  EXPECT_THAT(state.numbers, testing::ElementsAre(0.5f, -1.0f));
  EXPECT_THAT(state.flags, testing::ElementsAre(true, false, true));
  EXPECT_EQ(state.lists, (std::vector<std::vector<std::int64_t>>{{1}, {}, {2, 3}}));
  EXPECT_EQ(state.fixed[1], 0.2);
}

TEST(Archive, EveryShorterOrLongerFileIsAnErrorThatNamesIt) {
  const std::string whole = written();
  for (std::size_t size = 0; size <= whole.size() + 1; ++size) {
    if (size == whole.size()) continue;
    State state;
    Archive archive(size < whole.size() ? whole.substr(0, size) : whole + "x", "file");
    const auto read = [&] {
      state.each_state(archive);
      archive.end();
    };
    EXPECT_THROW(read(), Error) << size;
  }
}

}  // namespace
}  // namespace undying
