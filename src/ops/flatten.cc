// flatten: the same values as one vector an example; ONNX Flatten with axis = 1.

#include <algorithm>

#include "ops/rows.h"

namespace undying::ops {
namespace {

class FlattenKernel final : public Kernel {
 public:
  explicit FlattenKernel(std::int64_t width) : width_(width) { in_place = true; }

  void forward(const Pass& pass, int) const override {
    if (pass.dst != pass.src) std::copy_n(pass.src, pass.rows * width_, pass.dst);
  }
  void backward(const Pass& pass, int) const override {
    if (pass.diff_src != nullptr) std::copy_n(pass.diff_dst, pass.rows * width_, pass.diff_src);
  }

 private:
  std::int64_t width_;
};

Shape infer(const Node&, const Shape& src) { return {element_count(src)}; }
std::vector<ParameterSpec> parameters(const Node&, const Shape&) { return {}; }
std::unique_ptr<Kernel> plan(const Node&, const Shape& src, const Node*) { return std::make_unique<FlattenKernel>(element_count(src)); }
std::vector<double> reference(const Node&, const Shape&, std::int64_t, const std::vector<double>& src,
                              const std::vector<std::vector<double>>&, const Pass&) {
  return src;
}

}  // namespace

Operator flatten_operator() { return {"flatten", "Flatten", infer, parameters, plan, false, reference}; }

}  // namespace undying::ops
