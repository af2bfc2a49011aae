#ifndef UNDYING_DATA_TABLE_CSV_READER_H_
#define UNDYING_DATA_TABLE_CSV_READER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/records.h"
#include "data/table/text_stream.h"

namespace undying::data {

// The records of a CSV text (RFC 4180), one at a time, whatever its size. Fields are separated by
// `separator`, for ' ' by any number of them; blanks around a field that is not quoted are no part
// of it; lines end with LF or CRLF, and empty ones are passed over.
class CsvReader {
 public:
  CsvReader(TextStream& text, char separator);

  // The fields of the next record, valid until the next call; false at the end. Throws
  // Error{kBadData} with the line: a quote that is never closed, text behind a closing quote, a NUL
  // byte, a lone carriage return.
  bool next(std::vector<std::string_view>& fields);

  std::int64_t line() const { return line_; }  // where the record began, counted from 1
  std::int64_t bytes() const { return consumed_ + static_cast<std::int64_t>(at_); }  // read so far

 private:
  enum class Outcome { kRecord, kMore };

  bool refill();
  Outcome read_record(std::vector<std::string_view>& fields);
  Outcome read_quoted(std::size_t& at, std::string_view& field);
  Outcome read_field(std::size_t& at, std::string_view& field);
  void skip_blanks(std::size_t& at) const;
  Outcome end_line(std::size_t& at) const;
  std::size_t plain_end(std::size_t at) const;
  [[noreturn]] void fail(const std::string& message) const;

  TextStream& text_;
  char separator_;
  std::string buffer_;
  std::size_t at_ = 0;                // of the next record in the buffer
  std::size_t end_ = 0;               // of what the buffer holds
  bool ended_ = false;                // the text gives no more
  std::deque<std::string> unquoted_;  // fields that held doubled quotes
  std::int64_t consumed_ = 0;         // bytes before the buffer
  std::int64_t line_ = 0;
  std::int64_t next_line_ = 1;
};

// A CSV text as the rows of a table. Without a separator it is found out.
class CsvRecords final : public Records {
 public:
  CsvRecords(TextStream& text, std::optional<char> separator);

  void restart() override;
  bool next(std::vector<std::string_view>& fields) override { return reader_->next(fields); }
  const std::string& name() const override { return text_.name(); }
  std::int64_t line() const override { return reader_->line(); }
  std::int64_t bytes() const override { return reader_->bytes(); }
  std::int64_t size() const override { return size_; }
  char separator() const override { return separator_; }
  std::vector<std::string> remarks() const override;

 private:
  TextStream& text_;
  char separator_;
  std::int64_t size_ = 0;
  std::unique_ptr<CsvReader> reader_;  // one for each time through the text
};

// What a table's text looks like: the separator that cuts its first lines into equal numbers of
// fields, more than one; of several the one that cuts the header line so too, then the one that
// leaves more numbers, then more fields. ',' where none does.
char find_separator(TextStream& text);

// A separator as people name it: ";", "tab".
std::string separator_name(char separator);

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_CSV_READER_H_
