#include "onnx/names.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace undying::onnx {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) parts.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return parts;
}

// "Conv" or "Conv_3".
bool is_operator(std::string_view part, std::string_view op) {
  if (!part.starts_with(op)) return false;
  part.remove_prefix(op.size());
  return part.empty() || (part.front() == '_' && is_number(part.substr(1)));
}

// Starts with a capital, as operators of ONNX do and modules do not: the last part of a composite's
// name may be any operator.
bool looks_like_operator(std::string_view part) {
  const std::size_t end = part.find('_');
  return std::isupper(static_cast<unsigned char>(part.front())) != 0 &&
         (end == std::string_view::npos || is_number(part.substr(end + 1)));
}

// In PyTorch's scopes a child of a sequence repeats its parent: layer1, layer1.0, conv1.
std::string join_scopes(const std::vector<std::string_view>& parts) {
  std::string path;
  std::string_view before;
  for (const std::string_view part : parts) {
    const bool repeats = !before.empty() && part.size() > before.size() &&
                         part.starts_with(before) && part[before.size()] == '.';
    if (repeats) path.resize(path.size() - before.size());
    if (!repeats && !path.empty()) path += '.';
    path += part;
    before = part;
  }
  return path;
}

std::string join(const std::vector<std::string_view>& parts) {
  std::string path;
  for (const std::string_view part : parts) path += (path.empty() ? "" : "/") + std::string(part);
  return path;
}

}  // namespace

bool is_presentable(std::string_view name) {
  return !name.empty() && !is_number(name) && !name.starts_with("onnx::") && !name.starts_with("#");
}

std::string module_of_tensor(std::string_view name) {
  for (const std::string_view role :
       {".weight", ".bias", ".running_mean", ".running_var", ".slope"})
    if (name.ends_with(role) && is_presentable(name))
      return std::string(name.substr(0, name.size() - role.size()));
  return {};
}

std::string module_of_node(std::string_view name, std::string_view op) {
  if (!is_presentable(name)) return {};
  std::vector<std::string_view> parts = parts_of(name);
  if (parts.empty()) return {};
  const bool operator_last = is_operator(parts.back(), op) || (!op.empty() && op.front() == '.' &&
                                                               looks_like_operator(parts.back()));
  if (parts.size() > 1 && operator_last) parts.pop_back();
  return name.front() == '/' ? join_scopes(parts) : join(parts);
}

std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(
      result, [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return result;
}

std::string UniqueNames::take(const std::string& name) {
  std::string free = name;
  for (int number = 2; !taken_.insert(free).second; ++number)
    free = name + "." + std::to_string(number);
  return free;
}

}  // namespace undying::onnx
