#ifndef UNDYING_ONNX_LOAD_H_
#define UNDYING_ONNX_LOAD_H_

#include <filesystem>
#include <string>

#include "undying/onnx.h"

namespace undying::onnx {

// What load() does with the content of a file. `folder`: for tensors stored outside it; empty: none
// are. Throws Error whose subject is a node, a tensor, "graph" or "file".
Model load_bytes(std::string bytes, const std::filesystem::path& folder,
                 const LoadOptions& options);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOAD_H_
