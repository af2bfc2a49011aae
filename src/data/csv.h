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
// (classes, sorted: integers by value, names by text) or targets, as `kind` says.
// Throws Error{kBadData} that names the source, the line and the column.
Dataset parse_csv(std::string_view content, const std::string& source, std::string_view label, CsvLabel kind = CsvLabel::kAny);

// What stands behind "csv:" in the name of a data set.
struct CsvSource {
  std::string file;
  std::string column = "label";
  CsvLabel kind = CsvLabel::kAny;
};

// Of FILE, FILE:label=NAME or FILE:target=NAME. Throws Error{kInvalidArgument} for another option.
CsvSource parse_csv_source(std::string_view text);

}  // namespace undying::data

#endif  // UNDYING_DATA_CSV_H_
