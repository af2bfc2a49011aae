#include "ops/test_support.h"

#include "ops/arrange/reorder.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

void reorder(const Value& from, Layout to, const std::vector<float>& src, std::vector<float>& dst) {
  dst = src;
  if (from.layout == to) return;
  const float* in = src.data();
  Pass pass{.rows = 1, .dst = dst.data()};
  pass.src = std::span(&in, 1);
  reorder_kernel(from, to)->forward(pass, 0);
}

}  // namespace

Value plain(Shape shape) { return {std::move(shape), Layout::kPlain}; }
Value channels_last(Shape shape) { return {std::move(shape), Layout::kChannelsLast}; }

Node activation_node(const Activation& f) {
  return {"layer.0.activation",
          "activation",
          {1},
          {{"activation", f}, {"layer", std::string("layer.0")}}};
}

std::vector<std::int64_t> list(std::initializer_list<std::int64_t> values) { return values; }

std::string rejection(const Node& node, const std::vector<Value>& src) {
  try {
    infer(node, src);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<float> result(const Node& node, const std::vector<Shape>& shapes,
                          const std::vector<std::vector<float>>& src) {
  std::vector<Value> given;
  given.reserve(shapes.size());
  for (const Shape& shape : shapes) given.push_back(plain(shape));
  const std::vector<Value> values = arranged(node, given);
  const Value dst_value = infer(node, given);
  const Operator& row = operator_named(node);
  const auto kernel = row.plan({.node = node, .src = values, .dst = dst_value, .rows = 1});

  std::vector<std::vector<float>> laid(src.size());
  std::vector<const float*> in;
  for (std::size_t k = 0; k < src.size(); ++k) {
    reorder(given[k], values[k].layout, src[k], laid[k]);
    in.push_back(laid[k].data());
  }
  std::vector<std::vector<float>> tensors;
  for (const ParameterSpec& spec : row.parameters(node, values))
    tensors.emplace_back(static_cast<std::size_t>(element_count(spec.shape)), spec.initial);
  std::vector<float*> parameters;
  parameters.reserve(tensors.size());
  for (auto& tensor : tensors) parameters.push_back(tensor.data());
  std::vector<float> dst(static_cast<std::size_t>(element_count(dst_value.shape)));
  std::vector<float> saved(static_cast<std::size_t>(kernel->saved));
  std::vector<float> scratch(static_cast<std::size_t>(kernel->scratch + kernel->workspace));
  std::vector<float> shared(static_cast<std::size_t>(kernel->shared));
  Pass pass{.rows = 1,
            .batch_rows = 1,
            .dst = dst.data(),
            .saved = saved.data(),
            .scratch = scratch.data(),
            .shared = shared.data()};
  pass.src = in;
  pass.parameters = parameters;
  if (kernel->view) return laid[0];
  for (int phase = 0; phase < kernel->phases; ++phase) kernel->forward(pass, phase);
  std::vector<float> all;
  reorder(dst_value, Layout::kPlain, dst, all);
  return all;
}

}  // namespace undying::ops
