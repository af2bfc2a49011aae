// matmul: products of matrices (..., m, k) and (..., k, n) as NumPy has it: the dimensions before
// the last two are broadcast, and an operand of one dimension is a row on the left, a column on the
// right, of which the result has no trace.

#include <algorithm>

#include "onednn/gemm.h"
#include "ops/rows.h"
#include "ops/walk.h"

namespace undying::ops {
namespace {

using onednn::gemm;
using onednn::Transpose;

// How a node's operands are read.
struct Product {
  std::int64_t m, k, n;
  Shape a_batch, b_batch, batch;  // the dimensions before the matrices
  Shape dst;
};

[[noreturn]] void reject_shapes(const Node& node, const Shape& a, const Shape& b, std::int64_t of_a,
                                std::int64_t of_b) {
  reject(node, "src " + to_string(a) + " and " + to_string(b) +
                   " do not fit: " + std::to_string(of_a) + " != " + std::to_string(of_b));
}

Shape batch_of(const Node& node, const Product& product, const Shape& a, const Shape& b) {
  Shape batch(std::max(product.a_batch.size(), product.b_batch.size()), 1);
  for (std::size_t i = 1; i <= batch.size(); ++i) {
    const std::int64_t of_a =
        i <= product.a_batch.size() ? product.a_batch[product.a_batch.size() - i] : 1;
    const std::int64_t of_b =
        i <= product.b_batch.size() ? product.b_batch[product.b_batch.size() - i] : 1;
    if (of_a != of_b && of_a != 1 && of_b != 1) reject_shapes(node, a, b, of_a, of_b);
    batch[batch.size() - i] = std::max(of_a, of_b);
  }
  return batch;
}

Product product_of(const Node& node, const Shape& a, const Shape& b) {
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  Product product{.m = row ? 1 : a[a.size() - 2],
                  .k = a.back(),
                  .n = column ? 1 : b.back(),
                  .a_batch = {},
                  .b_batch = {},
                  .batch = {},
                  .dst = {}};
  const std::int64_t b_rows = column ? b.back() : b[b.size() - 2];
  if (product.k != b_rows) reject_shapes(node, a, b, product.k, b_rows);
  if (!row) product.a_batch.assign(a.begin(), a.end() - 2);
  if (!column) product.b_batch.assign(b.begin(), b.end() - 2);
  product.batch = product.dst = batch_of(node, product, a, b);
  if (!row) product.dst.push_back(product.m);
  if (!column) product.dst.push_back(product.n);
  product.dst = at_least_one(product.dst);
  return product;
}

// Where one matrix serves a whole batch on the left, the batch is more rows of it.
Product joined(Product product) {
  if (element_count(product.b_batch) == 1) {
    product.m *= element_count(product.batch);
    product.a_batch = product.b_batch = product.batch = {};
  }
  return product;
}

class MatmulKernel final : public Kernel {
 public:
  explicit MatmulKernel(const Product& product)
      : m_(product.m),
        k_(product.k),
        n_(product.n),
        a_count_(element_count(product.a_batch)),
        b_count_(element_count(product.b_batch)),
        count_(element_count(product.batch)),
        walk_(product.batch,
              {strides(product.batch), broadcast_strides(product.a_batch, product.batch),
               broadcast_strides(product.b_batch, product.batch)}) {
    needs_src = true;
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    for_matrices(pass, [&](std::int64_t dst, std::int64_t a, std::int64_t b) {
      gemm(Transpose::kNo, Transpose::kNo, m_, n_, k_, pass.src[0] + a * m_ * k_, k_,
           pass.src[1] + b * k_ * n_, n_, 0.0f, pass.dst + dst * m_ * n_, n_);
    });
  }

  // diff_a = diff_dst b^T, diff_b = a^T diff_dst, each summed over what its matrix was broadcast
  // to.
  void backward(const Pass& pass, int) const override {
    if (float* diff = pass.diff_src[0]; diff != nullptr) {
      const float beta = cleared(diff, a_count_, pass.rows * a_count_ * m_ * k_);
      for_matrices(pass, [&](std::int64_t dst, std::int64_t a, std::int64_t b) {
        gemm(Transpose::kNo, Transpose::kYes, m_, k_, n_, pass.diff_dst + dst * m_ * n_, n_,
             pass.src[1] + b * k_ * n_, n_, beta, diff + a * m_ * k_, k_);
      });
    }
    if (float* diff = pass.diff_src[1]; diff != nullptr) {
      const float beta = cleared(diff, b_count_, pass.rows * b_count_ * k_ * n_);
      for_matrices(pass, [&](std::int64_t dst, std::int64_t a, std::int64_t b) {
        gemm(Transpose::kYes, Transpose::kNo, k_, n_, m_, pass.src[0] + a * m_ * k_, k_,
             pass.diff_dst + dst * m_ * n_, n_, beta, diff + b * k_ * n_, n_);
      });
    }
  }

 private:
  // Whether products are added up in a gradient, which then starts at 0: the factor of what is
  // there.
  float cleared(float* diff, std::int64_t count, std::int64_t size) const {
    if (count == count_) return 0.0f;
    std::fill_n(diff, size, 0.0f);
    return 1.0f;
  }

  // Calls body(index of dst, of a, of b) for every product of the shard.
  template <class Body>
  void for_matrices(const Pass& pass, const Body& body) const {
    const auto& step = walk_.step();
    for (std::int64_t row = 0; row < pass.rows; ++row)
      walk_.run([&](const auto& at) {
        for (std::int64_t i = 0; i < walk_.count(); ++i)
          body(row * count_ + at[0] + i * step[0], row * a_count_ + at[1] + i * step[1],
               row * b_count_ + at[2] + i * step[2]);
      });
  }

  std::int64_t m_, k_, n_;
  std::int64_t a_count_, b_count_, count_;
  Walk<3> walk_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  return product_of(node, src[0].shape, src[1].shape).dst;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<MatmulKernel>(
      joined(product_of(request.node, request.src[0].shape, request.src[1].shape)));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Product p = product_of(args.node, args.values[0].shape, args.values[1].shape);
  const std::int64_t count = element_count(p.batch);
  std::vector<double> dst;
  const auto matrix = [&](std::int64_t row, std::int64_t i, const Shape& batch) {
    Shape index = index_of(i, p.batch);
    index.erase(index.begin(), index.end() - static_cast<std::ptrdiff_t>(batch.size()));
    for (std::size_t axis = 0; axis < index.size(); ++axis)
      index[axis] = std::min(index[axis], batch[axis] - 1);
    return row * element_count(batch) + element_at(index, batch);
  };
  for (std::int64_t i = 0; i < args.rows * count * p.m * p.n; ++i) {
    const std::int64_t a =
        matrix(i / (count * p.m * p.n), i / (p.m * p.n) % count, p.a_batch) * p.m + i / p.n % p.m;
    const std::int64_t b = matrix(i / (count * p.m * p.n), i / (p.m * p.n) % count, p.b_batch);
    double sum = 0.0;
    for (std::int64_t k = 0; k < p.k; ++k)
      sum += args.src[0][a * p.k + k] * args.src[1][(b * p.k + k) * p.n + i % p.n];
    dst.push_back(sum);
  }
  return dst;
}

}  // namespace

Operator matmul_operator() {
  return {.name = "matmul",
          .inputs = 2,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kMixed, .arithmetic = Arithmetic::kProduct}};
}

}  // namespace undying::ops
