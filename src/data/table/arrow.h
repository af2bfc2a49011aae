#ifndef UNDYING_DATA_TABLE_ARROW_H_
#define UNDYING_DATA_TABLE_ARROW_H_

#include <memory>
#include <string>

#include "data/table/csv_source.h"
#include "data/table/records.h"

namespace undying::data {

// The rows of a Parquet file, or of an Arrow IPC file (Feather 2). Nested columns are their type's
// name in every row. The Arrow library is loaded here and not before: a program that reads other
// data carries nothing of it. Throws Error: kUnsupported (a build without it), kNotFound, kBadData.
std::unique_ptr<Records> open_arrow(const std::string& file, TableFormat format);

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_ARROW_H_
