#include "health/rank.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

namespace undying::health {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Floats =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0,
               Eigen::OuterStride<>>;

// (rows, rows) or (columns, columns), whichever is smaller: both have the same eigenvalues other
// than 0. The lower half is filled.
Matrix gram(const Floats& matrix) {
  const Matrix wide = matrix.cast<double>();
  const Eigen::Index n = std::min(matrix.rows(), matrix.cols());
  Matrix products = Matrix::Zero(n, n);
  if (matrix.rows() <= matrix.cols())
    products.selfadjointView<Eigen::Lower>().rankUpdate(wide);
  else
    products.selfadjointView<Eigen::Lower>().rankUpdate(wide.transpose());
  return products;
}

double rank_of(const Floats& matrix) {
  if (!matrix.allFinite()) return std::numeric_limits<double>::quiet_NaN();
  const Eigen::ArrayXd values =
      Eigen::SelfAdjointEigenSolver<Matrix>(gram(matrix), Eigen::EigenvaluesOnly).eigenvalues();
  const double largest = values.maxCoeff();
  if (!(largest > 0.0)) return 0.0;
  // What rounding makes of a zero eigenvalue is no direction.
  const Eigen::ArrayXd singular = (values > 1e-12 * largest).select(values.max(0.0).sqrt(), 0.0);
  const Eigen::ArrayXd shares = singular / singular.sum();
  return std::exp(-(shares > 0.0)
                       .select(shares * shares.max(std::numeric_limits<double>::min()).log(), 0.0)
                       .sum());
}

Floats view(std::span<const float> matrix, std::int64_t rows, std::int64_t columns,
            std::int64_t first, std::int64_t count) {
  return {matrix.data() + first, rows, count, Eigen::OuterStride<>(columns)};
}

}  // namespace

double effective_rank(std::span<const float> matrix, std::int64_t rows, std::int64_t columns) {
  return rank_of(view(matrix, rows, columns, 0, columns));
}

SampledRank sampled_rank(std::span<const float> matrix, std::int64_t rows, std::int64_t columns) {
  const double all = effective_rank(matrix, rows, columns);
  const double first = rank_of(view(matrix, rows, columns, 0, columns / 2));
  const double second = rank_of(view(matrix, rows, columns, columns / 2, columns - columns / 2));
  return {all, std::fabs(all - 0.5 * (first + second))};
}

}  // namespace undying::health
