#ifndef UNDYING_OPS_LOSS_H_
#define UNDYING_OPS_LOSS_H_

#include <cstdint>
#include <vector>

#include "undying/loss.h"

namespace undying::ops {

struct LossOptions {
  Loss loss = Loss::kSoftmaxCrossEntropy;
  double label_smoothing = 0.0;
  double huber_delta = 1.0;
  // Several, joined: the loss is the weighted sum of theirs, and nothing counts as correct.
  std::vector<OutputLoss> outputs = {};
  std::int64_t columns() const;  // of the targets of those
};

// Outputs of a network for `rows` examples against their targets: `labels` (rows) for classes, else
// `targets` (rows, width).
struct LossArgs {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  const float* outputs = nullptr;  // (rows, width)
  const std::int32_t* labels = nullptr;
  const float* targets = nullptr;  // of several outputs (rows, columns)
  float* diff = nullptr;           // (rows, width): gradient times `scale`; null: not wanted
  float scale = 1.0f;              // 1 / examples in the batch
  // (rows): how much each counts; null: 1 each. Not of several outputs.
  const float* weights = nullptr;
};

struct LossSums {
  double loss = 0.0;  // over the rows; of each row the sum (cross-entropy) or the mean over the
                      // outputs (the others)
  // Rows whose largest output is the label (a single output: whose sign tells the label).
  std::int64_t correct = 0;
};

// Softmax cross-entropy with label smoothing s: targets (1 - s) at the label plus s / width
// everywhere (Szegedy et al. 2016). Binary cross-entropy takes logits, one a label with width 1, or
// targets in [0, 1]. Huber: quadratic within delta, linear beyond. NaN in an output gives a NaN
// loss.
LossSums compute_loss(const LossOptions& options, const LossArgs& args);

// That of one of the outputs alone, without its weight, and how many are correct; `outputs`,
// `targets` and `diff` of `args` are of all.
LossSums compute_loss(const LossOptions& options, const OutputLoss& output, const LossArgs& args);

}  // namespace undying::ops

#endif  // UNDYING_OPS_LOSS_H_
