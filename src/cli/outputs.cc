#include "cli/outputs.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/atomic_file.h"
#include "undying/error.h"

namespace undying::cli {

namespace fs = std::filesystem;

Outputs::Outputs(std::initializer_list<File> files) {
  std::map<fs::path, const char*> flags;
  for (const File& file : files) {
    if (file.name.empty()) continue;
    check_writable(file.name);
    std::error_code ignored;
    const auto [found, inserted] = flags.emplace(fs::weakly_canonical(fs::absolute(file.name), ignored), file.flag);
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
