#include "cli/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "undying/error.h"

namespace undying::cli {

namespace fs = std::filesystem;

namespace {

fs::path place_of(const fs::path& name) {
  std::error_code ignored;
  return fs::weakly_canonical(fs::absolute(name), ignored);
}

// The file itself, or one that exists in the folder.
bool belongs_to(const fs::path& file, const fs::path& input) {
  std::error_code ignored;
  if (file == input) return true;
  if (!fs::is_directory(input, ignored) || !fs::exists(file, ignored)) return false;
  return std::mismatch(input.begin(), input.end(), file.begin(), file.end()).first == input.end();
}

// The files and folders of a data set: "csv:FILE:label=NAME", "npy:X.npy,Y.npy"; or a file by itself.
std::vector<fs::path> files_of(const std::string& name) {
  const auto colon = name.find(':');
  const std::string kind = name.substr(0, colon);
  if (colon == std::string::npos || (kind != "csv" && kind != "npy" && kind != "npz" && kind != "idx" && kind != "images"))
    return {fs::path(name)};
  std::string rest = name.substr(colon + 1);
  for (const char* option : {":label=", ":target=", ":size="}) rest = rest.substr(0, rest.rfind(option));
  const auto comma = kind == "npy" ? rest.find(',') : std::string::npos;
  if (comma == std::string::npos) return {fs::path(rest)};
  return {fs::path(rest.substr(0, comma)), fs::path(rest.substr(comma + 1))};
}

}  // namespace

Outputs::Outputs(std::initializer_list<File> files, std::initializer_list<File> inputs) {
  std::map<fs::path, const char*> flags;
  for (const File& file : files) {
    if (file.name.empty()) continue;
    const fs::path place = place_of(file.name);
    for (const File& input : inputs)
      for (const fs::path& read : files_of(input.name))
        if (!input.name.empty() && belongs_to(place, place_of(read)))
          throw Error(ErrorCode::kInvalidArgument, file.flag,
                      fmt::format("names {}, which {} reads; expected a file of its own", file.name, input.flag));
    check_writable(file.name);
    const auto [found, inserted] = flags.emplace(place, file.flag);
    if (!inserted)
      throw Error(ErrorCode::kInvalidArgument, file.flag,
                  fmt::format("names {}, as {} does; expected a file of its own", file.name, found->second));
  }
}

void Outputs::write(const std::string& name, const std::function<void()>& writer) {
  if (name.empty()) return;
  try {
    writer();
  } catch (...) {
    if (!first_error_) first_error_ = std::current_exception();
  }
}

void Outputs::rethrow() const {
  if (first_error_) std::rethrow_exception(first_error_);
}

}  // namespace undying::cli
