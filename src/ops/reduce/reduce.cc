// reduce_mean, reduce_sum, reduce_max, reduce_min: over some axes, or all. Where no axis is kept,
// the result has shape (1).

#include <algorithm>
#include <limits>

#include "ops/doubles.h"
#include "ops/rows.h"
#include "ops/walk.h"

namespace undying::ops {
namespace {

std::vector<bool> reduced_axes(const Node& node, const Shape& shape) {
  if (!node.attributes.has("axes")) return std::vector<bool>(shape.size(), true);
  std::vector<bool> reduced(shape.size(), false);
  for (const std::size_t axis :
       axes_in(node, node.attributes.get<std::vector<std::int64_t>>("axes"), shape))
    reduced[axis] = true;
  return reduced;
}

// With the reduced axes at extent 1.
Shape kept_shape(const Node& node, const Shape& shape) {
  Shape kept = shape;
  const std::vector<bool> reduced = reduced_axes(node, shape);
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    if (reduced[axis]) kept[axis] = 1;
  return kept;
}

class ReduceKernel final : public Kernel {
 public:
  ReduceKernel(const Shape& src, const Shape& kept, bool mean)
      : src_size_(element_count(src)),
        dst_size_(element_count(kept)),
        walk_(src, {strides(src), broadcast_strides(kept, src)}) {
    factor_ = mean ? static_cast<double>(dst_size_) / static_cast<double>(src_size_) : 1.0;
    keeps_diff = true;
    workspace = kFloatsOfDouble * dst_size_;
  }

  void forward(const Pass& pass, int) const override {
    double* sums = doubles(pass.scratch);
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      std::fill_n(sums, dst_size_, 0.0);
      walk_.run([&](const auto& at) { add_up(pass.src[0] + n * src_size_ + at[0], sums + at[1]); });
      for (std::int64_t i = 0; i < dst_size_; ++i)
        pass.dst[n * dst_size_ + i] = static_cast<float>(sums[i] * factor_);
    }
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    const auto factor = static_cast<float>(factor_);
    const std::int64_t step = walk_.step()[1];
    for (std::int64_t n = 0; n < pass.rows; ++n)
      walk_.run([&](const auto& at) {
        const float* g = pass.diff_dst + n * dst_size_ + at[1];
        float* diff = pass.diff_src[0] + n * src_size_ + at[0];
        for (std::int64_t i = 0; i < walk_.count(); ++i) diff[i] = factor * g[i * step];
      });
  }

 private:
  void add_up(const float* src, double* sums) const {
    if (walk_.step()[1] == 0) {
      *sums += lane_sum(walk_.count(), [&](std::int64_t i) { return src[i]; });
    } else {
      for (std::int64_t i = 0; i < walk_.count(); ++i) sums[i] += src[i];
    }
  }

  std::int64_t src_size_;
  std::int64_t dst_size_;
  Walk<2> walk_;
  double factor_;
};

// The largest of the elements, or the smallest; the first of several has the gradient, and NaN is
// larger and smaller than all.
class ExtremeKernel final : public Kernel {
 public:
  ExtremeKernel(const Shape& src, const Shape& kept, bool largest)
      : src_size_(element_count(src)),
        dst_size_(element_count(kept)),
        largest_(largest),
        walk_(src, {strides(src), broadcast_strides(kept, src)}) {
    needs_src = true;
    needs_dst = true;
    keeps_diff = true;
    workspace = dst_size_;
  }

  void forward(const Pass& pass, int) const override {
    const float lowest = -std::numeric_limits<float>::infinity();
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      float* dst = pass.dst + n * dst_size_;
      std::fill_n(dst, dst_size_, largest_ ? lowest : -lowest);
      for_elements([&](std::int64_t from, std::int64_t to) {
        const float x = pass.src[0][n * src_size_ + from];
        if ((largest_ ? x > dst[to] : x < dst[to]) || x != x) dst[to] = x;
      });
    }
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      std::copy_n(pass.diff_dst + n * dst_size_, dst_size_,
                  pass.scratch);  // what is not handed on yet
      const float* dst = pass.dst + n * dst_size_;
      for_elements([&](std::int64_t from, std::int64_t to) {
        const bool found = pass.src[0][n * src_size_ + from] == dst[to];
        pass.diff_src[0][n * src_size_ + from] = found ? pass.scratch[to] : 0.0f;
        if (found) pass.scratch[to] = 0.0f;
      });
    }
  }

 private:
  template <class Body>
  void for_elements(const Body& body) const {
    const auto& step = walk_.step();
    walk_.run([&](const auto& at) {
      for (std::int64_t i = 0; i < walk_.count(); ++i)
        body(at[0] + i * step[0], at[1] + i * step[1]);
    });
  }

  std::int64_t src_size_;
  std::int64_t dst_size_;
  bool largest_;
  Walk<2> walk_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  if (node.attributes.get_or<std::int64_t>("keepdims", 1) != 0) return kept_shape(node, shape);
  const std::vector<bool> reduced = reduced_axes(node, shape);
  Shape dst;
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    if (!reduced[axis]) dst.push_back(shape[axis]);
  return at_least_one(dst);
}

template <bool kMean>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Shape& src = request.src[0].shape;
  return std::make_unique<ReduceKernel>(src, kept_shape(request.node, src), kMean);
}

template <bool kLargest>
std::unique_ptr<Kernel> plan_extreme(const PlanRequest& request) {
  const Shape& src = request.src[0].shape;
  return std::make_unique<ExtremeKernel>(src, kept_shape(request.node, src), kLargest);
}

template <bool kLargest>
std::vector<double> reference_extreme(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const Shape kept = kept_shape(args.node, shape);
  const double lowest = -std::numeric_limits<double>::infinity();
  std::vector<double> dst(static_cast<std::size_t>(args.rows * element_count(kept)),
                          kLargest ? lowest : -lowest);
  for (std::int64_t i = 0; i < args.rows * element_count(shape); ++i) {
    Shape index = index_of(i % element_count(shape), shape);
    for (std::size_t axis = 0; axis < index.size(); ++axis)
      index[axis] = std::min(index[axis], kept[axis] - 1);
    double& to = dst[i / element_count(shape) * element_count(kept) + element_at(index, kept)];
    const double x = args.src[0][i];
    to = kLargest ? std::max(to, x) : std::min(to, x);
  }
  return dst;
}

template <bool kMean>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const Shape kept = kept_shape(args.node, shape);
  const std::int64_t size = element_count(shape);
  const std::int64_t left = element_count(kept);
  std::vector<double> dst(static_cast<std::size_t>(args.rows * left), 0.0);
  for (std::int64_t i = 0; i < args.rows * size; ++i) {
    Shape index = index_of(i % size, shape);
    for (std::size_t axis = 0; axis < index.size(); ++axis)
      index[axis] = std::min(index[axis], kept[axis] - 1);
    dst[i / size * left + element_at(index, kept)] += args.src[0][i];
  }
  for (double& x : dst) x *= kMean ? static_cast<double>(left) / static_cast<double>(size) : 1.0;
  return dst;
}

}  // namespace

Operator reduce_mean_operator() {
  return {.name = "reduce_mean",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan<true>,
          .reference = reference<true>,
          .traits = {.kind = Kind::kReduce, .within_inputs = true}};
}
Operator reduce_sum_operator() {
  return {.name = "reduce_sum",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan<false>,
          .reference = reference<false>,
          .traits = {.kind = Kind::kReduce}};
}
Operator reduce_max_operator() {
  return {.name = "reduce_max",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan_extreme<true>,
          .reference = reference_extreme<true>,
          .traits = {.kind = Kind::kReduce}};
}
Operator reduce_min_operator() {
  return {.name = "reduce_min",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan_extreme<false>,
          .reference = reference_extreme<false>,
          .traits = {.kind = Kind::kReduce}};
}

}  // namespace undying::ops
