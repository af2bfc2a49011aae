#ifndef UNDYING_DATA_IMAGE_IMAGE_FOLDERS_H_
#define UNDYING_DATA_IMAGE_IMAGE_FOLDERS_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

struct ImageFile {
  std::filesystem::path path;
  std::int32_t label = 0;
  std::uint32_t row = 0;  // among all images, where some of them are held out
};

// The images of a folder with one folder a class, in the order of classes and then of names.
struct ImageFolders {
  std::string name;                  // of the folder
  std::vector<std::string> classes;  // sorted by their bytes
  std::vector<ImageFile> train;
  std::vector<ImageFile> test;
  bool given = true;  // it has a folder for testing; else some of the images are held out, as
                      // hold_out() does
  std::string note;   // as Split's
};

// DIR/train/CLASS/* and DIR/test/CLASS/* (or DIR/val/CLASS/*), or DIR/CLASS/*, of which some are
// held out. Files are images where they are called .png, .jpg or .jpeg; hidden files and folders
// are passed over. Throws Error: kNotFound, kIo, kBadData (no classes, classes without images,
// classes for testing alone), with the folder at fault.
ImageFolders list_image_folders(const std::filesystem::path& folder, const SplitRule& rule = {});

}  // namespace undying::data

#endif  // UNDYING_DATA_IMAGE_IMAGE_FOLDERS_H_
