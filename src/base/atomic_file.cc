#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "undying/error.h"

namespace undying {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, int error) {
  std::error_code unknown;
  const fs::path folder = file.parent_path();
  const bool homeless = error == ENOENT && !folder.empty() && !fs::exists(folder, unknown);
  throw Error(ErrorCode::kIo, file.string(),
              "cannot be written: " +
                  (homeless ? "there is no folder " + folder.string() + "; make it first"
                            : std::string(std::strerror(error))));
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

bool is_special(const fs::path& file) {
  std::error_code ignored;
  const auto status = fs::status(file, ignored);
  return fs::exists(status) && !fs::is_regular_file(status);
}

int write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// Pipes and devices (/dev/stdout, /dev/full) cannot be renamed onto: written in place.
void write_special(const fs::path& file, std::string_view content) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail(file, errno);
  int error = write_all(descriptor, content);
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error != 0) fail(file, error);
}

constexpr std::string_view kTemporary = ".undying-";

// A new file beside `file`, locked while this process lives; its name goes to `name`.
int open_temporary(const fs::path& file, std::string& name) {
  name = file.string() + std::string(kTemporary) + "XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) fail(file, errno);
  ::flock(descriptor, LOCK_EX | LOCK_NB);
  return descriptor;
}

// What processes left that were killed while they wrote: nobody has a lock on it any more.
void remove_leftovers(const fs::path& file) {
  const std::string begin = file.filename().string() + std::string(kTemporary);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_of(file), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(begin) || name.size() != begin.size() + 6) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
    ::close(descriptor);
  }
}

}  // namespace

void write_file(const fs::path& file, std::string_view content) {
  if (is_special(file)) return write_special(file, content);
  std::string temporary;
  const int descriptor = open_temporary(file, temporary);
  int error = write_all(descriptor, content);
  if (error == 0 && ::fchmod(descriptor, 0644) != 0) error = errno;
  if (error == 0 && ::fsync(descriptor) != 0) error = errno;
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(temporary.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(temporary.c_str());
  fail(file, error);
}

void check_writable(const fs::path& file) {
  if (fs::is_directory(file)) fail(file, EISDIR);
  if (is_special(file)) return;
  remove_leftovers(file);
  // Whether files can be made there only making one tells: root may write in folders that take
  // none.
  std::string temporary;
  ::close(open_temporary(file, temporary));
  ::unlink(temporary.c_str());
}

}  // namespace undying
