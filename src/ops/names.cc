#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/named_values.h"
#include "undying/loss.h"
#include "undying/precision.h"

namespace undying {
namespace {

// A row a loss; its formula is in ops/loss.cc.
struct LossRow {
  Loss loss;
  std::string_view name;
  LossKind kind;
};

constexpr std::array kLosses = {
    LossRow{Loss::kSoftmaxCrossEntropy, "cross-entropy", LossKind::kClasses},
    LossRow{Loss::kMeanSquaredError, "mse", LossKind::kValues},
    LossRow{Loss::kBinaryCrossEntropy, "bce", LossKind::kProbabilities},
    LossRow{Loss::kHuber, "huber", LossKind::kValues}};

constexpr auto kLossNames = [] {
  std::array<std::pair<Loss, std::string_view>, kLosses.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = {kLosses[i].loss, kLosses[i].name};
  return names;
}();

constexpr std::array kPrecisions = {std::pair{Precision::kFloat32, std::string_view("float32")},
                                    std::pair{Precision::kBfloat16, std::string_view("bf16")}};

}  // namespace

Loss parse_loss(std::string_view text) { return value_named(kLossNames, "loss", text); }
std::string_view name(Loss loss) { return name_of_value(kLossNames, loss); }
std::vector<std::string> loss_names() { return names_in(kLossNames); }
LossKind kind(Loss loss) { return std::ranges::find(kLosses, loss, &LossRow::loss)->kind; }
Loss usual_loss(bool classes) {
  return classes ? Loss::kSoftmaxCrossEntropy : Loss::kMeanSquaredError;
}

Precision parse_precision(std::string_view text) {
  return value_named(kPrecisions, "precision", text);
}
std::string_view name(Precision precision) { return name_of_value(kPrecisions, precision); }

}  // namespace undying
