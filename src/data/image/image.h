#ifndef UNDYING_DATA_IMAGE_IMAGE_H_
#define UNDYING_DATA_IMAGE_IMAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace undying::data {

// A decoded image, as channels stand in files: (height, width, channels).
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;  // 1: gray, 3: red, green, blue
  std::vector<std::uint8_t> pixels;
};

// The most pixels an image may have: a limit for absurd input.
inline constexpr std::int64_t kMostPixels = std::int64_t{64} << 20;
// A resize holds lines of one side and columns of the other.
inline constexpr std::int64_t kMostSide = 65535;

// A PNG or JPEG file, told apart by its first bytes. `source` is what errors name. Throws
// Error{kBadData} (malformed, truncated, corrupt, too large) or {kUnsupported} (CMYK).
Image decode_image(std::string_view content, const std::string& source);

// PNG: palettes and gray below 8 bits are expanded, 16 bits rounded to 8, alpha is laid over black,
// gamma and profiles are not applied. A palette of grays is gray.
Image decode_png(std::string_view content, const std::string& source);

// JPEG, 8 bits: gray, or YCbCr and RGB as RGB. The orientation that a camera noted is not applied.
Image decode_jpeg(std::string_view content, const std::string& source);

// Bilinear resampling over pixel areas; where the image shrinks, the filter widens with the factor,
// so that every pixel counts. The aspect ratio changes with the size.
Image resize(const Image& image, std::int64_t height, std::int64_t width);

}  // namespace undying::data

#endif  // UNDYING_DATA_IMAGE_IMAGE_H_
