#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/named_values.h"
#include "undying/error.h"
#include "undying/initializer.h"

namespace undying {
namespace {

constexpr std::array kInitializers = {
    std::pair{Initializer::kKaimingNormal, std::string_view("kaiming-normal")},
    std::pair{Initializer::kKaimingUniform, std::string_view("kaiming-uniform")},
    std::pair{Initializer::kXavierNormal, std::string_view("xavier-normal")},
    std::pair{Initializer::kXavierUniform, std::string_view("xavier-uniform")},
    std::pair{Initializer::kLecunNormal, std::string_view("lecun-normal")},
    std::pair{Initializer::kOrthogonal, std::string_view("orthogonal")},
    std::pair{Initializer::kRandomizedAsymmetric, std::string_view("randomized-asymmetric")}};

// What others call them.
constexpr std::array kAlso = {std::pair{std::string_view("he"), std::string_view("kaiming")},
                              std::pair{std::string_view("glorot"), std::string_view("xavier")}};

// The draws that a name which none has may stand for: those that begin so.
std::string perhaps(std::string_view text) {
  std::string wanted(text);
  std::ranges::replace(wanted, '_', '-');
  for (const auto& [other, ours] : kAlso)
    if (wanted == other || wanted.starts_with(std::string(other) + "-"))
      wanted.replace(0, other.size(), ours);
  std::string meant;
  for (const std::string& name : initializer_names()) {
    if (name == text) return {};
    if (name.starts_with(wanted) && !wanted.empty()) meant += (meant.empty() ? "" : " or ") + name;
  }
  return meant;
}

}  // namespace

Initializer parse_initializer(std::string_view text) {
  const std::string meant = perhaps(text);
  if (!meant.empty())
    throw Error(ErrorCode::kInvalidArgument, "initializer",
                fmt::format("\"{}\" is not known, perhaps {}; expected one of {}", text, meant,
                            fmt::join(initializer_names(), ", ")));
  return value_named(kInitializers, "initializer", text);
}
std::string_view name(Initializer initializer) { return name_of_value(kInitializers, initializer); }
std::vector<std::string> initializer_names() { return names_in(kInitializers); }

}  // namespace undying
