#include "data/image/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <fstream>
#include <limits>
#include <mutex>
#include <span>
#include <thread>

#include "base/workers.h"
#include "data/image/image.h"
#include "data/image/image_folders.h"
#include "data/read_file.h"
#include "undying/error.h"

namespace undying::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostTargetSide = 8192;
constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 30;

// What all images of a data set have in common.
struct Form {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool resized = false;  // else: the size of the first file
  std::string first;

  std::int64_t bytes() const { return channels * height * width; }
};

// "28x32"
bool parse_size(std::string_view text, Form& form) {
  const auto side = [&text](std::int64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return error == std::errc() && value >= 1 && value <= kMostTargetSide;
  };
  if (!side(form.height) || !text.starts_with('x')) return false;
  text.remove_prefix(1);
  return side(form.width) && text.empty();
}

Image load(const fs::path& file, const Form& form) {
  Image image = decode_image(read_file(file, kMostFileBytes), file.string());
  if (form.resized) return resize(image, form.height, form.width);
  if (form.height != 0 && (image.height != form.height || image.width != form.width))
    throw Error(ErrorCode::kBadData, file.string(),
                fmt::format("is {} x {} pixels (height x width), but {} is {} x {}; expected one "
                            "size for all: images:DIR:size={}x{} "
                            "resizes them",
                            image.height, image.width, form.first, form.height, form.width,
                            form.height, form.width));
  return image;
}

// Channels one after the other; gray becomes three equal ones where that is the form.
void store(const Image& image, std::int64_t channels, std::uint8_t* dst) {
  const std::size_t plane = static_cast<std::size_t>(image.height * image.width);
  const auto stride = static_cast<std::size_t>(image.channels);
  for (std::int64_t c = 0; c < channels; ++c, dst += plane) {
    const std::uint8_t* src = image.pixels.data() + (image.channels == 1 ? 0 : c);
    for (std::size_t i = 0; i < plane; ++i) dst[i] = src[i * stride];
  }
}

// The first file, in their order, at which decoding many of them at once ends.
class Stop {
 public:
  bool before(std::size_t index) const { return at_.load() < index; }

  void put(std::size_t index, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (index > at_.load()) return;
    at_ = index;
    error_ = std::move(error);
  }

  // Throws the error that ended it; true where it ended for another reason.
  bool ended() const {
    if (error_) std::rethrow_exception(error_);
    return at_.load() != kNever;
  }

 private:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
  std::mutex mutex_;
  std::atomic<std::size_t> at_{kNever};
  std::exception_ptr error_;
};

// Decodes files on all cores into dst, (files, channels, height, width). False where one has
// colours and the form has none.
bool decode(std::span<const ImageFile> files, const Form& form, std::uint8_t* dst) {
  Stop stop;
  std::atomic<std::size_t> next{0};
  const auto one = [&](std::size_t i) {
    const Image image = load(files[i].path, form);
    if (image.channels > form.channels) return stop.put(i, nullptr);
    store(image, form.channels, dst + i * static_cast<std::size_t>(form.bytes()));
  };
  const auto some = [&](int) {
    for (std::size_t i = next++; i < files.size() && !stop.before(i); i = next++) {
      try {
        one(i);
      } catch (...) {
        stop.put(i, std::current_exception());
      }
    }
  };
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  Workers(static_cast<int>(std::min(cores, files.size()))).run(some);
  return !stop.ended();
}

bool fill(Dataset& data, const std::vector<ImageFile>& files, const Form& form) {
  data.shape = {form.channels, form.height, form.width};
  data.bytes.resize(files.size() * static_cast<std::size_t>(form.bytes()));
  return decode(files, form, data.bytes.data());
}

std::shared_ptr<Dataset> prepare(const ImageFolders& folders, const std::vector<ImageFile>& files,
                                 const char* part) {
  auto data = std::make_shared<Dataset>();
  data->name = fmt::format("{} {}", folders.name, part);
  data->size = static_cast<std::int64_t>(files.size());
  data->classes = static_cast<std::int64_t>(folders.classes.size());
  data->class_names = folders.classes;
  for (const ImageFile& file : files) {
    data->labels.push_back(file.label);
    if (!folders.given) data->rows.push_back(file.row);
  }
  return data;
}

// What the system says it can give without swapping; where it says nothing, all there may be.
std::int64_t available_memory() {
  std::ifstream info("/proc/meminfo");
  std::string word;
  std::int64_t kilobytes = 0;
  while (info >> word)
    if (word == "MemAvailable:" && info >> kilobytes) return kilobytes * 1024;
  return std::numeric_limits<std::int64_t>::max();
}

// Height, width and channels of the first image, unless a size was chosen.
void take_form(Form& form, const fs::path& file) {
  const Image image = load(file, form);
  form.channels = image.channels;
  form.height = image.height;
  form.width = image.width;
  form.first = file.string();
}

Split load_all(const ImageFolders& folders, Form form, const SplitRule& rule) {
  take_form(form, folders.train.front().path);
  const auto train = prepare(folders, folders.train, "train");
  const auto test = prepare(folders, folders.test, "test");
  for (;;) {
    const std::int64_t images = train->size + test->size;
    check_memory(folders.name, images, images * form.bytes(), available_memory());
    if (fill(*train, folders.train, form) && fill(*test, folders.test, form)) break;
    train->bytes = {};
    test->bytes = {};
    form.channels = 3;
  }
  validate(*train);
  validate(*test);
  return {.train = train, .test = test, .note = folders.note, .given = folders.given, .rule = rule};
}

}  // namespace

void check_memory(const std::string& name, std::int64_t images, std::int64_t needed,
                  std::int64_t available) {
  if (needed <= available) return;
  constexpr std::int64_t kMegabyte = 1'000'000;
  throw Error(ErrorCode::kUnsupported, "data " + name,
              fmt::format("its {} images take {} MB, but {} MB of memory are available; choose a "
                          "smaller size, images:DIR:size=HxW, or "
                          "fewer images",
                          images, needed / kMegabyte, available / kMegabyte));
}

Split open_images(std::string_view text, const SplitRule& rule) {
  Form form;
  if (const auto at = text.rfind(":size="); at != std::string_view::npos) {
    form.resized = true;
    if (!parse_size(text.substr(at + 6), form))
      throw Error(ErrorCode::kInvalidArgument, fmt::format("data images:{}", text),
                  fmt::format("\"{}\" is not a size; expected HEIGHTxWIDTH, each 1..{}",
                              text.substr(at + 6), kMostTargetSide));
    text = text.substr(0, at);
  }
  if (text.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "data images:", "names no folder; expected images:DIR or images:DIR:size=HxW");
  return load_all(list_image_folders(fs::path(text), rule), form, rule);
}

}  // namespace undying::data
