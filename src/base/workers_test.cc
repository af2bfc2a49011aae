#include "base/workers.h"

#include <gtest/gtest.h>

#include <numeric>

namespace undying {
namespace {

class Team : public testing::TestWithParam<int> {};

TEST_P(Team, EveryMemberWorksOncePerRun) {
  Workers workers(GetParam());
  std::vector<int> counts(static_cast<std::size_t>(workers.count()), 0);
  for (int run = 0; run < 500; ++run) workers.run([&](int member) { ++counts[member]; });
  for (const int count : counts) EXPECT_EQ(count, 500);
}

// Each phase reads what all members wrote in the phase before: a barrier that lets one through
// early gives a wrong sum.
TEST_P(Team, BarrierSeparatesPhases) {
  Workers workers(GetParam());
  const auto members = static_cast<std::size_t>(workers.count());
  std::vector<std::int64_t> values(members, 1);
  std::vector<std::int64_t> next(members);
  workers.run([&](int member) {
    for (int phase = 0; phase < 200; ++phase) {
      next[member] = std::accumulate(values.begin(), values.end(), std::int64_t{0}) % 1'000'003;
      workers.barrier().arrive();
      values[member] = next[member];
      workers.barrier().arrive();
    }
  });
  std::int64_t expected = 1;
  for (int phase = 0; phase < 200; ++phase)
    expected = expected * static_cast<std::int64_t>(members) % 1'000'003;
  for (const std::int64_t value : values) EXPECT_EQ(value, expected);
}

// More members than this machine has cores: waiting members must give way.
INSTANTIATE_TEST_SUITE_P(Sizes, Team, testing::Values(1, 2, 3, 8));

TEST(Workers, SeveralTeamsAtOnce) {
  std::vector<std::thread> owners;
  std::atomic<int> total = 0;
  for (int owner = 0; owner < 4; ++owner)
    owners.emplace_back([&] {
      Workers workers(3);
      for (int run = 0; run < 100; ++run) workers.run([&](int) { ++total; });
    });
  for (std::thread& owner : owners) owner.join();
  EXPECT_EQ(total, 4 * 3 * 100);
}

}  // namespace
}  // namespace undying
