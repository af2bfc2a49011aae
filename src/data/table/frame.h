#ifndef UNDYING_DATA_TABLE_FRAME_H_
#define UNDYING_DATA_TABLE_FRAME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/records.h"

namespace undying::data {

// A column of a frame in memory: of numbers, NaN where there is none, or of texts.
struct FrameColumn {
  std::string name;
  std::vector<double> numbers;
  std::vector<std::optional<std::string>> texts;
};

// The rows of columns of one length, as the rows of a table. Numbers are written with the shortest
// digits that give them back.
class Frame final : public Records {
 public:
  // Throws Error{kBadData} where columns differ in length, or there is none.
  Frame(std::string name, std::vector<FrameColumn> columns);

  void restart() override { line_ = -1; }
  bool next(std::vector<std::string_view>& fields) override;

  const std::string& name() const override { return name_; }
  std::int64_t line() const override { return line_; }
  std::int64_t bytes() const override { return line_; }
  std::int64_t size() const override { return rows_; }
  bool has_types() const override { return true; }

 private:
  std::string_view field(const FrameColumn& column, std::size_t row, std::string& text) const;

  std::string name_;
  std::vector<FrameColumn> columns_;
  std::vector<std::string> text_;  // of the numbers of the row at hand
  std::int64_t rows_ = 0;
  std::int64_t line_ = -1;
};

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_FRAME_H_
