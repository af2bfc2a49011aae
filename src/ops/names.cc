#include <array>
#include <string_view>
#include <utility>

#include "base/named_values.h"
#include "undying/loss.h"
#include "undying/precision.h"

namespace undying {
namespace {

constexpr std::array kLosses = {
    std::pair{Loss::kSoftmaxCrossEntropy, std::string_view("cross-entropy")},
    std::pair{Loss::kMeanSquaredError, std::string_view("mse")},
    std::pair{Loss::kBinaryCrossEntropy, std::string_view("bce")},
    std::pair{Loss::kHuber, std::string_view("huber")}};

constexpr std::array kPrecisions = {std::pair{Precision::kFloat32, std::string_view("float32")},
                                    std::pair{Precision::kBfloat16, std::string_view("bf16")}};

}  // namespace

Loss parse_loss(std::string_view text) { return value_named(kLosses, "loss", text); }
std::string_view name(Loss loss) { return name_of_value(kLosses, loss); }
std::vector<std::string> loss_names() { return names_in(kLosses); }

Precision parse_precision(std::string_view text) {
  return value_named(kPrecisions, "precision", text);
}
std::string_view name(Precision precision) { return name_of_value(kPrecisions, precision); }

}  // namespace undying
