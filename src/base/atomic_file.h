#ifndef UNDYING_BASE_ATOMIC_FILE_H_
#define UNDYING_BASE_ATOMIC_FILE_H_

#include <filesystem>
#include <string_view>

namespace undying {

// Writes `content` to `file` by way of a temporary file beside it and a rename: readers see the old
// file or the whole new one, never half of it. Throws Error{kIo} that names the file and the reason
// (no such folder, no permission, disk full); then nothing is left behind.
void write_file(const std::filesystem::path& file, std::string_view content);

// Throws Error{kIo} unless `file` could be written by write_file: called before a long job, so that
// its result is not lost. Removes what killed processes left beside it of theirs.
void check_writable(const std::filesystem::path& file);

}  // namespace undying

#endif  // UNDYING_BASE_ATOMIC_FILE_H_
