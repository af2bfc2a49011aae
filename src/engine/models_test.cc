#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "undying/error.h"
#include "undying/graph.h"

namespace undying {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.op);
  return names;
}

TEST(Models, LayerNormStandsBeforeEachActivation) {
  EXPECT_THAT(operators(build_model("mlp:8x2", {5}, 3, {.layer_norm = true})),
              ElementsAre("input", "linear", "layer_norm", "activation", "linear", "layer_norm",
                          "activation", "linear"));
  EXPECT_EQ(operators(mlp({.inputs = 5, .hidden = {8, 8}, .outputs = 3, .layer_norm = true})),
            operators(build_model("mlp:8x2", {5}, 3, {.batch_norm = false, .layer_norm = true})));
}

TEST(Models, LayerNormIsRefusedWhereItCannotStand) {
  const auto error = [](const char* model, const Shape& inputs, const ModelOptions& options) {
    try {
      build_model(model, inputs, 3, options);
    } catch (const Error& caught) {
      return std::string(caught.what());
    }
    return std::string();
  };
  EXPECT_THAT(error("mlp:8x2", {5}, {.batch_norm = true, .layer_norm = true}),
              HasSubstr("the same place"));
  EXPECT_THAT(error("lenet", {1, 8, 8}, {.layer_norm = true}), HasSubstr("expected mlp"));
}

}  // namespace
}  // namespace undying
