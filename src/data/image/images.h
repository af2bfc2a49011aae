#ifndef UNDYING_DATA_IMAGE_IMAGES_H_
#define UNDYING_DATA_IMAGE_IMAGES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "undying/dataset.h"

namespace undying::data {

// "DIR" or "DIR:size=HxW": a folder of images, one folder a class (image_folders.h). All images
// must have one size, or are resized to the one given; where any has colours, all have three
// channels. Throws Error: kInvalidArgument (the text), kUnsupported (more than memory holds), and
// what reading and decoding the files throws, for the first file at fault.
Split open_images(std::string_view text, const SplitRule& rule = {});

// Throws Error{kUnsupported} where `needed` bytes of images exceed those `available`.
void check_memory(const std::string& name, std::int64_t images, std::int64_t needed,
                  std::int64_t available);

}  // namespace undying::data

#endif  // UNDYING_DATA_IMAGE_IMAGES_H_
