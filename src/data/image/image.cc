#include "data/image/image.h"

#include <fmt/format.h>

#include "undying/error.h"

namespace undying::data {

Image decode_image(std::string_view content, const std::string& source) {
  if (content.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(content, source);
  if (content.starts_with("\xff\xd8\xff")) return decode_jpeg(content, source);
  std::string start;
  for (const char c : content.substr(0, 4))
    start += fmt::format("{:02x} ", static_cast<unsigned char>(c));
  throw Error(
      ErrorCode::kBadData, source,
      content.empty()
          ? "is empty; expected a PNG or JPEG image"
          : fmt::format("starts with {}and is neither PNG (89 50 4e 47) nor JPEG (ff d8 ff)",
                        start));
}

}  // namespace undying::data
