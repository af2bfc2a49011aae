// linear in bfloat16, divided by units: shard s computes the outputs [n s / S, n (s + 1) / S) for
// the rows of the whole batch, and the same part of the inputs' gradient; so it rounds a part of
// the weights, and writes a part of their gradient that needs no sum over shards. Values go through
// the shared buffer: shards meet in between. The bias, the activation and what they count stay with
// each shard's own rows. In float32 this gains nothing (docs/performance.md): products lay out what
// they take by themselves, at a cost that falls with their size.

#include "ops/linear/linear_divided.h"

#include <algorithm>
#include <map>

#include "onednn/inner_product.h"
#include "ops/elementwise/activation_step.h"
#include "ops/linear/bfloat16.h"
#include "ops/parts.h"

namespace undying::ops {
namespace {

using onednn::InnerProduct;

// The shared buffer has four regions: the inputs of the batch, kept for the backward pass; its
// outputs; their gradient, in a place of its own, for no meeting need stand between the last phase
// forward and the first one backward; the gradient of the inputs.
class DividedLinearKernel final : public Kernel {
 public:
  explicit DividedLinearKernel(const PlanRequest& request)
      : inputs_{unit_count(request.src[0]), request.shards},
        outputs_{request.dst.shape.back(), request.shards},
        positions_(position_count(request.src[0])),
        bias_(request.node.attributes.get_or<std::int64_t>("bias", 1) != 0),
        activation_(request.follower, {.units = outputs_.columns, .positions = positions_},
                    bias_ ? 2 : 1),
        capacity_(request.rows * positions_) {
    phases = 3;
    divides = true;
    const bool keeps_output = activation_.saves() == activations::Saves::kOutput;
    needs_dst = keeps_output && request.follower != nullptr;
    saved = keeps_output ? 0 : positions_ * outputs_.columns;
    scratch = activation_.width() == 1 ? 0 : positions_ * outputs_.columns;
    shared = capacity_ * (2 * inputs_.columns + 2 * outputs_.columns);
    reserve(request.rows, request.rows * request.shards);
    const Products& products = products_.begin()->second;
    workspace = weight_room() + part_room() +
                std::max(products.outputs.workspace(), products.inputs.workspace());
  }

  void reserve(std::int64_t, std::int64_t batch_rows) override {
    const std::int64_t rows = batch_rows * positions_;
    if (!products_.contains(batch_rows))
      products_.emplace(batch_rows,
                        Products{InnerProduct(rows, inputs_.columns, outputs_.width()),
                                 InnerProduct(rows, inputs_.width(), outputs_.columns)});
  }

  std::string implementation() const override { return "bfloat16, shards by units"; }

  void forward(const Pass& pass, int phase) const override {
    if (phase == 0) return give(pass, pass.src[0], inputs_.columns, src_of(pass));
    if (phase == 1) {
      to_bfloat16(own_weights(pass), own_size(), weights_at(pass));
      return products_.at(pass.batch_rows)
          .outputs.forward(narrow(src_of(pass)), weights_at(pass),
                           dst_of(pass) + pass.shard * batch(pass) * outputs_.width(), space(pass));
    }
    float* z = pass.saved != nullptr     ? pass.saved
               : activation_.width() > 1 ? pass.scratch
                                         : pass.dst;
    outputs_.join(dst_of(pass), batch(pass), first(pass), rows(pass), z);
    activation_.forward(pass, z, bias_ ? pass.parameters[1] : nullptr);
  }

  void backward(const Pass& pass, int phase) const override {
    if (phase == 0) {
      float* diff_z = activation_.width() == 1 ? pass.diff_dst : pass.scratch;
      activation_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z,
                           bias_ ? pass.diff_parameters[1] : nullptr);
      return give(pass, diff_z, outputs_.columns, diff_dst_of(pass));
    }
    if (phase == 1) {
      const Products& products = products_.at(pass.batch_rows);
      std::uint16_t* part = weights_at(pass) + 2 * weight_room();
      outputs_.take<std::uint16_t>(narrow(diff_dst_of(pass)), batch(pass), pass.shard, part);
      products.outputs.backward_weights(narrow(src_of(pass)), part, own_gradient(pass),
                                        space(pass));
      if (pass.diff_src[0] == nullptr) return;
      for (std::int64_t i = 0; i < outputs_.columns; ++i)
        to_bfloat16(back_weights(pass) + i * inputs_.columns, inputs_.width(),
                    weights_at(pass) + i * inputs_.width());
      products.inputs.backward_data(narrow(diff_dst_of(pass)), weights_at(pass),
                                    diff_src_of(pass) + pass.shard * batch(pass) * inputs_.width(),
                                    space(pass));
    } else if (pass.diff_src[0] != nullptr) {
      inputs_.join(diff_src_of(pass), batch(pass), first(pass), rows(pass), pass.diff_src[0]);
    }
  }

 private:
  static constexpr std::int64_t kLine = 16;  // floats: what each region of the work space starts on

  struct Products {
    InnerProduct outputs;  // forward, and the weights' gradient, of a part of the outputs
    InnerProduct inputs;   // the inputs' gradient, of a part of them
  };

  static std::uint16_t* narrow(float* values) { return reinterpret_cast<std::uint16_t*>(values); }
  static std::int64_t lines(std::int64_t floats) { return (floats + kLine - 1) / kLine * kLine; }

  // Of a pass's work space, in floats: rounded weights, a part of the outputs' gradient, oneDNN's.
  std::int64_t weight_room() const {
    return lines(bfloat16_floats(inputs_.columns * outputs_.columns / outputs_.parts)) + kLine;
  }
  std::int64_t part_room() const { return lines(bfloat16_floats(capacity_ * outputs_.columns)); }
  std::uint16_t* weights_at(const Pass& pass) const {
    return narrow(pass.scratch + lines(pass.rows * scratch));
  }
  float* space(const Pass& pass) const {
    return reinterpret_cast<float*>(weights_at(pass)) + weight_room() + part_room();
  }

  // This shard's rows of a matrix, for all.
  void give(const Pass& pass, const float* values, std::int64_t columns, float* to) const {
    to_bfloat16(values, rows(pass) * columns, narrow(to) + first(pass) * columns);
  }
  // Of a batch, and of a shard: rows of the matrices that are multiplied.
  std::int64_t batch(const Pass& pass) const { return pass.batch_rows * positions_; }
  std::int64_t first(const Pass& pass) const { return pass.first_row * positions_; }
  std::int64_t rows(const Pass& pass) const { return pass.rows * positions_; }

  float* region(const Pass& pass, std::int64_t columns) const {
    return pass.shared + pass.shards * capacity_ * columns;
  }
  float* src_of(const Pass& pass) const { return region(pass, 0); }
  float* dst_of(const Pass& pass) const { return region(pass, inputs_.columns); }
  float* diff_dst_of(const Pass& pass) const {
    return region(pass, inputs_.columns + outputs_.columns);
  }
  float* diff_src_of(const Pass& pass) const {
    return region(pass, inputs_.columns + 2 * outputs_.columns);
  }

  std::int64_t own_size() const { return outputs_.width() * inputs_.columns; }
  const float* own_weights(const Pass& pass) const {
    return pass.parameters[0] + pass.shard * own_size();
  }
  float* own_gradient(const Pass& pass) const {
    return pass.diff_parameters[0] + pass.shard * own_size();
  }
  // Those that lead to its part of the inputs: of each output a run of columns.
  const float* back_weights(const Pass& pass) const {
    return pass.parameters[0] + pass.shard * inputs_.width();
  }

  Parts inputs_;
  Parts outputs_;
  std::int64_t positions_;
  bool bias_;
  ActivationStep activation_;
  std::int64_t capacity_;                      // rows of a shard's matrices, at most
  std::map<std::int64_t, Products> products_;  // by the rows of a batch
};

}  // namespace

bool divides_linear(const PlanRequest& request) {
  if (request.precision != Precision::kBfloat16 || !request.training || request.frozen ||
      request.shards < 2 || request.shares)
    return false;
  const std::int64_t inputs = unit_count(request.src[0]);
  const std::int64_t outputs = request.dst.shape.back();
  const std::int64_t rows = request.rows * position_count(request.src[0]);
  return inputs % request.shards == 0 && outputs % request.shards == 0 &&
         worth_dividing(inputs * outputs, rows * (inputs + outputs));
}

std::unique_ptr<Kernel> divided_linear_kernel(const PlanRequest& request) {
  return std::make_unique<DividedLinearKernel>(request);
}

}  // namespace undying::ops
