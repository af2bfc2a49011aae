#ifndef UNDYING_DATA_TABLE_CSV_SOURCE_H_
#define UNDYING_DATA_TABLE_CSV_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace undying::data {

enum class CsvLabel {
  kAny,    // classes, or values where many are numbers that are not whole
  kValue,  // values, whole numbers included
};

enum class Missing {
  kRefuse,
  kDrop,  // rows that miss something are left out
  kMean,  // numbers become the mean of their column, texts none of its values; rows without label
          // are left out
  kKeep,  // NA and its like are texts as any other
};

enum class Header { kAuto, kYes, kNo };

enum class TableFormat { kCsv, kParquet, kArrow };  // kArrow: Arrow IPC files, which Feather 2 is

// "csv", "parquet", "arrow"
std::string_view name(TableFormat format);
std::optional<TableFormat> table_format(std::string_view name);

// What stands behind "csv:" in the name of a data set: FILE, and options of the form :NAME=VALUE.
struct CsvSource {
  TableFormat format = TableFormat::kCsv;
  std::string file;
  std::optional<std::string> column;  // to predict; none: "label"
  CsvLabel kind = CsvLabel::kAny;
  std::vector<std::string> drop;
  std::vector<std::string> keep;     // though they look like an index
  std::vector<std::string> text;     // one-hot, whatever they hold
  std::vector<std::string> numbers;  // fields that are none count as missing
  Missing missing = Missing::kRefuse;
  Header header = Header::kAuto;
  std::optional<char> separator;
  // Without a column that is named, or called label, there is none to predict.
  bool inputs_alone = false;
  std::size_t most_values = 32;  // of a text column that becomes features
  // Of an example of the network that reads it; empty: any. No part of the notation.
  std::vector<std::int64_t> example = {};

  // The notation that says the same.
  std::string text_form() const;
};

// Throws Error{kInvalidArgument} for an option that is not known, with the nearest, or a value it
// does not take.
CsvSource parse_csv_source(std::string_view text, TableFormat format = TableFormat::kCsv);

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_CSV_SOURCE_H_
