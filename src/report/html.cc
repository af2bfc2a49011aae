#include <string>

#include "report/assets.h"
#include "undying/report.h"

namespace undying {
namespace {

// JSON may stand in a <script> element once "<" cannot open or close one: "\u003c" is the same character to a JSON parser.
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

std::string scripts() {
  std::string text;
  for (const char* name : {"vendor/uPlot.iife.min.js", "src/format.js", "src/looks.js", "src/series.js", "src/charts.js", "src/heatmap.js",
                           "src/lives.js", "src/table.js", "src/page.js"})
    text += "<script>\n" + std::string(report::asset(name)) + "\n</script>\n";
  return text;
}

std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : text) html += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return html;
}

// The verdict and the table as they stand in a terminal, for readers without scripts.
std::string words_of(const Study& study) { return "<pre>" + escaped(study_table(study, 160)) + "</pre>"; }

void replace(std::string& text, std::string_view mark, const std::string& with) {
  const auto at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), with);
}

}  // namespace

std::string study_html(const Study& study) {
  std::string page(report::asset("src/page.html"));
  replace(page, "<!--styles-->",
          "<style>\n" + std::string(report::asset("vendor/uPlot.min.css")) + std::string(report::asset("src/page.css")) + "</style>");
  replace(page, "<!--words-->", words_of(study));
  replace(page, "<!--study-->", "<script type=\"application/json\" id=\"study\">" + for_script(study_json(study)) + "</script>");
  replace(page, "<!--scripts-->", scripts());
  return page;
}

}  // namespace undying
