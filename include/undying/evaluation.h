#ifndef UNDYING_EVALUATION_H_
#define UNDYING_EVALUATION_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"

namespace undying {

// What a network answers, in the units of its data.
struct Predictions {
  std::int64_t size = 0;
  std::vector<std::string> classes;  // names; empty: values
  std::int64_t outputs = 0;          // values an example, where there are no classes
  std::vector<float> values;         // (size, classes) probabilities, or (size, outputs) values

  std::int64_t width() const {
    return classes.empty() ? outputs : static_cast<std::int64_t>(classes.size());
  }
  std::int64_t chosen(std::int64_t row) const;  // the most probable class
};

// Of a network whose outputs are logits, or probabilities where it ends in softmax or sigmoid, for
// data scaled as it was trained. `classes` names its classes: as many as outputs, or two where it
// has one; empty: its outputs are values. Labels and targets are not looked at. Throws
// Error{kInvalidArgument} for data or names that do not fit.
Predictions predict(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
                    const std::vector<std::string>& classes, int threads = 0);

// A figure with its 95% interval: Wilson's for accuracy, else percentiles of 1,000 bootstrap draws
// of the examples.
struct Measured {
  std::string name;
  double value = 0.0;
  double lower = 0.0;
  double upper = 0.0;
};

struct Evaluation {
  std::int64_t examples = 0;
  std::vector<std::string> classes;
  std::vector<Measured> metrics;  // classes: accuracy, balanced accuracy, F1 (macro), AUC (of two),
                                  // log loss; values: RMSE, MAE, R2
  std::vector<std::int64_t> confusion;  // (true class, predicted class)
  struct Bin {
    std::int64_t examples = 0;
    double confidence = 0.0;  // mean probability of the class that was named
    double accuracy = 0.0;
  };
  std::array<Bin, 10> calibration = {};  // by that probability, (0, 10%], ..., (90%, 100%]
  double calibration_error = 0.0;  // mean |accuracy - confidence| over examples; NaN for values
};

// Throws Error{kInvalidArgument} where the data has neither labels nor targets that fit the
// predictions.
Evaluation evaluate(const Predictions& predictions, const Dataset& data, std::uint64_t seed = 1);

}  // namespace undying

#endif  // UNDYING_EVALUATION_H_
