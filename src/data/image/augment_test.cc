#include "data/image/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "undying/error.h"

namespace undying {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kChannels = 3;
constexpr std::int64_t kHeight = 7;
constexpr std::int64_t kWidth = 9;

// Images without a zero, so that a blank shows.
Dataset make_images(std::int64_t size) {
  Dataset data{
      .name = "test images", .size = size, .shape = {kChannels, kHeight, kWidth}, .classes = 2};
  for (std::int64_t i = 0; i < size * data.features(); ++i)
    data.bytes.push_back(static_cast<std::uint8_t>(1 + i * i % 251 % 255));
  data.labels.resize(static_cast<std::size_t>(size));
  data.mean = {0.0f}, data.deviation = {1.0f};  // the floats are the bytes
  return data;
}

std::vector<std::uint32_t> all_of(const Dataset& data) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(data.size));
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

std::vector<float> augmented(const Dataset& data, const Augmentation& augmentation,
                             const Random& draws, const std::vector<std::uint32_t>& order) {
  std::vector<float> rows(order.size() * static_cast<std::size_t>(data.features()));
  data::gather_augmented(data, augmentation, draws, order, rows.data());
  return rows;
}

// The pixel an image shows at (c, y, x) after a crop moved by (down, right) and a flip, by the
// definition.
float expected_pixel(const Dataset& data, std::int64_t row, std::int64_t c, std::int64_t y,
                     std::int64_t x, std::int64_t down, std::int64_t right, bool flip) {
  const std::int64_t from_y = y + down;
  const std::int64_t from_x = (flip ? kWidth - 1 - x : x) + right;
  if (from_y < 0 || from_y >= kHeight || from_x < 0 || from_x >= kWidth) return 0.0f;
  return data.bytes[((row * kChannels + c) * kHeight + from_y) * kWidth + from_x];
}

struct Found {
  std::int64_t down = 0;
  std::int64_t right = 0;
  bool flip = false;

  auto operator<=>(const Found&) const = default;
};

// All crops and flips that explain an image.
std::vector<Found> explain(const Dataset& data, std::int64_t row, const float* image,
                           std::int64_t most) {
  std::vector<Found> all;
  for (std::int64_t down = -most; down <= most; ++down)
    for (std::int64_t right = -most; right <= most; ++right)
      for (const bool flip : {false, true}) {
        bool same = true;
        for (std::int64_t i = 0; same && i < data.features(); ++i)
          same = image[i] == expected_pixel(data, row, i / (kHeight * kWidth), i / kWidth % kHeight,
                                            i % kWidth, down, right, flip);
        if (same) all.push_back({down, right, flip});
      }
  return all;
}

TEST(Augmentation, ReadsAndWritesItsNotation) {
  EXPECT_FALSE(parse_augmentation("none").any());
  const Augmentation all = parse_augmentation("cutout:5,flip,crop");
  EXPECT_TRUE(all.flip);
  EXPECT_EQ(all.crop, 4);
  EXPECT_EQ(all.cutout, 5);
  EXPECT_EQ(all.specification(), "flip,crop:4,cutout:5");
  EXPECT_EQ(parse_augmentation("cutout").cutout, 8);
  EXPECT_EQ(Augmentation{}.specification(), "none");
}

TEST(Augmentation, WrongNotationIsNamed) {
  for (const char* text :
       {"", "flip,", ",flip", "flip,flip", "crop,crop:4", "flip:2", "crop:", "crop:0", "crop:-1",
        "crop:x", "crop:4x", "cutout:1.5", "cutout:99999999999", "none,flip", "rotate"})
    EXPECT_THROW(parse_augmentation(text), Error) << text;
  EXPECT_THAT(
      [] { parse_augmentation("rotate"); },
      testing::ThrowsMessage<Error>(AllOf(HasSubstr("rotate"), HasSubstr("crop[:PIXELS]"))));
  EXPECT_THAT([] { parse_augmentation("crop:x"); },
              testing::ThrowsMessage<Error>(HasSubstr("crop:x")));
}

TEST(Augmentation, NeedsImagesLargerThanItsCropAndCutout) {
  const auto refuses = [](const Augmentation& augmentation, const std::vector<std::int64_t>& shape,
                          const char* message) {
    const Dataset data{.name = "d", .size = 1, .shape = shape};
    EXPECT_THAT([&] { data::check_augmentation(augmentation, data); },
                testing::ThrowsMessage<Error>(HasSubstr(message)));
  };
  refuses({.flip = true}, {784}, "1 dimension");
  refuses({.crop = 7}, {1, 7, 9}, "smaller crop");
  refuses({.cutout = 8}, {1, 9, 7}, "smaller cutout");
  const Dataset flat{.name = "d", .size = 1, .shape = {784}};
  EXPECT_NO_THROW(data::check_augmentation({}, flat));
  EXPECT_NO_THROW(data::check_augmentation({.flip = true, .crop = 6, .cutout = 7}, make_images(1)));
}

TEST(Augmentation, EveryImageIsShiftedAndFlippedByOneDraw) {
  const Dataset data = make_images(2000);
  const std::vector<float> rows =
      augmented(data, {.flip = true, .crop = 2}, Random(5, Stream::kAugmentation, 1), all_of(data));
  std::map<Found, int> counts;
  for (std::int64_t row = 0; row < data.size; ++row) {
    const std::vector<Found> found = explain(data, row, rows.data() + row * data.features(), 2);
    ASSERT_EQ(found.size(), 1U) << "image " << row;
    ++counts[found[0]];
  }
  EXPECT_EQ(counts.size(), 50U);  // 5 x 5 places, flipped or not
  for (const auto& [found, count] : counts)
    EXPECT_NEAR(count, 40.0, 5.0 * std::sqrt(40.0)) << found.down << " " << found.right;
}

TEST(Augmentation, FlipAloneMovesNothing) {
  const Dataset data = make_images(1000);
  const std::vector<float> rows =
      augmented(data, {.flip = true}, Random(5, Stream::kAugmentation, 1), all_of(data));
  int flips = 0;
  for (std::int64_t row = 0; row < data.size; ++row) {
    const std::vector<Found> found = explain(data, row, rows.data() + row * data.features(), 0);
    ASSERT_EQ(found.size(), 1U) << "image " << row;
    flips += found[0].flip;
  }
  EXPECT_NEAR(flips, 500.0, 5.0 * std::sqrt(250.0));
}

TEST(Augmentation, FlipsRowsOfEveryWidth) {
  for (std::int64_t width = 1; width <= 40; ++width) {
    Dataset data{.name = "rows", .size = 20, .shape = {1, 2, width}};
    for (std::int64_t i = 0; i < data.size * data.features(); ++i)
      data.bytes.push_back(static_cast<std::uint8_t>(i % width));
    data.mean = {0.0f}, data.deviation = {1.0f};
    const std::vector<float> rows =
        augmented(data, {.flip = true}, Random(5, Stream::kAugmentation, 1), all_of(data));
    bool both[2] = {};
    for (std::int64_t row = 0; row < 2 * data.size; ++row) {
      const float* pixels = rows.data() + row * width;
      const bool flipped = pixels[0] != 0.0f;
      both[flipped] = true;
      for (std::int64_t x = 0; x < width; ++x)
        ASSERT_EQ(pixels[x], static_cast<float>(flipped ? width - 1 - x : x)) << width;
    }
    EXPECT_TRUE(both[0]);
    EXPECT_EQ(both[1], width > 1);
  }
}

// The largest crop leaves a few pixels of some images, from where they belong.
TEST(Augmentation, LargeCropsAreCutsOfThePaddedImage) {
  const Dataset data = make_images(100);
  const std::vector<float> rows =
      augmented(data, {.flip = true, .crop = 6}, Random(5, Stream::kAugmentation, 1), all_of(data));
  for (std::int64_t row = 0; row < data.size; ++row)
    EXPECT_FALSE(explain(data, row, rows.data() + row * data.features(), 6).empty())
        << "image " << row;
}

// A square around each pixel with the same probability, what lies outside lost: the blank of a 9 x
// 7 image is 3 wide unless it touches a side.
TEST(Augmentation, CutoutBlanksOneSquareInAllChannels) {
  const Dataset data = make_images(2000);
  const std::vector<float> rows =
      augmented(data, {.cutout = 3}, Random(5, Stream::kAugmentation, 1), all_of(data));
  std::map<std::pair<std::int64_t, std::int64_t>, int> centres;
  for (std::int64_t row = 0; row < data.size; ++row) {
    const float* image = rows.data() + row * data.features();
    int found = 0;
    for (std::int64_t y = 0; y < kHeight; ++y)
      for (std::int64_t x = 0; x < kWidth; ++x) {
        bool same = true;
        for (std::int64_t i = 0; same && i < data.features(); ++i) {
          const bool inside =
              std::abs(i / kWidth % kHeight - y) <= 1 && std::abs(i % kWidth - x) <= 1;
          same = image[i] == (inside ? 0.0f : data.bytes[row * data.features() + i]);
        }
        if (!same) continue;
        ++found;
        ++centres[{y, x}];
      }
    ASSERT_EQ(found, 1) << "image " << row;
  }
  EXPECT_EQ(centres.size(), static_cast<std::size_t>(kHeight * kWidth));
  const double mean = 2000.0 / static_cast<double>(kHeight * kWidth);
  for (const auto& [centre, count] : centres)
    EXPECT_NEAR(count, mean, 5.0 * std::sqrt(mean)) << centre.first << " " << centre.second;
}

TEST(Augmentation, DependsOnSeedEpochAndIndexAlone) {
  const Dataset data = make_images(64);
  const Augmentation augmentation{.flip = true, .crop = 2, .cutout = 3};
  const Random draws(5, Stream::kAugmentation, 1);
  const auto width = static_cast<std::size_t>(data.features());
  const std::vector<float> rows = augmented(data, augmentation, draws, all_of(data));
  std::vector<std::uint32_t> order = all_of(data);
  std::reverse(order.begin(), order.end());
  const std::vector<float> backward = augmented(data, augmentation, draws, order);
  for (std::size_t row = 0; row < order.size(); ++row)
    EXPECT_TRUE(std::equal(&rows[row * width], &rows[row * width] + width,
                           &backward[(order.size() - 1 - row) * width]))
        << row;
  EXPECT_NE(rows, augmented(data, augmentation, Random(5, Stream::kAugmentation, 2), all_of(data)));
  EXPECT_NE(rows, augmented(data, augmentation, Random(6, Stream::kAugmentation, 1), all_of(data)));
}

// A choice does not change with the others: arms of a study stay paired.
TEST(Augmentation, ChoicesAreDrawnApart) {
  const Dataset data = make_images(200);
  const Random draws(5, Stream::kAugmentation, 1);
  const std::vector<float> flips = augmented(data, {.flip = true}, draws, all_of(data));
  const std::vector<float> both = augmented(data, {.flip = true, .crop = 2}, draws, all_of(data));
  for (std::int64_t row = 0; row < data.size; ++row)
    EXPECT_EQ(explain(data, row, flips.data() + row * data.features(), 0)[0].flip,
              explain(data, row, both.data() + row * data.features(), 2)[0].flip);
}

TEST(Augmentation, BytesAndValuesAgreeInEveryScale) {
  Dataset bytes = make_images(50);
  Dataset values = bytes;  // as they are
  bytes.mean = {0.0f, 3.0f, -1.0f};
  bytes.deviation = {255.0f, 0.5f, 2.0f};
  values.bytes.clear();
  for (const std::uint8_t byte : bytes.bytes) values.values.push_back(byte);
  const Augmentation augmentation{.flip = true, .crop = 2, .cutout = 3};
  const Random draws(5, Stream::kAugmentation, 1);
  const std::vector<float> from_bytes = augmented(bytes, augmentation, draws, all_of(bytes));
  const std::vector<float> from_values = augmented(values, augmentation, draws, all_of(values));
  for (std::size_t i = 0; i < from_values.size(); ++i) {
    const std::size_t channel = i / (kHeight * kWidth) % kChannels;
    const float expected = channel == 0
                               ? from_values[i] / 255.0f
                               : (from_values[i] - bytes.mean[channel]) / bytes.deviation[channel];
    ASSERT_EQ(from_bytes[i], expected) << i;  // powers of two: exact
  }
}

}  // namespace
}  // namespace undying
