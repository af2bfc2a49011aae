#include "onnx/read/metadata.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "onnx/names.h"

namespace undying::onnx {
namespace {

// By reflection: the messages of older ONNX libraries have no such field.
std::string property_of(const google::protobuf::Message& message, std::string_view key) {
  const auto* field = message.GetDescriptor()->FindFieldByName("metadata_props");
  if (field == nullptr) return {};
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    const auto& entry = dynamic_cast<const pb::StringStringEntryProto&>(
        reflection->GetRepeatedMessage(message, field, i));
    if (entry.key() == key) return printable(entry.value());
  }
  return {};
}

std::string mangled(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

// The class of the module that holds a node is one of PyTorch's own that have no parts.
bool is_leaf(const std::vector<std::string>& classes) {
  if (classes.size() < 2) return false;
  const std::string& own = classes[classes.size() - 2];
  return own.starts_with("torch.nn.modules.") && own.find(".container.") == std::string::npos &&
         own.find(".transformer.") == std::string::npos;
}

// "fc1" for nodes of a module without parts; with their own name behind it for others; that name
// alone outside of any.
std::string module_path(const std::vector<std::string>& scopes,
                        const std::vector<std::string>& classes) {
  if (scopes.empty()) return {};
  const std::string path = scopes.size() > 1 ? scopes[scopes.size() - 2] : "";
  if (path.empty()) return scopes.back();
  return is_leaf(classes) ? path : path + "." + scopes.back();
}

}  // namespace

std::vector<std::string> mangled_names(std::string_view fx_node) {
  std::vector<std::string> names;
  for (std::size_t at = fx_node.find('%'); at != std::string_view::npos;
       at = fx_node.find('%', at + 1)) {
    std::size_t end = at + 1;
    while (end < fx_node.size() &&
           (std::isalnum(static_cast<unsigned char>(fx_node[end])) != 0 || fx_node[end] == '_'))
      ++end;
    const std::string_view name = fx_node.substr(at + 1, end - at - 1);
    if (name.starts_with("p_") || name.starts_with("b_")) names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> python_list(std::string_view text) {
  std::vector<std::string> texts;
  for (std::size_t at = text.find('\''); at != std::string_view::npos;
       at = text.find('\'', at + 1)) {
    const std::size_t end = text.find('\'', at + 1);
    if (end == std::string_view::npos) break;
    texts.emplace_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  return texts;
}

std::string true_name(const std::string& name, const std::vector<std::string>& scopes,
                      const std::vector<std::string>& initializers) {
  const std::string bare = name.substr(2);  // without p_ or b_
  for (const std::string& initializer : initializers)
    if (mangled(initializer) == bare) return initializer;
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    const std::string start = mangled(*scope) + "_";
    if (!scope->empty() && bare.starts_with(start) && bare.size() > start.size())
      return *scope + "." + bare.substr(start.size());
  }
  return {};
}

NodeOrigin origin_of(const pb::NodeProto& node, const std::vector<std::string>& initializers) {
  const std::string fx_node = property_of(node, "pkg.torch.onnx.fx_node");
  const std::vector<std::string> scopes =
      python_list(property_of(node, "pkg.torch.onnx.name_scopes"));
  NodeOrigin origin{.module = module_path(
                        scopes, python_list(property_of(node, "pkg.torch.onnx.class_hierarchy"))),
                    .known = !fx_node.empty()};
  const bool is_layer =
      node.op_type() == "Conv" || node.op_type() == "ConvTranspose" || node.op_type() == "Gemm";
  origin.folded_norm = is_layer && fx_node.find("batch_norm") != std::string::npos;
  for (const std::string& each : mangled_names(fx_node)) {
    const std::string name = true_name(each, scopes, initializers);
    (origin.folded_norm ? origin.norm : origin.parameters)
        .push_back(name.empty() ? "%" + each : name);
    if (each.starts_with("b_") && !origin.folded_norm)
      origin.buffers.push_back(origin.parameters.back());
  }
  return origin;
}

void complete_names(std::span<NodeOrigin* const> origins) {
  std::map<std::string, std::string> known;
  for (const NodeOrigin* origin : origins)
    for (const std::string& name : origin->parameters)
      if (!name.starts_with('%')) known.emplace(mangled(name), name);
  for (NodeOrigin* origin : origins)
    for (std::vector<std::string>* names : {&origin->parameters, &origin->buffers, &origin->norm})
      for (std::string& name : *names) {
        if (!name.starts_with('%')) continue;
        const std::string bare = name.substr(3);  // without %p_
        const auto found = known.find(bare);
        name = found == known.end() ? bare : found->second;
      }
}

}  // namespace undying::onnx
