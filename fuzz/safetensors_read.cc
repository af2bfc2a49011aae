// Any bytes as a safetensors file: tensors or one Error, nothing else.

#include <cstddef>
#include <cstdint>

#include "file.h"
#include "undying/dataset.h"
#include "undying/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const MemoryFile file(data, size);
    undying::read_safetensors(file.path());
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}
