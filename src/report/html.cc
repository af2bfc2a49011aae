#include <initializer_list>
#include <string>

#include "report/assets.h"
#include "report/replay.h"
#include "report/reproduction.h"
#include "undying/report.h"

namespace undying {
namespace {

// JSON may stand in a <script> element once "<" cannot open or close one: "\u003c" is the same
// character to a JSON parser.
std::string for_script(const std::string& json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

std::string scripts(std::initializer_list<const char*> names) {
  std::string text;
  for (const char* name : names)
    text += "<script>\n" + std::string(report::asset(name)) + "\n</script>\n";
  return text;
}

std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : text)
    html += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return html;
}

void replace(std::string& text, std::string_view mark, const std::string& with) {
  const auto at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), with);
}

// A page with all it needs in it: `words` are for readers without scripts, `json` stands under
// `id`.
std::string compose(const char* page_name, const std::string& styles, const std::string& words,
                    const std::string& id, const std::string& json, const std::string& scripts) {
  std::string page(report::asset(page_name));
  replace(page, "<!--styles-->",
          "<style>\n" + styles + std::string(report::asset("src/page.css")) + "</style>");
  replace(page, "<!--words-->", "<pre>" + escaped(words) + "</pre>");
  replace(page, "<!--" + id + "-->",
          "<script type=\"application/json\" id=\"" + id + "\">" + for_script(json) + "</script>");
  replace(page, "<!--scripts-->", scripts);
  return page;
}

}  // namespace

std::string study_html(const Study& study) {
  return compose(
      "src/page.html", std::string(report::asset("vendor/uPlot.min.css")), study_table(study, 160),
      "study", study_json(study),
      scripts({"vendor/uPlot.iife.min.js", "src/element.js", "src/format.js", "src/looks.js",
               "src/series.js", "src/chart.js", "src/charts.js", "src/heatmap.js", "src/lives.js",
               "src/table.js", "src/read.js", "src/page.js"}));
}

std::string evaluation_html(const std::string& command, const DataSummary& read,
                            const std::string& data, const Evaluation& evaluation,
                            std::optional<Metric> metric) {
  return compose("src/evaluation.html", "", evaluation_text(data, evaluation, metric), "evaluation",
                 evaluation_json(command, read, data, evaluation, metric),
                 scripts({"src/element.js", "src/read.js", "src/evaluation.js"}));
}

std::string replay_html(const ReplayRecord& record) {
  return compose("src/replay.html", "", replay_text(record, 160), "replay", replay_json(record),
                 scripts({"src/element.js", "src/looks.js", "src/replay.js"}));
}

std::string reproduction_html(const std::string& command, const study::PublishedResult& result,
                              const study::Reproduction& found) {
  return compose("src/reproduction.html", std::string(report::asset("vendor/uPlot.min.css")),
                 reproduction_text(result, found), "reproduction",
                 reproduction_json(command, result, found),
                 scripts({"vendor/uPlot.iife.min.js", "src/element.js", "src/looks.js",
                          "src/chart.js", "src/reproduction.js"}));
}

}  // namespace undying
