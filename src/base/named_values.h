#ifndef UNDYING_BASE_NAMED_VALUES_H_
#define UNDYING_BASE_NAMED_VALUES_H_

#include <string>
#include <string_view>
#include <vector>

#include "undying/error.h"

namespace undying {

// The values of an enumeration under the names that the command line gives them: a constexpr array
// of pairs (value, name), read both ways.

// Throws Error{kInvalidArgument, what} that lists the names.
template <class Table>
auto value_named(const Table& table, std::string_view what, std::string_view text) {
  std::string known;
  for (const auto& [value, name] : table) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::kInvalidArgument, what,
              "\"" + std::string(text) + "\" is not known; expected one of " + known);
}

template <class Table>
std::vector<std::string> names_in(const Table& table) {
  std::vector<std::string> names;
  for (const auto& row : table) names.emplace_back(row.second);
  return names;
}

template <class Table, class Value>
constexpr std::string_view name_of_value(const Table& table, Value wanted) {
  for (const auto& [value, name] : table)
    if (value == wanted) return name;
  return "";
}

}  // namespace undying

#endif  // UNDYING_BASE_NAMED_VALUES_H_
