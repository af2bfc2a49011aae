#ifndef UNDYING_PYTHON_DATA_H_
#define UNDYING_PYTHON_DATA_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/array/arrays.h"
#include "data/table/csv_source.h"
#include "data/table/frame.h"
#include "undying/dataset.h"

namespace undying::python {

// Examples that Python has handed over, opened once for a command.
class Source {
 public:
  virtual ~Source() = default;
  // Whether there is something to predict; else open_inputs() is what opens it.
  virtual bool has_targets() const = 0;
  virtual Split open(const DataOptions& options) const = 0;
  virtual std::shared_ptr<const Dataset> open_inputs(const std::optional<DataForm>& form) const = 0;
};

// Arrays: X alone, X and y, or both with a test part.
class Arrays final : public Source {
 public:
  Arrays(std::shared_ptr<Dataset> train, std::shared_ptr<Dataset> test, Reading reading)
      : train_(std::move(train)), test_(std::move(test)), reading_(std::move(reading)) {}

  bool has_targets() const override { return !train_->labels.empty() || !train_->targets.empty(); }
  Split open(const DataOptions& options) const override;
  std::shared_ptr<const Dataset> open_inputs(const std::optional<DataForm>& form) const override;

 private:
  std::shared_ptr<Dataset> train_;
  std::shared_ptr<Dataset> test_;
  Reading reading_;
};

// A frame, and perhaps another that is the test part.
class Table final : public Source {
 public:
  Table(std::shared_ptr<data::Frame> rows, std::shared_ptr<data::Frame> test,
        data::CsvSource columns)
      : rows_(std::move(rows)), test_(std::move(test)), columns_(std::move(columns)) {}

  bool has_targets() const override { return columns_.column.has_value(); }
  Split open(const DataOptions& options) const override;
  std::shared_ptr<const Dataset> open_inputs(const std::optional<DataForm>& form) const override;

 private:
  std::shared_ptr<data::Frame> rows_;
  std::shared_ptr<data::Frame> test_;
  data::CsvSource columns_;
};

}  // namespace undying::python

#endif  // UNDYING_PYTHON_DATA_H_
