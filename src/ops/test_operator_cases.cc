// What the conformance walk runs of the operators that have no test of their own.
#include <utility>
#include <vector>

#include "ops/test_support.h"

namespace undying::ops {
namespace {

using Ints = std::vector<std::int64_t>;

Node conv(std::int64_t outputs, Ints kernel, Attributes attributes, const char* op = "conv") {
  attributes.set("outputs", outputs);
  attributes.set("kernel", std::move(kernel));
  return {"layer.0", op, {0}, std::move(attributes)};
}

// Operators that evaluate otherwise than they train, planned for the gradients of the network as it
// evaluates.
std::vector<Case> frozen_cases() {
  const Node batch_norm{"bn", "batch_norm", {0}, {{"epsilon", 1e-3}}};
  const Node dropout{"d", "dropout", {0}, {{"p", 0.4}}};
  const auto frozen = [](const std::string& label, const Node& node, const Value& src,
                         std::vector<Node> follower, bool exact = false) {
    return Case{"frozen_" + label, node, {src}, std::move(follower), exact, true};
  };
  const Value image = channels_last({3, 2, 2});
  return {frozen("batch_norm", batch_norm, image, {}),
          frozen("batch_norm_relu", batch_norm, image, {activation_node("relu")}),
          frozen("batch_norm_leaky", batch_norm, image, {activation_node("leaky_relu:0.2")}),
          frozen("batch_norm_leaky_exact", batch_norm, image, {activation_node("leaky_relu:0.2")},
                 true),
          frozen("batch_norm_vector_gelu", batch_norm, plain({7}), {activation_node("gelu")}),
          frozen("batch_norm_pieces", batch_norm, channels_last({40, 8, 8}), {}),
          frozen("dropout", dropout, plain({9}), {}),
          frozen("dropout_2d", {"d", "dropout_2d", {0}, {{"p", 0.4}}}, image, {}),
          frozen("rrelu", activation_node("rrelu:0.1,0.4"), plain({6}), {})};
}

}  // namespace

std::vector<Case> cases() {
  const Node linear{"layer.0", "linear", {0}, {{"outputs", std::int64_t{5}}}};
  const Node divided{"layer.0", "linear", {0}, {{"outputs", std::int64_t{60}}}};
  const Node no_bias{
      "layer.0", "linear", {0}, {{"outputs", std::int64_t{5}}, {"bias", std::int64_t{0}}}};
  const Node batch_norm{"layer.0.bn", "batch_norm", {0}, {}};
  std::vector<Case> all = {
      {"linear", linear, {plain({7})}, {}},
      {"linear_no_bias", no_bias, {plain({7})}, {}},
      {"linear_sequence", linear, {plain({3, 7})}, {}},
      // Weights that are large beside the values: several shards divide the units.
      {"linear_divided", divided, {plain({48})}, {}},
      {"linear_divided_sequence", divided, {plain({2, 48})}, {activation_node("leaky_relu:0.1")}},
      {"linear_divided_silu", divided, {plain({48})}, {activation_node("silu")}},
      {"linear_divided_crelu", divided, {plain({48})}, {activation_node("crelu")}},
      {"dropout",
       {"d", "dropout", {0}, {{"p", 0.4}, {"sequence", std::int64_t{2}}}},
       {plain({9})},
       {}},
      {"batch_norm", batch_norm, {plain({6})}, {}},
      {"batch_norm_exact", batch_norm, {plain({6})}, {}, true},
      {"batch_norm_1d", batch_norm, {channels_last({3, 5})}, {}},
      {"batch_norm_2d", batch_norm, {channels_last({19, 3, 2})}, {}},
      {"batch_norm_3d", batch_norm, {channels_last({5, 3, 2, 4})}, {}},
      {"conv", conv(4, {3, 3}, {{"pads", Ints{1, 1, 1, 1}}}), {channels_last({3, 5, 6})}, {}},
      {"conv_1d",
       conv(4, {3}, {{"strides", Ints{2}}, {"pads", Ints{0, 2}}}),
       {channels_last({2, 9})},
       {}},
      {"conv_3d",
       conv(4, {3, 2, 3}, {{"pads", Ints{1, 0, 1, 1, 1, 0}}, {"strides", Ints{1, 2, 2}}}),
       {channels_last({3, 4, 5, 6})},
       {}},
      {"conv_3d_flat",
       conv(4, {1, 3, 3}, {{"groups", std::int64_t{2}}, {"dilations", Ints{1, 2, 1}}}),
       {channels_last({2, 3, 5, 4})},
       {}},
      {"conv_3d_deep",
       conv(4, {3, 1, 1}, {{"strides", Ints{2, 1, 1}}}),
       {channels_last({2, 5, 3, 2})},
       {activation_node("silu")}},
      // Weights that are large beside the values: several shards divide the channels.
      {"conv_divided",
       conv(48, {1, 2}, {}),
       {channels_last({48, 1, 2})},
       {activation_node("leaky_relu:0.1")}},
      {"conv_divided_strided",
       conv(48, {1}, {{"strides", Ints{2}}, {"bias", std::int64_t{0}}}),
       {channels_last({48, 3})},
       {}},
      {"conv_strided",
       conv(4, {3, 2}, {{"strides", Ints{2, 3}}, {"bias", std::int64_t{0}}}),
       {channels_last({3, 8, 9})},
       {}},
      {"conv_dilated",
       conv(5, {3, 3}, {{"dilations", Ints{2, 1}}, {"pads", Ints{2, 0, 1, 3}}}),
       {channels_last({2, 6, 5})},
       {}},
      {"conv_groups",
       conv(6, {3, 3}, {{"groups", std::int64_t{2}}, {"auto_pad", std::string("same_upper")}}),
       {channels_last({4, 5, 5})},
       {}},
      {"conv_depthwise",
       conv(16, {3, 3},
            {{"groups", std::int64_t{16}},
             {"auto_pad", std::string("same_lower")},
             {"strides", Ints{2, 2}}}),
       {channels_last({16, 6, 6})},
       {}},
      {"conv_transpose", conv(4, {3, 3}, {}, "conv_transpose"), {channels_last({3, 4, 3})}, {}},
      {"conv_transpose_1d",
       conv(4, {3}, {{"strides", Ints{2}}, {"output_padding", Ints{1}}}, "conv_transpose"),
       {channels_last({2, 5})},
       {}},
      {"conv_transpose_3d",
       conv(4, {2, 3, 2}, {{"strides", Ints{2, 1, 2}}, {"pads", Ints{1, 0, 0, 0, 1, 0}}},
            "conv_transpose"),
       {channels_last({3, 3, 2, 3})},
       {}},
      {"conv_transpose_strided",
       conv(4, {3, 2},
            {{"strides", Ints{2, 3}}, {"pads", Ints{1, 0, 0, 1}}, {"bias", std::int64_t{0}}},
            "conv_transpose"),
       {channels_last({3, 4, 3})},
       {}},
      {"conv_transpose_groups",
       conv(6, {3, 3},
            {{"groups", std::int64_t{2}},
             {"strides", Ints{2, 2}},
             {"auto_pad", std::string("same_upper")}},
            "conv_transpose"),
       {channels_last({4, 3, 3})},
       {}},
      {"conv_transpose_dilated",
       conv(3, {2, 2}, {{"dilations", Ints{2, 2}}, {"output_shape", Ints{5, 4}}}, "conv_transpose"),
       {channels_last({2, 3, 3})},
       {activation_node("leaky_relu:0.1")}},
      {"conv_image",
       conv(16, {3, 3}, {{"pads", Ints{1, 1, 1, 1}}}),
       {channels_last({1, 5, 5})},
       {}},
      {"flatten", {"f", "flatten", {0}, {}}, {plain({2, 3})}, {}}};
  for (const ActivationInfo& info : activation_family()) {
    if (info.random) continue;  // its draws have no reference here; src/activations tests them
    const std::string name(info.name);
    const Node f = activation_node(info.name);
    all.push_back({"activation_" + name, f, {plain({6})}, {}});
    all.push_back({"activation_2d_" + name, f, {channels_last({3, 2, 2})}, {}});
    all.push_back({"linear_" + name, linear, {plain({7})}, {f}});
    all.push_back({"linear_no_bias_" + name, no_bias, {plain({7})}, {f}});
    all.push_back({"conv_" + name, conv(4, {3, 3}, {}), {channels_last({2, 5, 4})}, {f}});
    all.push_back({"batch_norm_" + name, batch_norm, {channels_last({3, 2, 2})}, {f}});
  }
  all.push_back(
      {"activation_negative_slope", activation_node("leaky_relu:-0.5"), {plain({6})}, {}});
  all.push_back(
      {"linear_negative_slope", linear, {plain({7})}, {activation_node("leaky_relu:-0.5")}});
  all.push_back({"linear_steep_slope", linear, {plain({7})}, {activation_node("leaky_relu:1.5")}});
  all.push_back({"linear_prelu_per_unit", linear, {plain({7})}, {activation_node("prelu:0.25,1")}});
  all.push_back({"batch_norm_negative_slope",
                 batch_norm,
                 {channels_last({3, 2, 2})},
                 {activation_node("leaky_relu:-0.5")}});
  all.push_back({"batch_norm_leaky_exact",
                 batch_norm,
                 {channels_last({3, 2, 2})},
                 {activation_node("leaky_relu:0.2")},
                 true});
  all.push_back({"batch_norm_pieces", batch_norm, {channels_last({40, 8, 8})}, {}});
  for (const Case& tested : frozen_cases()) all.push_back(tested);
  for (const auto& more :
       {binary_cases(), elementwise_cases(), shape_cases(), product_cases(), pool_cases()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace undying::ops
