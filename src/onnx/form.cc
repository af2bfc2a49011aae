#include "onnx/form.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace undying::onnx {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKey = "undying.data";
constexpr const char* kFormat = "undying-data 1";
constexpr const char* kCentred =
    "data/centred";  // names of values and nodes; a network's own never begin so
constexpr const char* kScaled = "data/scaled";
constexpr const char* kAnswer = "data/answer";
constexpr const char* kStretched = "data/stretched";

bool all_are(const std::vector<float>& values, float value) {
  return std::ranges::all_of(values, [value](float each) { return each == value; });
}

Json form_json(const DataForm& form) {
  Json columns = Json::array();
  for (const TableColumn& column : form.columns)
    columns.push_back({{"name", column.name},
                       {"values", column.values},
                       {"fill", column.fill ? Json(*column.fill) : Json(nullptr)}});
  return {{"format", kFormat},
          {"columns", std::move(columns)},
          {"classes", form.class_names},
          {"target", form.target},
          {"mean", form.mean},
          {"deviation", form.deviation},
          {"target_mean", form.target_mean},
          {"target_deviation", form.target_deviation}};
}

DataForm parse_form(const std::string& text) {
  const Json json = Json::parse(text);
  if (json.at("format") != kFormat) throw std::invalid_argument("format");
  DataForm form{.mean = json.at("mean"),
                .deviation = json.at("deviation"),
                .target_mean = json.at("target_mean")};
  form.target_deviation = json.at("target_deviation");
  form.class_names = json.at("classes");
  form.target = json.at("target");
  for (const Json& column : json.at("columns")) {
    TableColumn& known = form.columns.emplace_back(
        TableColumn{.name = column.at("name"), .values = column.at("values"), .fill = {}});
    if (!column.at("fill").is_null()) known.fill = column.at("fill").get<float>();
  }
  return form;
}

// One number for all, one a channel of (channels, height, width), or one a value of an example in a
// row.
void add_numbers(pb::GraphProto& graph, const std::string& name, const std::vector<float>& values,
                 const Shape& example) {
  pb::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(pb::TensorProto::FLOAT);
  if (values.size() > 1) tensor.add_dims(static_cast<std::int64_t>(values.size()));
  const bool channels = values.size() > 1 && example.size() == 3;
  for (int i = 0; channels && i < 2; ++i) tensor.add_dims(1);
  for (const float value : values) tensor.add_float_data(value);
}

void set_node(pb::NodeProto& node, const char* op, const std::string& a, const std::string& b,
              const std::string& result) {
  node.set_op_type(op);
  node.set_name(result.starts_with("data/")
                    ? result
                    : "data/moved");  // the last one's result has the network's own name
  node.add_input(a);
  node.add_input(b);
  node.add_output(result);
}

void rename_reads(pb::GraphProto& graph, const std::string& from, const std::string& to) {
  for (pb::NodeProto& node : *graph.mutable_node())
    for (std::string& input : *node.mutable_input())
      if (input == from) input = to;
}

void rename_result(pb::GraphProto& graph, const std::string& from, const std::string& to) {
  rename_reads(graph, from, to);
  for (pb::NodeProto& node : *graph.mutable_node())
    for (std::string& output : *node.mutable_output())
      if (output == from) output = to;
}

// A node in front of all others.
pb::NodeProto& add_first(pb::GraphProto& graph) {
  graph.add_node();
  for (int i = graph.node_size() - 1; i > 0; --i) graph.mutable_node()->SwapElements(i, i - 1);
  return *graph.mutable_node(0);
}

bool scales_inputs(const DataForm& form) {
  return !all_are(form.deviation, 1.0f) || !all_are(form.mean, 0.0f);
}
bool scales_targets(const DataForm& form) { return !form.target_mean.empty(); }

void add_before(pb::GraphProto& graph, const DataForm& form, const Shape& input) {
  const std::string raw = graph.input(0).name();
  rename_reads(graph, raw, kScaled);
  add_numbers(graph, "data/deviation", form.deviation, input);
  const bool centred = !all_are(form.mean, 0.0f);
  set_node(add_first(graph), "Div", centred ? kCentred : raw, "data/deviation", kScaled);
  if (!centred) return;
  add_numbers(graph, "data/mean", form.mean, input);
  set_node(add_first(graph), "Sub", raw, "data/mean", kCentred);
}

void add_behind(pb::GraphProto& graph, const DataForm& form, const Shape& output) {
  const std::string answer = graph.output(0).name();
  rename_result(graph, answer, kAnswer);
  add_numbers(graph, "data/target_deviation", {form.target_deviation}, output);
  add_numbers(graph, "data/target_mean", form.target_mean, output);
  set_node(*graph.add_node(), "Mul", kAnswer, "data/target_deviation", kStretched);
  set_node(*graph.add_node(), "Add", kStretched, "data/target_mean", answer);
}

// The node that gives `result` by `op`, and nothing else; -1 where there is none.
int find_node(const pb::GraphProto& graph, const char* op, const std::string& result) {
  for (int i = 0; i < graph.node_size(); ++i)
    if (graph.node(i).op_type() == op && graph.node(i).input_size() == 2 &&
        graph.node(i).output_size() == 1 && graph.node(i).output(0) == result)
      return i;
  return -1;
}

bool take_before(pb::GraphProto& graph, const DataForm& form) {
  const int div = find_node(graph, "Div", kScaled);
  const bool centred = !all_are(form.mean, 0.0f);
  const int sub = centred ? find_node(graph, "Sub", kCentred) : -1;
  const std::string raw = graph.input(0).name();
  if (div < 0 || (centred && (sub < 0 || graph.node(sub).input(0) != raw))) return false;
  if (graph.node(div).input(0) != (centred ? std::string(kCentred) : raw)) return false;
  graph.mutable_node()->DeleteSubrange(div, 1);
  if (centred) graph.mutable_node()->DeleteSubrange(sub < div ? sub : sub - 1, 1);
  rename_reads(graph, kScaled, raw);
  return true;
}

bool take_behind(pb::GraphProto& graph) {
  const std::string answer = graph.output(0).name();
  const int add = find_node(graph, "Add", answer);
  const int mul = find_node(graph, "Mul", kStretched);
  if (add < 0 || mul < 0 || graph.node(add).input(0) != kStretched ||
      graph.node(mul).input(0) != kAnswer)
    return false;
  graph.mutable_node()->DeleteSubrange(std::max(add, mul), 1);
  graph.mutable_node()->DeleteSubrange(std::min(add, mul), 1);
  rename_result(graph, kAnswer, answer);
  return true;
}

void drop_unread_numbers(pb::GraphProto& graph) {
  for (int i = graph.initializer_size() - 1; i >= 0; --i)
    if (graph.initializer(i).name().starts_with("data/"))
      graph.mutable_initializer()->DeleteSubrange(i, 1);
}

}  // namespace

void add_form(pb::ModelProto& model, const DataForm& form, const Shape& input,
              const Shape& output) {
  pb::GraphProto& graph = *model.mutable_graph();
  if (graph.input_size() != 1 || graph.output_size() != 1) return;
  if (scales_inputs(form)) add_before(graph, form, input);
  if (scales_targets(form)) add_behind(graph, form, output);
  auto& entry = *model.add_metadata_props();
  entry.set_key(kKey);
  entry.set_value(form_json(form).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::optional<DataForm> take_form(pb::ModelProto& model) {
  const auto& entries = model.metadata_props();
  const auto at =
      std::ranges::find_if(entries, [](const auto& entry) { return entry.key() == kKey; });
  if (at == entries.end() || model.graph().input_size() < 1 || model.graph().output_size() != 1)
    return std::nullopt;
  try {
    const DataForm form = parse_form(at->value());
    pb::GraphProto graph = model.graph();
    if (scales_inputs(form) && !take_before(graph, form)) return std::nullopt;
    if (scales_targets(form) && !take_behind(graph)) return std::nullopt;
    drop_unread_numbers(graph);
    *model.mutable_graph() = std::move(graph);
    model.mutable_metadata_props()->DeleteSubrange(static_cast<int>(at - entries.begin()),
                                                   1);  // it says nothing of what is left
    return form;
  } catch (const std::exception&) {  // what somebody else wrote under this name
    return std::nullopt;
  }
}

}  // namespace undying::onnx
