// top_k: of the elements along one axis the k largest, or smallest, in order; or with `indices`
// where they stand. arg_max: where the largest stands. Of equal elements the first one comes first,
// of arg_max with `last` the last one. NaN is larger than all, as in NumPy. Only values have a
// gradient: where an element stands changes in steps.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

// What is taken of src (outer, extent, inner).
struct Choice {
  std::int64_t outer, extent, inner, count;
  bool largest = true;
  bool last = false;
  bool indices = false;
};

bool flag(const Node& node, const char* name, std::int64_t otherwise) {
  return node.attributes.get_or<std::int64_t>(name, otherwise) != 0;
}

Choice around(const Node& node, const Shape& shape, std::int64_t count) {
  const std::size_t axis = axis_in(node, node.attributes.get_or<std::int64_t>("axis", -1), shape);
  if (count < 1 || count > shape[axis])
    reject(node, "takes " + std::to_string(count) + " of " + std::to_string(shape[axis]) +
                     " elements; expected at least 1 of as many");
  return {extent_product(shape, 0, axis), shape[axis],
          extent_product(shape, axis + 1, shape.size()), count};
}

Choice top_k_of(const Node& node, const Shape& shape) {
  Choice choice = around(node, shape, node.attributes.get<std::int64_t>("k"));
  choice.largest = flag(node, "largest", 1);
  choice.indices = flag(node, "indices", 0);
  return choice;
}

Choice arg_max_of(const Node& node, const Shape& shape) {
  Choice choice = around(node, shape, 1);
  choice.indices = true;
  choice.last = flag(node, "last", 0);
  return choice;
}

// Whether element a, at place i, comes before element b, at place j.
template <class T>
bool comes_before(const Choice& choice, T a, std::int64_t i, T b, std::int64_t j) {
  const bool ordered = !std::isnan(a) && !std::isnan(b);
  if (ordered && a != b) return choice.largest == (a > b);
  if (std::isnan(a) != std::isnan(b)) return choice.largest == std::isnan(a);
  return choice.last ? i > j : i < j;
}

// The places of the chosen ones in order; `at(i)` is element i of a run.
template <class At>
void choose(const Choice& choice, const At& at, std::vector<std::int64_t>& places) {
  places.resize(static_cast<std::size_t>(choice.extent));
  std::iota(places.begin(), places.end(), 0);
  std::partial_sort(
      places.begin(), places.begin() + choice.count, places.end(),
      [&](std::int64_t i, std::int64_t j) { return comes_before(choice, at(i), i, at(j), j); });
}

class TopKKernel final : public Kernel {
 public:
  explicit TopKKernel(const Choice& choice) : c_(choice) {
    keeps_diff = true;
    if (!c_.indices) saved = c_.outer * c_.count * c_.inner;
  }

  void forward(const Pass& pass, int) const override {
    std::vector<std::int64_t> places;
    for (std::int64_t run = 0; run < pass.rows * c_.outer * c_.inner; ++run) {
      const float* src = pass.src[0] + start(run, c_.extent);
      choose(
          c_, [&](std::int64_t i) { return src[i * c_.inner]; }, places);
      for (std::int64_t k = 0; k < c_.count; ++k) {
        const std::int64_t to = start(run, c_.count) + k * c_.inner;
        const std::int64_t place = places[k];
        pass.dst[to] = c_.indices ? static_cast<float>(place) : src[place * c_.inner];
        if (pass.saved != nullptr && !c_.indices) pass.saved[to] = static_cast<float>(place);
      }
    }
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    std::fill_n(pass.diff_src[0], pass.rows * c_.outer * c_.extent * c_.inner, 0.0f);
    for (std::int64_t run = 0; run < pass.rows * c_.outer * c_.inner && !c_.indices; ++run)
      for (std::int64_t k = 0; k < c_.count; ++k) {
        const std::int64_t from = start(run, c_.count) + k * c_.inner;
        pass.diff_src[0][start(run, c_.extent) + static_cast<std::int64_t>(pass.saved[from]) *
                                                     c_.inner] = pass.diff_dst[from];
      }
  }

 private:
  // Of a run along the axis, where that has `extent` elements.
  std::int64_t start(std::int64_t run, std::int64_t extent) const {
    return run / c_.inner * extent * c_.inner + run % c_.inner;
  }

  Choice c_;
};

Shape infer_top_k(const Node& node, std::span<const Value> src) {
  Shape dst = src[0].shape;
  dst[axis_in(node, node.attributes.get_or<std::int64_t>("axis", -1), dst)] =
      top_k_of(node, dst).count;
  return dst;
}

Shape infer_arg_max(const Node& node, std::span<const Value> src) {
  Shape dst = src[0].shape;
  const std::size_t axis = axis_in(node, node.attributes.get_or<std::int64_t>("axis", -1), dst);
  if (flag(node, "keepdims", 1)) dst[axis] = 1;
  if (!flag(node, "keepdims", 1)) dst.erase(dst.begin() + static_cast<std::ptrdiff_t>(axis));
  return at_least_one(dst);
}

template <Choice (*kOf)(const Node&, const Shape&)>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<TopKKernel>(kOf(request.node, request.src[0].shape));
}

template <Choice (*kOf)(const Node&, const Shape&)>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Choice c = kOf(args.node, args.values[0].shape);
  std::vector<double> dst(static_cast<std::size_t>(args.rows * c.outer * c.count * c.inner));
  std::vector<std::int64_t> places;
  for (std::int64_t run = 0; run < args.rows * c.outer; ++run)
    for (std::int64_t i = 0; i < c.inner; ++i) {
      const double* src = args.src[0].data() + run * c.extent * c.inner + i;
      choose(
          c, [&](std::int64_t at) { return src[at * c.inner]; }, places);
      for (std::int64_t k = 0; k < c.count; ++k)
        dst[(run * c.count + k) * c.inner + i] =
            c.indices ? static_cast<double>(places[k]) : src[places[k] * c.inner];
    }
  return dst;
}

}  // namespace

Operator top_k_operator() {
  return {.name = "top_k",
          .infer = infer_top_k,
          .parameters = no_parameters,
          .plan = plan<top_k_of>,
          .reference = reference<top_k_of>,
          .traits = {.passes_gradient = [](const Node& node, std::size_t) {
            return !flag(node, "indices", 0);
          }}};
}
Operator arg_max_operator() {
  return {.name = "arg_max",
          .infer = infer_arg_max,
          .parameters = no_parameters,
          .plan = plan<arg_max_of>,
          .reference = reference<arg_max_of>,
          .traits = {.passes_gradient = [](const Node&, std::size_t) { return false; }}};
}

}  // namespace undying::ops
