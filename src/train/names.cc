#include <array>
#include <string_view>
#include <utility>

#include "base/named_values.h"
#include "undying/run.h"
#include "undying/settings.h"

namespace undying {
namespace {

constexpr std::array kStatuses = {
    std::pair{RunStatus::kFinished, std::string_view("finished")},
    std::pair{RunStatus::kDiverged, std::string_view("diverged")},
    std::pair{RunStatus::kInterrupted, std::string_view("interrupted")}};

constexpr std::array kClassWeights = {
    std::pair{ClassWeights::kNone, std::string_view("none")},
    std::pair{ClassWeights::kBalanced, std::string_view("balanced")}};

}  // namespace

std::string_view name(RunStatus status) { return name_of_value(kStatuses, status); }

ClassWeights parse_class_weights(std::string_view text) {
  return value_named(kClassWeights, "class weights", text);
}
std::string_view name(ClassWeights weights) { return name_of_value(kClassWeights, weights); }

}  // namespace undying
