#include "data/array/fits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "undying/error.h"

namespace undying::data {
namespace {

using testing::HasSubstr;

Dataset shaped(const std::vector<std::int64_t>& shape) {
  return {.name = "d", .size = 1, .shape = shape, .values = {}};
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
