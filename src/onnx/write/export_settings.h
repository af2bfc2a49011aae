#ifndef UNDYING_ONNX_WRITE_EXPORT_SETTINGS_H_
#define UNDYING_ONNX_WRITE_EXPORT_SETTINGS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "onnx/write/exporter.h"

// Attributes of the node at hand, and axes of an example as ONNX counts them, behind the batch.
namespace undying::onnx {

using List = std::vector<std::int64_t>;

inline List list_of(const Exporter& to, const char* name, List otherwise = {}) {
  return to.node().attributes.get_or<List>(name, std::move(otherwise));
}
inline std::int64_t integer_of(const Exporter& to, const char* name, std::int64_t otherwise) {
  return to.node().attributes.get_or<std::int64_t>(name, otherwise);
}
inline float number_of(const Exporter& to, const char* name, double otherwise) {
  return static_cast<float>(to.node().attributes.get_or<double>(name, otherwise));
}

inline List axes_of(const Exporter& to, const List& axes, std::size_t rank) {
  List result;
  for (const std::int64_t axis : axes) result.push_back(to.axis(axis, rank));
  return result;
}

inline List all_axes(std::size_t rank) {
  List axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i) + 1;
  return axes;
}

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_WRITE_EXPORT_SETTINGS_H_
