#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/image/image.h"

namespace undying::data {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

TEST(Resize, TheSameSizeChangesNothing) {
  const Image image{2, 2, 1, {9, 8, 7, 250}};
  EXPECT_THAT(resize(image, 2, 2).pixels, ElementsAreArray(image.pixels));
}

TEST(Resize, OneColourStaysOneColour) {
  const Image image{5, 7, 3, std::vector<std::uint8_t>(105, 255)};
  for (const auto& [height, width] : {std::pair{1, 1}, {3, 11}, {50, 2}, {224, 224}}) {
    const Image result = resize(image, height, width);
    EXPECT_EQ(result.pixels.size(), static_cast<std::size_t>(height * width * 3));
    EXPECT_THAT(result.pixels, Each(255));
  }
}

// Centres of the four pixels lie at -1/4, 1/4, 3/4 and 5/4 between those of the two.
TEST(Resize, GrowsByInterpolation) {
  EXPECT_THAT(resize({1, 2, 1, {0, 100}}, 1, 4).pixels, ElementsAre(0, 25, 75, 100));
  EXPECT_THAT(resize({2, 1, 1, {0, 100}}, 4, 1).pixels, ElementsAre(0, 25, 75, 100));
}

// Half the size: weights 1, 3, 3, 1 of 8; at the border, where one is missing, of 7.
TEST(Resize, ShrinksByWeightedMeans) {
  EXPECT_THAT(resize({1, 6, 1, {70, 0, 0, 80, 0, 0}}, 1, 3).pixels, ElementsAre(30, 30, 11));
  EXPECT_THAT(resize({6, 1, 1, {70, 0, 0, 80, 0, 0}}, 3, 1).pixels, ElementsAre(30, 30, 11));
}

TEST(Resize, ChannelsStayApart) {
  EXPECT_THAT(resize({1, 2, 3, {0, 10, 200, 100, 10, 0}}, 1, 4).pixels,
              ElementsAre(0, 10, 200, 25, 10, 150, 75, 10, 50, 100, 10, 0));
}

}  // namespace
}  // namespace undying::data
