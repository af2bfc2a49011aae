#ifndef UNDYING_DATA_TABLE_CSV_H_
#define UNDYING_DATA_TABLE_CSV_H_

#include <string>
#include <vector>

#include "data/table/csv_source.h"
#include "data/table/records.h"
#include "data/table/text_stream.h"
#include "undying/dataset.h"

namespace undying::data {

// A CSV file with a header line as examples. Columns of numbers are features as they are, columns
// of text a feature for each of their values; the column to predict holds class names or whole
// numbers (classes, sorted: numbers by value, names by text) or values.
struct CsvTable {
  Dataset
      data;  // without labels and targets where the file lacks the column and a coding was given
  Reading reading;
  std::int64_t rows = 0;  // of the source, those that were left out among them
};

// How an earlier file was read, for one that is to be read like it.
struct Coding {
  std::vector<TableColumn> columns;
  std::vector<std::string> classes;  // empty: values
  std::string target;
};

// Throws one Error{kBadData} that lists all that keeps the file from being read as it is, each with
// its lines, and the options that mend it.
CsvTable read_csv(TextStream& text, const CsvSource& source, const std::string& group = {},
                  const Coding* coding = nullptr, const ReadingWatch& watch = {});

// The same of other rows, and of the file that `source` names, CSV or not.
CsvTable read_table(Records& records, const CsvSource& source, const std::string& group = {},
                    const Coding* coding = nullptr, const ReadingWatch& watch = {});
CsvTable read_table_file(const CsvSource& source, const std::string& group = {},
                         const Coding* coding = nullptr, const ReadingWatch& watch = {});

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_CSV_H_
