#include "report/reproduction.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/json.h"

namespace undying {

using report::Json;
using report::number;

namespace {

std::string table_text(const study::Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(column.size());
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += fmt::format(" {:<{}} |", cells[i], widths[i]);
    return text + "\n";
  };
  std::string rule = "|";
  for (const std::size_t width : widths) rule += std::string(width + 2, '-') + "|";
  std::string text = table.title + "\n\n" + line(table.columns) + rule + "\n";
  for (const auto& row : table.rows) text += line(row);
  return text;
}

}  // namespace

std::string reproduction_text(const study::PublishedResult& result,
                              const study::Reproduction& found) {
  std::string text = fmt::format("{} ({})\n{}\n", result.title, result.source, found.setting);
  for (const study::Table& table : found.tables) text += "\n" + table_text(table);
  text += "\n";
  for (const study::Claim& claim : found.claims)
    text += fmt::format("{}: published: {}; found: {}\n", name(claim.agreement), claim.published,
                        claim.found);
  if (found.missing > 0)
    text += fmt::format("interrupted: {} run{} missing{}\n", found.missing,
                        found.missing == 1 ? " is" : "s are",
                        result.keeps ? "; with --store the same command goes on" : "");
  return text;
}

std::string reproduction_json(const std::string& command, const study::PublishedResult& result,
                              const study::Reproduction& found) {
  Json json = {{"format", "undying-reproduction 1"},
               {"command", command},
               {"name", result.name},
               {"source", result.source},
               {"setting", found.setting},
               {"missing", found.missing},
               {"tables", Json::array()},
               {"curves", Json::array()},
               {"claims", Json::array()}};
  for (const study::Table& table : found.tables)
    json["tables"].push_back(
        {{"title", table.title}, {"columns", table.columns}, {"rows", table.rows}});
  for (const study::Curve& curve : found.curves) {
    Json each = {{"label", curve.label},
                 {"steps", curve.steps},
                 {"mean", Json::array()},
                 {"half", Json::array()}};
    for (std::size_t i = 0; i < curve.mean.size(); ++i) {
      each["mean"].push_back(number(curve.mean[i]));
      each["half"].push_back(number(curve.half[i]));
    }
    json["curves"].push_back(std::move(each));
  }
  for (const study::Claim& claim : found.claims)
    json["claims"].push_back({{"published", claim.published},
                              {"found", claim.found},
                              {"verdict", name(claim.agreement)}});
  return report::text(json, 1);
}

}  // namespace undying
