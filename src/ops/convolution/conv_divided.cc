// conv in training, divided by channels: shard s computes the outputs [n s / S, n (s + 1) / S) for
// the rows of the whole batch, and the same part of the inputs' gradient; so it lays out a part of
// the weights, and writes a part of their gradient that needs no sum over shards. Before and after,
// values go through the shared buffer: shards meet in between. The bias, the activation and what
// they count stay with each shard's own rows.

#include <algorithm>
#include <map>

#include "ops/convolution/conv.h"
#include "ops/elementwise/activation_step.h"
#include "ops/linear/bfloat16.h"
#include "ops/parts.h"

namespace undying::ops {
namespace {

using onednn::Convolution;
using onednn::ConvolutionShape;

constexpr std::int64_t kLane = 16;  // channels of a part are whole vectors

class DividedConvKernel final : public Kernel {
 public:
  explicit DividedConvKernel(const PlanRequest& request)
      : shape_(conv_shape(request.node, request.src[0].shape, request.dst.shape)),
        bias_(conv_has_bias(request.node)),
        follows_(request.follower != nullptr),
        activation_(request.follower, extent_of(request.dst), bias_ ? 2 : 1),
        inputs_{shape_.channels, request.shards},
        outputs_{shape_.outputs, request.shards},
        weights_(conv_weights(shape_)),
        src_size_(element_count(request.src[0].shape)),
        dst_size_(element_count(request.dst.shape)) {
    shape_.bfloat16 = request.precision == Precision::kBfloat16;
    phases = 3;
    divides = true;
    needs_dst = activation_.saves() == activations::Saves::kOutput && follows_;
    keeps_diff = !passes() && !shape_.bfloat16;
    saved = needs_dst || !follows_ ? 0 : dst_size_;
    scratch = activation_.width() == 1 ? 0 : dst_size_;
    reserve(request.rows, request.rows * request.shards);
    capacity_ = request.rows;
    shared = capacity_ * (2 * src_size_ + 2 * dst_size_);
    const Products& products = products_.begin()->second;
    workspace =
        capacity_ * dst_size_ + std::max(products.outputs.workspace(), products.inputs.workspace());
  }

  void reserve(std::int64_t, std::int64_t batch_rows) override {
    if (products_.contains(batch_rows)) return;
    ConvolutionShape own = shape_;
    own.rows = batch_rows;
    own.outputs = outputs_.width();
    ConvolutionShape back = shape_;
    back.rows = batch_rows;
    back.channels = inputs_.width();
    back.stride = shape_.channels;
    products_.emplace(batch_rows,
                      Products{Convolution(own, {.backward_data = false}),
                               Convolution(back, {.forward = false, .backward_weights = false})});
  }

  std::string implementation() const override {
    return "shards by units: " + products_.begin()->second.outputs.implementation();
  }

  void forward(const Pass& pass, int phase) const override {
    if (phase == 0) return give(pass.src[0], pass, src_size_, src_of(pass));
    const Products& products = products_.at(pass.batch_rows);
    const std::int64_t part = pass.batch_rows * dst_size_ / outputs_.parts;
    if (phase == 1)
      return products.outputs.forward(src_of(pass), own_weights(pass),
                                      dst_of(pass) + pass.shard * part, space(pass));
    float* z = saved > 0 ? pass.saved : activation_.width() > 1 ? pass.scratch : pass.dst;
    const std::int64_t places = dst_size_ / shape_.outputs;
    outputs_.join(dst_of(pass), pass.batch_rows * places, pass.first_row * places,
                  pass.rows * places, z);
    if (!passes()) return;
    Pass own = pass;
    if (saved == 0) own.saved = nullptr;
    activation_.forward(own, z, bias_ ? pass.parameters[1] : nullptr);
  }

  void backward(const Pass& pass, int phase) const override {
    const Products& products = products_.at(pass.batch_rows);
    const std::int64_t part = pass.batch_rows * src_size_ / inputs_.parts;
    if (phase == 0) return give_gradient(pass);
    if (phase == 1) {
      const void* diff = diff_dst_of(pass);
      products.outputs.backward_weights(src_of(pass), own_part(pass),
                                        pass.diff_parameters[0] + pass.shard * own_size(),
                                        space(pass));
      if (pass.diff_src[0] != nullptr)
        products.inputs.backward_data(diff, back_weights(pass),
                                      diff_src_of(pass) + pass.shard * part, space(pass));
    } else if (pass.diff_src[0] != nullptr) {
      const std::int64_t places = src_size_ / shape_.channels;
      inputs_.join(diff_src_of(pass), pass.batch_rows * places, pass.first_row * places,
                   pass.rows * places, pass.diff_src[0]);
    }
  }

 private:
  struct Products {
    Convolution outputs;  // forward, and the weights' gradient, of a part of the outputs
    Convolution inputs;   // the inputs' gradient, of a part of them
  };

  bool passes() const { return bias_ || follows_; }

  // The shared buffer: the inputs of the batch, kept for the backward pass; its outputs in parts;
  // the gradient of the whole ones, in a place of its own, for no meeting need stand between the
  // last phase forward and the first one backward; the gradient of the inputs in parts.
  float* region(const Pass& pass, std::int64_t at) const {
    return pass.shared + pass.shards * capacity_ * at;
  }
  float* src_of(const Pass& pass) const { return region(pass, 0); }
  float* dst_of(const Pass& pass) const { return region(pass, src_size_); }
  float* diff_dst_of(const Pass& pass) const { return region(pass, src_size_ + dst_size_); }
  float* diff_src_of(const Pass& pass) const { return region(pass, src_size_ + 2 * dst_size_); }

  // One shard's own: the gradient of its outputs.
  float* space(const Pass& pass) const {
    return pass.scratch + pass.rows * scratch + capacity_ * dst_size_;
  }

  std::int64_t own_size() const { return weights_ / outputs_.parts; }
  const float* own_weights(const Pass& pass) const {
    return pass.parameters[0] + pass.shard * own_size();
  }
  // Those that lead to its part of the inputs: of each output a run of channels.
  const float* back_weights(const Pass& pass) const {
    return pass.parameters[0] + pass.shard * own_size() / shape_.outputs;
  }

  // This shard's rows of a value, for all.
  void give(const float* values, const Pass& pass, std::int64_t size, float* to) const {
    if (shape_.bfloat16)
      to_bfloat16(values, pass.rows * size,
                  reinterpret_cast<std::uint16_t*>(to) + pass.first_row * size);
    else
      std::copy_n(values, pass.rows * size, to + pass.first_row * size);
  }

  void give_gradient(const Pass& pass) const {
    if (!passes()) return give(pass.diff_dst, pass, dst_size_, diff_dst_of(pass));
    const bool straight = activation_.width() == 1 && !shape_.bfloat16;
    float* diff_z = straight                   ? diff_dst_of(pass) + pass.first_row * dst_size_
                    : activation_.width() == 1 ? pass.diff_dst
                                               : pass.scratch;
    activation_.backward(pass, saved > 0 ? pass.saved : pass.dst, diff_z,
                         bias_ ? pass.diff_parameters[1] : nullptr);
    if (!straight) give(diff_z, pass, dst_size_, diff_dst_of(pass));
  }

  // The gradient of this shard's outputs, of the batch.
  const void* own_part(const Pass& pass) const {
    float* part = pass.scratch + pass.rows * scratch;
    const std::int64_t count = pass.batch_rows * dst_size_ / shape_.outputs;
    if (shape_.bfloat16)
      outputs_.take(reinterpret_cast<const std::uint16_t*>(diff_dst_of(pass)), count, pass.shard,
                    reinterpret_cast<std::uint16_t*>(part));
    else
      outputs_.take<float>(diff_dst_of(pass), count, pass.shard, part);
    return part;
  }

  ConvolutionShape shape_;
  bool bias_;
  bool follows_;
  ActivationStep activation_;
  Parts inputs_;
  Parts outputs_;
  std::int64_t weights_;
  std::int64_t src_size_;
  std::int64_t dst_size_;
  std::int64_t capacity_ = 0;                  // rows of a shard
  std::map<std::int64_t, Products> products_;  // by the rows of a batch
};

}  // namespace

bool divides_conv(const PlanRequest& request) {
  if (!request.training || request.frozen || request.shards < 2 || request.shares) return false;
  const ConvolutionShape shape = conv_shape(request.node, request.src[0].shape, request.dst.shape);
  const std::int64_t values =
      element_count(request.src[0].shape) + element_count(request.dst.shape);
  return shape.groups == 1 && shape.channels % (kLane * request.shards) == 0 &&
         shape.outputs % (kLane * request.shards) == 0 &&
         worth_dividing(conv_weights(shape), request.rows * values);
}

std::unique_ptr<Kernel> divided_conv_kernel(const PlanRequest& request) {
  return std::make_unique<DividedConvKernel>(request);
}

}  // namespace undying::ops
