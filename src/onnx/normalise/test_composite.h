#ifndef UNDYING_ONNX_NORMALISE_TEST_COMPOSITE_H_
#define UNDYING_ONNX_NORMALISE_TEST_COMPOSITE_H_

#include <cmath>
#include <string>

#include "onnx/test_model.h"

namespace undying::onnx {

// A network of one composite of x (N, 4), whose parts `build` appends; they give "y".
template <class Build>
std::string composite(Build build) {
  TestModel model(17);
  model.input("x", {0, 4});
  const auto number = [&](const char* name, float value) { model.floats(name, {}, {value}); };
  number("half", 0.5f);
  number("one", 1.0f);
  number("two", 2.0f);
  number("three", 3.0f);
  number("six", 6.0f);
  number("zero", 0.0f);
  number("sixth", 1.0f / 6.0f);
  number("root2", std::sqrt(2.0f));
  number("alpha", 0.1f);
  build(model);
  return structure(model.output("y").load().graph);
}

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_TEST_COMPOSITE_H_
