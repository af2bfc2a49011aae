#ifndef UNDYING_FUZZ_MUTATE_MODEL_H_
#define UNDYING_FUZZ_MUTATE_MODEL_H_

#include <string>
#include <string_view>

namespace undying::onnx {

// A model like this one, with one to four changes to nodes, attributes, tensors or inputs; "" where
// the bytes are no model.
std::string mutate_model(std::string_view bytes, unsigned int seed);

}  // namespace undying::onnx

#endif  // UNDYING_FUZZ_MUTATE_MODEL_H_
