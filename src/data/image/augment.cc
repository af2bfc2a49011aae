#include "data/image/augment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "data/convert.h"
#include "undying/error.h"

namespace undying {
namespace {

constexpr int kDefaultCrop = 4;
constexpr int kDefaultCutout = 8;
constexpr int kMostPixels = 1 << 16;  // far above any image's side here

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "augmentation", message);
}

// The number behind the colon of "crop:4"; `otherwise` where there is no colon.
int parse_pixels(std::string_view item, int otherwise) {
  const auto colon = item.find(':');
  if (colon == std::string_view::npos) return otherwise;
  int pixels = 0;
  const char* last = item.data() + item.size();
  const auto [end, error] = std::from_chars(item.data() + colon + 1, last, pixels);
  if (error != std::errc() || end != last || pixels < 1 || pixels > kMostPixels)
    fail(
        fmt::format("\"{}\" has no number of pixels in 1..{} behind its colon", item, kMostPixels));
  return pixels;
}

void add_item(Augmentation& augmentation, std::string_view item) {
  const std::string_view name = item.substr(0, item.find(':'));
  const auto once = [&](bool already) {
    if (already) fail(fmt::format("{} is given more than once", name));
  };
  if (item == "flip") {
    once(augmentation.flip);
    augmentation.flip = true;
  } else if (name == "crop") {
    once(augmentation.crop != 0);
    augmentation.crop = parse_pixels(item, kDefaultCrop);
  } else if (name == "cutout") {
    once(augmentation.cutout != 0);
    augmentation.cutout = parse_pixels(item, kDefaultCutout);
  } else {
    fail(fmt::format("\"{}\" is not known; expected none, or some of {} separated by commas", item,
                     fmt::join(augmentation_forms(), ", ")));
  }
}

}  // namespace

std::vector<std::string> augmentation_forms() { return {"flip", "crop[:PIXELS]", "cutout[:SIDE]"}; }

Augmentation parse_augmentation(std::string_view text) {
  Augmentation augmentation;
  if (text == "none") return augmentation;
  for (;;) {
    const auto comma = text.find(',');
    add_item(augmentation, text.substr(0, comma));
    if (comma == std::string_view::npos) return augmentation;
    text.remove_prefix(comma + 1);
  }
}

std::string Augmentation::specification() const {
  std::string text;
  const auto add = [&](const std::string& item) { text += (text.empty() ? "" : ",") + item; };
  if (flip) add("flip");
  if (crop != 0) add(fmt::format("crop:{}", crop));
  if (cutout != 0) add(fmt::format("cutout:{}", cutout));
  return text.empty() ? "none" : text;
}

namespace data {
namespace {

struct Size {
  std::int64_t channels, height, width;
};

Size size_of(const Dataset& data) { return {data.shape[0], data.shape[1], data.shape[2]}; }

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// What is done to one example.
struct Change {
  std::int64_t down = 0;   // pixel (y, x) shows what stood at (y + down, x + right), ...
  std::int64_t right = 0;  // ... the flip aside
  bool flip = false;
  Range blank_rows, blank_columns;
};

// Uniform in {0, ..., bound - 1} up to a bias below bound / 2^32.
std::int64_t below(std::uint32_t word, std::int64_t bound) {
  return static_cast<std::int64_t>(
      (static_cast<std::uint64_t>(word) * static_cast<std::uint64_t>(bound)) >> 32);
}

Range square_side(std::uint32_t word, std::int64_t side, std::int64_t extent) {
  const std::int64_t begin = below(word, extent) - side / 2;
  return {std::max<std::int64_t>(begin, 0), std::min(begin + side, extent)};
}

// Each choice has words of its own: which others are made does not change it.
Change draw(const Augmentation& augmentation, const Random& draws, std::uint64_t index,
            const Size& size) {
  Change change;
  const auto words = draws.block(2 * index);
  change.flip = augmentation.flip && (words[0] >> 31) != 0;
  change.down = below(words[1], 2 * augmentation.crop + 1) - augmentation.crop;
  change.right = below(words[2], 2 * augmentation.crop + 1) - augmentation.crop;
  if (augmentation.cutout == 0) return change;
  const auto more = draws.block(2 * index + 1);
  change.blank_rows = square_side(more[0], augmentation.cutout, size.height);
  change.blank_columns = square_side(more[1], augmentation.cutout, size.width);
  return change;
}

// dst(y, x) = src(y + down, x + right), blank where that lies outside. One move for all rows, then
// the pixels that came from a neighbouring row are blanked. src may be dst.
template <class T>
void shift(const T* src, std::int64_t down, std::int64_t right, const Size& size, T* dst) {
  const std::int64_t count = size.height * size.width;
  const std::int64_t by = down * size.width + right;
  const Range moved{std::max<std::int64_t>(0, -by), std::min(count, count - by)};
  std::memmove(dst + moved.begin, src + moved.begin + by,
               static_cast<std::size_t>(moved.end - moved.begin) * sizeof(T));
  std::fill(dst, dst + std::max<std::int64_t>(0, -down) * size.width, T{});
  std::fill(dst + std::min(size.height, size.height - down) * size.width, dst + count, T{});
  const Range columns = right > 0 ? Range{size.width - right, size.width} : Range{0, -right};
  for (std::int64_t x = columns.begin; x < columns.end; ++x)
    for (std::int64_t y = 0; y < size.height; ++y) dst[y * size.width + x] = T{};
}

// dst[i] = src[width - 1 - i], eight bytes at a time.
void mirror(const std::uint8_t* src, std::int64_t width, std::uint8_t* dst) {
  if (width < 8) {
    std::reverse_copy(src, src + width, dst);
    return;
  }
  for (std::int64_t i = 0; i < width; i += 8) {
    const std::int64_t at = std::min(i, width - 8);
    std::uint64_t word = 0;
    std::memcpy(&word, src + width - 8 - at, 8);
    word = __builtin_bswap64(word);
    std::memcpy(dst + at, &word, 8);
  }
}

void mirror(const float* src, std::int64_t width, float* dst) {
  std::reverse_copy(src, src + width, dst);
}

template <class T>
void change_channel(const T* src, const Change& change, const Size& size, T* dst) {
  if (change.flip) {
    for (std::int64_t y = 0; y < size.height; ++y)
      mirror(src + y * size.width, size.width, dst + y * size.width);
    if (change.down != 0 || change.right != 0) shift<T>(dst, change.down, -change.right, size, dst);
  } else {
    shift(src, change.down, change.right, size, dst);
  }
  for (std::int64_t y = change.blank_rows.begin; y < change.blank_rows.end; ++y)
    std::fill(dst + y * size.width + change.blank_columns.begin,
              dst + y * size.width + change.blank_columns.end, T{});
}

template <class T>
void change_example(const T* src, const Change& change, const Size& size, T* dst) {
  const std::int64_t plane = size.height * size.width;
  for (std::int64_t c = 0; c < size.channels; ++c)
    change_channel(src + c * plane, change, size, dst + c * plane);
}

}  // namespace

void check_augmentation(const Augmentation& augmentation, const Dataset& data) {
  if (!augmentation.any()) return;
  const std::string chosen = augmentation.specification();
  if (data.shape.size() != 3)
    fail(
        fmt::format("{} needs images, examples of shape (channels, height, width); those of {} "
                    "have {} dimension{}",
                    chosen, data.name, data.shape.size(), data.shape.size() == 1 ? "" : "s"));
  const std::int64_t least = std::min(data.shape[1], data.shape[2]);
  const std::string images =
      fmt::format("the images of {} are {} x {}", data.name, data.shape[1], data.shape[2]);
  if (augmentation.crop >= least)
    fail(fmt::format("{} shifts whole images out of sight: {}; expected a smaller crop", chosen,
                     images));
  if (augmentation.cutout > least)
    fail(fmt::format("{} covers whole images: {}; expected a smaller cutout", chosen, images));
}

void gather_augmented(const Dataset& data, const Augmentation& augmentation, const Random& draws,
                      std::span<const std::uint32_t> indices, float* dst) {
  const std::int64_t width = data.features();
  const Size size = size_of(data);
  for (const std::uint32_t index : indices) {
    const Change change = draw(augmentation, draws, index, size);
    const std::int64_t at = static_cast<std::int64_t>(index) * width;
    if (data.bytes.empty()) {
      change_example(data.values.data() + at, change, size, dst);
      convert(data, dst, dst);
    } else {
      // The changed bytes wait in the last quarter of the example's own floats.
      std::uint8_t* bytes = reinterpret_cast<std::uint8_t*>(dst) + 3 * width;
      change_example(data.bytes.data() + at, change, size, bytes);
      convert(data, bytes, dst);
    }
    dst += width;
  }
}

}  // namespace data
}  // namespace undying
