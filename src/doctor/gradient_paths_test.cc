#include "doctor/gradient_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/test_networks.h"
#include "undying/doctor.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Ints = std::vector<std::int64_t>;

Node made(const std::string& name, const std::string& op, std::vector<int> inputs,
          Attributes attributes = {}) {
  return {name, op, std::move(inputs), std::move(attributes)};
}

Node dense(const std::string& name, int input, std::int64_t outputs) {
  return made(name, "linear", {input}, {{"outputs", outputs}});
}

Node features(std::int64_t count) { return made("x", "input", {}, {{"shape", Ints{count}}}); }

std::vector<std::string> names(const Graph& graph, const std::vector<std::size_t>& nodes) {
  std::vector<std::string> found;
  for (const std::size_t at : nodes) found.push_back(graph.nodes()[at].name);
  return found;
}

TEST(GradientPaths, GoThroughWhatIsSmoothAndRectified) {
  const Graph graph = mlp({.inputs = 6, .hidden = {8, 8}, .outputs = 3, .activation = "relu"});
  const GradientPaths paths = gradient_paths(graph);
  EXPECT_EQ(paths.trained, 6 * 8 + 8 + 8 * 8 + 8 + 8 * 3 + 3);
  EXPECT_EQ(paths.unreached, 0);
  EXPECT_THAT(paths.cuts, IsEmpty());
  EXPECT_NO_THROW(check_gradient(graph));
}

// Whatever stands behind the operator that passes none.
TEST(GradientPaths, EndAtPlacesSignsAndComparisons) {
  const std::vector<std::vector<Node>> ends = {
      {made("end", "arg_max", {1})},
      {made("end", "top_k", {1}, {{"k", std::int64_t{2}}, {"indices", std::int64_t{1}}})},
      {made("end", "sign", {1})},
      {made("end", "greater", {1, 0}), made("wide", "reshape", {2}, {{"shape", Ints{2, 3}}})}};
  for (const std::vector<Node>& end : ends) {
    std::vector<Node> nodes = {features(6), dense("layer", 0, 6)};
    nodes.insert(nodes.end(), end.begin(), end.end());
    const Graph graph(nodes);
    const GradientPaths paths = gradient_paths(graph);
    EXPECT_TRUE(paths.none()) << end[0].op;
    EXPECT_THAT(names(graph, paths.cuts), ElementsAre("end")) << end[0].op;
    EXPECT_THAT([&] { check_gradient(graph); },
                testing::ThrowsMessage<Error>(
                    AllOf(HasSubstr("no gradient reaches any of 42 numbers"),
                          HasSubstr(end[0].op + " end"), HasSubstr("--output NAME"))));
  }
  const Graph values(
      {features(6), dense("layer", 0, 6), made("end", "top_k", {1}, {{"k", std::int64_t{2}}})});
  EXPECT_EQ(gradient_paths(values).unreached, 0);
}

// One way around is a way; what only chooses gets none.
TEST(GradientPaths, OneOfSeveralWaysIsEnough) {
  const Graph around(
      {features(6), dense("layer", 0, 6), made("sign", "sign", {1}), made("sum", "add", {1, 2})});
  EXPECT_EQ(gradient_paths(around).unreached, 0);
  const Graph chosen({features(6), dense("a", 0, 6), dense("b", 0, 6), dense("gate", 0, 6),
                      made("hard", "where", {3, 1, 2})});
  const GradientPaths paths = gradient_paths(chosen);
  EXPECT_EQ(paths.trained, 3 * 42);
  EXPECT_EQ(paths.unreached, 42);
  EXPECT_FALSE(paths.none());
  EXPECT_THAT(names(chosen, paths.cuts), ElementsAre("hard"));
  EXPECT_EQ(no_gradient_text(chosen, paths),
            "no gradient reaches 42 of 126 numbers that could be trained: none goes back through "
            "where hard");
  EXPECT_NO_THROW(check_gradient(chosen));
}

TEST(GradientPaths, WeightsThatAreSharedNeedOne) {
  Node first = dense("first", 0, 6), second = dense("second", 1, 6);
  first.parameters = second.parameters = {"w", "b"};
  const Graph graph(
      {features(6), first, second, made("sign", "sign", {1}), made("sum", "add", {2, 3})});
  EXPECT_EQ(gradient_paths(graph).trained, 42);
  EXPECT_EQ(gradient_paths(graph).unreached, 0);
}

TEST(GradientPaths, ADiagnosisNamesTheCutFirstAndReviveRefuses) {
  const Dataset data = make_classes(300, 6, 3);
  Graph graph({features(6), dense("layer", 0, 8),
               made("layer.f", "activation", {1},
                    {{"activation", Activation("relu")}, {"layer", std::string("layer")}}),
               dense("scores", 2, 3), made("answer", "round", {3})});
  const Patient patient = fresh(graph);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_FALSE(diagnosis.findings.empty());
  EXPECT_EQ(diagnosis.findings[0].what, "no gradient");
  EXPECT_EQ(diagnosis.findings[0].layer, "answer");
  EXPECT_EQ(diagnosis.findings[0].cost, 1.0);
  EXPECT_THAT(diagnosis.findings[0].evidence,
              AllOf(HasSubstr("round answer"), HasSubstr("n = 300")));
  for (const GradientNorm& norm : diagnosis.gradients) EXPECT_EQ(norm.gradient, 0.0);
  EXPECT_EQ(finding(diagnosis, "vanishing gradients"), nullptr);
  if (const Finding* found = finding(diagnosis, "not learned"); found != nullptr) {
    EXPECT_THAT(found->remedy, HasSubstr("other findings first"));
  }
  Split split;
  split.train = split.test = std::make_shared<Dataset>(data);
  EXPECT_THAT([&] { revive(patient.graph, patient.weights, split, {}); },
              testing::ThrowsMessage<Error>(HasSubstr("no gradient reaches any")));
}

}  // namespace
}  // namespace undying::doctor
