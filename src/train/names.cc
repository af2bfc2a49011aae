#include <array>
#include <string>
#include <utility>

#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

constexpr std::array kLosses = {
    std::pair{Loss::kSoftmaxCrossEntropy, std::string_view("cross-entropy")}, std::pair{Loss::kMeanSquaredError, std::string_view("mse")},
    std::pair{Loss::kBinaryCrossEntropy, std::string_view("bce")}, std::pair{Loss::kHuber, std::string_view("huber")}};

constexpr std::array kInitializers = {std::pair{Initializer::kKaimingNormal, std::string_view("kaiming-normal")},
                                      std::pair{Initializer::kKaimingUniform, std::string_view("kaiming-uniform")},
                                      std::pair{Initializer::kXavierNormal, std::string_view("xavier-normal")},
                                      std::pair{Initializer::kXavierUniform, std::string_view("xavier-uniform")},
                                      std::pair{Initializer::kLecunNormal, std::string_view("lecun-normal")},
                                      std::pair{Initializer::kOrthogonal, std::string_view("orthogonal")},
                                      std::pair{Initializer::kRandomizedAsymmetric, std::string_view("randomized-asymmetric")}};

constexpr std::array kStatuses = {std::pair{RunStatus::kFinished, std::string_view("finished")},
                                  std::pair{RunStatus::kDiverged, std::string_view("diverged")},
                                  std::pair{RunStatus::kInterrupted, std::string_view("interrupted")}};

constexpr std::array kPrecisions = {std::pair{Precision::kFloat32, std::string_view("float32")},
                                    std::pair{Precision::kBfloat16, std::string_view("bf16")}};

constexpr std::array kClassWeights = {std::pair{ClassWeights::kNone, std::string_view("none")},
                                      std::pair{ClassWeights::kBalanced, std::string_view("balanced")}};

template <class Table>
auto parse(const Table& table, std::string_view what, std::string_view text) {
  std::string known;
  for (const auto& [value, name] : table) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::kInvalidArgument, what, "\"" + std::string(text) + "\" is not known; expected one of " + known);
}

template <class Table, class Value>
std::string_view find(const Table& table, Value wanted) {
  for (const auto& [value, name] : table)
    if (value == wanted) return name;
  return "";
}

}  // namespace

Loss parse_loss(std::string_view text) { return parse(kLosses, "loss", text); }
ClassWeights parse_class_weights(std::string_view text) { return parse(kClassWeights, "class weights", text); }
std::string_view name(ClassWeights weights) { return find(kClassWeights, weights); }
Initializer parse_initializer(std::string_view text) { return parse(kInitializers, "initializer", text); }
std::string_view name(Loss loss) { return find(kLosses, loss); }
std::string_view name(Initializer initializer) { return find(kInitializers, initializer); }
Precision parse_precision(std::string_view text) { return parse(kPrecisions, "precision", text); }
std::string_view name(Precision precision) { return find(kPrecisions, precision); }
std::string_view name(RunStatus status) { return find(kStatuses, status); }

}  // namespace undying
