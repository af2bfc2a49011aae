#include "onednn/inner_product.h"

#include <algorithm>

#include "onednn/primitive.h"

namespace undying::onednn {
namespace {

using dnnl::memory;

struct Descriptions {
  Descriptions(std::int64_t rows, std::int64_t inputs, std::int64_t outputs)
      : src({rows, inputs}, Type::bf16, Tag::ab),
        weights({outputs, inputs}, Type::bf16, Tag::ab),
        diff_dst({rows, outputs}, Type::bf16, Tag::ab),
        dst({rows, outputs}, Type::f32, Tag::ab),
        diff_src({rows, inputs}, Type::f32, Tag::ab),
        diff_weights({outputs, inputs}, Type::f32, Tag::ab) {}

  memory::desc src, weights, diff_dst, dst, diff_src, diff_weights;
};

dnnl::inner_product_forward::primitive_desc forward_of(const Descriptions& d) {
#if UNDYING_ONEDNN_3
  return {cpu(), dnnl::prop_kind::forward_training, d.src, d.weights, d.dst, attributes()};
#else
  return {{dnnl::prop_kind::forward_training, d.src, d.weights, d.dst}, attributes(), cpu()};
#endif
}

dnnl::inner_product_backward_data::primitive_desc data_of(
    const Descriptions& d, const dnnl::inner_product_forward::primitive_desc& hint) {
#if UNDYING_ONEDNN_3
  return {cpu(), d.diff_src, d.weights, d.diff_dst, hint, attributes()};
#else
  return {{d.diff_src, d.weights, d.diff_dst}, attributes(), cpu(), hint};
#endif
}

dnnl::inner_product_backward_weights::primitive_desc weights_of(
    const Descriptions& d, const dnnl::inner_product_forward::primitive_desc& hint) {
#if UNDYING_ONEDNN_3
  return {cpu(), d.src, d.diff_weights, d.diff_dst, hint, attributes()};
#else
  return {{d.src, d.diff_weights, d.diff_dst}, attributes(), cpu(), hint};
#endif
}

}  // namespace

struct InnerProduct::Primitives {
  Primitives(std::int64_t rows, std::int64_t inputs, std::int64_t outputs)
      : d(rows, inputs, outputs),
        forward_desc(forward_of(d)),
        data_desc(data_of(d, forward_desc)),
        weights_desc(weights_of(d, forward_desc)),
        forward(forward_desc),
        data(data_desc),
        weights(weights_desc) {}

  Descriptions d;
  dnnl::inner_product_forward::primitive_desc forward_desc;
  dnnl::inner_product_backward_data::primitive_desc data_desc;
  dnnl::inner_product_backward_weights::primitive_desc weights_desc;
  dnnl::inner_product_forward forward;
  dnnl::inner_product_backward_data data;
  dnnl::inner_product_backward_weights weights;
};

InnerProduct::InnerProduct(std::int64_t rows, std::int64_t inputs, std::int64_t outputs)
    : primitives_(checked("inner product",
                          [&] { return std::make_unique<Primitives>(rows, inputs, outputs); })) {}
InnerProduct::~InnerProduct() = default;
InnerProduct::InnerProduct(InnerProduct&&) noexcept = default;

std::int64_t InnerProduct::workspace() const {
  const Primitives& p = *primitives_;
  return std::max({floats(p.forward_desc.scratchpad_desc()), floats(p.data_desc.scratchpad_desc()),
                   floats(p.weights_desc.scratchpad_desc())});
}

void InnerProduct::forward(const std::uint16_t* src, const std::uint16_t* weights, float* dst,
                           float* workspace) const {
  const Primitives& p = *primitives_;
  execute(p.forward, {{DNNL_ARG_SRC, at(p.d.src, src)},
                      {DNNL_ARG_WEIGHTS, at(p.d.weights, weights)},
                      {DNNL_ARG_DST, at(p.d.dst, dst)},
                      {DNNL_ARG_SCRATCHPAD, at(p.forward_desc.scratchpad_desc(), workspace)}});
}

void InnerProduct::backward_data(const std::uint16_t* diff_dst, const std::uint16_t* weights,
                                 float* diff_src, float* workspace) const {
  const Primitives& p = *primitives_;
  execute(p.data, {{DNNL_ARG_DIFF_DST, at(p.d.diff_dst, diff_dst)},
                   {DNNL_ARG_WEIGHTS, at(p.d.weights, weights)},
                   {DNNL_ARG_DIFF_SRC, at(p.d.diff_src, diff_src)},
                   {DNNL_ARG_SCRATCHPAD, at(p.data_desc.scratchpad_desc(), workspace)}});
}

void InnerProduct::backward_weights(const std::uint16_t* src, const std::uint16_t* diff_dst,
                                    float* diff_weights, float* workspace) const {
  const Primitives& p = *primitives_;
  execute(p.weights, {{DNNL_ARG_SRC, at(p.d.src, src)},
                      {DNNL_ARG_DIFF_DST, at(p.d.diff_dst, diff_dst)},
                      {DNNL_ARG_DIFF_WEIGHTS, at(p.d.diff_weights, diff_weights)},
                      {DNNL_ARG_SCRATCHPAD, at(p.weights_desc.scratchpad_desc(), workspace)}});
}

}  // namespace undying::onednn
