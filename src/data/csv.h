#ifndef UNDYING_DATA_CSV_H_
#define UNDYING_DATA_CSV_H_

#include <string>
#include <string_view>

#include "undying/dataset.h"

namespace undying::data {

// A CSV file (RFC 4180) with a header line; every column but the label's is a number. The label column holds class names or integers
// (classes, sorted: integers by value, names by text) or, when any of its values is a number that is not an integer, targets.
// Throws Error{kBadData} that names the source, the line and the column.
Dataset parse_csv(std::string_view content, const std::string& source, std::string_view label);

}  // namespace undying::data

#endif  // UNDYING_DATA_CSV_H_
