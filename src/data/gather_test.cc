#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/test_support.h"
#include "data/scaling.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

TEST(Gather, BytesBecomeExactlyTheirQuotientBy255) {
  Dataset data{.name = "bytes", .size = 3, .shape = {257}};
  for (std::size_t i = 0; i < 3 * 257; ++i) data.bytes.push_back(static_cast<std::uint8_t>(i * 11));
  std::vector<float> rows(2 * 257);
  const std::vector<std::uint32_t> order = {2, 0};
  for_each_target([&](const std::string& target) {
    gather(data, order, rows.data());
    for (std::size_t i = 0; i < 257; ++i) {
      EXPECT_EQ(rows[i], static_cast<float>(data.bytes[2 * 257 + i]) / 255.0f) << target;
      EXPECT_EQ(rows[257 + i], static_cast<float>(data.bytes[i]) / 255.0f) << target;
    }
  });
}

TEST(Gather, ValuesAreCopied) {
  Dataset data{.name = "values", .size = 3, .shape = {2}, .values = {1, 2, 3, 4, 5, 6}};
  std::vector<float> rows(4);
  const std::vector<std::uint32_t> order = {1, 2};
  gather(data, order, rows.data());
  EXPECT_EQ(rows, (std::vector<float>{3, 4, 5, 6}));
}

TEST(Standardise, TrainingPartGetsZeroMeanAndUnitVariance) {
  Dataset train{
      .name = "t", .size = 40, .shape = {2}, .classes = 2, .labels = std::vector<std::int32_t>(40)};
  for (int i = 0; i < 40; ++i) {
    train.values.push_back(static_cast<float>(3 * i));
    train.values.push_back(7.0f);
  }
  Dataset test = train;
  data::standardise(train, test);
  std::vector<std::uint32_t> all(40);
  std::iota(all.begin(), all.end(), 0U);
  std::vector<float> seen(80);
  gather(train, all, seen.data());
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < 80; i += 2) {
    sum += seen[i];
    squares += seen[i] * seen[i];
    EXPECT_EQ(seen[i + 1], 0.0f);
  }
  EXPECT_NEAR(sum / 40, 0, 1e-6);
  EXPECT_NEAR(squares / 40, 1, 1e-6);
  EXPECT_EQ(train.mean, test.mean);
}

TEST(Standardise, BytesGetOneMeanAndDeviation) {
  Dataset train{.name = "t",
                .size = 2,
                .shape = {2},
                .bytes = {0, 100, 100, 200},
                .classes = 2,
                .labels = {0, 1}};
  Dataset test = train;
  data::standardise(train, test);
  std::vector<float> rows(4);
  gather(train, std::vector<std::uint32_t>{0, 1}, rows.data());
  EXPECT_NEAR(rows[0], -std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(rows[3], std::sqrt(2.0), 1e-6);
}

// Three channels of two pixels: (0, 2), (10, 10), (0, 200) in the first example, (4, 2), (10, 10),
// (100, 100) in the second. Their means are 2, 10 and 100, their deviations sqrt 2, 0 and sqrt
// 5000.
TEST(Standardise, ChannelsOfImagesGetTheirOwnMeanAndDeviation) {
  Dataset train{.name = "t",
                .size = 2,
                .shape = {3, 1, 2},
                .bytes = {0, 2, 10, 10, 0, 200, 4, 2, 10, 10, 100, 100},
                .classes = 2};
  train.labels = {0, 1};
  Dataset test = train;
  data::standardise(train, test);
  EXPECT_NO_THROW(validate(train));
  std::vector<float> row(6);
  gather(test, std::vector<std::uint32_t>{0}, row.data());
  const double expected[] = {-std::sqrt(2.0),          0.0, 0.0, 0.0, -100.0 / std::sqrt(5000.0),
                             100.0 / std::sqrt(5000.0)};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(row[i], expected[i], 1e-6) << i;
}

TEST(Validate, NamesWhatIsWrong) {
  Dataset data{
      .name = "d", .size = 2, .shape = {1}, .values = {1, 2}, .classes = 2, .labels = {0, 1}};
  EXPECT_NO_THROW(validate(data));
  data.labels[1] = 2;
  EXPECT_THROW(validate(data), Error);
  data.labels[1] = 1;
  data.values[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(validate(data), Error);
  data.values = {1};
  EXPECT_THROW(validate(data), Error);
  data.values = {1, 2};
  data.class_names = {"a", "b", "c"};
  EXPECT_THROW(validate(data), Error);
  data.class_names = {"a", "b"};
  EXPECT_NO_THROW(validate(data));
  data.mean = {1.0f, 2.0f};
  EXPECT_THROW(validate(data), Error);
  data.deviation = {1.0f, 1.0f};
  EXPECT_THROW(validate(data), Error);
  data.mean = data.deviation = {1.0f};
  EXPECT_NO_THROW(validate(data));
  data.deviation = {0.0f};
  EXPECT_THROW(validate(data), Error);
  data.deviation = {1.0f};
  data.size = 0;
  EXPECT_THROW(validate(data), Error);
}

}  // namespace
}  // namespace undying
