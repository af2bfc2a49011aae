// Any bytes as a PNG or JPEG file: an image or one Error, nothing else.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/image/image.h"
#include "undying/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    undying::data::decode_image(std::string_view(reinterpret_cast<const char*>(data), size),
                                "fuzz");
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}
