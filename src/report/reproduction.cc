#include "report/reproduction.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/version.h"
#include "report/json.h"

namespace undying {

using report::Json;

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

Json numbers(const std::vector<double>& values) {
  Json all = Json::array();
  for (const double value : values) all.push_back(report::rounded(value));
  return all;
}

Json axis_json(const study::Axis& axis) {
  return {{"title", axis.title}, {"log", axis.log}, {"percent", axis.percent}};
}

Json plot_json(const study::Plot& plot) {
  Json curves = Json::array();
  for (const study::Curve& curve : plot.curves)
    curves.push_back({{"label", curve.label},
                      {"x", curve.x},
                      {"mean", numbers(curve.mean)},
                      {"lower", numbers(curve.lower)},
                      {"upper", numbers(curve.upper)}});
  return {{"title", plot.title},
          {"x", axis_json(plot.x)},
          {"y", axis_json(plot.y)},
          {"curves", std::move(curves)}};
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
  Json json = {{"format", "undying-reproduction 2"},
               {"command", command},
               {"version", kVersion},
               {"name", result.name},
               {"title", result.title},
               {"source", result.source},
               {"setting", found.setting},
               {"missing", found.missing},
               {"tables", Json::array()},
               {"plots", Json::array()},
               {"claims", Json::array()}};
  for (const study::Table& table : found.tables)
    json["tables"].push_back(
        {{"title", table.title}, {"columns", table.columns}, {"rows", table.rows}});
  for (const study::Plot& plot : found.plots) json["plots"].push_back(plot_json(plot));
  for (const study::Claim& claim : found.claims)
    json["claims"].push_back({{"published", claim.published},
                              {"found", claim.found},
                              {"verdict", name(claim.agreement)}});
  return report::text(json, 1);
}

}  // namespace undying
