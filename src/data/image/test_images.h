#ifndef UNDYING_DATA_IMAGE_TEST_IMAGES_H_
#define UNDYING_DATA_IMAGE_TEST_IMAGES_H_

// Image files for tests, written by the libraries' own encoders.

#include <png.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <jpeglib.h>  // needs size_t and FILE before it

namespace undying {

struct PngFile {
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  int type = PNG_COLOR_TYPE_GRAY;
  int depth = 8;
  std::vector<std::uint8_t>
      samples;  // rows as the format stores them: samples below 8 bits packed, 16 bits big-endian
  int interlace = PNG_INTERLACE_NONE;
  std::vector<png_color> palette = {};
  std::function<void(png_structp, png_infop)> more = {};  // sets further chunks
};

inline std::string png_bytes(const PngFile& file) {
  std::string content;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &content,
      [](png_structp p, png_bytep bytes, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(p))
            ->append(reinterpret_cast<const char*>(bytes), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, file.width, file.height, file.depth, file.type, file.interlace,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!file.palette.empty())
    png_set_PLTE(png, info, file.palette.data(), static_cast<int>(file.palette.size()));
  if (file.more) file.more(png, info);
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (std::uint32_t y = 0; y < file.height; ++y)
    rows.push_back(const_cast<png_bytep>(file.samples.data()) +
                   y * (file.samples.size() / file.height));
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return content;
}

// A picture of one gray.
inline std::string gray_png(std::uint32_t height, std::uint32_t width, std::uint8_t value) {
  return png_bytes({.height = height,
                    .width = width,
                    .samples = std::vector<std::uint8_t>(std::size_t{height} * width, value)});
}

// A picture of one colour.
inline std::string colour_png(std::uint32_t height, std::uint32_t width,
                              const std::vector<std::uint8_t>& colour) {
  PngFile file{.height = height, .width = width, .type = PNG_COLOR_TYPE_RGB};
  for (std::uint32_t i = 0; i < height * width; ++i)
    file.samples.insert(file.samples.end(), colour.begin(), colour.end());
  return png_bytes(file);
}

struct JpegFile {
  unsigned height = 0;
  unsigned width = 0;
  int channels = 1;
  J_COLOR_SPACE space = JCS_GRAYSCALE;
  std::vector<std::uint8_t> pixels;  // (height, width, channels)
  bool progressive = false;
};

inline std::string jpeg_bytes(const JpegFile& file) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long count = 0;
  jpeg_mem_dest(&info, &bytes, &count);
  info.image_width = file.width;
  info.image_height = file.height;
  info.input_components = file.channels;
  info.in_color_space = file.space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  if (file.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row =
        const_cast<std::uint8_t*>(file.pixels.data()) +
        std::size_t{info.next_scanline} * file.width * static_cast<unsigned>(file.channels);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string content(reinterpret_cast<const char*>(bytes), count);
  std::free(bytes);
  return content;
}

}  // namespace undying

#endif  // UNDYING_DATA_IMAGE_TEST_IMAGES_H_
