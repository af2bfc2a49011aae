#include "study/reproduce/overhead.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace undying::study {
namespace {

// Ranks of the 95% interval of a median as tables have them: 1 and 6 of 6, 2 and 9 of 10, 6 and 15
// of 20.
TEST(MedianInterval, HasTheRanksOfTheTables) {
  for (const auto& [n, rank] : {std::pair{6, 1}, {10, 2}, {20, 6}}) {
    std::vector<double> values(static_cast<std::size_t>(n));
    std::iota(values.rbegin(), values.rend(), 1.0);
    const Estimate found = median_interval(values);
    EXPECT_EQ(found.mean, (n + 1) / 2.0);
    EXPECT_EQ(found.lower, rank);
    EXPECT_EQ(found.upper, n + 1 - rank);
  }
  EXPECT_TRUE(std::isnan(median_interval({1.0, 2.0, 3.0, 4.0, 5.0}).lower));
  EXPECT_TRUE(std::isnan(median_interval({}).mean));
}

}  // namespace
}  // namespace undying::study
