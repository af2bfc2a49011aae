#include "data/image/image_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/test_files.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class ImageFoldersTest : public TestFiles {
 protected:
  void add(const std::string& name) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    write(name, "");
  }
  std::vector<std::string> names(const std::vector<ImageFile>& files) const {
    std::vector<std::string> names;
    for (const ImageFile& file : files)
      names.push_back(file.path.lexically_relative(folder_).string() + " " +
                      std::to_string(file.label));
    return names;
  }
  void expect_error(const testing::Matcher<const std::string&>& message) const {
    EXPECT_THAT([&] { list_image_folders(folder_); }, testing::ThrowsMessage<Error>(message));
  }
};

TEST_F(ImageFoldersTest, PartsHaveTheClassesOfTrainInSortedOrder) {
  for (const char* name : {"train/dog/2.png", "train/dog/1.JPG", "train/cat/x.jpeg",
                           "train/Emu/1.png", "test/dog/9.png", "test/Emu/8.png"})
    add(name);
  const ImageFolders folders = list_image_folders(folder_);
  EXPECT_EQ(folders.name, folder_.filename().string());
  EXPECT_THAT(folders.classes, ElementsAre("Emu", "cat", "dog"));
  EXPECT_THAT(names(folders.train), ElementsAre("train/Emu/1.png 0", "train/cat/x.jpeg 1",
                                                "train/dog/1.JPG 2", "train/dog/2.png 2"));
  EXPECT_THAT(names(folders.test), ElementsAre("test/Emu/8.png 0", "test/dog/9.png 2"));
  EXPECT_EQ(folders.note, "");
}

TEST_F(ImageFoldersTest, ValIsForTestingWhereThereIsNoTest) {
  for (const char* name : {"train/a/1.png", "train/b/1.png", "val/b/1.png"}) add(name);
  EXPECT_THAT(names(list_image_folders(folder_).test), ElementsAre("val/b/1.png 1"));
  add("test/a/1.png");
  EXPECT_THAT(names(list_image_folders(folder_).test), ElementsAre("test/a/1.png 0"));
}

TEST_F(ImageFoldersTest, WithoutATestPartSomeOfEachClassAreHeldOut) {
  for (const char* label : {"a/", "b/"})
    for (int i = 0; i < 5; ++i) {
      add(label + std::to_string(i) + ".png");
      add(std::string("parted/train/") + label + std::to_string(i) + ".png");
    }
  const ImageFolders parted = list_image_folders(folder_ / "parted");
  EXPECT_THAT(names(parted.test), ElementsAre(EndsWith(" 0"), EndsWith(" 1")));
  std::filesystem::remove_all(folder_ / "parted");
  const ImageFolders flat = list_image_folders(folder_);
  EXPECT_THAT(names(flat.test), ElementsAre(EndsWith(" 0"), EndsWith(" 1")));
  EXPECT_EQ(flat.train.size(), 8U);
  EXPECT_FALSE(flat.given);
  EXPECT_THAT(flat.note, HasSubstr("held out"));
  std::filesystem::remove_all(folder_ / "a");
  add("a/1.png");
  expect_error(HasSubstr("6 examples"));
}

TEST_F(ImageFoldersTest, TrainMayBeAClassAmongOthers) {
  for (const char* name : {"car/1.png", "car/2.png", "car/3.png", "car/4.png", "train/1.png",
                           "train/2.png", "train/3.png", "train/4.png"})
    add(name);
  EXPECT_THAT(list_image_folders(folder_).classes, ElementsAre("car", "train"));
}

TEST_F(ImageFoldersTest, HiddenThingsArePassedOverAndOthersCounted) {
  for (const char* name :
       {"train/a/1.png", "train/a/.DS_Store", "train/.cache/x/1.png", "train/b/1.png",
        "train/b/Thumbs.db", "train/README", "test/a/1.png", "test/a/labels.txt"})
    add(name);
  const ImageFolders folders = list_image_folders(folder_);
  EXPECT_THAT(folders.classes, ElementsAre("a", "b"));
  EXPECT_THAT(folders.note, HasSubstr("left out: 2 files"));
}

TEST_F(ImageFoldersTest, WhatIsNotSuchAFolderIsNamed) {
  EXPECT_THAT([&] { list_image_folders(folder_ / "none"); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("none"), HasSubstr("no such"))));
  add("file");
  EXPECT_THAT([&] { list_image_folders(folder_ / "file"); },
              testing::ThrowsMessage<Error>(HasSubstr("is not a folder")));
  expect_error(AllOf(HasSubstr("no class folders"), HasSubstr("train/CLASS")));
  add("train/1.png");
  add("test/1.png");
  expect_error(AllOf(HasSubstr("train"), HasSubstr("no class folders")));
  add("train/a/1.png");
  expect_error(AllOf(HasSubstr("one class, a")));
  std::filesystem::create_directories(folder_ / "train/b");
  expect_error(AllOf(HasSubstr("train/b"), HasSubstr("no .png")));
  add("train/b/1.png");
  std::filesystem::create_directories(folder_ / "test/a");
  expect_error(AllOf(HasSubstr("test"), HasSubstr("holds no images")));
  add("test/c/1.png");
  expect_error(AllOf(HasSubstr("test/c"), HasSubstr("without images for training")));
  std::filesystem::remove_all(folder_ / "test/c");
  add("train/b/more/1.png");
  expect_error(AllOf(HasSubstr("train/b"), HasSubstr("folder more")));
}

// A part that is called otherwise must not become a class.
TEST_F(ImageFoldersTest, FoldersOfFoldersAreNoClasses) {
  for (const char* name : {"training/a/1.png", "training/b/1.png", "test/a/1.png"}) add(name);
  expect_error(AllOf(HasSubstr("test"), HasSubstr("holds the folder a"), HasSubstr("DIR/train")));
}

}  // namespace
}  // namespace undying::data
