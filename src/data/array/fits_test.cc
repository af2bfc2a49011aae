#include "data/array/fits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Dataset shaped(const std::vector<std::int64_t>& shape) {
  return {.name = "d", .size = 1, .shape = shape, .values = {}};
}

Dataset labelled(std::vector<std::int32_t> labels, std::int64_t classes) {
  Dataset data = shaped({4});
  data.size = static_cast<std::int64_t>(labels.size());
  data.labels = std::move(labels);
  data.classes = classes;
  return data;
}

TEST(CheckOutputs, AreAsManyAsClassesOrValues) {
  EXPECT_NO_THROW(check_outputs(labelled({0, 1, 2}, 3), 3));
  EXPECT_THAT(
      [] {
        check_outputs(labelled({0, 1, 2}, 3), 4);
      },
      testing::ThrowsMessage<Error>(
          AllOf(HasSubstr("has 3 classes; the model has 4 outputs"), Not(HasSubstr("subtract")))));
  EXPECT_THAT(
      [] {
        check_outputs(labelled({1, 3, 2}, 4), 3);
      },
      testing::ThrowsMessage<Error>(HasSubstr("its labels are 1 to 3")));
  EXPECT_THAT(
      [] {
        check_outputs(labelled({1, 0}, 2), 1);
      },
      testing::ThrowsMessage<Error>(HasSubstr("1 output; with --loss bce")));
  Dataset values = shaped({4});
  values.outputs = 2;
  EXPECT_THAT(
      [&] { check_outputs(values, 1); },
      testing::ThrowsMessage<Error>(HasSubstr("targets of 2 values; the model has 1 output")));
  // a token for each of two positions
  values.targets = {0.0f, 4.0f, 2.0f, 1.0f};
  EXPECT_THAT([&] { check_outputs(values, 10); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("a class for each of 2 positions, which no loss compares: give each as "
                            "5 values that are 0 or 1, 10 an example")));
  values.targets[0] = 5.0f;
  EXPECT_THAT([&] { check_outputs(values, 10); },
              testing::ThrowsMessage<Error>(testing::EndsWith("the model has 10 outputs")));
}

TEST(CheckShape, AxesAgreeInTheirOrder) {
  EXPECT_NO_THROW(check_shape(shaped({3, 8, 8}), {3, 8, 8}));
  EXPECT_NO_THROW(check_shape(shaped({1, 28, 28}), {784}));
  EXPECT_NO_THROW(check_shape(shaped({784}), {1, 28, 28}));
  EXPECT_NO_THROW(check_shape(shaped({28, 28}), {1, 28, 28}));
  EXPECT_THAT(
      [] {
        check_shape(shaped({8, 8, 3}), {3, 8, 8});
      },
      testing::ThrowsMessage<Error>(HasSubstr(":channels=first")));
  EXPECT_THAT(
      [] {
        check_shape(shaped({3, 8, 8}), {8, 8, 3});
      },
      testing::ThrowsMessage<Error>(HasSubstr(":channels=last")));
  EXPECT_THAT(
      [] {
        check_shape(shaped({4, 6}), {6, 4});
      },
      testing::ThrowsMessage<Error>(HasSubstr("4 x 6")));
  EXPECT_THAT([] { check_shape(shaped({5}), {4}); },
              testing::ThrowsMessage<Error>(HasSubstr("the model takes 4")));
}

TEST(CheckProbabilities, NameTheFirstOutside) {
  Dataset data = shaped({1});
  data.targets = {0.0f, 0.5f, 1.0f};
  EXPECT_NO_THROW(check_probabilities(data));
  data.targets = {0.0f, -1.0f, 2.0f};
  EXPECT_THAT([&] { check_probabilities(data); },
              testing::ThrowsMessage<Error>(HasSubstr("2 targets outside 0..1 (the first is -1)")));
}

}  // namespace
}  // namespace undying::data
