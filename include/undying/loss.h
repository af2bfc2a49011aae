#ifndef UNDYING_LOSS_H_
#define UNDYING_LOSS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace undying {

// What training makes small, of a network's outputs against their targets: ops/loss.h has the
// formulas.
enum class Loss { kSoftmaxCrossEntropy, kMeanSquaredError, kBinaryCrossEntropy, kHuber };

// "cross-entropy", "mse", "bce", "huber". Throws Error{kInvalidArgument} listing what is known.
Loss parse_loss(std::string_view text);
std::string_view name(Loss loss);
std::vector<std::string> loss_names();

// What a loss compares outputs with, and so what it takes them for: classes, of whose softmax they
// are the logits; probabilities, or two classes, of whose sigmoid each is a logit; values.
enum class LossKind { kClasses, kProbabilities, kValues };
LossKind kind(Loss loss);

// The one for classes, or for values, where none is asked for.
Loss usual_loss(bool classes);

// What is asked of one of several outputs, which packed() has joined: elements [first, first +
// width) of that.
struct OutputLoss {
  std::string output;
  Loss loss = Loss::kMeanSquaredError;
  double weight = 1.0;
  std::int64_t first = 0;
  std::int64_t width = 0;
  std::int64_t target = 0;   // the first of its columns in the targets
  std::int64_t columns = 0;  // of them: 1 where it is a class, or `width`
  bool classes = false;
};

}  // namespace undying

#endif  // UNDYING_LOSS_H_
