#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "data/image/image.h"
#include "data/image/test_images.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A smooth picture, which JPEG keeps to a few levels, half of its colours at half resolution.
JpegFile smooth(int channels) {
  JpegFile file{.height = 21,
                .width = 35,
                .channels = channels,
                .space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB};
  for (unsigned y = 0; y < file.height; ++y)
    for (unsigned x = 0; x < file.width; ++x)
      for (int c = 0; c < channels; ++c)
        file.pixels.push_back(static_cast<std::uint8_t>(128 + 60 * std::sin(0.1 * (c + 1) * x + c) +
                                                        40 * std::cos(0.1 * y)));
  return file;
}

void expect_close(const JpegFile& file, const Image& image, int tolerance) {
  ASSERT_EQ(image.height, file.height);
  ASSERT_EQ(image.width, file.width);
  ASSERT_EQ(image.channels, file.channels);
  ASSERT_EQ(image.pixels.size(), file.pixels.size());
  for (std::size_t i = 0; i < file.pixels.size(); ++i)
    ASSERT_NEAR(image.pixels[i], file.pixels[i], tolerance) << i;
}

void expect_error(const std::string& content, const testing::Matcher<const std::string&>& message) {
  EXPECT_THAT([&] { decode_image(content, "file.jpg"); }, testing::ThrowsMessage<Error>(message));
  EXPECT_THAT([&] { decode_image(content, "file.jpg"); },
              testing::ThrowsMessage<Error>(HasSubstr("file.jpg")));
}

TEST(Jpeg, ReadsWhatWasWritten) {
  expect_close(smooth(1), decode_image(jpeg_bytes(smooth(1)), "x"), 1);
  expect_close(smooth(3), decode_image(jpeg_bytes(smooth(3)), "x"), 10);
}

TEST(Jpeg, ChannelsAreRedGreenBlue) {
  JpegFile file{.height = 16, .width = 16, .channels = 3, .space = JCS_RGB};
  for (int i = 0; i < 256; ++i) file.pixels.insert(file.pixels.end(), {200, 30, 60});
  expect_close(file, decode_image(jpeg_bytes(file), "x"), 1);
}

TEST(Jpeg, ReadsProgressiveFiles) {
  JpegFile file = smooth(3);
  file.progressive = true;
  expect_close(file, decode_image(jpeg_bytes(file), "x"), 10);
}

TEST(Jpeg, CmykIsRefused) {
  const JpegFile file{.height = 8,
                      .width = 8,
                      .channels = 4,
                      .space = JCS_CMYK,
                      .pixels = std::vector<std::uint8_t>(256, 7)};
  expect_error(jpeg_bytes(file), AllOf(HasSubstr("CMYK"), HasSubstr("convert it")));
}

TEST(Jpeg, EveryTruncationIsRefused) {
  for (const bool progressive : {false, true}) {
    JpegFile file = smooth(3);
    file.progressive = progressive;
    const std::string whole = jpeg_bytes(file);
    for (std::size_t size = 3; size < whole.size(); ++size)
      expect_error(whole.substr(0, size), HasSubstr("not a whole JPEG image"));
  }
}

// Without checksums some damage cannot be seen; it must cost no more than the picture.
TEST(Jpeg, FlippedBitsGiveAnErrorOrAnImage) {
  for (const bool progressive : {false, true}) {
    JpegFile file = smooth(3);
    file.progressive = progressive;
    const std::string whole = jpeg_bytes(file);
    int refused = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 3) {
      std::string bad = whole;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      try {
        const Image image = decode_image(bad, "x");
        EXPECT_EQ(static_cast<std::int64_t>(image.pixels.size()),
                  image.height * image.width * image.channels);
      } catch (const Error&) {
        ++refused;
      }
    }
    EXPECT_GT(refused, 0);
  }
}

TEST(Jpeg, AbsurdSizesAllocateNothing) {
  std::string bad = jpeg_bytes(smooth(1));
  const std::size_t frame = bad.find("\xff\xc0");
  bad.replace(frame + 5, 4, "\xfa\x00\xfa\x00", 4);
  expect_error(bad, AllOf(HasSubstr("64000 x 64000"), HasSubstr("at most")));
}

}  // namespace
}  // namespace undying::data
