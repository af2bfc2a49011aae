// What the training steps of a network that somebody else trains do to the units of one layer,
// where its tensors are in the host's memory: one pass over a tensor, and no call of PyTorch.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "module.h"
#include "undying/error.h"

// Plain loops (-fopenmp-simd), compiled for vectors of several widths and chosen when loaded.
#if defined(__x86_64__) && defined(__GNUC__)
#define UNDYING_ANY_WIDTH __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define UNDYING_ANY_WIDTH
#endif

namespace undying::python {

namespace nb = nanobind;

namespace {

constexpr std::int64_t kColumns = 256;  // whose sums stay in the first cache beside the rows
constexpr std::int64_t kRows = 4096;    // as many as float32 sums well
constexpr std::int64_t kRun = 65536;

// Where sums go, one a unit; null: not wanted.
struct Sums {
  double* positive;   // how many values are above 0
  double* magnitude;  // of |value|

  Sums at(std::int64_t unit) const {
    return {positive == nullptr ? nullptr : positive + unit,
            magnitude == nullptr ? nullptr : magnitude + unit};
  }
  void add(float count, float size) const {
    if (positive != nullptr) *positive += count;
    if (magnitude != nullptr) *magnitude += size;
  }
};

template <class T>
[[gnu::always_inline]] inline float is_positive(T value) {
  return value > 0 ? 1.0f : 0.0f;
}

template <class T>
[[gnu::always_inline]] inline float size(T value) {
  return static_cast<float>(std::abs(value));
}

// (rows, columns), of up to kRows and kColumns; a column is a unit. Four rows at a time: what
// bounds the loop is how often it stores.
template <class T>
[[gnu::always_inline]] inline void add_block(const T* a, std::int64_t rows, std::int64_t stride,
                                             std::int64_t columns, const Sums& sums) {
  float positive[kColumns] = {};
  float magnitude[kColumns] = {};
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4, a += 4 * stride) {
    const T *b = a + stride, *c = b + stride, *d = c + stride;
    for (std::int64_t i = 0; i < columns; ++i) {
      positive[i] += is_positive(a[i]) + is_positive(b[i]) + is_positive(c[i]) + is_positive(d[i]);
      magnitude[i] += size(a[i]) + size(b[i]) + size(c[i]) + size(d[i]);
    }
  }
  for (; row < rows; ++row, a += stride)
    for (std::int64_t i = 0; i < columns; ++i) {
      positive[i] += is_positive(a[i]);
      magnitude[i] += size(a[i]);
    }
  for (std::int64_t i = 0; i < columns; ++i) sums.at(i).add(positive[i], magnitude[i]);
}

// Values of one unit that lie side by side.
template <class T>
[[gnu::always_inline]] inline void add_run(const T* values, std::int64_t count, const Sums& sums) {
  float positive = 0.0f;
  float magnitude = 0.0f;
#pragma omp simd reduction(+ : positive, magnitude)
  for (std::int64_t i = 0; i < count; ++i) {
    positive += is_positive(values[i]);
    magnitude += size(values[i]);
  }
  sums.add(positive, magnitude);
}

// Values (rows, units, inner), dense.
template <class T>
[[gnu::always_inline]] inline void add_values(const T* values, std::int64_t rows,
                                              std::int64_t units, std::int64_t inner,
                                              const Sums& sums) {
  if (inner == 1) {
    for (std::int64_t row = 0; row < rows; row += kRows)
      for (std::int64_t unit = 0; unit < units; unit += kColumns)
        add_block(values + row * units + unit, std::min(kRows, rows - row), units,
                  std::min(kColumns, units - unit), sums.at(unit));
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t unit = 0; unit < units; ++unit, values += inner)
      for (std::int64_t i = 0; i < inner; i += kRun)
        add_run(values + i, std::min(kRun, inner - i), sums.at(unit));
}

UNDYING_ANY_WIDTH void add(const float* values, std::int64_t rows, std::int64_t units,
                           std::int64_t inner, const Sums& sums) {
  add_values(values, rows, units, inner, sums);
}

UNDYING_ANY_WIDTH void add(const double* values, std::int64_t rows, std::int64_t units,
                           std::int64_t inner, const Sums& sums) {
  add_values(values, rows, units, inner, sums);
}

// The sums of one layer. Rows of its table: fired, |output|, |gradient|, and the first and the last
// step in which a unit fired (undying/_torch/counts.py).
class UnitSums {
 public:
  explicit UnitSums(std::int64_t units)
      : units_(units),
        fired_(static_cast<std::size_t>(units)),
        table_(static_cast<std::size_t>(kTable * units)) {}

  // `address`: of `size` values of float64 where `wide`, else of float32, which lie dense as (...,
  // units, inner). `count` says whether those above 0 are counted as fired, `row` to which row
  // magnitudes are added; -1: to none.
  void add_to(bool count, int row, std::uintptr_t address, bool wide, std::int64_t size,
              std::int64_t inner) {
    if (address == 0 || size % (units_ * inner) != 0 || row < -1 || row > kGradient)
      throw Error(ErrorCode::kInternal, "watch", "has values that are no layer's");
    const std::int64_t rows = size / (units_ * inner);
    const Sums sums{count ? fired_.data() : nullptr, row < 0 ? nullptr : row_of(row)};
    if (wide)
      add(reinterpret_cast<const double*>(address), rows, units_, inner, sums);
    else
      add(reinterpret_cast<const float*>(address), rows, units_, inner, sums);
  }

  // What the step at hand has counted gets its date.
  void close_step(double step) {
    double* first = row_of(kFirst);
    double* last = row_of(kLast);
    for (std::int64_t unit = 0; unit < units_; ++unit) {
      double& fired = fired_[static_cast<std::size_t>(unit)];
      if (fired == 0) continue;
      table_[static_cast<std::size_t>(unit)] += fired;
      if (first[unit] == 0) first[unit] = step;
      last[unit] = step;
      fired = 0;
    }
  }

  // The table, whose sums begin at 0 again, dates aside.
  nb::object take() {
    auto* kept = new std::vector<double>(table_);
    const nb::capsule owner(
        kept, [](void* held) noexcept { delete static_cast<std::vector<double>*>(held); });
    std::fill_n(table_.begin(), kFirst * units_, 0.0);
    return nb::cast(nb::ndarray<nb::numpy, double>(
        kept->data(), {static_cast<std::size_t>(kTable), static_cast<std::size_t>(units_)}, owner));
  }

  void forget_dates() { std::fill_n(table_.begin() + kFirst * units_, 2 * units_, 0.0); }

 private:
  static constexpr int kGradient = 2, kFirst = 3, kLast = 4, kTable = 5;

  double* row_of(int row) { return table_.data() + row * units_; }

  std::int64_t units_;
  std::vector<double> fired_;  // in the step at hand
  std::vector<double> table_;
};

}  // namespace

void bind_counts(nb::module_& module) {
  nb::class_<UnitSums>(module, "UnitSums")
      .def(nb::init<std::int64_t>(), nb::arg("units"))
      .def("add", &UnitSums::add_to, nb::arg("count"), nb::arg("row"), nb::arg("address"),
           nb::arg("wide"), nb::arg("size"), nb::arg("inner"))
      .def("close_step", &UnitSums::close_step, nb::arg("step"))
      .def("take", &UnitSums::take)
      .def("forget_dates", &UnitSums::forget_dates);
}

}  // namespace undying::python
