#include "cli/outputs.h"

#include <fmt/format.h>

#include <map>

#include "base/atomic_file.h"
#include "undying/error.h"

namespace undying::cli {

namespace fs = std::filesystem;

namespace {

// The one name of a file. Empty for what is no file to be overwritten: a pipe, a device.
fs::path place_of(const fs::path& name) {
  std::error_code error;
  if (fs::exists(name, error) && !fs::is_regular_file(name, error)) return {};
  const fs::path place = fs::weakly_canonical(fs::absolute(name), error);
  return error ? fs::absolute(name) : place;
}

void refuse_input(const Outputs::File& file, const fs::path& place,
                  const std::vector<Outputs::Input>& inputs) {
  for (const Outputs::Input& input : inputs)
    for (const fs::path& read : input.files)
      if (!read.empty() && place_of(read) == place)
        throw Error(ErrorCode::kInvalidArgument, file.flag,
                    fmt::format("names {}, which {} reads; expected a file of its own", file.name,
                                input.flag));
}

}  // namespace

Outputs::Outputs(std::initializer_list<File> files, const std::vector<Input>& inputs) {
  std::map<fs::path, const char*> flags;
  for (const File& file : files) {
    if (file.name.empty()) continue;
    const fs::path place = place_of(file.name);
    if (!place.empty()) refuse_input(file, place, inputs);
    check_writable(file.name);
    if (!file.goes_on) unwritten_.push_back(file.name);
    if (place.empty()) continue;
    const auto [found, inserted] = flags.emplace(place, file.flag);
    if (!inserted)
      throw Error(ErrorCode::kInvalidArgument, file.flag,
                  fmt::format("names {}, as {} does; expected a file of its own", file.name,
                              found->second));
  }
}

void Outputs::write(const std::string& name, const std::function<void()>& writer) {
  if (name.empty()) return;
  std::erase(unwritten_, name);
  try {
    writer();
  } catch (...) {
    if (!first_error_) first_error_ = std::current_exception();
  }
}

void Outputs::rethrow() const {
  if (first_error_) std::rethrow_exception(first_error_);
}

void Outputs::tell_older(const Host& host) const {
  std::error_code ignored;
  for (const std::string& name : unwritten_)
    if (fs::is_regular_file(name, ignored))
      host.print("{} is an older file: nothing was written to it\n", name);
}

bool nothing_finished(const Host& host, const Study& study, const Outputs& outputs) {
  std::size_t runs = 0;
  for (const Arm& arm : study.arms) runs += arm.runs.size();
  if (study.missing < static_cast<int>(runs)) return false;
  const bool searched = !study.search.empty();
  const char* tried = searched ? "slopes" : "learning rates";
  if (study.settings.learning_rates.size() < 2 && !searched) {
    host.print("interrupted before any run was finished: nothing is written\n");
  } else if (study.settings.store.empty()) {
    host.print(
        "interrupted while {} were tried: nothing is written; --store FILE would keep what "
        "finished\n",
        tried);
  } else {
    host.print(
        "interrupted while {} were tried: no result is written; {} holds what finished, and the "
        "same command goes on from there\n",
        tried, study.settings.store.string());
  }
  outputs.tell_older(host);
  return true;
}

}  // namespace undying::cli
