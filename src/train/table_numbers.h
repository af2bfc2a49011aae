#ifndef UNDYING_TRAIN_TABLE_NUMBERS_H_
#define UNDYING_TRAIN_TABLE_NUMBERS_H_

#include "undying/dataset.h"
#include "undying/graph.h"

namespace undying::train {

// Where a network looks its input up in tables (token ids, categories), every number of the data
// must be one of a row. Throws Error{kBadData} that names the first example that has another, the
// number, and the table.
void check_table_numbers(const Graph& graph, const Dataset& data);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_TABLE_NUMBERS_H_
