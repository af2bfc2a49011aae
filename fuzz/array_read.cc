// Any bytes as an NPY array, or as a zip file whose members are NPY arrays: arrays or one Error,
// nothing else.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/array/arrays.h"
#include "undying/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view content(reinterpret_cast<const char*>(data), size);
    if (!content.starts_with("PK")) {
      undying::data::parse_npy(content, "fuzz");
      return 0;
    }
    for (const auto& [name, member] : undying::data::unzip(content, "fuzz", std::uint64_t{1} << 24))
      undying::data::parse_npy(member, name);
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}
