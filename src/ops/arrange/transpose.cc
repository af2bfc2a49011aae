// transpose: dst[i0, i1, ...] = src with axis perm[k] of src as axis k of dst.

#include <algorithm>
#include <numeric>

#include "ops/arrange/gather.h"
#include "ops/arrange/reorder.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

const std::vector<std::int64_t>& perm_of(const Node& node) {
  return node.attributes.get<std::vector<std::int64_t>>("perm");
}

// `count` matrices whose rows and columns change places.
class MatrixKernel final : public Kernel {
 public:
  MatrixKernel(std::int64_t count, std::int64_t rows, std::int64_t columns)
      : count_(count), rows_(rows), columns_(columns) {
    view = rows == 1 || columns == 1;
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    transpose_matrices(pass.rows * count_, rows_, columns_, pass.src[0], pass.dst);
  }
  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] != nullptr)
      transpose_matrices(pass.rows * count_, columns_, rows_, pass.diff_dst, pass.diff_src[0]);
  }

 private:
  std::int64_t count_;
  std::int64_t rows_;
  std::int64_t columns_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  const std::vector<std::int64_t>& perm = perm_of(node);
  std::vector<std::int64_t> sorted = perm;
  std::ranges::sort(sorted);
  Shape axes(shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (sorted != axes)
    reject(node, "perm " + to_string(perm) + " does not order the axes of src " + to_string(shape));
  Shape dst;
  for (const std::int64_t axis : perm) dst.push_back(shape[axis]);
  return dst;
}

// Where perm leaves some axes and turns the others round, as (0, 3, 1, 2) does: the axis that comes
// first of those. Else their number.
std::size_t turned_from(const std::vector<std::int64_t>& perm) {
  std::size_t first = 0;
  while (first < perm.size() && perm[first] == static_cast<std::int64_t>(first)) ++first;
  Shape turned(perm.begin() + static_cast<std::ptrdiff_t>(first), perm.end());
  std::rotate(turned.begin(), std::ranges::min_element(turned), turned.end());
  return std::ranges::is_sorted(turned) ? first : perm.size();
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const std::vector<std::int64_t>& perm = perm_of(request.node);
  const Shape& src = request.src[0].shape;
  if (const std::size_t first = turned_from(perm); first < perm.size()) {
    const auto middle = static_cast<std::size_t>(perm[first]);
    return std::make_unique<MatrixKernel>(extent_product(src, 0, first),
                                          extent_product(src, first, middle),
                                          extent_product(src, middle, src.size()));
  }
  const Shape steps = strides(src);
  std::vector<std::vector<std::int64_t>> offsets;
  offsets.reserve(perm.size());
  for (const std::int64_t axis : perm) offsets.push_back(whole_axis(src[axis], steps[axis]));
  return gather_kernel(Gather(offsets), element_count(src));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const std::vector<std::int64_t>& perm = perm_of(args.node);
  const Shape& shape = args.values[0].shape;
  Shape turned;
  for (const std::int64_t axis : perm) turned.push_back(shape[axis]);
  std::vector<double> dst(args.src[0].size());
  for (std::size_t i = 0; i < dst.size(); ++i) {
    const std::int64_t size = element_count(shape);
    const Shape index = index_of(static_cast<std::int64_t>(i) % size, turned);
    Shape from(shape.size());
    for (std::size_t k = 0; k < perm.size(); ++k) from[perm[k]] = index[k];
    dst[i] = args.src[0][i / static_cast<std::size_t>(size) * static_cast<std::size_t>(size) +
                         static_cast<std::size_t>(element_at(from, shape))];
  }
  return dst;
}

}  // namespace

Operator transpose_operator() {
  return {.name = "transpose",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kTranspose, .within_inputs = true}};
}

}  // namespace undying::ops
