#include <charconv>
#include <limits>
#include <utility>

#include "base/nearest.h"
#include "ops/operator.h"
#include "undying/error.h"
#include "undying/graph.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

// Widths and depths beyond these are typing errors: 2^20 units take 4 TB of weights between two
// layers.
constexpr std::int64_t kMostUnits = 1 << 20;
constexpr std::int64_t kMostLayers = 100'000;

// Builds a graph node by node. Layers, that is nodes with a weight, are numbered from 0; what
// belongs to one is named after it.
class Builder {
 public:
  Builder(const Shape& inputs, const ModelOptions& options, bool batch_norm)
      : options_(options), batch_norm_(batch_norm) {
    nodes_.push_back({"input", "input", {}, {{"shape", inputs}}});
  }

  // Each returns the index of the node it adds, fed by `src` or by the last one.
  int add(const std::string& name, const std::string& op, std::vector<int> inputs,
          Attributes attributes = {}) {
    nodes_.push_back({name, op, std::move(inputs), std::move(attributes)});
    return last();
  }
  int last() const { return static_cast<int>(nodes_.size()) - 1; }

  int linear(std::int64_t outputs) {
    layer_ = "layer." + std::to_string(layers_++);
    return add(layer_, "linear", {last()}, {{"outputs", outputs}});
  }

  // A convolution padded so that stride 1 keeps the extents; with batch norm behind it where the
  // model has that, and then no bias.
  int conv(int src, std::int64_t outputs, std::int64_t kernel, std::int64_t stride = 1,
           std::int64_t groups = 1) {
    layer_ = "layer." + std::to_string(layers_++);
    const Ints pads(4, kernel / 2);
    add(layer_, "conv", {src},
        {{"outputs", outputs},
         {"kernel", Ints{kernel, kernel}},
         {"strides", Ints{stride, stride}},
         {"pads", pads},
         {"groups", groups},
         {"bias", std::int64_t{!batch_norm_}}});
    return normalise();
  }

  int normalise() {
    if (options_.layer_norm) return add(layer_ + ".ln", "layer_norm", {last()});
    return batch_norm_ ? add(layer_ + ".bn", "batch_norm", {last()}) : last();
  }

  // The activation of the layer added last, and dropout behind it where the model has that.
  int activate() {
    const auto sequence = activations_++;
    add(layer_ + ".activation", "activation", {last()},
        {{"activation", options_.activation}, {"layer", layer_}, {"sequence", sequence}});
    if (options_.dropout == 0.0) return last();
    return add(layer_ + ".dropout", "dropout", {last()},
               {{"p", options_.dropout}, {"sequence", sequence}});
  }

  // The sum of two nodes; the activation behind is named after the block.
  int join(int branch, int shortcut) {
    layer_ = "block." + std::to_string(blocks_++);
    return add(layer_, "add", {branch, shortcut});
  }

  int pool() {
    return add("pool." + std::to_string(last()), "max_pool", {last()},
               {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  }
  int flatten() { return add("flatten", "flatten", {last()}); }

  Graph build() { return Graph(std::move(nodes_)); }

 private:
  ModelOptions options_;
  bool batch_norm_;
  std::vector<Node> nodes_;
  std::string layer_;
  std::int64_t layers_ = 0;
  std::int64_t blocks_ = 0;
  std::int64_t activations_ = 0;
};

Graph build_mlp(const Shape& inputs, const Ints& hidden, std::int64_t outputs,
                const ModelOptions& options) {
  if (options.layer_norm && options.batch_norm.value_or(false))
    throw Error(ErrorCode::kInvalidArgument, "layer norm",
                "and batch norm stand in the same place; expected one of them");
  Builder builder(inputs, options, options.batch_norm.value_or(false));
  if (inputs.size() != 1) builder.flatten();
  for (const std::int64_t width : hidden) {
    builder.linear(width);
    builder.normalise();
    builder.activate();
  }
  builder.linear(outputs);
  return builder.build();
}

[[noreturn]] void fail(std::string_view specification, const std::string& found,
                       const std::string& expected) {
  throw Error(ErrorCode::kInvalidArgument, "model " + std::string(specification),
              found + "; expected " + expected);
}

const std::string kKnown =
    "mlp, mlp:WIDTHxDEPTH (mlp:32x20), mlp:WIDTH-WIDTH-... (mlp:256-128-100), lenet, vgg:small, "
    "resnet:20, resnet:32, resnet:56 or "
    "mobilenet:small";

std::int64_t parse_count(std::string_view specification, std::string_view text, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(specification, "\"" + std::string(text) + "\" is not a whole number", kKnown);
  if (value < 1 || value > most)
    fail(specification, std::string(text) + " is not in 1.." + std::to_string(most), kKnown);
  return value;
}

Ints parse_widths(std::string_view specification, std::string_view text) {
  if (const auto cross = text.find('x'); cross != std::string_view::npos) {
    const std::int64_t width = parse_count(specification, text.substr(0, cross), kMostUnits);
    const std::int64_t depth = parse_count(specification, text.substr(cross + 1), kMostLayers);
    return Ints(static_cast<std::size_t>(depth), width);
  }
  Ints widths;
  for (;;) {
    const auto dash = text.find('-');
    widths.push_back(parse_count(specification, text.substr(0, dash), kMostUnits));
    if (dash == std::string_view::npos) return widths;
    text.remove_prefix(dash + 1);
  }
}

// LeCun et al. 1998, with max pooling and any activation: two convolutions of 5 x 5 and two hidden
// layers.
Graph lenet(const Shape& inputs, std::int64_t outputs, const ModelOptions& options) {
  Builder builder(inputs, options, options.batch_norm.value_or(false));
  for (const std::int64_t width : {6, 16}) {
    builder.conv(builder.last(), width, 5);
    builder.activate();
    builder.pool();
  }
  builder.flatten();
  for (const std::int64_t width : {120, 84}) {
    builder.linear(width);
    builder.activate();
  }
  builder.linear(outputs);
  return builder.build();
}

// After Simonyan & Zisserman 2014: pairs of 3 x 3 convolutions and a pool, twice.
Graph vgg(const Shape& inputs, std::int64_t outputs, const ModelOptions& options) {
  Builder builder(inputs, options, options.batch_norm.value_or(false));
  for (const std::int64_t width : {32, 64}) {
    for (int i = 0; i < 2; ++i) {
      builder.conv(builder.last(), width, 3);
      builder.activate();
    }
    builder.pool();
  }
  builder.flatten();
  builder.linear(128);
  builder.activate();
  builder.linear(outputs);
  return builder.build();
}

// He et al. 2015, arXiv 1512.03385, section 4.2: 6 n + 2 layers of 3 x 3 convolutions, widths 16,
// 32, 64; a convolution of 1 x 1 where the shape changes (their option B).
Graph resnet(const Shape& inputs, std::int64_t outputs, int blocks, const ModelOptions& options) {
  Builder builder(inputs, options, options.batch_norm.value_or(true));
  builder.conv(0, 16, 3);
  builder.activate();
  std::int64_t channels = 16;
  for (const std::int64_t width : {16, 32, 64}) {
    for (int block = 0; block < blocks; ++block) {
      const std::int64_t stride = width != channels ? 2 : 1;
      int shortcut = builder.last();
      builder.conv(shortcut, width, 3, stride);
      builder.activate();
      const int branch = builder.conv(builder.last(), width, 3);
      if (width != channels) shortcut = builder.conv(shortcut, width, 1, stride);
      builder.join(branch, shortcut);
      builder.activate();
      channels = width;
    }
  }
  builder.add("pool", "global_average_pool", {builder.last()});
  builder.flatten();
  builder.linear(outputs);
  return builder.build();
}

// After Howard et al. 2017, arXiv 1704.04861: depthwise 3 x 3 and pointwise 1 x 1 convolutions in
// turn.
Graph mobilenet(const Shape& inputs, std::int64_t outputs, const ModelOptions& options) {
  Builder builder(inputs, options, options.batch_norm.value_or(true));
  builder.conv(0, 16, 3);
  builder.activate();
  std::int64_t channels = 16;
  for (const auto& [width, stride] : {std::pair{32, 1}, {64, 2}, {64, 1}, {128, 2}, {128, 1}}) {
    builder.conv(builder.last(), channels, 3, stride, channels);
    builder.activate();
    builder.conv(builder.last(), width, 1);
    builder.activate();
    channels = width;
  }
  builder.add("pool", "global_average_pool", {builder.last()});
  builder.flatten();
  builder.linear(outputs);
  return builder.build();
}

}  // namespace

Graph mlp(const Mlp& options) {
  return build_mlp({options.inputs}, options.hidden, options.outputs,
                   {.activation = options.activation,
                    .batch_norm = options.batch_norm,
                    .dropout = options.dropout,
                    .layer_norm = options.layer_norm});
}

Graph build_model(std::string_view specification, const Shape& inputs, std::int64_t outputs,
                  const ModelOptions& options) {
  const auto colon = specification.find(':');
  const std::string_view family = specification.substr(0, colon);
  const std::string_view size =
      colon == std::string_view::npos ? std::string_view() : specification.substr(colon + 1);
  if (family == "mlp") {
    const Ints hidden =
        colon == std::string_view::npos ? Ints{128, 128} : parse_widths(specification, size);
    return build_mlp(inputs, hidden, outputs, options);
  }
  const bool known = specification == "lenet" || specification == "vgg:small" ||
                     specification == "mobilenet:small" ||
                     (family == "resnet" && (size == "20" || size == "32" || size == "56"));
  if (!known) {
    const std::string near = nearest(family, {"mlp", "lenet", "vgg", "resnet", "mobilenet"});
    const bool another = !near.empty() && near != family;
    fail(
        specification,
        "\"" + std::string(specification) + "\" is not a known model" +
            (another ? ", perhaps " + near + std::string(specification.substr(family.size())) : ""),
        kKnown);
  }
  if (options.layer_norm)
    fail(specification, "layer norm is to stand behind its convolutions",
         "mlp, or batch norm in its place");
  if (inputs.size() != 3)
    fail(specification, "the examples have shape " + ops::to_string(inputs),
         "images (channels, height, width) for a convolutional model");
  if (family == "lenet") return lenet(inputs, outputs, options);
  if (family == "vgg") return vgg(inputs, outputs, options);
  if (family == "mobilenet") return mobilenet(inputs, outputs, options);
  return resnet(inputs, outputs, size == "20" ? 3 : size == "32" ? 5 : 9, options);
}

}  // namespace undying
