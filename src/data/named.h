#ifndef UNDYING_DATA_NAMED_H_
#define UNDYING_DATA_NAMED_H_

#include <string>
#include <utility>
#include <vector>

#include "data/array/arrays.h"
#include "undying/dataset.h"

namespace undying::data {

using Member = std::pair<std::string, std::string>;  // of an NPZ file: name with .npy, content

// Whether an NPZ file has arrays by the names of the network's inputs and outputs, or X and no y,
// or the network has several inputs.
bool is_named(const std::vector<Member>& members, const NetworkInterface& network);

// Its arrays: an input NAME is called that, or NAME_train with NAME_test beside it; of several that
// are not found by name x, x1, x2, ... Targets likewise: of several outputs those that are there; y
// where it is one, or none is named. Throws Error{kBadData} that names the input or output, what
// was found and what was expected.
ArrayParts read_named(const std::vector<Member>& members, const std::string& file,
                      const NetworkInterface& network);

// The columns of a table to the inputs of a network that has several: NAME, NAME_0, NAME[0],
// NAME.0, or NAME=text; where no column is called after an input, in their order. Columns that are
// called after several outputs become the targets of those. Throws Error{kBadData}.
void bind_columns(Dataset& data, Reading& reading, const NetworkInterface& network);

// Columns [first, first + columns) of the targets as those of one output: classes, or values. The
// inputs are left out.
Dataset targets_alone(const Dataset& data, std::int64_t first, std::int64_t columns,
                      std::int64_t classes);

// The targets of one output, from what was read for it; and those of several as columns of one
// table.
void add_part(Dataset& data, const TargetPart& output, const Dataset& part,
              const std::string& source);
void join_targets(Dataset& data, const std::vector<Dataset>& parts);

}  // namespace undying::data

#endif  // UNDYING_DATA_NAMED_H_
