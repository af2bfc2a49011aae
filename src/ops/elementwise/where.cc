// where: dst = condition != 0 ? a : b elementwise, the three broadcast to each other as NumPy does.
// The condition has no gradient, and of the operand that is not taken nothing reaches the result,
// whatever it is.

#include <algorithm>
#include <array>

#include "ops/doubles.h"
#include "ops/rows.h"
#include "ops/walk.h"

namespace undying::ops {
namespace {

Shape broadcast(const Node& node, std::span<const Value> src) {
  Shape dst;
  for (const Value& value : src) {
    if (value.shape.size() > dst.size())
      dst.insert(dst.begin(), value.shape.size() - dst.size(), 1);
    for (std::size_t i = 1; i <= value.shape.size(); ++i) {
      std::int64_t& extent = dst[dst.size() - i];
      const std::int64_t own = value.shape[value.shape.size() - i];
      if (own != extent && own != 1 && extent != 1)
        reject(node, "src " + to_string(src[0].shape) + ", " + to_string(src[1].shape) + " and " +
                         to_string(src[2].shape) + " do not broadcast: " + std::to_string(extent) +
                         " != " + std::to_string(own));
      extent = std::max(extent, own);
    }
  }
  return dst;
}

class WhereKernel final : public Kernel {
 public:
  WhereKernel(const Shape& dst, std::span<const Value> src)
      : size_(element_count(dst)),
        sizes_{element_count(src[0].shape), element_count(src[1].shape),
               element_count(src[2].shape)},
        walk_(dst, {strides(dst), broadcast_strides(src[0].shape, dst),
                    broadcast_strides(src[1].shape, dst), broadcast_strides(src[2].shape, dst)}) {
    needs_src = true;
    keeps_diff = true;
    workspace = kFloatsOfDouble * std::max(sizes_[1], sizes_[2]);
  }

  void forward(const Pass& pass, int) const override {
    const auto& step = walk_.step();
    for (std::int64_t n = 0; n < pass.rows; ++n)
      walk_.run([&](const auto& at) {
        const float* condition = pass.src[0] + n * sizes_[0] + at[1];
        const float* a = pass.src[1] + n * sizes_[1] + at[2];
        const float* b = pass.src[2] + n * sizes_[2] + at[3];
        float* dst = pass.dst + n * size_ + at[0];
        for (std::int64_t i = 0; i < walk_.count(); ++i)
          dst[i * step[0]] = condition[i * step[1]] != 0.0f ? a[i * step[2]] : b[i * step[3]];
      });
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] != nullptr) std::fill_n(pass.diff_src[0], pass.rows * sizes_[0], 0.0f);
    for (std::size_t k = 1; k < 3; ++k)
      for (std::int64_t n = 0; n < pass.rows && pass.diff_src[k] != nullptr; ++n)
        gradient(pass, k, n);
  }

 private:
  void gradient(const Pass& pass, std::size_t k, std::int64_t n) const {
    const auto& step = walk_.step();
    double* sums = doubles(pass.scratch);
    std::fill_n(sums, sizes_[k], 0.0);
    walk_.run([&](const auto& at) {
      const float* condition = pass.src[0] + n * sizes_[0] + at[1];
      const float* g = pass.diff_dst + n * size_ + at[0];
      for (std::int64_t i = 0; i < walk_.count(); ++i)
        if ((condition[i * step[1]] != 0.0f) == (k == 1))
          sums[at[k + 1] + i * step[k + 1]] += g[i * step[0]];
    });
    std::copy_n(sums, sizes_[k], pass.diff_src[k] + n * sizes_[k]);
  }

  std::int64_t size_;
  std::array<std::int64_t, 3> sizes_;
  Walk<4> walk_;
};

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<WhereKernel>(request.dst.shape, request.src);
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape shape = broadcast(args.node, args.values);
  std::vector<double> dst;
  for (std::int64_t i = 0; i < args.rows * element_count(shape); ++i) {
    const auto operand = [&](std::size_t k) {
      const Shape& own = args.values[k].shape;
      Shape index = index_of(i % element_count(shape), shape);
      index.erase(index.begin(), index.end() - static_cast<std::ptrdiff_t>(own.size()));
      for (std::size_t axis = 0; axis < own.size(); ++axis)
        index[axis] = std::min(index[axis], own[axis] - 1);
      return args.src[k][i / element_count(shape) * element_count(own) + element_at(index, own)];
    };
    dst.push_back(operand(0) != 0.0 ? operand(1) : operand(2));
  }
  return dst;
}

}  // namespace

Operator where_operator() {
  return {.name = "where",
          .inputs = 3,
          .infer = broadcast,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kElement,
                     .passes_gradient = [](const Node&, std::size_t input) { return input > 0; }}};
}

}  // namespace undying::ops
