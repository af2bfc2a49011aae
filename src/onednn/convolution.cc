#include "onednn/convolution.h"

#include <algorithm>
#include <array>

#include "onednn/primitive.h"

namespace undying::onednn {
namespace {

using dnnl::memory;

// Images are told to oneDNN as images: it has more implementations for them than for volumes of one
// plane.
bool is_volume(const ConvolutionShape& s) {
  return s.src[0] > 1 || s.dst[0] > 1 || s.kernel[0] > 1;
}

memory::dims dims(const ConvolutionShape& s, const ConvolutionShape::Extents& values) {
  return is_volume(s) ? memory::dims{values[0], values[1], values[2]}
                      : memory::dims{values[1], values[2]};
}

// oneDNN counts a dense kernel's dilation as 0.
memory::dims dilation_dims(const ConvolutionShape& s) {
  memory::dims all = dims(s, s.dilations);
  for (auto& each : all) --each;
  return all;
}

memory::dims joined(memory::dims front, const memory::dims& behind) {
  front.insert(front.end(), behind.begin(), behind.end());
  return front;
}

struct Descriptions {
  explicit Descriptions(const ConvolutionShape& s) {
    const Type type = s.bfloat16 ? Type::bf16 : Type::f32;
    const bool grouped = s.groups > 1;
    const bool volume = is_volume(s);
    const Tag last = volume ? Tag::ndhwc : Tag::nhwc;
    const memory::dims weight_dims =
        joined(grouped ? memory::dims{s.groups, s.outputs / s.groups, s.channels / s.groups}
                       : memory::dims{s.outputs, s.channels},
               dims(s, s.kernel));
    const memory::dims src_dims = joined({s.rows, s.channels}, dims(s, s.src));
    const memory::dims dst_dims = joined({s.rows, s.outputs}, dims(s, s.dst));
    src = {src_dims, type, last};
    diff_src = {src_dims, Type::f32, last};
    dst = {dst_dims, Type::f32, last};
    diff_dst = {dst_dims, type, last};
    weights = {weight_dims, type, Tag::any};
    diff_weights = {weight_dims, Type::f32, Tag::any};
    plain = {weight_dims, Type::f32,
             grouped ? (volume ? Tag::goidhw : Tag::goihw) : (volume ? Tag::oidhw : Tag::oihw)};
    if (s.stride > 0) plain = {weight_dims, Type::f32, strides(weight_dims, s.stride)};
    bias = {{s.outputs}, Type::f32, Tag::x};
  }

  // Of weights without groups, row-major but for `stride` channels from one output to the next.
  static memory::dims strides(const memory::dims& dims, std::int64_t stride) {
    memory::dims all(dims.size(), 1);
    for (std::size_t i = dims.size() - 1; i-- > 1;) all[i] = all[i + 1] * dims[i + 1];
    all[0] = stride * all[1];
    return all;
  }

  memory::desc src, diff_src, dst, diff_dst, weights, diff_weights, plain, bias;
};

// The differences between oneDNN 2 and 3.
dnnl::convolution_forward::primitive_desc forward_of(const ConvolutionShape& s,
                                                     const Descriptions& d,
                                                     const dnnl::primitive_attr& attr,
                                                     const memory::desc& bias) {
#if UNDYING_ONEDNN_3
  return {cpu(),
          dnnl::prop_kind::forward_training,
          dnnl::algorithm::convolution_direct,
          d.src,
          d.weights,
          bias,
          d.dst,
          dims(s, s.strides),
          dilation_dims(s),
          dims(s, s.begins),
          dims(s, s.ends),
          attr};
#else
  return {{dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, d.src, d.weights,
           bias, d.dst, dims(s, s.strides), dilation_dims(s), dims(s, s.begins), dims(s, s.ends)},
          attr,
          cpu()};
#endif
}

// Of a backward pass, by its three memories in the order of its primitive.
template <class Description>
Description backward_of(const ConvolutionShape& s,
                        const std::array<dnnl::memory::desc, 3>& memories,
                        const dnnl::convolution_forward::primitive_desc& hint) {
  const auto& [first, second, third] = memories;
#if UNDYING_ONEDNN_3
  return {cpu(),
          dnnl::algorithm::convolution_direct,
          first,
          second,
          third,
          dims(s, s.strides),
          dilation_dims(s),
          dims(s, s.begins),
          dims(s, s.ends),
          hint,
          attributes()};
#else
  return {{dnnl::algorithm::convolution_direct, first, second, third, dims(s, s.strides),
           dilation_dims(s), dims(s, s.begins), dims(s, s.ends)},
          attributes(),
          cpu(),
          hint};
#endif
}

dnnl::primitive_attr leaky(float slope) {
  dnnl::primitive_attr attr = attributes();
  if (slope == 1.0f) return attr;
  dnnl::post_ops ops;
#if UNDYING_ONEDNN_3
  ops.append_eltwise(dnnl::algorithm::eltwise_relu, slope, 0.0f);
#else
  ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, slope, 0.0f);
#endif
  attr.set_post_ops(ops);
  return attr;
}

}  // namespace

bool has_bfloat16() {
  // Instruction sets are sets of bits: those that hold this one.
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

struct Convolution::Primitives {
  Primitives(const ConvolutionShape& s, ConvolutionPasses wanted)
      : shape(s), passes(wanted), d(s), forward_desc(forward_of(s, d, attributes(), {})) {
    if (passes.forward) {
      forward = dnnl::convolution_forward(forward_desc);
      to_forward = reorder(d.plain, forward_desc.weights_desc());
    }
    if (passes.backward_data) {
      data_desc = backward_of<dnnl::convolution_backward_data::primitive_desc>(
          s, {d.diff_src, d.weights, d.diff_dst}, forward_desc);
      data = dnnl::convolution_backward_data(data_desc);
      to_data = reorder(d.plain, data_desc.weights_desc());
    }
    if (passes.backward_weights) {
      weights_desc = backward_of<dnnl::convolution_backward_weights::primitive_desc>(
          s, {d.src, d.diff_weights, d.diff_dst}, forward_desc);
      weights = dnnl::convolution_backward_weights(weights_desc);
      from_weights = reorder(weights_desc.diff_weights_desc(), d.plain);
    }
  }

  static dnnl::reorder reorder(const memory::desc& from, const memory::desc& to) {
    return dnnl::reorder(dnnl::reorder::primitive_desc(cpu(), from, cpu(), to));
  }

  // `to`: what plain weights become at the front of a workspace; itself where they can stay.
  memory laid(const dnnl::reorder& copy, const memory::desc& to, const float* values,
              float*& workspace) const {
    memory plain = at(d.plain, values);
    if (to == d.plain) return plain;
    memory target = at(to, workspace);
    workspace += floats(to);
    execute(copy, {{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, target}});
    return target;
  }

  ConvolutionShape shape;
  ConvolutionPasses passes;
  Descriptions d;
  dnnl::convolution_forward::primitive_desc forward_desc;
  dnnl::convolution_backward_data::primitive_desc data_desc;
  dnnl::convolution_backward_weights::primitive_desc weights_desc;
  dnnl::convolution_forward forward;
  dnnl::convolution_backward_data data;
  dnnl::convolution_backward_weights weights;
  dnnl::reorder to_forward, to_data, from_weights;
  // Of the fused forward pass, where there is one.
  std::unique_ptr<dnnl::convolution_forward::primitive_desc> fused_desc;
  dnnl::convolution_forward fused;
  dnnl::reorder to_fused;
};

Convolution::Convolution(const ConvolutionShape& shape, ConvolutionPasses passes)
    : primitives_(
          checked("convolution", [&] { return std::make_unique<Primitives>(shape, passes); })) {}
Convolution::~Convolution() = default;
Convolution::Convolution(Convolution&&) noexcept = default;
Convolution& Convolution::operator=(Convolution&&) noexcept = default;

void Convolution::fuse(float slope) {
  Primitives& p = *primitives_;
  checked("convolution", [&] {
    p.fused_desc = std::make_unique<dnnl::convolution_forward::primitive_desc>(
        forward_of(p.shape, p.d, leaky(slope), p.d.bias));
    p.fused = dnnl::convolution_forward(*p.fused_desc);
    p.to_fused = Primitives::reorder(p.d.plain, p.fused_desc->weights_desc());
  });
}

std::int64_t Convolution::workspace() const {
  const Primitives& p = *primitives_;
  std::int64_t most = 0;
  const auto room = [&](const memory::desc& laid, const memory::desc& scratch) {
    most = std::max(most, floats(laid) + floats(scratch));
  };
  if (p.passes.forward) room(p.forward_desc.weights_desc(), p.forward_desc.scratchpad_desc());
  if (p.passes.backward_data) room(p.data_desc.weights_desc(), p.data_desc.scratchpad_desc());
  if (p.passes.backward_weights)
    room(p.weights_desc.diff_weights_desc(), p.weights_desc.scratchpad_desc());
  if (p.fused_desc) room(p.fused_desc->weights_desc(), p.fused_desc->scratchpad_desc());
  return most;
}

std::string Convolution::implementation() const {
  const Primitives& p = *primitives_;
  std::string names = p.forward_desc.impl_info_str();
  if (p.passes.backward_data) names += std::string(", ") + p.data_desc.impl_info_str();
  if (p.passes.backward_weights) names += std::string(", ") + p.weights_desc.impl_info_str();
  return names;
}

void Convolution::forward(const void* src, const float* weights, float* dst,
                          float* workspace) const {
  const Primitives& p = *primitives_;
  const memory laid = p.laid(p.to_forward, p.forward_desc.weights_desc(), weights, workspace);
  execute(p.forward, {{DNNL_ARG_SRC, at(p.d.src, src)},
                      {DNNL_ARG_WEIGHTS, laid},
                      {DNNL_ARG_DST, at(p.d.dst, dst)},
                      {DNNL_ARG_SCRATCHPAD, at(p.forward_desc.scratchpad_desc(), workspace)}});
}

void Convolution::fused_forward(const void* src, const float* weights, const float* bias,
                                float* dst, float* workspace) const {
  const Primitives& p = *primitives_;
  const memory laid = p.laid(p.to_fused, p.fused_desc->weights_desc(), weights, workspace);
  execute(p.fused, {{DNNL_ARG_SRC, at(p.d.src, src)},
                    {DNNL_ARG_WEIGHTS, laid},
                    {DNNL_ARG_BIAS, at(p.d.bias, bias)},
                    {DNNL_ARG_DST, at(p.d.dst, dst)},
                    {DNNL_ARG_SCRATCHPAD, at(p.fused_desc->scratchpad_desc(), workspace)}});
}

void Convolution::backward_data(const void* diff_dst, const float* weights, float* diff_src,
                                float* workspace) const {
  const Primitives& p = *primitives_;
  const memory laid = p.laid(p.to_data, p.data_desc.weights_desc(), weights, workspace);
  execute(p.data, {{DNNL_ARG_DIFF_DST, at(p.d.diff_dst, diff_dst)},
                   {DNNL_ARG_WEIGHTS, laid},
                   {DNNL_ARG_DIFF_SRC, at(p.d.diff_src, diff_src)},
                   {DNNL_ARG_SCRATCHPAD, at(p.data_desc.scratchpad_desc(), workspace)}});
}

void Convolution::backward_weights(const void* src, const void* diff_dst, float* diff_weights,
                                   float* workspace) const {
  const Primitives& p = *primitives_;
  const memory::desc desc = p.weights_desc.diff_weights_desc();
  const bool plain = desc == p.d.plain;
  float* target = plain ? diff_weights : workspace;
  if (!plain) workspace += floats(desc);
  const memory laid = at(desc, target);
  execute(p.weights, {{DNNL_ARG_SRC, at(p.d.src, src)},
                      {DNNL_ARG_DIFF_DST, at(p.d.diff_dst, diff_dst)},
                      {DNNL_ARG_DIFF_WEIGHTS, laid},
                      {DNNL_ARG_SCRATCHPAD, at(p.weights_desc.scratchpad_desc(), workspace)}});
  if (!plain)
    execute(p.from_weights, {{DNNL_ARG_FROM, laid}, {DNNL_ARG_TO, at(p.d.plain, diff_weights)}});
}

}  // namespace undying::onednn
