#ifndef UNDYING_ONNX_READ_INPUT_SHAPES_H_
#define UNDYING_ONNX_READ_INPUT_SHAPES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "onnx/read/read.h"
#include "undying/onnx.h"

namespace undying::onnx {

// What the inputs of a file are, by the file and by what the caller says of them: which dimension
// counts examples, and extents that the file leaves open.
class InputShapes {
 public:
  // `constants`: inputs that have an initializer. Throws Error{kInvalidArgument, "--shape"} for
  // what does not fit the file. All three must outlive this.
  InputShapes(const pb::GraphProto& graph, const LoadOptions& options,
              const std::vector<std::string>& constants);

  bool counts_examples() const { return counts_; }
  bool is_one_example() const { return counts_ && whole_; }  // the caller says that a batch is one
  int batch_axis(const std::string& name) const {
    return axes_.contains(name) ? axes_.at(name) : 0;
  }
  // The extent that the caller gives a dimension, or the file does; 0: neither. Throws as above
  // where they differ.
  std::int64_t extent_of(const pb::ValueInfoProto& info, int axis) const;
  // Of one example, where open dimensions have extents of the kinds that networks have; the most
  // usual first.
  std::vector<Shape> likely(const pb::ValueInfoProto& info) const;
  std::vector<std::string> notes() const;

 private:
  bool is_constant(const pb::ValueInfoProto& info) const {
    return constants_.contains(info.name());
  }
  void check(const std::string& name, const Shape& shape) const;
  bool are_lists() const;
  int find_batch_axis(const pb::ValueInfoProto& info) const;
  const Shape* whole_shape(const pb::ValueInfoProto& info) const;

  const pb::GraphProto& graph_;
  const LoadOptions& options_;
  std::set<std::string> constants_;
  std::map<std::string, int> axes_;  // of inputs that do not count examples first
  bool counts_ = true;
  bool whole_ = false;  // the caller gives an input an extent for each dimension
};

// "a, b, c".
std::string listed(const std::vector<std::string>& names);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_INPUT_SHAPES_H_
