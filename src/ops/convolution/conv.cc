// conv: dst[o] = bias[o] + sum over channels and kernel of src * weight, channels-last; ONNX Conv,
// of 1 to 3 dimensions.
//
// oneDNN's primitives are built once for each number of rows. Weights are kept as files have them,
// (outputs, channels / groups, kernel), and laid out for oneDNN in each call: 1 / (rows x
// positions) of the work. The bias and the activation behind are one pass over the product, as in
// linear; with bfloat16 the inputs are rounded once and kept for the backward pass.
//
// Evaluation: batch norm behind it is folded into weights and bias (in frozen plans too), and a
// leaky rectifier runs inside oneDNN.

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "ops/convolution/conv.h"
#include "ops/convolution/window.h"
#include "ops/elementwise/activation_step.h"
#include "ops/linear/bfloat16.h"
#include "ops/linear/fold.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {

using onednn::Convolution;
using onednn::ConvolutionShape;

namespace {

std::int64_t groups_of(const Node& node) {
  return node.attributes.get_or<std::int64_t>("groups", 1);
}

// One entry a dimension, those that are not there in front.
ConvolutionShape::Extents extents(const Shape& values, std::int64_t front) {
  ConvolutionShape::Extents all{front, front, front};
  std::ranges::copy(values, all.end() - std::ssize(values));
  return all;
}

}  // namespace

bool conv_has_bias(const Node& node) {
  return node.attributes.get_or<std::int64_t>("bias", 1) != 0;
}

ConvolutionShape conv_shape(const Node& node, const Shape& src, const Shape& dst) {
  const Window window = window_of(node, src);
  return {.channels = src[0],
          .outputs = dst[0],
          .groups = groups_of(node),
          .src = extents({src.begin() + 1, src.end()}, 1),
          .dst = extents({dst.begin() + 1, dst.end()}, 1),
          .kernel = extents(window.kernel, 1),
          .strides = extents(window.strides, 1),
          .dilations = extents(window.dilations, 1),
          .begins = extents(window.begins, 0),
          .ends = extents(window.ends, 0)};
}

std::int64_t conv_weights(const ConvolutionShape& shape) {
  return shape.outputs * shape.channels / shape.groups * shape.kernel[0] * shape.kernel[1] *
         shape.kernel[2];
}

namespace {

// The slope of a follower that oneDNN can apply; 1 for none.
std::optional<float> slope_inside(const Node* follower) {
  if (follower == nullptr) return 1.0f;
  const Activation& activation = follower->attributes.get<Activation>("activation");
  if (activation.info().name == "identity") return 1.0f;
  if (anneal_steps(*follower) > 0) return std::nullopt;
  if (activation.info().name == "relu") return 0.0f;
  if (activation.info().name == "leaky_relu") return activation.parameters()[0];
  return std::nullopt;
}

class ConvKernel final : public Kernel {
 public:
  explicit ConvKernel(const PlanRequest& request)
      : shape_(conv_shape(request.node, request.src[0].shape, request.dst.shape)),
        training_(request.training),
        bias_(conv_has_bias(request.node)),
        fold_(request),
        follows_(request.follower != nullptr),
        slope_(request.training ? std::nullopt : slope_inside(request.follower)),
        activation_(request.follower, extent_of(request.dst), fold_.end()),
        weights_(conv_weights(shape_)),
        src_size_(element_count(request.src[0].shape)),
        dst_size_(element_count(request.dst.shape)) {
    shape_.bfloat16 = request.training && request.precision == Precision::kBfloat16;
    needs_src = !shape_.bfloat16;
    needs_dst = passes() && activation_.saves() == activations::Saves::kOutput && follows_;
    keeps_diff = !passes();
    kept_z_ = needs_dst || !passes() || !follows_ ? 0 : dst_size_;
    rounded_ = shape_.bfloat16 ? bfloat16_floats(src_size_) : 0;
    saved = kept_z_ + rounded_;
    scratch = (activation_.width() == 1 ? 0 : dst_size_) +
              (shape_.bfloat16 ? bfloat16_floats(dst_size_) : 0);
    reserve(request.rows, request.rows);
    workspace = fold_.workspace() + convolutions_.at(request.rows).workspace();
  }

  void reserve(std::int64_t rows, std::int64_t) override {
    if (rows == 0 || convolutions_.contains(rows)) return;
    ConvolutionShape shape = shape_;
    shape.rows = rows;
    Convolution convolution(shape, {.backward_data = training_, .backward_weights = training_});
    if (slope_) convolution.fuse(*slope_);
    convolutions_.emplace(rows, std::move(convolution));
  }

  std::string implementation() const override {
    return convolutions_.begin()->second.implementation();
  }

  void forward(const Pass& pass, int) const override {
    if (pass.rows == 0) return;
    const Convolution& convolution = convolutions_.at(pass.rows);
    if (!training_) return evaluate(pass, convolution);
    const void* src = pass.src[0];
    if (shape_.bfloat16) {
      to_bfloat16(pass.src[0], pass.rows * src_size_, rounded(pass));
      src = rounded(pass);
    }
    float* z = z_of(pass);
    const Folded own = folded(pass);
    convolution.forward(src, own.weights, z, space(pass));
    if (passes()) activation_.forward(pass_of(pass), z, own.bias);
  }

  void backward(const Pass& pass, int) const override {
    if (pass.rows == 0) return clear_gradients(pass);
    const Convolution& convolution = convolutions_.at(pass.rows);
    float* diff_z = activation_.width() == 1 ? pass.diff_dst : pass.scratch;
    float* diff_bias = fold_.folds() ? fold_space(pass) : bias_ ? pass.diff_parameters[1] : nullptr;
    // Its bias is not read: the gradient may lie there.
    const float* weights = folded(pass).weights;
    if (passes())
      activation_.backward(pass, kept_z_ > 0 ? pass.saved : pass.dst, diff_z, diff_bias);
    const void* diff = diff_z;
    const void* src = pass.src[0];
    if (shape_.bfloat16) {
      std::uint16_t* narrow = reinterpret_cast<std::uint16_t*>(
          pass.scratch + (activation_.width() == 1 ? 0 : pass.rows * dst_size_));
      to_bfloat16(diff_z, pass.rows * dst_size_, narrow);
      diff = narrow;
      src = rounded(pass);
    }
    convolution.backward_weights(src, diff, pass.diff_parameters[0], space(pass));
    if (pass.diff_src[0] != nullptr)
      convolution.backward_data(diff, weights, pass.diff_src[0], space(pass));
    if (fold_.folds()) fold_.unfold(pass, shape_.outputs, weights_, diff_bias);
  }

 private:
  // Whether there is a pass over the product: a bias, or an activation.
  bool passes() const { return bias_ || follows_ || fold_.folds(); }
  float* z_of(const Pass& pass) const {
    if (pass.saved != nullptr && kept_z_ > 0) return pass.saved;
    return activation_.width() > 1 ? pass.scratch : pass.dst;
  }
  std::uint16_t* rounded(const Pass& pass) const {
    return reinterpret_cast<std::uint16_t*>(pass.saved + pass.rows * kept_z_);
  }
  float* fold_space(const Pass& pass) const { return pass.scratch + pass.rows * scratch; }
  float* space(const Pass& pass) const { return fold_space(pass) + fold_.workspace(); }  // oneDNN's

  // What the product takes: of a plan that is not frozen, the parameters as they are.
  Folded folded(const Pass& pass) const {
    if (training_ && !fold_.folds())
      return {pass.parameters[0], bias_ ? pass.parameters[1] : nullptr};
    return fold_.apply(pass, shape_.outputs, weights_, fold_space(pass));
  }

  // What the activation sees: nothing saved where it keeps its output.
  Pass pass_of(const Pass& pass) const {
    Pass own = pass;
    if (kept_z_ == 0) own.saved = nullptr;
    return own;
  }

  void evaluate(const Pass& pass, const Convolution& convolution) const {
    const Folded own = folded(pass);
    if (slope_ && pass.census == nullptr)
      return convolution.fused_forward(pass.src[0], own.weights, own.bias, pass.dst, space(pass));
    float* z = activation_.width() > 1 ? pass.scratch : pass.dst;
    convolution.forward(pass.src[0], own.weights, z, space(pass));
    activation_.forward(pass, z, own.bias);
  }

  void clear_gradients(const Pass& pass) const {
    std::fill_n(pass.diff_parameters[0], weights_, 0.0f);
    for (std::size_t i = 1; i < fold_.end(); ++i)
      if (pass.diff_parameters[i] != nullptr)
        std::fill_n(pass.diff_parameters[i], shape_.outputs, 0.0f);
    if (passes())
      activation_.backward(pass, pass.dst, pass.diff_dst,
                           nullptr);  // of no rows: a learned slope's gradient is 0
  }

  ConvolutionShape shape_;
  bool training_;
  bool bias_;
  Fold fold_;
  bool follows_;
  std::optional<float> slope_;  // of a leaky rectifier inside oneDNN
  ActivationStep activation_;
  std::int64_t weights_;
  std::int64_t src_size_;
  std::int64_t dst_size_;
  std::int64_t kept_z_ = 0;                           // floats a row
  std::int64_t rounded_ = 0;                          // floats a row
  std::map<std::int64_t, Convolution> convolutions_;  // by rows
};

Shape infer(const Node& node, std::span<const Value> src) {
  const Shape& from = src[0].shape;
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  const std::int64_t groups = groups_of(node);
  const Window window = window_of(node, from);
  if (outputs < 1) reject(node, "outputs is " + std::to_string(outputs) + "; expected at least 1");
  if (groups < 1 || from[0] % groups != 0 || outputs % groups != 0)
    reject(node, "groups is " + std::to_string(groups) + "; expected a divisor of the " +
                     std::to_string(from[0]) + " channels of src " + to_string(from) +
                     " and of the " + std::to_string(outputs) + " outputs");
  Shape dst = {outputs};
  for (std::size_t i = 0; i + 1 < from.size(); ++i) dst.push_back(fits(node, window, from, i));
  return dst;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  Shape weight = {outputs, src[0].shape[0] / groups_of(node)};
  for (const std::int64_t extent : node.attributes.get<std::vector<std::int64_t>>("kernel"))
    weight.push_back(extent);
  std::vector<ParameterSpec> specs = {
      {node.name + ".weight", weight, ParameterSpec::Role::kWeight}};
  if (conv_has_bias(node))
    specs.push_back({node.name + ".bias", {outputs}, ParameterSpec::Role::kBias});
  return specs;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  if (divides_conv(request)) return divided_conv_kernel(request);
  return std::make_unique<ConvKernel>(request);
}

// Of one output: `place` among the positions of dst.
double product(const ConvolutionShape& s, const double* src, const double* weight,
               const Shape& place) {
  const Shape image(s.src.begin(), s.src.end());
  const Shape kernel(s.kernel.begin(), s.kernel.end());
  double sum = 0.0;
  for (std::int64_t k = 0; k < element_count(kernel); ++k) {
    Shape at = index_of(k, kernel);
    bool inside = true;
    for (std::size_t i = 0; i < at.size(); ++i) {
      at[i] = place[i] * s.strides[i] - s.begins[i] + at[i] * s.dilations[i];
      inside = inside && at[i] >= 0 && at[i] < image[i];
    }
    for (std::int64_t c = 0; inside && c < s.channels / s.groups; ++c)
      sum += src[c * element_count(image) + element_at(at, image)] *
             weight[c * element_count(kernel) + k];
  }
  return sum;
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& from = args.values[0].shape;
  const ConvolutionShape s = conv_shape(args.node, from, ops::infer(args.node, args.values).shape);
  const Shape places(s.dst.begin(), s.dst.end());
  const std::int64_t in = s.channels / s.groups;
  const std::int64_t out = s.outputs / s.groups;
  const std::int64_t image = s.src[0] * s.src[1] * s.src[2];
  const std::int64_t weights = in * s.kernel[0] * s.kernel[1] * s.kernel[2];
  std::vector<double> dst;
  for (std::int64_t row = 0; row < args.rows; ++row)
    for (std::int64_t o = 0; o < s.outputs; ++o)
      for (std::int64_t place = 0; place < element_count(places); ++place) {
        const double* src = args.src[0].data() + (row * s.channels + o / out * in) * image;
        const double bias = conv_has_bias(args.node) ? args.parameters[1][o] : 0.0;
        dst.push_back(bias + product(s, src, args.parameters[0].data() + o * weights,
                                     index_of(place, places)));
      }
  return dst;
}

}  // namespace

Operator conv_operator() {
  return {.name = "conv",
          .layout = LayoutRule::kChannelsLast,
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .fuses_activation = true,
          .reference = reference,
          .folds_batch_norm = true,
          .training_differs = rounds_factors,
          .traits = {.kind = Kind::kWeights, .multiply_adds = weights_at_each_position}};
}

}  // namespace undying::ops
