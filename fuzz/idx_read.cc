// Any bytes as an IDX file of labels or of images: an array or one Error, nothing else. The first
// byte chooses.

#include <cstddef>
#include <cstdint>

#include "data/array/idx.h"
#include "file.h"
#include "undying/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    if (size == 0) return 0;
    const MemoryFile file(data + 1, size - 1);
    undying::data::read_idx(file.path(), data[0] % 2 == 0 ? 1 : 3);
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}
