// linear in bfloat16: the factors of its three products are rounded to bfloat16, their sums are
// float32, as are weights, bias and activation. The input is rounded once and kept for the backward
// pass; weights are rounded in each pass: 1 / rows of its work.

#include "ops/linear/linear_bfloat16.h"

#include <algorithm>
#include <map>

#include "onednn/inner_product.h"
#include "ops/elementwise/activation_step.h"
#include "ops/linear/bfloat16.h"

namespace undying::ops {
namespace {

using onednn::InnerProduct;

class LinearBfloat16Kernel final : public Kernel {
 public:
  explicit LinearBfloat16Kernel(const PlanRequest& request)
      : inputs_(unit_count(request.src[0])),
        outputs_(request.dst.shape.back()),
        positions_(position_count(request.src[0])),
        bias_(request.node.attributes.get_or<std::int64_t>("bias", 1) != 0),
        activation_(request.follower, {.units = outputs_, .positions = positions_}, bias_ ? 2 : 1) {
    const bool keeps_output = activation_.saves() == activations::Saves::kOutput;
    needs_dst = keeps_output && request.follower != nullptr;
    kept_z_ = keeps_output ? 0 : positions_ * outputs_;
    saved = kept_z_ + bfloat16_floats(positions_ * inputs_);
    wide_ = activation_.width() == 1 ? 0 : positions_ * outputs_;
    scratch = wide_ + bfloat16_floats(positions_ * outputs_);
    reserve(request.rows, request.rows);
    workspace =
        products_.at(request.rows).workspace() + bfloat16_floats(inputs_ * outputs_) + kLine;
  }

  void reserve(std::int64_t rows, std::int64_t) override {
    if (rows > 0 && !products_.contains(rows))
      products_.emplace(rows, InnerProduct(rows * positions_, inputs_, outputs_));
  }

  std::string implementation() const override { return "bfloat16"; }

  void forward(const Pass& pass, int) const override {
    if (pass.rows == 0) return;
    float* z = kept_z_ > 0 ? pass.saved : wide_ > 0 ? pass.scratch : pass.dst;
    to_bfloat16(pass.src[0], pass.rows * positions_ * inputs_, rounded_src(pass));
    products_.at(pass.rows).forward(rounded_src(pass), rounded_weights(pass), z, space(pass));
    Pass own = pass;
    if (kept_z_ == 0) own.saved = nullptr;
    activation_.forward(own, z, bias_ ? pass.parameters[1] : nullptr);
  }

  void backward(const Pass& pass, int) const override {
    float* diff_z = wide_ > 0 ? pass.scratch : pass.diff_dst;
    activation_.backward(pass, kept_z_ > 0 ? pass.saved : pass.dst, diff_z,
                         bias_ ? pass.diff_parameters[1] : nullptr);
    if (pass.rows == 0) return void(std::fill_n(pass.diff_parameters[0], inputs_ * outputs_, 0.0f));
    auto* diff = reinterpret_cast<std::uint16_t*>(pass.scratch + pass.rows * wide_);
    to_bfloat16(diff_z, pass.rows * positions_ * outputs_, diff);
    const InnerProduct& product = products_.at(pass.rows);
    product.backward_weights(rounded_src(pass), diff, pass.diff_parameters[0], space(pass));
    if (pass.diff_src[0] != nullptr)
      product.backward_data(diff, rounded_weights(pass), pass.diff_src[0], space(pass));
  }

 private:
  static constexpr std::int64_t kLine = 16;  // floats: what the rounded weights start on

  std::uint16_t* rounded_src(const Pass& pass) const {
    return reinterpret_cast<std::uint16_t*>(pass.saved + pass.rows * kept_z_);
  }
  std::uint16_t* weights_at(const Pass& pass) const {
    return reinterpret_cast<std::uint16_t*>(pass.scratch +
                                            (pass.rows * scratch + kLine - 1) / kLine * kLine);
  }
  float* space(const Pass& pass) const {
    return reinterpret_cast<float*>(weights_at(pass)) + bfloat16_floats(inputs_ * outputs_);
  }

  const std::uint16_t* rounded_weights(const Pass& pass) const {
    to_bfloat16(pass.parameters[0], inputs_ * outputs_, weights_at(pass));
    return weights_at(pass);
  }

  std::int64_t inputs_;
  std::int64_t outputs_;
  std::int64_t positions_;
  bool bias_;
  ActivationStep activation_;
  std::int64_t kept_z_ = 0;  // floats a row
  std::int64_t wide_ = 0;    // floats a row: diff_z where it does not fit diff_dst
  std::map<std::int64_t, InnerProduct> products_;  // by rows
};

}  // namespace

std::unique_ptr<Kernel> linear_bfloat16_kernel(const PlanRequest& request) {
  return std::make_unique<LinearBfloat16Kernel>(request);
}

}  // namespace undying::ops
