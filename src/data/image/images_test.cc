#include "data/image/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/image/test_images.h"
#include "data/test_files.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ImagesTest : public TestFiles {
 protected:
  void add(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    write(name, content);
  }
  void write_gray() const {
    add("train/b/1.png", gray_png(2, 3, 10));
    add("train/b/2.png", gray_png(2, 3, 20));
    add("train/a/1.png", gray_png(2, 3, 30));
    add("test/b/1.png", gray_png(2, 3, 40));
  }
  Split open(const std::string& options = "", Normalize normalize = Normalize::kUnit) const {
    return open_dataset("images:" + folder_.string() + options, {.normalize = normalize});
  }
  void expect_error(const testing::Matcher<const std::string&>& message,
                    const std::string& options = "") const {
    EXPECT_THAT([&] { open(options); }, testing::ThrowsMessage<Error>(message));
  }
};

TEST_F(ImagesTest, GrayImagesHaveOneChannel) {
  write_gray();
  const Split split = open();
  EXPECT_EQ(split.train->size, 3);
  EXPECT_THAT(split.train->shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(split.train->labels, ElementsAre(0, 1, 1));
  EXPECT_THAT(split.train->class_names, ElementsAre("a", "b"));
  EXPECT_EQ(split.train->classes, 2);
  EXPECT_THAT(split.train->bytes,
              ElementsAre(30, 30, 30, 30, 30, 30, 10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20));
  EXPECT_THAT(split.test->labels, ElementsAre(1));
  EXPECT_THAT(split.test->name, testing::EndsWith(" test"));
}

TEST_F(ImagesTest, OneColourImageGivesAllThreeChannels) {
  write_gray();
  for (const char* name : {"train/b/2.png", "test/b/1.png"}) {
    add(name, colour_png(2, 3, {1, 2, 3}));
    const Split split = open();
    EXPECT_THAT(split.train->shape, ElementsAre(3, 2, 3));
    EXPECT_THAT(split.test->shape, ElementsAre(3, 2, 3));
    const Dataset& holder = name[1] == 'r' ? *split.train : *split.test;
    const std::size_t at = holder.bytes.size() - 18;
    EXPECT_THAT(std::vector<std::uint8_t>(holder.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                          holder.bytes.end()),
                ElementsAre(1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3));
    EXPECT_EQ(split.train->bytes[0], 30);
    EXPECT_EQ(split.train->bytes[17], 30);
    add(name, gray_png(2, 3, 40));
  }
}

TEST_F(ImagesTest, PngAndJpegMixAndTheContentDecides) {
  write_gray();
  const JpegFile file{.height = 2, .width = 3, .pixels = std::vector<std::uint8_t>(6, 77)};
  add("train/a/2.jpg", jpeg_bytes(file));
  add("train/a/3.png", jpeg_bytes(file));
  const Split split = open();
  EXPECT_EQ(split.train->size, 5);
  EXPECT_EQ(split.train->bytes[6], 77);
  EXPECT_EQ(split.train->bytes[12], 77);
}

TEST_F(ImagesTest, AnotherSizeNamesBothFilesAndTheRemedy) {
  write_gray();
  add("test/b/1.png", gray_png(4, 6, 40));
  expect_error(AllOf(HasSubstr("test/b/1.png"), HasSubstr("4 x 6"), HasSubstr("train/a/1.png"),
                     HasSubstr("2 x 3"), HasSubstr("size=2x3")));
  const Split split = open(":size=3x2");
  EXPECT_THAT(split.train->shape, ElementsAre(1, 3, 2));
  EXPECT_THAT(split.test->bytes, ElementsAre(40, 40, 40, 40, 40, 40));
}

TEST_F(ImagesTest, WrongSizesAreNamed) {
  write_gray();
  for (const char* size : {":size=", ":size=2", ":size=2x", ":size=x2", ":size=0x2", ":size=2x-1",
                           ":size=2x3x", ":size=9999x1", ":size=2X3"})
    expect_error(AllOf(HasSubstr(std::string(size).substr(6)), HasSubstr("HEIGHTxWIDTH")), size);
  EXPECT_THAT([] { open_dataset("images:"); }, testing::Throws<Error>());
  EXPECT_THAT([] { open_dataset("images"); }, testing::Throws<Error>());
  EXPECT_THAT([] { open_dataset("images::size=2x2"); },
              testing::ThrowsMessage<Error>(HasSubstr("names no folder")));
}

// Files are decoded at once on several threads; the error is that of the first.
TEST_F(ImagesTest, TheFirstDamagedFileIsNamed) {
  for (int i = 100; i < 200; ++i) add("train/a/" + std::to_string(i) + ".png", gray_png(2, 3, 1));
  write_gray();
  add("train/a/141.png", gray_png(2, 3, 1).substr(0, 50));
  add("train/a/142.png", "text");
  add("train/a/190.png", gray_png(3, 3, 1));
  for (int repeat = 0; repeat < 20; ++repeat)
    expect_error(AllOf(HasSubstr("141.png"), HasSubstr("not a whole PNG")));
}

NetworkInterface network(const std::vector<std::int64_t>& input) {
  return {.inputs = {{.name = "x", .shape = input}}, .outputs = {{.name = "y", .width = 2}}};
}

TEST_F(ImagesTest, ANetworkOfChannelsLastGetsThemSo) {
  write_gray();
  add("train/a/1.png", colour_png(2, 3, {7, 8, 9}));
  const Split split = open_dataset("images:" + folder_.string(), {.network = network({2, 3, 3})});
  EXPECT_THAT(split.train->shape, ElementsAre(2, 3, 3));
  EXPECT_THAT(std::vector<std::uint8_t>(split.train->bytes.begin(), split.train->bytes.begin() + 6),
              ElementsAre(7, 8, 9, 7, 8, 9));
  EXPECT_THAT(
      open_dataset("images:" + folder_.string(), {.network = network({3, 2, 3})}).test->shape,
      ElementsAre(3, 2, 3));
}

TEST_F(ImagesTest, EveryChannelIsStandardisedAlone) {
  write_gray();
  add("train/a/1.png", colour_png(2, 3, {0, 0, 100}));
  add("train/b/1.png", colour_png(2, 3, {30, 8, 100}));
  add("train/b/2.png", colour_png(2, 3, {60, 16, 100}));
  const Split split = open("", Normalize::kStandard);
  std::vector<float> rows(3 * 18);
  gather(*split.train, std::vector<std::uint32_t>{0, 1, 2}, rows.data());
  EXPECT_NEAR(rows[0], -std::sqrt(1.5), 1e-6);
  EXPECT_NEAR(rows[6], -std::sqrt(1.5), 1e-6);
  EXPECT_NEAR(rows[18], 0.0, 1e-6);
  EXPECT_NEAR(rows[36], std::sqrt(1.5), 1e-6);
  EXPECT_EQ(rows[12], 0.0f);
  EXPECT_EQ(split.test->deviation, split.train->deviation);
}

TEST(ImagesMemory, MoreThanThereIsIsRefused) {
  EXPECT_NO_THROW(data::check_memory("pets", 10, 1'000'000, 1'000'000));
  EXPECT_THAT([] { data::check_memory("pets", 10, 5'000'000, 1'000'000); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("pets"), HasSubstr("10 images"),
                                                  HasSubstr("5 MB"), HasSubstr("1 MB"))));
}

}  // namespace
}  // namespace undying
