#include "data/array/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "data/read_file.h"
#include "undying/error.h"

namespace undying::data {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& message) {
  throw Error(ErrorCode::kBadData, file.string(), message);
}

std::uint32_t big_endian(const std::string& content, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<std::uint8_t>(content[at + i]);
  return value;
}

// "train-images-idx3-ubyte" plain or with .gz, whichever is there.
fs::path find(const fs::path& folder, const std::string& file, std::string_view hint) {
  std::error_code ignored;
  for (const char* suffix : {".gz", ""})
    if (fs::exists(folder / (file + suffix), ignored)) return folder / (file + suffix);
  throw Error(ErrorCode::kNotFound, (folder / file).string(),
              fmt::format("no such file, plain or .gz; {}", hint));
}

std::shared_ptr<const Dataset> open_part(const fs::path& folder, const std::string& part,
                                         std::string_view name, std::string_view hint,
                                         std::int64_t classes) {
  const fs::path image_file = find(folder, part + "-images-idx3-ubyte", hint);
  const fs::path label_file = find(folder, part + "-labels-idx1-ubyte", hint);
  Idx images = read_idx(image_file, 3);
  const Idx labels = read_idx(label_file, 1);
  if (labels.shape[0] != images.shape[0])
    fail(label_file, fmt::format("has {} labels; {} has {} images", labels.shape[0],
                                 image_file.filename().string(), images.shape[0]));
  auto data = std::make_shared<Dataset>();
  data->name = fmt::format("{} {}", name, part == "t10k" ? "test" : part);
  data->size = images.shape[0];
  data->shape = {1, images.shape[1], images.shape[2]};
  data->bytes = std::move(images.values);
  data->labels.assign(labels.values.begin(), labels.values.end());
  if (data->size == 0) fail(image_file, "has no images; expected at least one");
  const std::int32_t largest = *std::max_element(data->labels.begin(), data->labels.end());
  if (classes == 0) classes = std::max(2, largest + 1);
  if (largest >= classes)
    fail(label_file, fmt::format("holds the label {}; expected 0..{}", largest, classes - 1));
  data->classes = classes;
  validate(*data);
  return data;
}

}  // namespace

Idx read_idx(const fs::path& file, std::size_t dimensions) {
  const std::string content = read_file(file);
  const std::size_t header = 4 + 4 * dimensions;
  const auto expected = static_cast<std::uint32_t>(0x0800 | dimensions);
  if (const std::uint32_t magic = content.size() < 4 ? expected : big_endian(content, 0);
      magic != expected)
    fail(file,
         fmt::format("starts with {:#010x}; expected {:#010x}: IDX, unsigned bytes, {} dimension{}",
                     magic, expected, dimensions, dimensions == 1 ? "" : "s"));
  if (content.size() < header)
    fail(file, fmt::format("has {} bytes; an IDX header of {} dimensions has {}", content.size(),
                           dimensions, header));
  Idx idx;
  std::uint64_t count = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    idx.shape.push_back(big_endian(content, 4 + 4 * i));
    if (!multiply(count, static_cast<std::uint64_t>(idx.shape.back())))
      fail(file, "declares more values than any file here may hold");
  }
  if (content.size() - header != count)
    fail(file, fmt::format("holds {} values behind its header; its dimensions promise {}",
                           content.size() - header, count));
  idx.values.assign(content.begin() + static_cast<std::ptrdiff_t>(header), content.end());
  return idx;
}

Split open_idx(const fs::path& folder, std::string_view name, std::string_view hint,
               std::int64_t classes) {
  Split split;
  split.train = open_part(folder, "train", name, hint, classes);
  split.test = open_part(folder, "t10k", name, hint, split.train->classes);
  if (split.train->shape != split.test->shape)
    fail(folder,
         fmt::format("training images are {} x {}, test images {} x {}; expected the same size",
                     split.train->shape[1], split.train->shape[2], split.test->shape[1],
                     split.test->shape[2]));
  return split;
}

}  // namespace undying::data
