#include "activations_peers.h"

#include <memory>

#if defined(UNDYING_BENCH_ONEDNN)
#include <dnnl.hpp>
#endif
#if defined(UNDYING_BENCH_XNNPACK)
#include <xnnpack.h>
#endif

// One clone per instruction set, chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define UNDYING_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define UNDYING_CLONES
#endif

// Of GNU OpenMP, oneDNN's runtime.
extern "C" void omp_set_num_threads(int count);

namespace undying::bench {

UNDYING_CLONES void plain_forward(std::int64_t size, float slope, const float* src, float* dst) {
  for (std::int64_t i = 0; i < size; ++i) dst[i] = src[i] > 0.0f ? src[i] : slope * src[i];
}

UNDYING_CLONES void plain_backward(std::int64_t size, float slope, const float* src,
                                   const float* diff_dst, float* diff_src) {
  for (std::int64_t i = 0; i < size; ++i)
    diff_src[i] = src[i] > 0.0f ? diff_dst[i] : slope * diff_dst[i];
}

UNDYING_CLONES void plain_scale(std::int64_t size, float factor, float* data) {
  for (std::int64_t i = 0; i < size; ++i) data[i] *= factor;
}

#if defined(UNDYING_BENCH_ONEDNN)
namespace {

struct OneDnn {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::memory::desc shape;

  explicit OneDnn(std::int64_t size)
      : shape({size}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::a) {
    omp_set_num_threads(1);
  }

  dnnl::memory at(const float* data) const { return {shape, engine, const_cast<float*>(data)}; }
};

#if DNNL_VERSION_MAJOR >= 3
dnnl::eltwise_forward::primitive_desc forward_of(const OneDnn& library, float slope) {
  return {library.engine,
          dnnl::prop_kind::forward_training,
          dnnl::algorithm::eltwise_relu,
          library.shape,
          library.shape,
          slope};
}
dnnl::eltwise_backward::primitive_desc backward_of(const OneDnn& library, float slope) {
  return {
      library.engine, dnnl::algorithm::eltwise_relu, library.shape, library.shape, library.shape,
      slope,          forward_of(library, slope)};
}
#else
dnnl::eltwise_forward::primitive_desc forward_of(const OneDnn& library, float slope) {
  return {{dnnl::prop_kind::forward_training, dnnl::algorithm::eltwise_relu, library.shape, slope},
          library.engine};
}
dnnl::eltwise_backward::primitive_desc backward_of(const OneDnn& library, float slope) {
  return {{dnnl::algorithm::eltwise_relu, library.shape, library.shape, slope},
          library.engine,
          forward_of(library, slope)};
}
#endif

}  // namespace

std::function<void()> onednn_forward(std::int64_t size, float slope, const float* src, float* dst) {
  const auto library = std::make_shared<OneDnn>(size);
  const dnnl::eltwise_forward run(forward_of(*library, slope));
  const auto from = library->at(src), to = library->at(dst);
  return [=] {
    run.execute(library->stream, {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
    library->stream.wait();
  };
}

std::function<void()> onednn_backward(std::int64_t size, float slope, const float* src,
                                      const float* diff_dst, float* diff_src) {
  const auto library = std::make_shared<OneDnn>(size);
  const dnnl::eltwise_backward run(backward_of(*library, slope));
  const auto state = library->at(src), from = library->at(diff_dst), to = library->at(diff_src);
  return [=] {
    run.execute(library->stream,
                {{DNNL_ARG_SRC, state}, {DNNL_ARG_DIFF_DST, from}, {DNNL_ARG_DIFF_SRC, to}});
    library->stream.wait();
  };
}
#else
std::function<void()> onednn_forward(std::int64_t, float, const float*, float*) { return {}; }
std::function<void()> onednn_backward(std::int64_t, float, const float*, const float*, float*) {
  return {};
}
#endif

#if defined(UNDYING_BENCH_XNNPACK)
std::function<void()> xnnpack_forward(std::int64_t size, float slope, const float* src,
                                      float* dst) {
  xnn_operator_t run = nullptr;
  if (xnn_initialize(nullptr) != xnn_status_success) return {};
  if (xnn_create_leaky_relu_nc_f32(1, 1, 1, slope, 0, &run) != xnn_status_success) return {};
  const std::shared_ptr<xnn_operator> owner(run, xnn_delete_operator);
  if (xnn_setup_leaky_relu_nc_f32(run, static_cast<std::size_t>(size), src, dst, nullptr) !=
      xnn_status_success)
    return {};
  return [owner] { xnn_run_operator(owner.get(), nullptr); };
}
#else
std::function<void()> xnnpack_forward(std::int64_t, float, const float*, float*) { return {}; }
#endif

}  // namespace undying::bench
