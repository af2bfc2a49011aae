#include "train/table_numbers.h"

#include <gtest/gtest.h>

#include "undying/error.h"

namespace undying::train {
namespace {

// Two numbers, looked up in tables of 5 and 7 rows.
Graph tables() {
  const auto table = [](const char* name, std::int64_t rows) {
    return Node{name, "embedding", {0}, {{"rows", rows}, {"features", std::int64_t{2}}}};
  };
  return Graph({{"x", "input", {}, {{"shape", Shape{2}}}},
                table("few", 5),
                table("many", 7),
                {"sum", "add", {1, 2}, {}}});
}

std::string message(std::vector<float> values) {
  const auto size = static_cast<std::int64_t>(values.size()) / 2;
  Dataset data{.name = "ids.npy", .size = size, .shape = {2}, .values = std::move(values)};
  try {
    check_table_numbers(tables(), data);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(TableNumbers, EveryNumberIsOneOfARow) {
  EXPECT_EQ(message({0, 4, 3, -5}), "");
  EXPECT_EQ(message({0, 4, 1, 5}),
            "[ids.npy] example 1 has 5 at place 1, which is no row of the table few of 5; expected "
            "whole numbers from 0 to 4");
  EXPECT_NE(message({0.5f, 4}), "");
  EXPECT_NE(message({-6, 0}), "");
}

TEST(TableNumbers, OtherNetworksTakeAnyNumber) {
  const Graph graph({{"x", "input", {}, {{"shape", Shape{2}}}},
                     {"fc", "linear", {0}, {{"outputs", std::int64_t{1}}}}});
  EXPECT_NO_THROW(
      check_table_numbers(graph, {.name = "x", .size = 1, .shape = {2}, .values = {0.5f, 900.0f}}));
}

}  // namespace
}  // namespace undying::train
