// The list of operators: that it is whole, and what is said where it is asked for something else.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "ops/operator.h"
#include "ops/test_support.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

TEST(OperatorTable, EveryRowHasACase) {
  std::map<std::string, int> seen;
  for (const Case& tested : cases()) ++seen[tested.node.op];
  for (const Operator& row : operators()) EXPECT_GT(seen[std::string(row.name)], 0) << row.name;
}

// Inputs of no kind that an operator takes: the error names the node.
TEST(OperatorTable, AWrongNumberOfInputsIsNamed) {
  const Node node{"odd", "linear", {0}, {{"outputs", std::int64_t{5}}}};
  const std::vector<Value> two(2, plain({3}));
  try {
    infer(node, two);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "[linear odd] has 2 inputs; expected 1");
  }
}

TEST(OperatorTable, AnAttributesErrorNamesItsNode) {
  const auto message = [](const Node& node, std::span<const Value> src) {
    try {
      infer(node, src);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const Value three = plain({3});
  EXPECT_EQ(message({"odd", "linear", {0}, {}}, {&three, 1}),
            "[linear odd] attribute outputs is missing");
  EXPECT_EQ(message({"odd", "linear", {0}, {{"outputs", 5.0}}}, {&three, 1}),
            "[linear odd] attribute outputs is not an integer");
  EXPECT_EQ(message({"in", "input", {}, {}}, {}), "[input in] attribute shape is missing");
}

TEST(OperatorTable, EveryRowIsWhole) {
  for (const Operator& row : operators()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_TRUE(row.infer && row.parameters && row.plan && row.reference) << row.name;
  }
}

TEST(OperatorTable, UnknownOperatorNamesTheKnown) {
  try {
    operator_named({"x", "sofmax", {0}, {}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("linear"));
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace undying::ops
