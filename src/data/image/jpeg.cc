// The only file of the library that includes libjpeg, which reports errors with longjmp. That must
// not cross a C++ object that owns something: functions below that call setjmp hold none, and all
// that is owned stands in decode_jpeg(), outside.

#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>  // needs size_t and FILE before it

#include "data/image/image.h"
#include "undying/error.h"

namespace undying::data {
namespace {

// A progressive file of many scans takes time out of proportion to its size.
constexpr int kMostScans = 1000;

struct Failure : jpeg_error_mgr {
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX] = "";
};

Failure& failure_of(j_common_ptr info) { return *static_cast<Failure*>(info->err); }

[[noreturn]] void keep_message(j_common_ptr info) {
  Failure& failure = failure_of(info);
  failure.format_message(info, failure.message);
  std::longjmp(failure.back, 1);
}

// A warning tells of damage that the library hides by a guess: an error here.
void refuse_warning(j_common_ptr info, int level) {
  if (level < 0) keep_message(info);
}

void ignore_message(j_common_ptr) {}

void limit_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
  Failure& failure = failure_of(info);
  std::snprintf(failure.message, sizeof failure.message, "it has more than %d scans", kMostScans);
  std::longjmp(failure.back, 1);
}

struct JpegDecoder {
  JpegDecoder() {
    info.err = jpeg_std_error(&failure);
    failure.error_exit = keep_message;
    failure.emit_message = refuse_warning;
    failure.output_message = ignore_message;
    progress.progress_monitor = limit_scans;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  jpeg_decompress_struct info{};
  Failure failure{};
  jpeg_progress_mgr progress{};
};

// Everything before the pixels. False: the failure holds the reason.
bool read_header(JpegDecoder& decoder, const unsigned char* bytes, std::size_t count) {
  if (setjmp(decoder.failure.back) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, bytes, count);
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

bool read_pixels(JpegDecoder& decoder, unsigned char* pixels, std::size_t stride) {
  if (setjmp(decoder.failure.back) != 0) return false;
  jpeg_start_decompress(&decoder.info);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = pixels + decoder.info.output_scanline * stride;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

// What the pixels become; 0 channels where the colours are of another kind.
int set_colours(jpeg_decompress_struct& info) {
  switch (info.jpeg_color_space) {
    case JCS_GRAYSCALE:
      info.out_color_space = JCS_GRAYSCALE;
      return 1;
    case JCS_YCbCr:
    case JCS_RGB:
      info.out_color_space = JCS_RGB;
      return 3;
    default:
      return 0;
  }
}

}  // namespace

Image decode_jpeg(std::string_view content, const std::string& source) {
  JpegDecoder decoder;
  const auto fail_reading = [&] {
    throw Error(ErrorCode::kBadData, source,
                fmt::format("is not a whole JPEG image: {}; get the file anew, or take it out",
                            decoder.failure.message));
  };
  if (!read_header(decoder, reinterpret_cast<const unsigned char*>(content.data()), content.size()))
    fail_reading();
  Image image{.height = decoder.info.image_height, .width = decoder.info.image_width};
  if (image.height * image.width > kMostPixels)
    throw Error(ErrorCode::kBadData, source,
                fmt::format("has {} x {} pixels; expected at most {} in all", image.height,
                            image.width, kMostPixels));
  image.channels = set_colours(decoder.info);
  if (image.channels == 0)
    throw Error(ErrorCode::kUnsupported, source,
                fmt::format("has {} channels, such as CMYK; expected gray or RGB: convert it",
                            decoder.info.num_components));
  const auto stride = static_cast<std::size_t>(image.width * image.channels);
  image.pixels.resize(stride * static_cast<std::size_t>(image.height));
  if (!read_pixels(decoder, image.pixels.data(), stride)) fail_reading();
  return image;
}

}  // namespace undying::data
