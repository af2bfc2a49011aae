#include "data/table/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <tuple>

#include "data/table/csv_column.h"
#include "undying/error.h"

namespace undying::data {
namespace {

constexpr std::size_t kChunk = 1 << 20;
// Far above any row; a quote that is never closed ends here.
constexpr std::size_t kMostRecord = std::size_t{1} << 28;

bool blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

CsvReader::CsvReader(TextStream& text, char separator) : text_(text), separator_(separator) {}

void CsvReader::fail(const std::string& message) const {
  throw Error(ErrorCode::kBadData, text_.name(), fmt::format("line {}: {}", line_, message));
}

// Moves what is left of the buffer to its front and reads more behind it. False at the end of the
// text.
bool CsvReader::refill() {
  if (ended_) return false;
  std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
  consumed_ += static_cast<std::int64_t>(at_);
  end_ -= at_;
  at_ = 0;
  if (end_ > kMostRecord)
    fail(fmt::format("is longer than {} MB; a quote before it may never be closed",
                     kMostRecord >> 20));
  if (buffer_.size() < end_ + kChunk) buffer_.resize(end_ + kChunk);
  const std::size_t count = text_.read(buffer_.data() + end_, kChunk);
  if (const void* nul = std::memchr(buffer_.data() + end_, '\0', count); nul != nullptr) {
    const std::string_view begin = std::string_view(buffer_).substr(0, end_ + count);
    if (begin.starts_with("PAR1")) fail("is of a Parquet file; expected parquet:FILE for it");
    if (begin.starts_with("ARROW1"))
      fail("is of an Arrow or Feather file; expected arrow:FILE for it");
    const char* first = buffer_.data();
    line_ = next_line_ + std::count(first, static_cast<const char*>(nul), '\n');
    fail("holds a NUL byte, so this is no text; expected CSV in UTF-8 or UTF-16");
  }
  end_ += count;
  ended_ = count == 0;
  return !ended_;
}

bool CsvReader::next(std::vector<std::string_view>& fields) {
  for (;;) {
    line_ = next_line_;
    while (read_record(fields) == Outcome::kMore)
      if (!refill() && at_ == end_) return false;
    if (fields.size() > 1 || !fields[0].empty()) return true;
  }
}

// Where a field that is not quoted ends: at a separator, an end of line, or the end of the buffer.
std::size_t CsvReader::plain_end(std::size_t at) const {
  const char* const text = buffer_.data();
  while (at < end_ && text[at] != separator_ && text[at] != '\n' && text[at] != '\r') ++at;
  return at;
}

CsvReader::Outcome CsvReader::read_quoted(std::size_t& at, std::string_view& field) {
  std::string* copy = nullptr;  // where quotes are doubled in it
  for (std::size_t from = at;;) {
    const void* found = std::memchr(buffer_.data() + at, '"', end_ - at);
    if (found == nullptr && ended_) fail("a quote is never closed");
    if (found == nullptr) return Outcome::kMore;
    const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
    if (quote + 1 == end_ && !ended_) return Outcome::kMore;
    const bool doubled = quote + 1 < end_ && buffer_[quote + 1] == '"';
    if (doubled) {
      if (copy == nullptr) copy = &unquoted_.emplace_back();
      copy->append(buffer_, from, quote + 1 - from);
      at = from = quote + 2;
      continue;
    }
    field = std::string_view(buffer_).substr(from, quote - from);
    if (copy != nullptr) field = copy->append(field);
    at = quote + 1;
    return Outcome::kRecord;
  }
}

CsvReader::Outcome CsvReader::end_line(std::size_t& at) const {
  if (at < end_ && buffer_[at] == '\r') {
    if (at + 1 == end_ && !ended_) return Outcome::kMore;
    if (at + 1 < end_ && buffer_[at + 1] != '\n')
      fail(
          "a carriage return stands alone; save the file with line feeds (LF or CRLF) at the ends "
          "of lines");
    ++at;
  }
  if (at < end_ && buffer_[at] != '\n')
    fail(fmt::format("text follows a closing quote; expected {} or the end of the line",
                     separator_name(separator_)));
  if (at < end_) ++at;
  return Outcome::kRecord;
}

void CsvReader::skip_blanks(std::size_t& at) const {
  while (at < end_ && blank(buffer_[at]) && (buffer_[at] != separator_ || separator_ == ' ')) ++at;
}

CsvReader::Outcome CsvReader::read_field(std::size_t& at, std::string_view& field) {
  if (at < end_ && buffer_[at] == '"') {
    if (read_quoted(++at, field) == Outcome::kMore) return Outcome::kMore;
    skip_blanks(at);
  } else {
    const std::size_t begin = at;
    at = plain_end(at);
    std::size_t last = at;
    while (last > begin && blank(buffer_[last - 1])) --last;
    field = std::string_view(buffer_).substr(begin, last - begin);
  }
  return at == end_ && !ended_ ? Outcome::kMore : Outcome::kRecord;
}

CsvReader::Outcome CsvReader::read_record(std::vector<std::string_view>& fields) {
  if (at_ == end_) return Outcome::kMore;
  fields.clear();
  unquoted_.clear();
  std::size_t at = at_;
  for (bool first = true;; first = false) {
    skip_blanks(at);
    if (at == end_ && !ended_) return Outcome::kMore;
    const bool over = at == end_ || buffer_[at] == '\n' || buffer_[at] == '\r';
    if (separator_ == ' ' && over && !first) break;
    std::string_view field;
    if (read_field(at, field) == Outcome::kMore) return Outcome::kMore;
    fields.push_back(field);
    const bool ends = at == end_ || buffer_[at] == '\n' || buffer_[at] == '\r';
    if (separator_ == ' ' && !ends) continue;
    if (at < end_ && buffer_[at] == separator_) {
      ++at;
      continue;
    }
    break;
  }
  if (end_line(at) == Outcome::kMore) return Outcome::kMore;
  next_line_ += std::count(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                           buffer_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  at_ = at;
  return Outcome::kRecord;
}

namespace {

constexpr char kSeparators[] = {',', ';', '\t', '|', ' '};
constexpr std::size_t kLinesLooked = 50;
constexpr std::size_t kHead = std::size_t{1} << 16;  // bytes

// What a separator makes of the first lines.
struct Cut {
  int header = 0;        // 2: the first line has as many fields as the others, 1: one fewer
  double numbers = 0.0;  // the share of fields that are numbers
  std::size_t fields = 0;
};

// None where lines differ in their number of fields, or cannot be read so. The last line may be
// cut. Decimal commas cut lines alike too, but the first line seldom, and leave few numbers.
std::optional<Cut> cut_with(std::string_view head, bool whole, char separator) {
  TextStream text(head, "");
  CsvReader reader(text, separator);
  std::vector<std::string_view> fields;
  std::vector<std::size_t> counts;
  std::vector<std::size_t> numbers;
  const auto is_number = [&](std::string_view field) {
    return parse_number(field, separator != ',').has_value();
  };
  try {
    while (counts.size() < kLinesLooked && reader.next(fields)) {
      counts.push_back(fields.size());
      numbers.push_back(static_cast<std::size_t>(std::ranges::count_if(fields, is_number)));
    }
  } catch (const Error&) {
    if (whole || counts.empty()) return std::nullopt;
  }
  if (!whole && counts.size() > 1 && counts.size() < kLinesLooked) {
    counts.pop_back();
    numbers.pop_back();
  }
  if (counts.empty()) return std::nullopt;
  const std::size_t usual = counts[counts.size() / 2];
  const auto alike = static_cast<std::size_t>(std::ranges::count(counts, usual));
  if (usual < 2 || 10 * alike < 8 * counts.size()) return std::nullopt;
  const double all = std::reduce(counts.begin(), counts.end(), 0.0);
  return Cut{.header = counts[0] == usual       ? 2
                       : counts[0] + 1 == usual ? 1
                                                : 0,
             .numbers = std::reduce(numbers.begin(), numbers.end(), 0.0) / all,
             .fields = usual};
}

// Words of a text cut it into many fields: by their number alone, blanks do not win.
bool cuts_better(const Cut& cut, const Cut& than, char separator) {
  const std::size_t fields = separator == ' ' ? 0 : cut.fields;
  return std::tie(cut.header, cut.numbers, fields) >
         std::tie(than.header, than.numbers, than.fields);
}

std::string head_of(TextStream& text) {
  std::string head(kHead, '\0');
  std::size_t size = 0;
  while (size < head.size()) {
    const std::size_t count = text.read(head.data() + size, head.size() - size);
    if (count == 0) break;
    size += count;
  }
  text.rewind();
  head.resize(size);
  return head;
}

}  // namespace

char find_separator(TextStream& text) {
  const std::string head = head_of(text);
  char best = ',';
  std::optional<Cut> most;
  for (const char separator : kSeparators) {
    const std::optional<Cut> cut = cut_with(head, head.size() < kHead, separator);
    if (!cut || (most && !cuts_better(*cut, *most, separator))) continue;
    best = separator;
    most = cut;
  }
  return best;
}

std::string separator_name(char separator) {
  if (separator == '\t') return "tab";
  if (separator == ' ') return "space";
  return std::string(1, separator);
}

CsvRecords::CsvRecords(TextStream& text, std::optional<char> separator)
    : text_(text), separator_(separator ? *separator : find_separator(text)) {
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(text.name(), unknown);
  if (!unknown && text.is_file() && !text.is_compressed()) size_ = static_cast<std::int64_t>(size);
  reader_ = std::make_unique<CsvReader>(text_, separator_);
}

void CsvRecords::restart() {
  text_.rewind();
  reader_ = std::make_unique<CsvReader>(text_, separator_);
}

std::vector<std::string> CsvRecords::remarks() const {
  std::vector<std::string> remarks;
  if (separator_ != ',')
    remarks.push_back(fmt::format("fields are separated by {}", separator_name(separator_)));
  if (text_.is_utf16()) remarks.emplace_back("the text is UTF-16");
  return remarks;
}

}  // namespace undying::data
