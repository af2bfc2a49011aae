#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>

#include "data/image/image.h"
#include "data/image/test_images.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

// Red, green; blue, (10, 20, 30): written by hand, the pixels not compressed.
constexpr std::uint8_t kHandMade[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a,  // signature
    0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00,
    0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd, 0xd4, 0x9a, 0x73,  // IHDR
    0x00, 0x00, 0x00, 0x19, 0x49, 0x44, 0x41, 0x54, 0x78, 0x01, 0x01, 0x0e, 0x00,
    0xf1, 0xff, 0x00, 0xff, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
    0x0a, 0x14, 0x1e, 0x1a, 0x58, 0x03, 0x3a, 0xcd, 0x98, 0xdb, 0x4b,         // IDAT
    0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};  // IEND

std::string hand_made() { return {reinterpret_cast<const char*>(kHandMade), sizeof kHandMade}; }

void expect_refused(const std::string& content,
                    const testing::Matcher<const std::string&>& message) {
  EXPECT_THAT([&] { decode_image(content, "file.png"); }, testing::ThrowsMessage<Error>(message));
  EXPECT_THAT([&] { decode_image(content, "file.png"); },
              testing::ThrowsMessage<Error>(HasSubstr("file.png")));
}

TEST(Png, ReadsAFileWrittenByHand) {
  const Image image = decode_image(hand_made(), "x");
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.width, 2);
  EXPECT_EQ(image.channels, 3);
  EXPECT_THAT(image.pixels, ElementsAre(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30));
}

TEST(Png, ASideBeyondAllUseIsRefused) {
  PngFile file{.height = 1, .width = 65536, .depth = 1};
  file.samples.assign(65536 / 8, 0);
  expect_refused(png_bytes(file), AllOf(HasSubstr("1 x 65536"), HasSubstr("65535 on a side")));
}

TEST(Png, GrayOfEveryDepthFillsTheRange) {
  EXPECT_THAT(decode_png(png_bytes({1, 3, PNG_COLOR_TYPE_GRAY, 1, {0b10100000}}), "x").pixels,
              ElementsAre(255, 0, 255));
  EXPECT_THAT(decode_png(png_bytes({1, 4, PNG_COLOR_TYPE_GRAY, 2, {0b00011011}}), "x").pixels,
              ElementsAre(0, 85, 170, 255));
  EXPECT_THAT(decode_png(png_bytes({1, 2, PNG_COLOR_TYPE_GRAY, 4, {0x3f}}), "x").pixels,
              ElementsAre(3 * 17, 255));
  EXPECT_THAT(decode_png(png_bytes({2, 1, PNG_COLOR_TYPE_GRAY, 8, {7, 200}}), "x").pixels,
              ElementsAre(7, 200));
  EXPECT_EQ(decode_png(png_bytes({2, 1, PNG_COLOR_TYPE_GRAY, 8, {7, 200}}), "x").channels, 1);
}

TEST(Png, SixteenBitsAreRoundedToEight) {
  PngFile file{.height = 1, .width = 1024, .depth = 16};
  for (unsigned i = 0; i < 1024; ++i) {
    file.samples.push_back(static_cast<std::uint8_t>(i * 64 >> 8));
    file.samples.push_back(static_cast<std::uint8_t>(i * 64));
  }
  const Image image = decode_png(png_bytes(file), "x");
  for (unsigned i = 0; i < 1024; ++i) EXPECT_EQ(image.pixels[i], std::lround(i * 64 / 257.0)) << i;
}

TEST(Png, PalettesAreExpandedAndThoseOfGraysAreGray) {
  const PngFile colours{1,
                        3,
                        PNG_COLOR_TYPE_PALETTE,
                        2,
                        {0b01001000},
                        PNG_INTERLACE_NONE,
                        {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}};
  EXPECT_THAT(decode_png(png_bytes(colours), "x").pixels, ElementsAre(4, 5, 6, 1, 2, 3, 7, 8, 9));
  PngFile grays = colours;
  grays.palette = {{1, 1, 1}, {4, 4, 4}, {9, 9, 9}};
  const Image image = decode_png(png_bytes(grays), "x");
  EXPECT_EQ(image.channels, 1);
  EXPECT_THAT(image.pixels, ElementsAre(4, 1, 9));
}

TEST(Png, AlphaIsLaidOverBlack) {
  EXPECT_THAT(
      decode_png(png_bytes({1, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {200, 255, 200, 51}}), "x").pixels,
      ElementsAre(200, 40));
  EXPECT_THAT(
      decode_png(png_bytes({1, 2, PNG_COLOR_TYPE_RGB_ALPHA, 8, {10, 20, 30, 0, 10, 20, 30, 128}}),
                 "x")
          .pixels,
      ElementsAre(0, 0, 0, 5, 10, 15));
  EXPECT_THAT(
      decode_png(
          png_bytes({1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 16, {10, 10, 20, 20, 30, 30, 255, 255}}), "x")
          .pixels,
      ElementsAre(10, 20, 30));
}

TEST(Png, TransparentColoursAreBlack) {
  PngFile gray{.height = 1, .width = 2, .samples = {9, 8}};
  gray.more = [](png_structp png, png_infop info) {
    png_color_16 colour{};
    colour.gray = 9;
    png_set_tRNS(png, info, nullptr, 0, &colour);
  };
  EXPECT_THAT(decode_png(png_bytes(gray), "x").pixels, ElementsAre(0, 8));
  PngFile palette{
      1, 2, PNG_COLOR_TYPE_PALETTE, 8, {0, 1}, PNG_INTERLACE_NONE, {{100, 50, 0}, {7, 8, 9}}};
  palette.more = [](png_structp png, png_infop info) {
    png_byte opacity[] = {51};
    png_set_tRNS(png, info, opacity, 1, nullptr);
  };
  EXPECT_THAT(decode_png(png_bytes(palette), "x").pixels, ElementsAre(20, 10, 0, 7, 8, 9));
}

TEST(Png, GammaIsNotApplied) {
  PngFile file{.height = 1, .width = 2, .samples = {9, 80}};
  file.more = [](png_structp png, png_infop info) { png_set_gAMA(png, info, 1.0); };
  EXPECT_THAT(decode_png(png_bytes(file), "x").pixels, ElementsAre(9, 80));
}

TEST(Png, InterlacedFilesReadTheSame) {
  PngFile file{.height = 19, .width = 13, .type = PNG_COLOR_TYPE_RGB};
  for (unsigned i = 0; i < 19 * 13 * 3; ++i)
    file.samples.push_back(static_cast<std::uint8_t>(i * i));
  file.interlace = PNG_INTERLACE_ADAM7;
  EXPECT_THAT(decode_png(png_bytes(file), "x").pixels, ElementsAreArray(file.samples));
}

TEST(Png, EveryTruncationIsRefused) {
  for (const std::string& whole : {hand_made(), png_bytes({1,
                                                           2,
                                                           PNG_COLOR_TYPE_PALETTE,
                                                           8,
                                                           {0, 1},
                                                           PNG_INTERLACE_ADAM7,
                                                           {{1, 2, 3}, {7, 8, 9}}})})
    for (std::size_t size = 8; size < whole.size(); ++size)
      expect_refused(whole.substr(0, size), HasSubstr("not a whole PNG image"));
}

// Checksums cover every byte.
TEST(Png, EveryFlippedBitIsRefused) {
  PngFile file{.height = 9, .width = 9};
  for (unsigned i = 0; i < 81; ++i) file.samples.push_back(static_cast<std::uint8_t>(i * i));
  for (const std::string& whole : {hand_made(), png_bytes(file)})
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      std::string bad = whole;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      EXPECT_THROW(decode_image(bad, "x"), Error) << bit;
    }
}

TEST(Png, AbsurdSizesAllocateNothing) {
  std::string bad = hand_made();
  const std::string size = {0, 1, 0, 0, 0, 1, 0, 0};  // 65536 x 65536
  bad.replace(16, 8, size);
  const auto sum =
      static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bad.data()) + 12, 17));
  for (std::size_t i = 0; i < 4; ++i) bad[29 + i] = static_cast<char>(sum >> (24 - 8 * i));
  expect_refused(bad, AllOf(HasSubstr("65536 x 65536"), HasSubstr("at most")));
}

TEST(DecodeImage, OtherFilesAreNamed) {
  expect_refused("", HasSubstr("is empty"));
  expect_refused("GIF89a", AllOf(HasSubstr("47 49 46 38"), HasSubstr("neither PNG")));
}

}  // namespace
}  // namespace undying::data
