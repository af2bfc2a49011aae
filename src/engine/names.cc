#include <array>
#include <string_view>
#include <utility>

#include "base/named_values.h"
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

}  // namespace

Initializer parse_initializer(std::string_view text) {
  return value_named(kInitializers, "initializer", text);
}
std::string_view name(Initializer initializer) { return name_of_value(kInitializers, initializer); }
std::vector<std::string> initializer_names() { return names_in(kInitializers); }

}  // namespace undying
