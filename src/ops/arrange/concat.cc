// concat: the inputs one after the other along an axis. In channels-last layout the axis is another
// one in memory; the numbers are the same.

#include <algorithm>

#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

std::size_t axis_of(const Node& node, const Shape& shape) {
  return axis_in(node, node.attributes.get<std::int64_t>("axis"), shape);
}

// In memory an example is `outer_` runs, each of a piece of every input.
class ConcatKernel final : public Kernel {
 public:
  ConcatKernel(std::int64_t outer, std::vector<std::int64_t> pieces)
      : outer_(outer), pieces_(std::move(pieces)) {
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    float* dst = pass.dst;
    for (std::int64_t run = 0; run < pass.rows * outer_; ++run)
      for (std::size_t k = 0; k < pieces_.size(); ++k)
        dst = std::copy_n(pass.src[k] + run * pieces_[k], pieces_[k], dst);
  }

  void backward(const Pass& pass, int) const override {
    const float* diff_dst = pass.diff_dst;
    for (std::int64_t run = 0; run < pass.rows * outer_; ++run) {
      for (std::size_t k = 0; k < pieces_.size(); ++k) {
        if (pass.diff_src[k] != nullptr)
          std::copy_n(diff_dst, pieces_[k], pass.diff_src[k] + run * pieces_[k]);
        diff_dst += pieces_[k];
      }
    }
  }

 private:
  std::int64_t outer_;
  std::vector<std::int64_t> pieces_;  // floats, by input
};

Shape infer(const Node& node, std::span<const Value> src) {
  Shape dst = src[0].shape;
  const std::size_t axis = axis_of(node, dst);
  for (std::size_t k = 1; k < src.size(); ++k) {
    Shape expected = dst;
    const bool same_rank = src[k].shape.size() == dst.size();
    if (same_rank) expected[axis] = src[k].shape[axis];
    if (!same_rank || expected != src[k].shape)
      reject(node, "src " + std::to_string(k) + " " + to_string(src[k].shape) +
                       " does not fit src 0 " + to_string(src[0].shape) +
                       "; expected the same but for axis " + std::to_string(axis));
    dst[axis] += src[k].shape[axis];
  }
  return dst;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const std::size_t axis = stored_axis(request.dst, axis_of(request.node, request.dst.shape));
  std::vector<std::int64_t> pieces;
  for (const Value& value : request.src) {
    const Shape extents = stored(value);
    pieces.push_back(extent_product(extents, axis, extents.size()));
  }
  return std::make_unique<ConcatKernel>(extent_product(stored(request.dst), 0, axis),
                                        std::move(pieces));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const std::size_t axis = axis_of(args.node, args.values[0].shape);
  const std::int64_t runs = args.rows * extent_product(args.values[0].shape, 0, axis);
  std::vector<double> dst;
  for (std::int64_t run = 0; run < runs; ++run)
    for (const std::vector<double>& src : args.src) {
      const auto piece = static_cast<std::int64_t>(src.size()) / runs;
      dst.insert(dst.end(), src.begin() + run * piece, src.begin() + (run + 1) * piece);
    }
  return dst;
}

}  // namespace

Operator concat_operator() {
  return {.name = "concat",
          .layout = LayoutRule::kAny,
          .inputs = -1,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kConcat, .within_inputs = true}};
}

}  // namespace undying::ops
