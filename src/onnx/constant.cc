#include "onnx/constant.h"

#include <array>
#include <charconv>

namespace undying::onnx {

ConstantPtr make_floats(Shape dims, std::vector<float> values) {
  return std::make_shared<Constant>(Constant{.dims = std::move(dims), .floats = std::move(values)});
}

ConstantPtr make_integers(Shape dims, const std::vector<std::int64_t>& values) {
  Constant constant{.dims = std::move(dims), .integer = true};
  for (const std::int64_t value : values) constant.integers.push_back({value, false});
  return std::make_shared<Constant>(std::move(constant));
}

ConstantPtr make_list(const std::vector<std::int64_t>& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return make_integers({count}, values);
}

bool multiply_extents(const Shape& dims, std::int64_t most, std::int64_t& count) {
  count = 1;
  bool empty = false;
  for (const std::int64_t extent : dims) {
    if (extent < 0) return false;
    if (extent == 0) empty = true;
    if (extent > 0 && (__builtin_mul_overflow(count, extent, &count) || count > most)) return false;
  }
  if (empty) count = 0;
  return true;
}

double as_written(float value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double wide = static_cast<double>(value);
  std::from_chars(text.data(), end, wide);
  return wide;
}

std::string to_string(const Integer& value) {
  if (!value.batch) return std::to_string(value.value);
  return value.value == 1 ? "N" : std::to_string(value.value) + " N";
}

}  // namespace undying::onnx
