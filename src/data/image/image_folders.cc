#include "data/image/image_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "data/split.h"
#include "undying/error.h"

namespace undying::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLayouts =
    "expected DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, or DIR/CLASS/*.png (or .jpg)";

[[noreturn]] void fail(const fs::path& folder, const std::string& message) {
  throw Error(ErrorCode::kBadData, folder.string(), message);
}

// What a folder holds, hidden things aside, sorted by name.
struct Content {
  std::vector<fs::path> folders;
  std::vector<fs::path> files;
};

Content read_folder(const fs::path& folder) {
  Content content;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().filename().string().starts_with('.')) continue;
      (entry.is_directory() ? content.folders : content.files).push_back(entry.path());
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::kIo, folder.string(),
                fmt::format("cannot be read: {}", error.code().message()));
  }
  std::sort(content.folders.begin(), content.folders.end());
  std::sort(content.files.begin(), content.files.end());
  return content;
}

bool is_image(const fs::path& file) {
  std::string suffix = file.extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg";
}

// The images of one part, and how many other files stand among them.
struct Part {
  std::vector<std::string> classes;
  std::vector<std::vector<fs::path>> images;  // of each class
  std::int64_t others = 0;
};

Part read_part(const fs::path& folder) {
  Part part;
  for (const fs::path& name : read_folder(folder).folders) {
    const Content content = read_folder(name);
    if (!content.folders.empty())
      fail(name, fmt::format("holds the folder {}; {}", content.folders.front().filename().string(),
                             kLayouts));
    part.classes.push_back(name.filename().string());
    auto& images = part.images.emplace_back();
    std::copy_if(content.files.begin(), content.files.end(), std::back_inserter(images), is_image);
    part.others += static_cast<std::int64_t>(content.files.size() - images.size());
  }
  return part;
}

void check_classes(const fs::path& folder, const Part& part) {
  if (part.classes.empty()) fail(folder, fmt::format("holds no class folders; {}", kLayouts));
  if (part.classes.size() < 2)
    fail(folder, fmt::format("holds one class, {}; expected at least two", part.classes[0]));
  for (std::size_t i = 0; i < part.classes.size(); ++i)
    if (part.images[i].empty())
      fail(folder / part.classes[i],
           "holds no .png, .jpg or .jpeg file; expected the images of a class");
}

std::vector<ImageFile> label_images(const fs::path& folder, const Part& part,
                                    const std::vector<std::string>& classes) {
  std::vector<ImageFile> files;
  for (std::size_t i = 0; i < part.classes.size(); ++i) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), part.classes[i]);
    if (at == classes.end() || *at != part.classes[i])
      fail(folder / part.classes[i], "is a class without images for training");
    for (const fs::path& image : part.images[i])
      files.push_back({image, static_cast<std::int32_t>(at - classes.begin())});
  }
  return files;
}

void add_note(std::string& note, const std::string& more) {
  note += (note.empty() ? "" : "; ") + more;
}

void hold_out_images(ImageFolders& folders, const SplitRule& rule) {
  std::vector<ImageFile> all;
  all.swap(folders.train);
  std::vector<std::int32_t> labels;
  for (const ImageFile& file : all) labels.push_back(file.label);
  const std::vector<bool> held_out =
      draw_held_out(folders.name, static_cast<std::int64_t>(all.size()), labels, {}, rule);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].row = static_cast<std::uint32_t>(i);
    (held_out[i] ? folders.test : folders.train).push_back(std::move(all[i]));
  }
  folders.given = false;
  const auto size_of = [](const std::vector<ImageFile>& part) {
    return static_cast<std::int64_t>(part.size());
  };
  add_note(folders.note,
           held_out_note(size_of(folders.train), size_of(folders.test), true, false, rule));
}

bool holds(const Content& content, const char* name) {
  return std::any_of(content.folders.begin(), content.folders.end(),
                     [&](const fs::path& path) { return path.filename() == name; });
}

// Whether DIR/train is the training part, and not one class of several.
bool has_parts(const fs::path& folder, const Content& content) {
  if (!holds(content, "train")) return false;
  const bool parts_alone =
      std::all_of(content.folders.begin(), content.folders.end(), [](const fs::path& path) {
        return path.filename() == "train" || path.filename() == "test" || path.filename() == "val";
      });
  return parts_alone || !read_folder(folder / "train").folders.empty();
}

std::string name_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

void check_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored))
    throw Error(ErrorCode::kNotFound, folder.string(), "no such folder");
  if (!fs::is_directory(folder, ignored))
    fail(folder, fmt::format("is not a folder; {}", kLayouts));
}

}  // namespace

ImageFolders list_image_folders(const fs::path& folder, const SplitRule& rule) {
  check_folder(folder);
  const Content content = read_folder(folder);
  const bool parts = has_parts(folder, content);
  const fs::path train_folder = parts ? folder / "train" : folder;
  const Part train = read_part(train_folder);
  check_classes(train_folder, train);
  ImageFolders folders{.name = name_of(folder), .classes = train.classes};
  folders.train = label_images(train_folder, train, folders.classes);
  std::int64_t others = train.others;
  if (parts && (holds(content, "test") || holds(content, "val"))) {
    const fs::path test_folder = folder / (holds(content, "test") ? "test" : "val");
    const Part test = read_part(test_folder);
    folders.test = label_images(test_folder, test, folders.classes);
    if (folders.test.empty()) fail(test_folder, fmt::format("holds no images; {}", kLayouts));
    others += test.others;
  } else {
    hold_out_images(folders, rule);
  }
  if (others > 0)
    add_note(folders.note, fmt::format("left out: {} file{} not called .png, .jpg or .jpeg", others,
                                       others == 1 ? "" : "s"));
  return folders;
}

}  // namespace undying::data
