#ifndef UNDYING_ONNX_TEST_SAVE_H_
#define UNDYING_ONNX_TEST_SAVE_H_

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "onnx/read/parse.h"
#include "onnx/run.h"
#include "onnx/shape_inference/implementation.h"
#include "onnx/test_model.h"
#include "onnx/write/exporter.h"
#include "undying/error.h"

// Networks written and read again.
namespace undying::onnx {

// Every tensor of a graph, with values that tell them apart.
inline std::vector<Tensor> tensors_of(const Graph& graph) {
  std::map<std::string, Tensor> tensors;
  const auto values = ops::values(graph.nodes());
  for (const Node& node : graph.nodes()) {
    for (const auto& spec : owned_tensors(node, values)) {
      Tensor tensor{spec.name, spec.shape, {}};
      for (std::int64_t i = 0; i < ops::element_count(spec.shape); ++i)
        tensor.values.push_back(0.25f + 0.01f * static_cast<float>(i) +
                                0.1f * static_cast<float>(tensors.size()));
      tensors[spec.name] = tensor;
    }
  }
  std::vector<Tensor> all;
  for (auto& [name, tensor] : tensors) all.push_back(std::move(tensor));
  return all;
}

inline pb::ModelProto saved_proto() { return parse_model(read_bytes(test_path("saved.onnx"))); }

// "(N, 3)" of an output.
inline std::string shape_text(const pb::ValueInfoProto& output) {
  std::vector<std::string> dims;
  for (const auto& dim : output.type().tensor_type().shape().dim())
    dims.push_back(dim.has_dim_value() ? std::to_string(dim.dim_value()) : "N");
  return fmt::format("({})", fmt::join(dims, ", "));
}

// ONNX's own inference finds the shapes that the file declares for its outputs.
inline void expect_declared_shapes() {
  const pb::ModelProto declared = saved_proto();
  pb::ModelProto inferred = declared;
  for (auto& output : *inferred.mutable_graph()->mutable_output())
    output.mutable_type()->mutable_tensor_type()->clear_shape();
  pb::shape_inference::InferShapes(inferred);
  for (int i = 0; i < declared.graph().output_size(); ++i)
    EXPECT_EQ(shape_text(inferred.graph().output(i)), shape_text(declared.graph().output(i)));
}

inline Model round_trip(const Graph& graph, const SaveOptions& options = {}) {
  const auto file = test_path("saved.onnx");
  save(file, graph, tensors_of(graph), options);
  expect_declared_shapes();
  return load(file);
}

inline Error error_of(const Graph& graph, const std::vector<Tensor>& tensors,
                      const SaveOptions& options) {
  try {
    save(test_path("bad.onnx"), graph, tensors, options);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "save", "threw no error"};
}

inline std::vector<float> example_values(std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(std::sin(static_cast<float>(i + 1) * 0.7f) * 2.0f);
  return values;
}

// The outputs of both on the same three examples.
inline void expect_same_outputs(const Model& a, const Model& b, float tolerance) {
  std::vector<std::vector<float>> inputs;
  for (const int input : a.graph.inputs())
    inputs.push_back(example_values(3 * ops::element_count(a.graph.shapes()[input])));
  const auto expected = evaluate(a, inputs, 3);
  const auto found = evaluate(b, inputs, 3);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].size(), expected[i].size());
    for (std::size_t k = 0; k < found[i].size(); ++k)
      ASSERT_NEAR(found[i][k], expected[i][k], tolerance * (1.0f + std::abs(expected[i][k])))
          << i << " " << k;
  }
}

// Written and read again: the same operators with the same attributes, the same tensors under the
// same names.
inline void expect_round_trip(const Graph& graph) {
  const Model again = round_trip(graph);
  EXPECT_EQ(structure(again.graph), structure(graph));
  std::map<std::string, std::vector<float>> before;
  for (const Tensor& tensor : tensors_of(graph)) before[tensor.name] = tensor.values;
  for (const Tensor& tensor : again.weights)
    EXPECT_EQ(tensor.values, before[tensor.name]) << tensor.name;
  EXPECT_EQ(again.weights.size(), before.size());
  expect_same_outputs({graph, tensors_of(graph), {}, {}, {}}, again, 1e-6f);
}

inline Graph chain(const Shape& input, std::vector<Node> nodes) {
  std::vector<Node> all = {{"x", "input", {}, {{"shape", input}}}};
  for (Node& node : nodes) {
    node.inputs = {static_cast<int>(all.size()) - 1};
    all.push_back(std::move(node));
  }
  return Graph(std::move(all));
}

inline Node activation(const std::string& specification) {
  return {"act",
          "activation",
          {},
          {{"activation", Activation(specification)},
           {"layer", std::string("act")},
           {"sequence", std::int64_t{0}}}};
}

inline Node node(const char* op, Attributes attributes = {}) {
  return {std::string("the_") + op, op, {}, std::move(attributes)};
}

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_TEST_SAVE_H_
