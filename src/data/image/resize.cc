#include <algorithm>
#include <cmath>

#include "data/image/image.h"

namespace undying::data {
namespace {

// The share each source pixel has in one pixel of the result; pixels first, first + 1, ...
struct Window {
  std::int64_t first = 0;
  std::vector<float> shares;
};

// Triangles of half width max(1, from / to) around the centres of the result's pixels, cut at the
// border, each with sum 1.
std::vector<Window> windows(std::int64_t from, std::int64_t to) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(1.0, step);
  std::vector<Window> all;
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * step;
    Window window{
        .first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(centre - reach)))};
    const std::int64_t last =
        std::min(from - 1, static_cast<std::int64_t>(std::ceil(centre + reach)));
    double sum = 0.0;
    for (std::int64_t j = window.first; j <= last; ++j) {
      const double share =
          std::max(0.0, 1.0 - std::fabs(static_cast<double>(j) + 0.5 - centre) / reach);
      window.shares.push_back(static_cast<float>(share));
      sum += share;
    }
    for (float& share : window.shares) share = static_cast<float>(share / sum);
    all.push_back(std::move(window));
  }
  return all;
}

// The lines of a matrix (lines, width) become windows.size() lines.
template <class T>
std::vector<float> mix_lines(const std::vector<T>& lines, const std::vector<Window>& windows,
                             std::size_t width) {
  std::vector<float> mixed(windows.size() * width);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const T* from = lines.data() + static_cast<std::size_t>(windows[i].first) * width;
    for (const float share : windows[i].shares) {
      for (std::size_t x = 0; x < width; ++x)
        mixed[i * width + x] += share * static_cast<float>(from[x]);
      from += width;
    }
  }
  return mixed;
}

// (height, width, channels) to (width, height, channels).
std::vector<float> transpose(const std::vector<float>& pixels, std::size_t height,
                             std::size_t width, std::size_t channels) {
  std::vector<float> turned(pixels.size());
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      std::copy_n(&pixels[(y * width + x) * channels], channels,
                  &turned[(x * height + y) * channels]);
  return turned;
}

}  // namespace

Image resize(const Image& image, std::int64_t height, std::int64_t width) {
  if (image.height == height && image.width == width) return image;
  const auto channels = static_cast<std::size_t>(image.channels);
  std::vector<float> pixels = mix_lines(image.pixels, windows(image.height, height),
                                        static_cast<std::size_t>(image.width) * channels);
  pixels = transpose(pixels, static_cast<std::size_t>(height),
                     static_cast<std::size_t>(image.width), channels);
  pixels =
      mix_lines(pixels, windows(image.width, width), static_cast<std::size_t>(height) * channels);
  pixels = transpose(pixels, static_cast<std::size_t>(width), static_cast<std::size_t>(height),
                     channels);
  Image result{.height = height, .width = width, .channels = image.channels};
  result.pixels.reserve(pixels.size());
  for (const float value : pixels)
    result.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)));
  return result;
}

}  // namespace undying::data
