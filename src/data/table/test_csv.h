#ifndef UNDYING_DATA_TABLE_TEST_CSV_H_
#define UNDYING_DATA_TABLE_TEST_CSV_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "data/table/csv.h"
#include "undying/error.h"

namespace undying::data {

inline CsvTable read(const std::string& content, const std::string& options = "") {
  TextStream text(content, "file.csv");
  return read_csv(text, parse_csv_source("file.csv" + options));
}

inline void expect_error(const std::string& content,
                         const testing::Matcher<const std::string&>& message,
                         const std::string& options = "") {
  EXPECT_THAT([&] { read(content, options); }, testing::ThrowsMessage<Error>(message)) << content;
}

// A header and rows of the same make, numbered from 0.
inline std::string rows(int count, const std::string& header,
                        const std::function<std::string(int)>& row) {
  std::string content = header + "\n";
  for (int i = 0; i < count; ++i) content += row(i) + "\n";
  return content;
}

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_TEST_CSV_H_
