#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The value of an example is its row. Of ten rows, seven are of class 0, two of class 1, one of
// class 2.
Dataset classes(std::int64_t size = 100) {
  Dataset data{.name = "d", .size = size, .shape = {1}, .classes = 3};
  for (std::int64_t i = 0; i < size; ++i) {
    data.values.push_back(static_cast<float>(i));
    data.labels.push_back(i % 10 < 7 ? 0 : i % 10 < 9 ? 1 : 2);
  }
  return data;
}

std::map<std::int32_t, int> count(const std::vector<std::int32_t>& labels) {
  std::map<std::int32_t, int> counts;
  for (const std::int32_t label : labels) ++counts[label];
  return counts;
}

TEST(HoldOut, EveryClassIsInProportionAndEveryRowInOnePart) {
  const Split split = hold_out(classes());
  EXPECT_EQ(count(split.test->labels), (std::map<std::int32_t, int>{{0, 14}, {1, 4}, {2, 2}}));
  EXPECT_EQ(count(split.train->labels), (std::map<std::int32_t, int>{{0, 56}, {1, 16}, {2, 8}}));
  EXPECT_THAT(split.note, HasSubstr("20 of 100 examples"));
  EXPECT_FALSE(split.given);
  std::set<float> seen(split.train->values.begin(), split.train->values.end());
  seen.insert(split.test->values.begin(), split.test->values.end());
  EXPECT_EQ(seen.size(), 100U);
  for (const auto& part : {split.train, split.test}) {
    EXPECT_NO_THROW(validate(*part));
    EXPECT_TRUE(std::is_sorted(part->rows.begin(), part->rows.end()));
    for (std::size_t i = 0; i < part->rows.size(); ++i)
      EXPECT_EQ(part->values[i], static_cast<float>(part->rows[i]));
  }
}

// What follows a period of the rows must not: every row may be held out, neighbours together.
TEST(HoldOut, FollowsTheSeedAndNoPattern) {
  const Split split = hold_out(classes());
  EXPECT_EQ(hold_out(classes()).test->rows, split.test->rows);
  EXPECT_NE(hold_out(classes(), {.seed = 2}).test->rows, split.test->rows);
  std::set<std::uint32_t> residues;
  for (const std::uint32_t row : split.test->rows) residues.insert(row % 5);
  EXPECT_EQ(residues.size(), 5U);
}

TEST(HoldOut, TrainingSeesEveryClass) {
  Dataset data = classes(20);
  data.labels.assign(20, 0);
  data.labels[3] = 1;
  data.labels[4] = data.labels[5] = 2;
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    const Split split = hold_out(data, {.share = 0.5, .seed = seed});
    EXPECT_EQ(count(split.train->labels).size(), 3U) << seed;
    EXPECT_EQ(split.test->size, 10) << seed;
  }
}

TEST(HoldOut, GroupsStayTogether) {
  Dataset data = classes();
  for (std::int64_t i = 0; i < data.size; ++i)
    data.groups.push_back(static_cast<std::int32_t>(i / 4 % 15));
  const Split split = hold_out(data);
  const std::set<std::int32_t> train(split.train->groups.begin(), split.train->groups.end());
  for (const std::int32_t group : split.test->groups) EXPECT_FALSE(train.contains(group));
  EXPECT_NEAR(static_cast<double>(split.test->size), 20.0, 4.0);
  EXPECT_THAT(split.note, HasSubstr("groups"));
}

TEST(HoldOut, OfASeriesTheLast) {
  const Split split = hold_out(classes(10), {.ordered = true});
  EXPECT_THAT(split.test->values, ElementsAre(8, 9));
  EXPECT_THAT([&] { redraw(split, 2); }, testing::ThrowsMessage<Error>(HasSubstr("order")));
}

TEST(HoldOut, TooFewExamplesAreRefused) {
  EXPECT_THAT([] { hold_out(classes(6)); }, testing::ThrowsMessage<Error>(HasSubstr("6 examples")));
  EXPECT_NO_THROW(hold_out(classes(8)));
  EXPECT_THROW(hold_out(classes(), {.share = 1.0}), Error);
}

TEST(HoldOut, TooFewExamplesAreAllInBothPartsWhereNoneMustBeHeldOut) {
  const Split one = hold_out(classes(1), {.needed = false});
  EXPECT_EQ(one.train, one.test);
  EXPECT_EQ(one.test->size, 1);
  EXPECT_EQ(one.note, "1 example is too few to hold any out: all are looked at");
  const Split enough = hold_out(classes(40), {.needed = false});
  EXPECT_EQ(enough.test->rows, hold_out(classes(40)).test->rows);
}

TEST(Redraw, PoolsAndDrawsAgain) {
  const Split first = hold_out(classes());
  const Split other = redraw(first, 7);
  EXPECT_NE(other.test->rows, first.test->rows);
  EXPECT_EQ(other.test->rows, hold_out(classes(), {.seed = 7}).test->rows);
  EXPECT_EQ(other.train->values, hold_out(classes(), {.seed = 7}).train->values);
  EXPECT_EQ(redraw(other, 1).train->rows, first.train->rows);
  EXPECT_EQ(other.train->name, first.train->name);
  EXPECT_THAT(other.note, HasSubstr("seed 7"));
}

TEST(Redraw, LearnsTheScalingAnew) {
  Split split = hold_out(classes());
  split.normalize = Normalize::kStandard;
  const Split other = redraw(split, 5);
  double sum = 0.0;
  for (const float value : other.train->values) sum += value;
  EXPECT_NEAR(other.train->mean.at(0), sum / 80.0, 1e-4);
  EXPECT_EQ(other.test->mean, other.train->mean);
}

TEST(Redraw, AGivenTestPartStays) {
  EXPECT_THAT([] { redraw(open_dataset("spirals"), 2); },
              testing::ThrowsMessage<Error>(HasSubstr("test part")));
}

TEST(HoldOutRows, CutsAPartOff) {
  const Dataset data = classes();
  const HeldOut parts = hold_out_rows(data, 0.1, 3);
  EXPECT_EQ(parts.rest.size, 90);
  EXPECT_EQ(count(parts.held_out.labels), (std::map<std::int32_t, int>{{0, 7}, {1, 2}, {2, 1}}));
  EXPECT_EQ(hold_out_rows(data, 0.1, 3).held_out.rows, parts.held_out.rows);
  EXPECT_NE(hold_out_rows(data, 0.1, 4).held_out.rows, parts.held_out.rows);
  EXPECT_EQ(data.size, 100);
}

TEST(ValidationSplit, IsDrawnOfTheTrainingPartAsTheSplitItselfIs) {
  const Split split = hold_out(classes());
  const Split rows = validation_split(split, 3);
  EXPECT_EQ(rows.test->size, 16);
  EXPECT_EQ(rows.train->size, 64);
  for (const std::uint32_t row : split.test->rows) {
    EXPECT_EQ(std::ranges::count(rows.train->rows, row), 0);
    EXPECT_EQ(std::ranges::count(rows.test->rows, row), 0);
  }
  EXPECT_THAT(
      rows.note,
      HasSubstr(
          "for validation: 16 of 80 training examples, drawn with seed 3, classes in proportion"));
  EXPECT_NE(validation_split(split, 4).test->rows, rows.test->rows);
}

TEST(ValidationSplit, OfASeriesIsItsEnd) {
  const Split split = hold_out(classes(), {.ordered = true});
  const Split rows = validation_split(split, 3);
  EXPECT_EQ(rows.test->rows.front(), 64U);
  EXPECT_EQ(rows.test->rows.back(), 79U);
}

TEST(ValidationSplit, TakesAtLeastTenRows) {
  Split split = hold_out(classes());
  split.train = std::make_shared<Dataset>(hold_out_rows(*split.train, 0.1, 1).held_out);
  EXPECT_THAT([&] { validation_split(split, 1); },
              testing::ThrowsMessage<Error>(HasSubstr("has 8 training examples")));
}

}  // namespace
}  // namespace undying
