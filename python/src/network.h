#ifndef UNDYING_PYTHON_NETWORK_H_
#define UNDYING_PYTHON_NETWORK_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "undying/dataset.h"
#include "undying/trainer.h"

namespace undying::python {

// What an estimator fits, and how: the flags of the command `train`, and the shape of the data.
struct NetworkOptions {
  std::vector<std::string> arguments;  // "--optimizer=adam", ...
  std::string activation = "relu";
  std::int64_t inputs = 0;
  std::int64_t classes = 0;  // 0: values
  std::int64_t outputs = 0;  // values, where there are no classes
};

struct Fitted {
  std::string status;
  std::string reason;
  std::vector<double> losses;             // of training, an epoch each
  std::vector<double> validation_scores;  // where the run stopped early
  std::int64_t best_epoch = 0;
  std::int64_t steps = 0;
  double seconds = 0.0;
};

// A multilayer perceptron that an estimator trains, more than once if it likes: weights, moments
// and steps go on.
class Network {
 public:
  explicit Network(NetworkOptions options);

  // `tolerance`: the run ends once the training loss was not that much better for `patience`
  // epochs; 0 epochs: never.
  Fitted fit(const Dataset& train, const Dataset* validation, double tolerance,
             std::int64_t patience, const std::stop_token& stop,
             const std::function<void(const EpochRecord&)>& finished);
  // (size, classes or outputs): logits, or values in their own units.
  std::vector<float> predict(const Dataset& data);

  std::vector<Tensor> tensors() const { return trainer_->tensors(); }
  void load(const std::vector<Tensor>& tensors) { trainer_->load(tensors); }
  void save(const std::string& file, const DataForm& form) const;

  std::int64_t inputs() const { return options_.inputs; }
  std::int64_t classes() const { return options_.classes; }
  std::int64_t width() const { return options_.classes > 0 ? options_.classes : options_.outputs; }

 private:
  NetworkOptions options_;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace undying::python

#endif  // UNDYING_PYTHON_NETWORK_H_
