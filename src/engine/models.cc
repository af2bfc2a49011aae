#include <charconv>
#include <limits>

#include "ops/operator.h"
#include "undying/error.h"
#include "undying/graph.h"

namespace undying {
namespace {

// Widths and depths beyond these are typing errors: 2^20 units take 4 TB of weights between two layers.
constexpr std::int64_t kMostUnits = 1 << 20;
constexpr std::int64_t kMostLayers = 100'000;

// Appends nodes, each fed by the one before.
class Chain {
 public:
  explicit Chain(const Shape& inputs) { nodes_.push_back({"input", "input", {}, {{"shape", inputs}}}); }

  void add(const std::string& name, const std::string& op, Attributes attributes) {
    nodes_.push_back({name, op, {static_cast<int>(nodes_.size()) - 1}, std::move(attributes)});
  }

  Graph build() { return Graph(std::move(nodes_)); }

 private:
  std::vector<Node> nodes_;
};

Graph build_mlp(const Shape& inputs, const Mlp& options) {
  Chain chain(inputs);
  if (inputs.size() != 1) chain.add("flatten", "flatten", {});
  for (std::size_t i = 0; i < options.hidden.size(); ++i) {
    const std::string layer = "layer." + std::to_string(i);
    const auto sequence = static_cast<std::int64_t>(i);
    chain.add(layer, "linear", {{"outputs", options.hidden[i]}});
    if (options.batch_norm) chain.add(layer + ".bn", "batch_norm", {});
    chain.add(layer + ".activation", "activation", {{"activation", options.activation}, {"layer", layer}, {"sequence", sequence}});
    if (options.dropout != 0.0) chain.add(layer + ".dropout", "dropout", {{"p", options.dropout}, {"sequence", sequence}});
  }
  chain.add("layer." + std::to_string(options.hidden.size()), "linear", {{"outputs", options.outputs}});
  return chain.build();
}

[[noreturn]] void fail(std::string_view specification, const std::string& found) {
  throw Error(ErrorCode::kInvalidArgument, "model " + std::string(specification),
              found + "; expected mlp, mlp:WIDTHxDEPTH (mlp:32x20) or mlp:WIDTH-WIDTH-... (mlp:256-128-100)");
}

std::int64_t parse_count(std::string_view specification, std::string_view text, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) fail(specification, "\"" + std::string(text) + "\" is not a whole number");
  if (value < 1 || value > most) fail(specification, std::string(text) + " is not in 1.." + std::to_string(most));
  return value;
}

std::vector<std::int64_t> parse_widths(std::string_view specification, std::string_view text) {
  if (const auto cross = text.find('x'); cross != std::string_view::npos) {
    const std::int64_t width = parse_count(specification, text.substr(0, cross), kMostUnits);
    const std::int64_t depth = parse_count(specification, text.substr(cross + 1), kMostLayers);
    return std::vector<std::int64_t>(static_cast<std::size_t>(depth), width);
  }
  std::vector<std::int64_t> widths;
  for (;;) {
    const auto dash = text.find('-');
    widths.push_back(parse_count(specification, text.substr(0, dash), kMostUnits));
    if (dash == std::string_view::npos) return widths;
    text.remove_prefix(dash + 1);
  }
}

}  // namespace

Graph mlp(const Mlp& options) { return build_mlp({options.inputs}, options); }

Graph build_model(std::string_view specification, const Shape& inputs, std::int64_t outputs, const ModelOptions& options) {
  const auto colon = specification.find(':');
  if (specification.substr(0, colon) != "mlp")
    fail(specification, "\"" + std::string(specification.substr(0, colon)) + "\" is not a known model");
  std::vector<std::int64_t> hidden = {128, 128};
  if (colon != std::string_view::npos) hidden = parse_widths(specification, specification.substr(colon + 1));
  return build_mlp(inputs, {.inputs = 0,
                            .hidden = std::move(hidden),
                            .outputs = outputs,
                            .activation = options.activation,
                            .batch_norm = options.batch_norm,
                            .dropout = options.dropout});
}

}  // namespace undying
