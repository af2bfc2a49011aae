// Any bytes as a model file: a model or one Error, nothing else.

#include <cstddef>
#include <cstdint>
#include <string>

#include "onnx/load.h"
#include "undying/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    undying::onnx::load_bytes(std::string(reinterpret_cast<const char*>(data), size), {}, {});
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}
