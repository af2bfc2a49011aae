#include "data/table/frame.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "undying/error.h"

namespace undying::data {
namespace {

constexpr std::size_t kDigits = 32;  // enough for any double

std::size_t length(const FrameColumn& column) {
  return column.texts.empty() ? column.numbers.size() : column.texts.size();
}

}  // namespace

Frame::Frame(std::string name, std::vector<FrameColumn> columns)
    : name_(std::move(name)), columns_(std::move(columns)) {
  if (columns_.empty()) throw Error(ErrorCode::kBadData, name_, "has no columns");
  rows_ = static_cast<std::int64_t>(length(columns_.front()));
  for (const FrameColumn& column : columns_)
    if (static_cast<std::int64_t>(length(column)) != rows_)
      throw Error(
          ErrorCode::kBadData, name_,
          fmt::format("has {} rows in column {} and {} in column {}; expected as many in each",
                      rows_, columns_.front().name, length(column), column.name));
  text_.assign(columns_.size(), std::string(kDigits, ' '));
}

std::string_view Frame::field(const FrameColumn& column, std::size_t row, std::string& text) const {
  if (!column.texts.empty())
    return column.texts[row] ? std::string_view(*column.texts[row]) : std::string_view();
  if (std::isnan(column.numbers[row])) return {};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), column.numbers[row]);
  return {text.data(), static_cast<std::size_t>(end - text.data())};
}

bool Frame::next(std::vector<std::string_view>& fields) {
  fields.clear();
  if (line_ + 1 > rows_) return false;
  ++line_;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    fields.push_back(line_ == 0
                         ? std::string_view(columns_[i].name)
                         : field(columns_[i], static_cast<std::size_t>(line_ - 1), text_[i]));
  return true;
}

}  // namespace undying::data
