#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/test_files.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

TEST(OpenDataset, UnknownNamesListTheKnown) {
  for (const char* text :
       {"", "mnist", "fashion-mnist:x", "csv", "csv:", "npy:", "spirals:3", "idx"})
    EXPECT_THAT([&] { open_dataset(text); }, testing::Throws<Error>()) << text;
  EXPECT_THAT([] { open_dataset("mnist"); },
              testing::ThrowsMessage<Error>(testing::AllOf(
                  HasSubstr("mnist"), HasSubstr("fashion-mnist"), HasSubstr("csv:FILE"))));
  EXPECT_THAT([] { open_dataset("npy:one.npy"); },
              testing::ThrowsMessage<Error>(HasSubstr("X.npy,Y.npy")));
  EXPECT_THAT([] { open_dataset("csv:/no/such.csv"); },
              testing::ThrowsMessage<Error>(HasSubstr("/no/such.csv")));
}

class OpenFiles : public TestFiles {};

// What was written nearly right is shown written right.
TEST_F(OpenFiles, ASourceThatIsNotKnownIsRecognised) {
  const auto expect_advice = [](const std::string& text, const std::string& advice) {
    EXPECT_THAT([&] { open_dataset(text); },
                testing::ThrowsMessage<Error>(HasSubstr("perhaps " + advice)))
        << text;
  };
  expect_advice("cvs:people.csv:label=bought", "csv:people.csv:label=bought");
  expect_advice("people.csv", "csv:people.csv");
  expect_advice("data/people.tsv.gz:label=x", "csv:data/people.tsv.gz:label=x");
  expect_advice("digits.npz", "npz:digits.npz");
  expect_advice("X.npy", "npy:X.npy,Y.npy");
  expect_advice("fashion_mnist", "fashion-mnist");
  expect_advice("csv", "csv:FILE;");
  expect_advice("npy", "npy:X.npy,Y.npy;");
  expect_advice("slowly-changing:1000", "stream:slowly-changing:1000");
  expect_advice("permuted:fashion-mnist", "stream:permuted:fashion-mnist");
  expect_advice("spirals:3", "spirals;");
  expect_advice(folder_.string(), "images:" + folder_.string());
}

// The mean is of the rows trained on, whichever these are: those held out tell nothing, not even of
// a draw before.
TEST_F(OpenFiles, MissingNumbersBecomeTheMeanOfTheTrainingRows) {
  std::string content = "a,label\n";
  for (int i = 0; i < 40; ++i)
    content += (i % 4 == 0 ? "" : std::to_string(i * i)) + "," + std::to_string(i % 2) + "\n";
  write("t.csv", content);
  const Split first = open_dataset("csv:" + (folder_ / "t.csv").string() + ":missing=mean",
                                   {.normalize = Normalize::kUnit});
  const auto expect_means = [](const Split& split) {
    double sum = 0.0;
    double count = 0.0;
    for (std::size_t i = 0; i < split.train->rows.size(); ++i)
      if (split.train->rows[i] % 4 != 0) sum += split.train->values[i], ++count;
    EXPECT_NEAR(*split.reading.columns[0].fill, sum / count, 1e-3);
    for (const auto& part : {split.train, split.test})
      for (std::size_t i = 0; i < part->rows.size(); ++i)
        EXPECT_EQ(part->values[i], part->rows[i] % 4 == 0
                                       ? *split.reading.columns[0].fill
                                       : static_cast<float>(part->rows[i] * part->rows[i]));
  };
  expect_means(first);
  const Split second = redraw(first, 99);
  expect_means(second);
  EXPECT_NE(*first.reading.columns[0].fill, *second.reading.columns[0].fill);
}

TEST(Spirals, AreBalancedBoundedAndReproducible) {
  const Split split = open_dataset("spirals", {.seed = 3});
  EXPECT_NO_THROW(validate(*split.train));
  EXPECT_NO_THROW(validate(*split.test));
  std::int64_t ones = 0;
  for (const std::int32_t label : split.train->labels) ones += label;
  EXPECT_EQ(2 * ones, split.train->size);
  for (const float value : split.train->values) EXPECT_LT(std::fabs(value), 1.2f);
  EXPECT_EQ(split.train->values, open_dataset("spirals", {.seed = 3}).train->values);
  EXPECT_NE(split.train->values, open_dataset("spirals", {.seed = 4}).train->values);
  EXPECT_NE(std::vector<float>(split.train->values.begin(), split.train->values.begin() + 100),
            std::vector<float>(split.test->values.begin(), split.test->values.begin() + 100));
}

TEST(AbsoluteValue, IsItsFormula) {
  const Split split = open_dataset("abs");
  for (std::size_t i = 0; i < split.train->values.size(); ++i) {
    EXPECT_EQ(split.train->targets[i], std::fabs(split.train->values[i]));
    EXPECT_LE(split.train->targets[i], std::sqrt(3.0f));
  }
}

// One slow bit flips every 10,000 examples; the five fast ones take all 32 patterns in between.
TEST(SlowlyChanging, FlipsOneSlowBitAStretch) {
  const Split split = open_dataset("slowly-changing");
  const auto row = [&](std::int64_t i) { return split.train->values.begin() + i * 20; };
  for (std::int64_t stretch = 0; stretch < 10; ++stretch) {
    std::set<std::vector<float>> fast;
    for (std::int64_t i = stretch * 10'000; i < (stretch + 1) * 10'000; ++i) {
      ASSERT_TRUE(std::equal(row(i), row(i) + 15, row(stretch * 10'000))) << i;
      fast.emplace(row(i) + 15, row(i) + 20);
    }
    EXPECT_EQ(fast.size(), 32U);
    if (stretch == 0) continue;
    int flipped = 0;
    for (int bit = 0; bit < 15; ++bit)
      flipped += row(stretch * 10'000)[bit] != row(stretch * 10'000 - 1)[bit];
    EXPECT_EQ(flipped, 1);
  }
  std::set<float> targets(split.train->targets.begin(), split.train->targets.end());
  EXPECT_GT(targets.size(), 5U);
  for (const float target : targets) EXPECT_EQ(target, std::round(target));
}

}  // namespace
}  // namespace undying
