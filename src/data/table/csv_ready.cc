// The notation that would read a CSV file, where it cannot be read as it was named.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.h"
#include "data/table/csv_read.h"
#include "undying/error.h"

namespace undying::data {
namespace {

constexpr std::size_t kMostListed = 20;  // problems in one message
constexpr std::size_t kMostOffered = 3;  // columns that may be meant
// Values in a file that is not read once more for each of them.
constexpr std::int64_t kLarge = 50'000'000;

// What the column to predict is often called, the most telling first.
constexpr std::array<std::string_view, 12> kCustomary = {
    "label",   "class",    "target",    "y",        "outcome", "species",
    "quality", "survived", "diagnosis", "category", "type",    "price"};

// As a shell takes it.
std::string pasted(const std::string& word) {
  const bool plain =
      word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=:,./+@%") ==
      std::string::npos;
  if (plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

// Neither an index nor free text.
bool CsvRead::may_be_label(const CsvColumn& column) const {
  if (column.use != CsvColumn::Use::kFeature || column.missing.count == rows()) return false;
  return !column.text || (std::ssize(column.texts.values()) <= kManyClasses &&
                          !looks_like_date(column.texts.values()[0]));
}

// The nearest to the name that was given; without one, what bears a customary name, then the last
// column and the first.
std::vector<std::string> CsvRead::likely_labels() const {
  std::vector<std::string> names;
  for (const CsvColumn& column : columns_) names.push_back(column.name);
  if (source_.column) {
    const std::string near = nearest(*source_.column, names);
    return near.empty() ? std::vector<std::string>{} : std::vector{near};
  }
  std::vector<std::string> likely;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(likely, name) == likely.end() && likely.size() < kMostOffered)
      likely.push_back(name);
  };
  for (const std::string_view customary : kCustomary)
    for (const CsvColumn& column : columns_)
      if (lower(column.name) == customary && may_be_label(column)) add(column.name);
  const auto may_be = [&](const CsvColumn& column) { return may_be_label(column); };
  if (const auto last = std::find_if(columns_.rbegin(), columns_.rend(), may_be);
      last != columns_.rend())
    add(last->name);
  if (const auto first = std::ranges::find_if(columns_, may_be); first != columns_.end())
    add(first->name);
  if (rows() * static_cast<std::int64_t>(slots_) > kLarge && !likely.empty()) likely.resize(1);
  return likely;
}

// Reads the file with that column to predict. Whole numbers may be classes or values.
void CsvRead::add_candidates(const std::string& name, CsvLabel kind,
                             std::vector<Candidate>& candidates) {
  CsvSource source = source_;
  source.column = name;
  source.kind = kind;
  CsvRead as(records_, source, group_, nullptr, watch_);
  try {
    as.run();
  } catch (const Error& error) {  // ready_ says how it would be accepted
    if (error.code() == ErrorCode::kInterrupted) throw;
  }
  const bool numbers = as.whole_ && as.classes_ > 2 && kind == CsvLabel::kAny;
  const bool many = as.classes_ > kManyClasses || 2 * as.classes_ > rows();
  if (numbers && many) add_candidates(name, CsvLabel::kValue, candidates);
  if (as.mendable_) {
    const std::string what =
        as.classes_ > 0 ? fmt::format("{} ({} classes)", name, as.classes_) : name + " (values)";
    if (as.classes_ == 0) as.ready_.kind = CsvLabel::kValue;
    const std::string form = as.ready_.text_form();
    if (candidates.empty() || candidates.back().form != form) candidates.push_back({what, form});
  } else if (candidates.empty()) {
    mendable_ = false;
    for (const std::string& problem : as.problems_)
      if (std::ranges::find(problems_, problem) == problems_.end()) add_problem(problem);
  }
  if (numbers && !many) add_candidates(name, CsvLabel::kValue, candidates);
}

std::vector<CsvRead::Candidate> CsvRead::candidates() {
  std::vector<Candidate> candidates;
  for (const std::string& name : likely_labels())
    add_candidates(name, source_.column ? source_.kind : CsvLabel::kAny, candidates);
  return candidates;
}

std::string CsvRead::ready_text() {
  if (predicting()) return "";
  std::vector<Candidate> offered;
  if (unnamed_) {
    offered = candidates();
  } else if (mendable_ && ready_.text_form() != source_.text_form()) {
    offered.push_back({"", ready_.text_form()});
  }
  if (offered.size() == 1) return "\n  Ready to paste: --data " + pasted(offered[0].form);
  if (offered.empty()) return "";
  std::size_t width = 0;
  for (const Candidate& each : offered) width = std::max(width, each.what.size());
  std::string text = "\n  Ready to paste, by what is to be predicted:";
  for (const Candidate& each : offered)
    text += fmt::format("\n    {:<{}}  --data {}", each.what, width, pasted(each.form));
  return text;
}

void CsvRead::refuse() {
  if (problems_.empty()) return;
  const std::string ready = ready_text();
  std::string list;
  for (std::size_t i = 0; i < std::min(kMostListed, problems_.size()); ++i)
    list += "\n  - " + problems_[i];
  if (problems_.size() > kMostListed)
    list += fmt::format("\n  - and {} more", problems_.size() - kMostListed);
  throw Error(ErrorCode::kBadData, records_.name(), "cannot be used as it is:" + list + ready);
}

}  // namespace undying::data
