#include "onnx/read/input_shapes.h"

#include <algorithm>

#include "undying/error.h"

namespace undying::onnx {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "--shape", message);
}

const auto& dims_of(const pb::ValueInfoProto& info) { return info.type().tensor_type().shape(); }

// As the file has it; 0: it leaves it open.
std::int64_t own_extent(const pb::ValueInfoProto& info, int axis) {
  const auto& dim = dims_of(info).dim(axis);
  return dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : 0;
}

}  // namespace

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

InputShapes::InputShapes(const pb::GraphProto& graph, const LoadOptions& options,
                         const std::vector<std::string>& constants)
    : graph_(graph),
      options_(options),
      constants_(constants.begin(), constants.end()),
      counts_(options.batched) {
  for (const auto& [name, shape] : options.shapes) check(name, shape);
  for (const auto& info : graph.input()) {
    if (is_constant(info)) continue;
    const int axis = find_batch_axis(info);
    if (axis > 0) axes_[info.name()] = axis;
    if (const Shape* all = whole_shape(info); all != nullptr) {
      whole_ = true;
      // Where the caller gives all extents, none counts examples. A batch of one example stays one.
      if (all->empty() || (*all)[axis] != 1) counts_ = false;
    }
  }
  counts_ = counts_ && !are_lists();
  if (!counts_) axes_.clear();
}

void InputShapes::check(const std::string& name, const Shape& shape) const {
  const auto found = std::ranges::find(graph_.input(), name,
                                       [](const pb::ValueInfoProto& info) { return info.name(); });
  if (found == graph_.input().end() || is_constant(*found)) {
    std::vector<std::string> names;
    for (const auto& info : graph_.input())
      if (!is_constant(info)) names.push_back(info.name());
    fail("\"" + name + "\" is no input of the model; they are " + listed(names));
  }
  const int rank = dims_of(*found).dim_size();
  const auto given = static_cast<int>(shape.size());
  if (found->type().tensor_type().has_shape() && given != rank && given != rank - 1)
    fail("gives " + name + " " + std::to_string(given) + " extents; it has " +
         std::to_string(rank) + " dimensions: expected " + std::to_string(rank - 1) +
         " extents, or " + std::to_string(rank) + " where the first counts no examples");
  const auto open = std::ranges::count(shape, 0);
  if (open > 1 || (open == 1 && (given != rank || !options_.batched)))
    fail("marks a dimension of " + name +
         " as N, where examples are counted; expected one of all its " + std::to_string(rank) +
         " dimensions");
}

// Whether all inputs are lists of fixed length: the model was exported with one example, and no
// batch.
bool InputShapes::are_lists() const {
  return std::ranges::all_of(graph_.input(), [&](const pb::ValueInfoProto& info) {
    const auto& shape = dims_of(info);
    return is_constant(info) ||
           (shape.dim_size() == 1 && shape.dim(0).has_dim_value() && shape.dim(0).dim_value() > 1);
  });
}

// As the caller says by an extent of 0, else the first; or the second, where that has the name of
// another input's first one, as "batch".
int InputShapes::find_batch_axis(const pb::ValueInfoProto& info) const {
  if (const auto given = options_.shapes.find(info.name()); given != options_.shapes.end())
    if (const auto open = std::ranges::find(given->second, 0); open != given->second.end())
      return static_cast<int>(open - given->second.begin());
  const auto& shape = dims_of(info);
  if (shape.dim_size() < 2 || own_extent(info, 0) == 0 || shape.dim(1).dim_param().empty())
    return 0;
  const bool shared = std::ranges::any_of(graph_.input(), [&](const pb::ValueInfoProto& other) {
    return dims_of(other).dim_size() > 0 &&
           dims_of(other).dim(0).dim_param() == shape.dim(1).dim_param();
  });
  return shared ? 1 : 0;
}

const Shape* InputShapes::whole_shape(const pb::ValueInfoProto& info) const {
  const auto given = options_.shapes.find(info.name());
  const bool all = given != options_.shapes.end() &&
                   std::ranges::find(given->second, 0) == given->second.end() &&
                   static_cast<int>(given->second.size()) == dims_of(info).dim_size();
  return all ? &given->second : nullptr;
}

std::int64_t InputShapes::extent_of(const pb::ValueInfoProto& info, int axis) const {
  const std::int64_t own = own_extent(info, axis);
  const auto given = options_.shapes.find(info.name());
  if (given == options_.shapes.end()) return own;
  const bool all = static_cast<int>(given->second.size()) == dims_of(info).dim_size();
  const int skipped = all || !counts_ || axis < batch_axis(info.name()) ? 0 : 1;
  if (axis - skipped >= std::ssize(given->second))
    fail("gives " + info.name() + " " + std::to_string(given->second.size()) +
         " extents; expected all its " + std::to_string(dims_of(info).dim_size()) +
         ": no input counts examples here");
  const std::int64_t wanted = given->second[axis - skipped];
  if (own != 0 && own != wanted)
    fail("makes dimension " + std::to_string(axis) + " of " + info.name() + " " +
         std::to_string(wanted) + "; the model fixes it at " + std::to_string(own));
  return wanted;
}

namespace {

// Positions of images, samples of sound, steps of sequences.
std::vector<std::int64_t> usual_extents(int rank) {
  if (rank == 4) return {224, 32, 28, 64, 128, 256, 299, 320};
  if (rank == 2) return {16000, 512, 128, 64};
  return {128, 16, 64};
}

}  // namespace

std::vector<Shape> InputShapes::likely(const pb::ValueInfoProto& info) const {
  const int rank = dims_of(info).dim_size();
  std::vector<Shape> shapes;
  for (const std::int64_t usual : usual_extents(rank)) {
    Shape& shape = shapes.emplace_back();
    for (int axis = 0; axis < rank; ++axis) {
      if (counts_ && axis == batch_axis(info.name())) continue;
      const std::int64_t own = own_extent(info, axis);
      shape.push_back(own > 0 ? own : rank == 4 && axis == 1 ? 3 : usual);
    }
  }
  return shapes;
}

std::vector<std::string> InputShapes::notes() const {
  std::vector<std::string> notes;
  if (!counts_ && options_.batched)
    notes.emplace_back("the inputs count no examples: each as a whole is one");
  for (const auto& [name, axis] : axes_)
    notes.push_back("input " + name + " counts examples along dimension " + std::to_string(axis) +
                    "; here, and in what is written, they come first");
  return notes;
}

}  // namespace undying::onnx
