#ifndef UNDYING_DATA_OPEN_H_
#define UNDYING_DATA_OPEN_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace undying::data {

// How each kind of source is written, as help and errors list them: "idx:DIR".
std::vector<std::string> source_forms();

// The files that open_dataset() would read, but for the many of an image folder.
std::vector<std::filesystem::path> files_of(std::string_view specification, const std::filesystem::path& directory);

}  // namespace undying::data

#endif  // UNDYING_DATA_OPEN_H_
