#ifndef UNDYING_ONNX_CONSTANT_H_
#define UNDYING_ONNX_CONSTANT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "undying/graph.h"

namespace undying::onnx {

// An integer known at import: a number, or `value` times the number of examples in a batch, which
// shape arithmetic carries along.
struct Integer {
  std::int64_t value = 0;
  bool batch = false;

  friend bool operator==(const Integer&, const Integer&) = default;
};

// A tensor whose elements are known at import, row-major. Of `floats` and `integers` one is filled.
struct Constant {
  Shape dims;
  bool integer = false;
  std::vector<float> floats;
  std::vector<Integer> integers;
  int type = 0;             // of an element in the file, as TensorProto numbers them; 0: computed
  std::string origin;       // the initializer whose elements these are, "" once they were computed
  bool transposed = false;  // these are the elements of `origin` with its two dimensions exchanged

  std::int64_t count() const {
    return static_cast<std::int64_t>(integer ? integers.size() : floats.size());
  }
};
using ConstantPtr = std::shared_ptr<const Constant>;

ConstantPtr make_floats(Shape dims, std::vector<float> values);
ConstantPtr make_integers(Shape dims, const std::vector<std::int64_t>& values);
ConstantPtr make_list(const std::vector<std::int64_t>& values);  // one dimension

// The product of extents. False where one is negative or the product passes `most`.
bool multiply_extents(const Shape& dims, std::int64_t most, std::int64_t& count);

// The most elements a value of one example, and a tensor, may have; and the most integers.
inline constexpr std::int64_t kMostElements = std::int64_t{1} << 31;
inline constexpr std::int64_t kMostIntegers = std::int64_t{1} << 20;

// The double that people would write for this float: 0.1f is 0.1, not 0.10000000149.
double as_written(float value);

std::string to_string(const Integer& value);  // "3", "N" or "4 N"

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_CONSTANT_H_
