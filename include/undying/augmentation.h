#ifndef UNDYING_AUGMENTATION_H_
#define UNDYING_AUGMENTATION_H_

#include <string>
#include <string_view>
#include <vector>

namespace undying {

// What training does to each image, of shape (channels, height, width), before a step sees it:
// crop, then flip, then cutout. What has no source becomes the value of byte 0, black (0 where
// images are held as float32). The draw of an example is a function of the seed, the epoch and its
// index in the data set.
struct Augmentation {
  bool flip = false;  // left to right, with probability 1/2
  int crop = 0;       // padded by this many pixels on every side, then cut to its size at a random
                      // place; 0: off. Below height and width
  // A square with this side around a random pixel is blanked, as far as it lies inside; 0: off. At
  // most height and width (DeVries and Taylor 2017, arXiv 1708.04552).
  int cutout = 0;

  bool any() const { return flip || crop != 0 || cutout != 0; }
  std::string specification() const;  // "flip,crop:4", as parse_augmentation() takes it, or "none"
};

// "none", or some of "flip", "crop[:PIXELS]" (4) and "cutout[:SIDE]" (8), separated by commas.
// Throws Error{kInvalidArgument} that lists what is known.
Augmentation parse_augmentation(std::string_view text);
std::vector<std::string> augmentation_forms();  // "flip", "crop[:PIXELS]", ...

}  // namespace undying

#endif  // UNDYING_AUGMENTATION_H_
