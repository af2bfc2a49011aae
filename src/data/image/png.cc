// The only file of the library that includes libpng, which reports errors with longjmp. That must
// not cross a C++ object that owns something: functions below that call setjmp hold none, and all
// that is owned stands in decode_png(), outside.

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

#include "data/image/image.h"
#include "undying/error.h"

namespace undying::data {
namespace {

struct Reader {
  std::string_view rest;
  char message[128] = "";
};

void read_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (reader->rest.size() < count) png_error(png, "the file ends early");
  std::memcpy(to, reader->rest.data(), count);
  reader->rest.remove_prefix(count);
}

[[noreturn]] void keep_message(png_structp png, const char* message) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::snprintf(reader->message, sizeof reader->message, "%s", message);
  png_longjmp(png, 1);
}

void ignore_message(png_structp, const char*) {}

struct PngDecoder {
  explicit PngDecoder(Reader& reader)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, keep_message, ignore_message)) {
    if (png != nullptr) info = png_create_info_struct(png);
    if (info != nullptr) png_set_read_fn(png, &reader, read_bytes);
  }
  ~PngDecoder() { png_destroy_read_struct(&png, &info, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  png_structp png = nullptr;
  png_infop info = nullptr;
};

// Everything before the pixels. False: the reader holds the reason.
bool read_header(const PngDecoder& decoder) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return false;
  png_set_user_limits(decoder.png, kMostPixels, kMostPixels);
  png_set_crc_action(decoder.png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(decoder.png, decoder.info);
  return true;
}

bool has_colour(const PngDecoder& decoder) {
  if (png_get_color_type(decoder.png, decoder.info) != PNG_COLOR_TYPE_PALETTE)
    return (png_get_color_type(decoder.png, decoder.info) & PNG_COLOR_MASK_COLOR) != 0;
  png_colorp palette = nullptr;
  int count = 0;
  png_get_PLTE(decoder.png, decoder.info, &palette, &count);
  return std::any_of(palette, palette + count,
                     [](const png_color& c) { return c.red != c.green || c.green != c.blue; });
}

// Asks for 8 bits a channel, without palette; returns the number of channels, alpha included. 0:
// the reader holds the reason.
int set_transformations(const PngDecoder& decoder) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return 0;
  png_set_expand(decoder.png);
  png_set_scale_16(decoder.png);
  png_set_interlace_handling(decoder.png);
  png_read_update_info(decoder.png, decoder.info);
  return png_get_channels(decoder.png, decoder.info);
}

bool read_pixels(const PngDecoder& decoder, png_bytepp rows) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return false;
  png_read_image(decoder.png, rows);
  png_read_end(decoder.png, nullptr);
  return true;
}

// Lays pixels of `from` channels, the last one alpha where their number is even, over black, and
// keeps the first `to` channels.
void keep_channels(std::vector<std::uint8_t>& pixels, std::size_t from, std::size_t to) {
  if (from == to) return;
  const std::size_t count = pixels.size() / from;
  const bool alpha = from % 2 == 0;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned opacity = alpha ? pixels[i * from + from - 1] : 255;
    for (std::size_t c = 0; c < to; ++c)
      pixels[i * to + c] = static_cast<std::uint8_t>((pixels[i * from + c] * opacity + 127) / 255);
  }
  pixels.resize(count * to);
}

}  // namespace

Image decode_png(std::string_view content, const std::string& source) {
  Reader reader{content};
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorCode::kBadData, source, message);
  };
  const auto fail_reading = [&] {
    fail(fmt::format("is not a whole PNG image: {}; get the file anew, or take it out",
                     reader.message));
  };
  const PngDecoder decoder(reader);
  if (decoder.info == nullptr) throw std::bad_alloc();
  if (!read_header(decoder)) fail_reading();
  Image image{.height = png_get_image_height(decoder.png, decoder.info),
              .width = png_get_image_width(decoder.png, decoder.info)};
  if (image.height * image.width > kMostPixels)
    fail(fmt::format("has {} x {} pixels; expected at most {} in all", image.height, image.width,
                     kMostPixels));
  if (std::max(image.height, image.width) > kMostSide)
    fail(fmt::format("has {} x {} pixels; expected at most {} on a side", image.height, image.width,
                     kMostSide));
  image.channels = has_colour(decoder) ? 3 : 1;
  const int stored = set_transformations(decoder);
  if (stored == 0) fail_reading();
  const auto stride = static_cast<std::size_t>(image.width * stored);
  image.pixels.resize(stride * static_cast<std::size_t>(image.height));
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = image.pixels.data() + y * stride;
  if (!read_pixels(decoder, rows.data())) fail_reading();
  keep_channels(image.pixels, static_cast<std::size_t>(stored),
                static_cast<std::size_t>(image.channels));
  return image;
}

}  // namespace undying::data
