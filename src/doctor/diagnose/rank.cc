#include "doctor/diagnose/rank.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace undying::doctor {
namespace {

struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> below;  // below[i] stands between i and i + 1
};

// Householder's reduction (Golub & Van Loan, section 8.3.1).
Tridiagonal tridiagonalise(std::vector<double>& a, std::size_t n) {
  Tridiagonal t{std::vector<double>(n), std::vector<double>(n)};
  std::vector<double> v(n), w(n);
  for (std::size_t k = 0; k + 2 < n; ++k) {
    double square = 0.0;
    for (std::size_t i = k + 1; i < n; ++i) square += a[i * n + k] * a[i * n + k];
    const double first = a[(k + 1) * n + k];
    const double alpha = first > 0.0 ? -std::sqrt(square) : std::sqrt(square);
    t.below[k] = alpha;
    const double length = 2.0 * (square - first * alpha);  // of v, squared
    if (length <= 0.0) continue;
    for (std::size_t i = k + 1; i < n; ++i) v[i] = a[i * n + k] - (i == k + 1 ? alpha : 0.0);
    double product = 0.0;
    for (std::size_t i = k + 1; i < n; ++i) {
      double sum = 0.0;
      for (std::size_t j = k + 1; j < n; ++j) sum += a[i * n + j] * v[j];
      w[i] = 2.0 * sum / length;
      product += w[i] * v[i];
    }
    for (std::size_t i = k + 1; i < n; ++i) w[i] -= product / length * v[i];
    for (std::size_t i = k + 1; i < n; ++i)
      for (std::size_t j = k + 1; j < n; ++j) a[i * n + j] -= v[i] * w[j] + w[i] * v[j];
  }
  for (std::size_t i = 0; i < n; ++i) t.diagonal[i] = a[i * n + i];
  if (n > 1) t.below[n - 2] = a[(n - 1) * n + n - 2];
  return t;
}

// One step of QL with an implicit shift (Press et al., Numerical Recipes, section 11.3) on rows `first` to `last`.
void rotate(Tridiagonal& t, std::size_t first, std::size_t last) {
  std::vector<double>& d = t.diagonal;
  std::vector<double>& e = t.below;
  double g = (d[first + 1] - d[first]) / (2.0 * e[first]);
  double r = std::hypot(g, 1.0);
  g = d[last] - d[first] + e[first] / (g + std::copysign(r, g));
  double s = 1.0, c = 1.0, p = 0.0;
  for (std::size_t i = last; i-- > first;) {
    const double f = s * e[i];
    const double b = c * e[i];
    r = std::hypot(f, g);
    e[i + 1] = r;
    if (r == 0.0) {
      d[i + 1] -= p;
      e[last] = 0.0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2.0 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
  }
  d[first] -= p;
  e[first] = g;
  e[last] = 0.0;
}

// (rows, rows) or (columns, columns), whichever is smaller: both have the same eigenvalues other than 0.
std::vector<double> gram(std::span<const float> matrix, std::size_t rows, std::size_t columns) {
  const bool by_rows = rows <= columns;
  const std::size_t n = by_rows ? rows : columns;
  const std::size_t length = by_rows ? columns : rows;
  const auto at = [&](std::size_t i, std::size_t k) {
    return static_cast<double>(by_rows ? matrix[i * columns + k] : matrix[k * columns + i]);
  };
  std::vector<double> lines(n * length);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < length; ++k) lines[i * length + k] = at(i, k);
  std::vector<double> products(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < length; ++k) sum += lines[i * length + k] * lines[j * length + k];
      products[i * n + j] = products[j * n + i] = sum;
    }
  return products;
}

}  // namespace

std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t n) {
  Tridiagonal t = tridiagonalise(matrix, n);
  for (std::size_t first = 0; first + 1 < n; ++first)
    for (int step = 0; step < 100; ++step) {
      std::size_t last = first;
      while (last + 1 < n && std::fabs(t.below[last]) > 1e-15 * (std::fabs(t.diagonal[last]) + std::fabs(t.diagonal[last + 1]))) ++last;
      if (last == first) break;
      rotate(t, first, last);
    }
  return t.diagonal;
}

double effective_rank(std::span<const float> matrix, std::size_t rows, std::size_t columns) {
  if (!std::ranges::all_of(matrix, [](float value) { return std::isfinite(value); })) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values = symmetric_eigenvalues(gram(matrix, rows, columns), std::min(rows, columns));
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, value);
  if (largest <= 0.0) return 0.0;
  // What rounding makes of a zero eigenvalue is no direction.
  const double least = 1e-12 * largest;
  double sum = 0.0;
  for (double& value : values) sum += value = value > least ? std::sqrt(value) : 0.0;
  double entropy = 0.0;
  for (const double value : values)
    if (value > 0.0) entropy -= value / sum * std::log(value / sum);
  return std::exp(entropy);
}

}  // namespace undying::doctor
