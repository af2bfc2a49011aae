#ifndef UNDYING_DATA_ARRAY_ARRAYS_H_
#define UNDYING_DATA_ARRAY_ARRAYS_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/array/npy.h"
#include "undying/dataset.h"

namespace undying::data {

// The data sets of arrays, and what they were taken for.
struct ArrayParts {
  std::shared_ptr<Dataset> train;
  std::shared_ptr<Dataset> test;  // null where there is none
  Reading reading;
};

// `X.npy,Y.npy`: X (examples, ...), Y (examples) or (examples, outputs). Integer Y, and others of 0
// and 1 alone, are class labels, rows with a single 1 among zeros likewise; others are targets. X
// of type u1 with two or more dimensions per example are images, scaled to [0, 1]. Behind the
// files, here and of NPZ files, may stand `:channels=first` (the last axis of an example comes
// first) or `:channels=last` (the first comes last).
ArrayParts read_npy(std::string_view text);

// `X.npy` alone, scaled as `form` says, as a data set without labels or targets: what a network can
// be looked at with, but not trained on.
std::shared_ptr<Dataset> open_npy_inputs(const std::filesystem::path& file,
                                         const std::optional<DataForm>& form = {});

// An NPZ file (zip, stored or deflated) with X and y (or x_train and y_train), and test parts
// X_test and y_test (x_test, y_test) if it has any, of the same shapes. `network`: at hand; where
// the file has arrays by its names, or must, they are read as read_named() says.
ArrayParts read_npz(std::string_view text, const NetworkInterface* network = nullptr);

// Targets that are read of an array for these examples: classes or values.
void fill_targets(Dataset& data, const Array& y, const std::string& source, Reading& reading);

// Without the options behind it.
std::string_view array_files(std::string_view text);

}  // namespace undying::data

#endif  // UNDYING_DATA_ARRAY_ARRAYS_H_
