#ifndef UNDYING_DATA_TABLE_CSV_READ_H_
#define UNDYING_DATA_TABLE_CSV_READ_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/csv.h"
#include "data/table/csv_column.h"
#include "data/table/csv_reader.h"

namespace undying::data {

// Above, whole numbers are rather values than classes.
constexpr std::int64_t kManyClasses = 20;

// One reading of a table: the rows as they come (csv_read.cc), then what they mean (csv_meaning.cc,
// csv_mixed.cc, csv_missing.cc). What is wrong is gathered on the way and thrown at the end, all
// together, with the notation that would be accepted (csv_ready.cc).
class CsvRead {
 public:
  CsvRead(Records& records, const CsvSource& source, const std::string& group, const Coding* coding,
          const ReadingWatch& watch);
  CsvTable run();

 private:
  // A column that may be meant to be predicted, and the notation that would read the file so.
  struct Candidate {
    std::string what;  // "survived (2 classes)"
    std::string form;
  };

  // The rows.
  void open();
  void read_header();
  void check_example() const;
  void name_columns(const std::vector<std::string>& names);
  bool is_data(const std::vector<std::string_view>& fields) const;
  void assign_uses();
  void find_label();
  void take_coding();
  std::size_t find_column(const std::string& name, const char* option);
  void read_rows();
  void take_row(const std::vector<std::string_view>& fields, std::int64_t line);
  void take_feature(CsvColumn& column, std::string_view field, std::int64_t line, float& value);
  static std::int32_t known_text(const CsvColumn& column, const std::string& text);
  void take_label(CsvColumn& column, std::string_view field, std::int64_t line);
  void reserve();
  void report() const;

  // Numbers or texts (csv_mixed.cc).
  std::int64_t numerals(const CsvColumn& column) const;
  bool is_numeric(const CsvColumn& column) const;
  bool turn_columns();
  void judge_others(const CsvColumn& column);
  std::optional<std::string> mixture(const CsvColumn& column) const;

  // What they mean.
  void judge_columns();
  void judge_column(CsvColumn& column);
  void judge_texts(CsvColumn& column);
  void judge_strangers(const CsvColumn& column);
  void judge_gaps(const CsvColumn& column);
  void judge_missing();
  bool complete(std::size_t row) const;
  void drop_incomplete();
  void find_fills();
  void fill_means(CsvTable& table);
  void judge_label(CsvTable& table);
  void set_classes(CsvTable& table);
  std::vector<std::int32_t> name_classes(CsvTable& table,
                                         const std::vector<std::optional<double>>& numbers);
  void refuse_classes(const CsvTable& table);
  void set_known_classes(CsvTable& table);
  void set_values(CsvTable& table);
  void note_odd_labels(CsvTable& table, const std::vector<std::string>& names);
  void note_leaks(const CsvTable& table);
  bool says_the_label(const CsvColumn& column, const std::vector<std::int32_t>& labels) const;
  void set_features(CsvTable& table);
  void expand(const std::vector<const CsvColumn*>& used,
              const std::vector<std::vector<std::size_t>>& places, std::size_t width);
  void leave_out(CsvColumn& column, const std::string& reason);
  std::string where(const Occurrences& of) const {
    return of.text(records_.has_types() ? "row" : "line");
  }
  void add_problem(const std::string& text) { problems_.push_back(text); }
  // What would be accepted (csv_ready.cc).
  std::vector<std::string> likely_labels() const;
  bool may_be_label(const CsvColumn& column) const;
  void add_candidates(const std::string& name, CsvLabel kind, std::vector<Candidate>& candidates);
  std::vector<Candidate> candidates();
  std::string ready_text();
  void refuse();
  std::int64_t rows() const { return count_; }
  bool predicting() const { return coding_ != nullptr; }
  const CsvColumn* label() const { return label_ ? &columns_[*label_] : nullptr; }

  Records& records_;
  const CsvSource& source_;
  CsvSource ready_;  // what would be accepted
  const std::string& group_;
  const Coding* coding_;
  const ReadingWatch& watch_;
  char separator_ = ',';
  bool headless_ = false;
  std::vector<CsvColumn> columns_;
  std::optional<std::size_t> label_;
  bool unnamed_ = false;      // the column to predict was not named, or there is none of its name
  std::int64_t classes_ = 0;  // of the column to predict; 0: values
  bool whole_ = false;        // those are whole numbers
  std::size_t slots_ = 0;
  std::int64_t count_ = 0;            // rows held
  std::vector<float> values_;         // (rows, slots); texts by code; NaN where missing
  std::vector<std::int32_t> labels_;  // codes, -1 where missing
  std::vector<float> targets_;        // NaN where missing
  std::vector<std::int32_t> groups_;
  std::vector<std::uint32_t> positions_;  // of the rows in the file, once some were left out
  bool decimal_commas_ = false;           // were met
  Occurrences ragged_;
  std::size_t ragged_fields_ = 0;
  std::vector<std::string> problems_;
  bool mendable_ = true;  // by options
  Reading reading_;
};

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_CSV_READ_H_
