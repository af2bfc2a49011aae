#ifndef UNDYING_DATA_SCALING_H_
#define UNDYING_DATA_SCALING_H_

#include <vector>

#include "undying/dataset.h"

namespace undying::data {

// Learns mean and deviation of the training part for both parts: one a channel for bytes, one a
// column for values, but for those that are 0 or 1 because they came of text. What never varies is
// only centred.
void standardise(Dataset& train, Dataset& test, const std::vector<TableColumn>& columns = {});

// What a mean stands for becomes the mean of the training part, in both parts and in the columns.
void fill_missing(Dataset& train, Dataset& test, std::vector<TableColumn>& columns);

// The same of the targets: a mean for each output, and one deviation for all, the root of their
// mean variance.
void standardise_targets(Dataset& train, Dataset& test);

// Scales data as a network's data was. Throws Error{kBadData} where the form has another number of
// inputs or outputs.
void apply_form(Dataset& data, const DataForm& form);

// Does what `normalize` says, which is little for synthetic sets (`from_file` false): they are made
// at a fitting scale.
void scale(Split& split, Normalize normalize, bool targets, bool from_file);

}  // namespace undying::data

#endif  // UNDYING_DATA_SCALING_H_
