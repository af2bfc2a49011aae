// dropout: in training dst = src * m / (1 - p) with m ~ Bernoulli(1 - p) per element (Srivastava et al. 2014); in evaluation dst = src.
// A mask belongs to (seed, node, step, row in the batch, element), so it does not depend on the shards.

#include <algorithm>

#include "base/philox.h"
#include "ops/rows.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

double probability(const Node& node) { return node.attributes.get<double>("p"); }

class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(double p, std::uint32_t sequence, std::int64_t width) : p_(p), sequence_(sequence), width_(width) {
    in_place = true;
    saved = width;
  }

  void forward(const Pass& pass, int) const override {
    const std::int64_t count = pass.rows * width_;
    if (!pass.training) {
      if (pass.dst != pass.src) std::copy_n(pass.src, count, pass.dst);
      return;
    }
    fill_mask(pass, count);
    for (std::int64_t i = 0; i < count; ++i) pass.dst[i] = pass.src[i] * pass.saved[i];
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src == nullptr) return;
    const std::int64_t count = pass.rows * width_;
    for (std::int64_t i = 0; i < count; ++i) pass.diff_src[i] = pass.diff_dst[i] * pass.saved[i];
  }

 private:
  // 2^40 draws a step and 2^24 steps before an index repeats.
  void fill_mask(const Pass& pass, std::int64_t count) const {
    const Random random(pass.seed, Stream::kDropout, sequence_);
    const auto scale = static_cast<float>(1.0 / (1.0 - p_));
    const auto threshold = static_cast<std::uint32_t>(p_ * 0x1p32);
    const std::uint64_t first = (pass.step << 40) + static_cast<std::uint64_t>(pass.first_row * width_);
    std::uint64_t block_index = first / 4;
    auto block = random.block(block_index);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t index = first + static_cast<std::uint64_t>(i);
      if (index / 4 != block_index) block = random.block(block_index = index / 4);
      pass.saved[i] = block[index % 4] >= threshold ? scale : 0.0f;
    }
  }

  double p_;
  std::uint32_t sequence_;
  std::int64_t width_;
};

Shape infer(const Node& node, const Shape& src) {
  if (!(probability(node) >= 0.0 && probability(node) < 1.0))
    throw Error(ErrorCode::kInvalidArgument, "dropout " + node.name, "p is " + std::to_string(probability(node)) + "; expected 0 <= p < 1");
  return src;
}

std::vector<ParameterSpec> parameters(const Node&, const Shape&) { return {}; }

std::uint32_t sequence(const Node& node) { return static_cast<std::uint32_t>(node.attributes.get<std::int64_t>("sequence")); }

std::unique_ptr<Kernel> plan(const Node& node, const Shape& src, const Node*) {
  return std::make_unique<DropoutKernel>(probability(node), sequence(node), element_count(src));
}

std::vector<double> reference(const Node& node, const Shape& src_shape, std::int64_t rows, const std::vector<double>& src,
                              const std::vector<std::vector<double>>&, const Pass& pass) {
  const Random random(pass.seed, Stream::kDropout, sequence(node));
  const std::int64_t width = element_count(src_shape);
  std::vector<double> dst(src);
  for (std::int64_t i = 0; i < rows * width; ++i) {
    const double draw = random.bits((pass.step << 40) + static_cast<std::uint64_t>(pass.first_row * width + i)) * 0x1p-32;
    dst[static_cast<std::size_t>(i)] *= draw >= probability(node) ? 1.0 / (1.0 - probability(node)) : 0.0;
  }
  return dst;
}

}  // namespace

Operator dropout_operator() { return {"dropout", "Dropout", infer, parameters, plan, false, reference}; }

}  // namespace undying::ops
