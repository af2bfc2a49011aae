#include <string_view>

#include "undying/error.h"
#include "undying/node.h"

namespace undying {
namespace {

template <class T>
constexpr std::string_view kind();
template <>
constexpr std::string_view kind<std::int64_t>() {
  return "an integer";
}
template <>
constexpr std::string_view kind<double>() {
  return "a number";
}
template <>
constexpr std::string_view kind<std::string>() {
  return "a text";
}
template <>
constexpr std::string_view kind<std::vector<std::int64_t>>() {
  return "a list of integers";
}
template <>
constexpr std::string_view kind<std::vector<double>>() {
  return "a list of numbers";
}
template <>
constexpr std::string_view kind<Activation>() {
  return "an activation";
}

}  // namespace

template <class T>
const T& Attributes::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end())
    throw Error(ErrorCode::kInvalidArgument, "attribute " + name, "is missing");
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "attribute " + name,
                "is not " + std::string(kind<T>()));
  return *value;
}

template const std::int64_t& Attributes::get<std::int64_t>(const std::string&) const;
template const double& Attributes::get<double>(const std::string&) const;
template const std::string& Attributes::get<std::string>(const std::string&) const;
template const std::vector<std::int64_t>& Attributes::get<std::vector<std::int64_t>>(
    const std::string&) const;
template const std::vector<double>& Attributes::get<std::vector<double>>(const std::string&) const;
template const Activation& Attributes::get<Activation>(const std::string&) const;

}  // namespace undying
