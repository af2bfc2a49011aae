// dropout: in training dst = src * m / (1 - p) with m ~ Bernoulli(1 - p) per element (Srivastava et al. 2014); in evaluation dst = src.
// A mask belongs to (seed, node, step, row in the batch, element), so it does not depend on the shards.

#include <algorithm>

#include "base/philox.h"
#include "ops/rows.h"

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
      if (pass.dst != pass.src[0]) std::copy_n(pass.src[0], count, pass.dst);
      return;
    }
    fill_mask(pass, count);
    for (std::int64_t i = 0; i < count; ++i) pass.dst[i] = pass.src[0][i] * pass.saved[i];
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    const std::int64_t count = pass.rows * width_;
    for (std::int64_t i = 0; i < count; ++i) pass.diff_src[0][i] = pass.diff_dst[i] * pass.saved[i];
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

Shape infer(const Node& node, std::span<const Value> src) {
  if (!(probability(node) >= 0.0 && probability(node) < 1.0))
    reject(node, "p is " + std::to_string(probability(node)) + "; expected 0 <= p < 1");
  return src[0].shape;
}

std::uint32_t sequence(const Node& node) { return static_cast<std::uint32_t>(node.attributes.get_or<std::int64_t>("sequence", 0)); }

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<DropoutKernel>(probability(request.node), sequence(request.node), element_count(request.dst.shape));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Random random(args.pass.seed, Stream::kDropout, sequence(args.node));
  const double p = probability(args.node);
  const std::uint64_t first =
      (args.pass.step << 40) + static_cast<std::uint64_t>(args.pass.first_row * element_count(args.values[0].shape));
  std::vector<double> dst(args.src[0]);
  for (std::size_t i = 0; i < dst.size(); ++i) dst[i] *= random.bits(first + i) * 0x1p-32 >= p ? 1.0 / (1.0 - p) : 0.0;
  return dst;
}

}  // namespace

Operator dropout_operator() { return {"dropout", "Dropout", LayoutRule::kAny, 1, infer, no_parameters, plan, false, reference}; }

}  // namespace undying::ops
