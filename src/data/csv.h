#ifndef UNDYING_DATA_CSV_H_
#define UNDYING_DATA_CSV_H_

#include <string>
#include <string_view>

#include "undying/dataset.h"

namespace undying::data {

enum class CsvLabel {
  kAny,    // classes, or values where one is a number that is not an integer
  kValue,  // values, whole numbers included
};

// A CSV file (RFC 4180) with a header line; every column but the label's is a number. The label column holds class names or integers
// (classes, sorted: integers by value, names by text; at least two, and of integers not almost as many as lines) or targets, as `kind` says.
// Throws Error{kBadData} that names the source, the line and the column.
Dataset parse_csv(std::string_view content, const std::string& source, std::string_view label, CsvLabel kind = CsvLabel::kAny);

}  // namespace undying::data

#endif  // UNDYING_DATA_CSV_H_
