#ifndef UNDYING_DATA_TABLE_CSV_COLUMN_H_
#define UNDYING_DATA_TABLE_CSV_COLUMN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace undying::data {

// A number as tables hold it, with a decimal comma where fields are not separated by commas. One
// beyond double is infinite, or 0.
std::optional<double> parse_number(std::string_view field, bool decimal_comma);

// Empty, NA, NaN, null, None, ?, ...: what tables write where something is missing.
bool marks_missing(std::string_view field);

// "2024-03-01", "3/1/24 10:00"
bool looks_like_date(std::string_view field);

// Text that can be shown and written as JSON: bytes that are no UTF-8 are taken for Latin-1,
// control characters become spaces.
std::string shown(std::string_view text);

std::string lower(std::string_view text);
bool holds(const std::vector<std::string>& names, const std::string& name);

// Of a column of text, the most different ones that are told apart.
inline constexpr std::size_t kMostTexts = 20'000;

// How often something occurred, and in which lines first.
struct Occurrences {
  std::int64_t count = 0;
  std::vector<std::int64_t> lines;  // the first three

  void add(std::int64_t line);
  std::string text(std::string_view what = "line") const;  // "lines 7, 19, 21, ...", "line 3"
};

// The different texts of a column, numbered as they come.
class Texts {
 public:
  std::int32_t code(std::string_view text, std::int64_t line);
  // -1 where it has not been seen.
  std::int32_t find(std::string_view text) const;

  const std::vector<std::string>& values() const { return values_; }
  const std::vector<Occurrences>& seen() const { return seen_; }
  std::size_t size() const { return values_.size(); }
  std::int64_t fields() const;  // that held one

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> codes_;
  std::vector<std::string> values_;
  std::vector<Occurrences> seen_;
};

// A column while its file is read.
struct CsvColumn {
  enum class Use { kFeature, kLabel, kGroup, kLeftOut };

  std::string name;
  Use use = Use::kFeature;
  bool text = false;     // its values are texts
  bool numeric = false;  // they are numbers, whatever its first field is ...
  bool lenient = false;  // ... and what is none counts as missing
  std::size_t slot = 0;  // of a feature: where it stands in a row
  std::int64_t numbers = 0;
  Occurrences missing;
  Occurrences others;       // fields that are no numbers, of a column of numbers
  std::int64_t beyond = 0;  // of those, numbers that float32 does not hold
  std::string other;        // the first of them
  Texts texts;
  std::optional<float> fill;  // what stands where a number is missing
  std::int64_t unknown = 0;   // texts that the coding does not have
  std::string stranger;       // the first of them
  bool whole = true;          // all numbers are whole ...
  bool counting = true;       // ... each is one more than the one before ...
  bool rising = true;         // ... or at least more
  double last = 0.0;

  void note_number(double value);
  void note_other(std::string_view field, std::int64_t line);
  std::string title() const;  // its name, or "column 3 (no name)"
  std::size_t position = 0;   // counted from 0
};

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_CSV_COLUMN_H_
