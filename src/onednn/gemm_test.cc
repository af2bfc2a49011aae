#include "onednn/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/philox.h"

namespace undying::onednn {
namespace {

struct Problem {
  std::int64_t m, n, k;
};

class Gemm : public testing::TestWithParam<Problem> {};

double at(const std::vector<float>& matrix, Transpose transpose, std::int64_t rows,
          std::int64_t columns, std::int64_t i, std::int64_t j) {
  return transpose == Transpose::kNo ? matrix[i * columns + j] : matrix[j * rows + i];
}

TEST_P(Gemm, AgreesWithSumsInDouble) {
  const auto [m, n, k] = GetParam();
  const Random random(7, Stream::kTest);
  std::vector<float> a(static_cast<std::size_t>(m * k));
  std::vector<float> b(static_cast<std::size_t>(k * n));
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(random.normal(i));
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(random.normal(a.size() + i));
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
      for (const float beta : {0.0f, 1.0f}) {
        std::vector<float> c(static_cast<std::size_t>(m * n), 0.5f);
        gemm(ta, tb, m, n, k, a.data(), ta == Transpose::kNo ? k : m, b.data(),
             tb == Transpose::kNo ? n : k, beta, c.data(), n);
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            double expected = beta * 0.5;
            for (std::int64_t p = 0; p < k; ++p)
              expected += at(a, ta, m, k, i, p) * at(b, tb, k, n, p, j);
            ASSERT_NEAR(c[i * n + j], expected, 4e-5 * std::sqrt(static_cast<double>(k)));
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Gemm,
                         testing::Values(Problem{1, 1, 1}, Problem{64, 32, 32}, Problem{64, 10, 32},
                                         Problem{17, 33, 65}, Problem{5, 128, 784},
                                         Problem{5, 7, 0}, Problem{32, 512, 64},
                                         Problem{64, 256, 33}));

// The shapes of the tests above that are copied where there is no AVX-512; CTest runs them limited
// to AVX2, too.
TEST(Copied, WhereRowsFallOnTheSameSetsOfTheCache) {
  constexpr auto kNo = Transpose::kNo;
  constexpr auto kYes = Transpose::kYes;
  EXPECT_EQ(copied(false, kNo, kNo, 32, 512, 64), Copied::kPanelsOfB);
  EXPECT_EQ(copied(false, kYes, kNo, 64, 256, 33), Copied::kOperands);
  EXPECT_EQ(copied(false, kNo, kYes, 32, 512, 64), Copied::kNothing);
  EXPECT_EQ(copied(false, kNo, kNo, 64, 784, 512), Copied::kNothing);
  EXPECT_EQ(copied(false, kNo, kNo, 1, 512, 512), Copied::kNothing) << "one row pays for no copy";
  EXPECT_EQ(copied(false, kYes, kNo, 1024, 1024, 128), Copied::kNothing) << "oneDNN copies these";
  for (const Transpose a : {kNo, kYes})
    EXPECT_EQ(copied(true, a, kNo, 64, 512, 512), Copied::kNothing);
}

}  // namespace
}  // namespace undying::onednn
