// conv_transpose: the linear map whose transpose is a convolution; ONNX ConvTranspose. So its
// forward pass is that convolution's backward pass over data, and the other way round: weights (C,
// outputs / groups, kernel) are those of a convolution from `outputs` to C channels.

#include <algorithm>
#include <map>

#include "onednn/convolution.h"
#include "ops/convolution/window.h"
#include "ops/elementwise/activation_step.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

using onednn::Convolution;
using onednn::ConvolutionShape;
using Ints = std::vector<std::int64_t>;

std::int64_t groups_of(const Node& node) {
  return node.attributes.get_or<std::int64_t>("groups", 1);
}
bool has_bias(const Node& node) { return node.attributes.get_or<std::int64_t>("bias", 1) != 0; }

// The window, with the pads that give the wanted output, and that output. ONNX: extent = stride (in
// - 1) + output padding + reach - pads.
struct Geometry {
  Window window;
  Shape dst;  // of one example
};

Ints optional_ints(const Node& node, const char* name, std::size_t count) {
  Ints values = node.attributes.get_or<Ints>(name, Ints(count, 0));
  if (values.size() != count)
    reject(node, std::string(name) + " " + to_string(values) + " has " +
                     std::to_string(values.size()) + " entries; expected " + std::to_string(count));
  return values;
}

Geometry geometry_of(const Node& node, const Shape& src) {
  Node padded_explicitly = node;
  const std::string mode = node.attributes.get_or<std::string>("auto_pad", "notset");
  const bool same = mode == "same_upper" || mode == "same_lower";
  if (same) padded_explicitly.attributes.set("auto_pad", std::string("notset"));
  Geometry g{window_of(padded_explicitly, src), {node.attributes.get<std::int64_t>("outputs")}};
  const std::size_t count = src.size() - 1;
  const Ints extra = optional_ints(node, "output_padding", count);
  const bool given = node.attributes.has("output_shape") || same;
  Ints wanted = optional_ints(node, "output_shape", count);
  for (std::size_t i = 0; i < count; ++i) {
    if (extra[i] < 0 || extra[i] >= std::max(g.window.strides[i], g.window.dilations[i]))
      reject(node, "output_padding " + to_string(extra) + " has an entry outside 0.." +
                       std::to_string(std::max(g.window.strides[i], g.window.dilations[i]) - 1));
    if (same && !node.attributes.has("output_shape")) wanted[i] = src[i + 1] * g.window.strides[i];
    const std::int64_t whole =
        g.window.strides[i] * (src[i + 1] - 1) + extra[i] + reach(g.window, i);
    if (given) {
      const std::int64_t total = std::max<std::int64_t>(0, whole - wanted[i]);
      g.window.begins[i] = mode == "same_upper" ? total / 2 : total - total / 2;
      g.window.ends[i] = total - g.window.begins[i];
    }
    const std::int64_t extent = given ? wanted[i] : whole - g.window.begins[i] - g.window.ends[i];
    if (extent < 1)
      reject(node, "src " + to_string(src) + " gives an output of extent " +
                       std::to_string(extent) + "; expected at least 1");
    if (given && extent > whole)
      reject(node, "output_shape " + to_string(wanted) + " is beyond what src " + to_string(src) +
                       " reaches: " + std::to_string(whole));
    const std::int64_t beyond =
        extent + g.window.begins[i] - reach(g.window, i) - g.window.strides[i] * (src[i + 1] - 1);
    if (beyond >= g.window.strides[i])
      reject(node, "output_padding " + to_string(extra) + " adds " + std::to_string(beyond) +
                       " places that no window reaches; expected fewer than the stride, " +
                       std::to_string(g.window.strides[i]));
    g.dst.push_back(extent);
  }
  return g;
}

// Of the convolution that this is the transpose of.
ConvolutionShape shape_of(const Node& node, const Shape& src, const Geometry& g) {
  ConvolutionShape s{.channels = g.dst[0], .outputs = src[0], .groups = groups_of(node)};
  const std::size_t count = src.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t k = i + s.src.size() - count;
    s.src[k] = g.dst[i + 1];
    s.dst[k] = src[i + 1];
    s.kernel[k] = g.window.kernel[i];
    s.strides[k] = g.window.strides[i];
    s.dilations[k] = g.window.dilations[i];
    s.begins[k] = g.window.begins[i];
    // What the last window reaches beyond the output; it may end before it.
    s.ends[k] = std::max<std::int64_t>(
        0, s.strides[k] * (s.dst[k] - 1) + reach(g.window, i) - s.begins[k] - s.src[k]);
  }
  return s;
}

class ConvTransposeKernel final : public Kernel {
 public:
  explicit ConvTransposeKernel(const PlanRequest& request)
      : shape_(shape_of(request.node, request.src[0].shape,
                        geometry_of(request.node, request.src[0].shape))),
        bias_(has_bias(request.node)),
        follows_(request.follower != nullptr),
        activation_(request.follower, extent_of(request.dst), bias_ ? 2 : 1),
        dst_size_(element_count(request.dst.shape)) {
    needs_src = true;
    needs_dst = follows_ && activation_.saves() == activations::Saves::kOutput;
    keeps_diff = !passes();
    saved = needs_dst || !follows_ ? 0 : dst_size_;
    scratch = activation_.width() == 1 ? 0 : dst_size_;
    reserve(request.rows, request.rows);
    workspace = convolutions_.at(request.rows).workspace();
  }

  void reserve(std::int64_t rows, std::int64_t) override {
    if (rows == 0 || convolutions_.contains(rows)) return;
    ConvolutionShape shape = shape_;
    shape.rows = rows;
    convolutions_.emplace(rows, Convolution(shape));
  }

  std::string implementation() const override {
    return convolutions_.begin()->second.implementation();
  }

  void forward(const Pass& pass, int) const override {
    if (pass.rows == 0) return;
    float* z = pass.saved != nullptr     ? pass.saved
               : activation_.width() > 1 ? pass.scratch
                                         : pass.dst;
    convolutions_.at(pass.rows).backward_data(pass.src[0], pass.parameters[0], z, space(pass));
    if (passes()) activation_.forward(pass, z, bias_ ? pass.parameters[1] : nullptr);
  }

  void backward(const Pass& pass, int) const override {
    float* diff_z = activation_.width() == 1 ? pass.diff_dst : pass.scratch;
    if (passes())
      activation_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z,
                           bias_ ? pass.diff_parameters[1] : nullptr);
    const std::int64_t weights = shape_.outputs * shape_.channels / shape_.groups *
                                 shape_.kernel[0] * shape_.kernel[1] * shape_.kernel[2];
    if (pass.rows == 0) return void(std::fill_n(pass.diff_parameters[0], weights, 0.0f));
    const Convolution& convolution = convolutions_.at(pass.rows);
    convolution.backward_weights(diff_z, pass.src[0], pass.diff_parameters[0], space(pass));
    if (pass.diff_src[0] != nullptr)
      convolution.forward(diff_z, pass.parameters[0], pass.diff_src[0], space(pass));
  }

 private:
  bool passes() const { return bias_ || follows_; }
  float* space(const Pass& pass) const { return pass.scratch + pass.rows * scratch; }

  ConvolutionShape shape_;
  bool bias_;
  bool follows_;
  ActivationStep activation_;
  std::int64_t dst_size_;
  std::map<std::int64_t, Convolution> convolutions_;  // by rows
};

Shape infer(const Node& node, std::span<const Value> src) {
  const Shape& from = src[0].shape;
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  const std::int64_t groups = groups_of(node);
  if (outputs < 1) reject(node, "outputs is " + std::to_string(outputs) + "; expected at least 1");
  Shape dst = geometry_of(node, from).dst;
  if (groups < 1 || from[0] % groups != 0 || outputs % groups != 0)
    reject(node, "groups is " + std::to_string(groups) + "; expected a divisor of the " +
                     std::to_string(from[0]) + " channels of src " + to_string(from) +
                     " and of the " + std::to_string(outputs) + " outputs");
  return dst;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  Shape weight = {src[0].shape[0], outputs / groups_of(node)};
  for (const std::int64_t extent : node.attributes.get<Ints>("kernel")) weight.push_back(extent);
  std::vector<ParameterSpec> specs = {
      {node.name + ".weight", weight, ParameterSpec::Role::kWeight}};
  if (has_bias(node)) specs.push_back({node.name + ".bias", {outputs}, ParameterSpec::Role::kBias});
  return specs;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<ConvTransposeKernel>(request);
}

// Adds an input value, at `place` among the positions of src, to the outputs of one channel that
// its window covers.
void spread(const ConvolutionShape& s, double value, const double* weight, const Shape& place,
            double* dst) {
  const Shape image(s.src.begin(), s.src.end());
  const Shape kernel(s.kernel.begin(), s.kernel.end());
  for (std::int64_t k = 0; k < element_count(kernel); ++k) {
    Shape at = index_of(k, kernel);
    bool inside = true;
    for (std::size_t i = 0; i < at.size(); ++i) {
      at[i] = place[i] * s.strides[i] - s.begins[i] + at[i] * s.dilations[i];
      inside = inside && at[i] >= 0 && at[i] < image[i];
    }
    if (inside) dst[element_at(at, image)] += value * weight[k];
  }
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& from = args.values[0].shape;
  const ConvolutionShape s = shape_of(args.node, from, geometry_of(args.node, from));
  const Shape places(s.dst.begin(), s.dst.end());
  const std::int64_t in = s.outputs / s.groups;
  const std::int64_t out = s.channels / s.groups;
  const std::int64_t extent = s.src[0] * s.src[1] * s.src[2];
  const std::int64_t kernel = s.kernel[0] * s.kernel[1] * s.kernel[2];
  std::vector<double> dst(static_cast<std::size_t>(args.rows * s.channels * extent), 0.0);
  for (std::size_t i = 0; i < dst.size() && has_bias(args.node); ++i)
    dst[i] = args.parameters[1][i / static_cast<std::size_t>(extent) %
                                static_cast<std::size_t>(s.channels)];
  for (std::int64_t i = 0; i < std::ssize(args.src[0]); ++i) {
    const std::int64_t place = i % element_count(places);
    const std::int64_t c = i / element_count(places) % s.outputs;
    const std::int64_t row = i / element_count(places) / s.outputs;
    for (std::int64_t o = 0; o < out; ++o)
      spread(s, args.src[0][i], args.parameters[0].data() + (c * out + o) * kernel,
             index_of(place, places), dst.data() + (row * s.channels + c / in * out + o) * extent);
  }
  return dst;
}

}  // namespace

Operator conv_transpose_operator() {
  return {.name = "conv_transpose",
          .layout = LayoutRule::kChannelsLast,
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .fuses_activation = true,
          .reference = reference,
          .traits = {.kind = Kind::kWeights, .transposed = true}};
}

}  // namespace undying::ops
