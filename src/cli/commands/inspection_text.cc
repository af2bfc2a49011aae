// What a network holds, for a terminal and as JSON.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/version.h"
#include "cli/commands/inspection.h"
#include "report/json.h"

namespace undying::cli {
namespace {

using report::Json;

// Lines of a title and what stands under it.
class Lines {
 public:
  void add(const std::string& title, const std::string& text) {
    text_ += fmt::format("{:12} {}\n", title, text);
  }
  // The title once, before the first.
  template <class Range, class Say>
  void each(const std::string& title, const Range& items, const Say& say) {
    bool first = true;
    for (const auto& item : items) {
      add(first ? title : "", say(item));
      first = false;
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string batched(const Shape& shape) {
  return shape.empty() ? "(N)" : fmt::format("(N, {})", fmt::join(shape, ", "));
}

std::string text_of(const Inspection::Input& input) {
  if (!input.needed) return input.name + ", which no chosen output needs";
  return fmt::format("{} {}{}{}", input.name, batched(input.shape),
                     input.integer ? ", whole numbers" : "",
                     input.rows > 0 ? fmt::format(", rows of a table of {}", input.rows) : "");
}

std::string text_of(const Inspection::Output& output) {
  return fmt::format("{} {}{}{}", output.name, batched(output.shape),
                     output.chosen ? "" : ", not chosen",
                     output.no_gradient.empty() ? "" : "; " + output.no_gradient);
}

std::string text_of(const Inspection::Layer& layer) {
  return fmt::format("{}: {}, {} units{}", layer.name, layer.activation, layer.units,
                     layer.can_be_dead ? "" : ", which cannot be dead");
}

std::string shortened(std::vector<std::string> names) {
  constexpr std::size_t kMost = 12;
  const std::size_t all = names.size();
  if (all > kMost) names.resize(kMost);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     all > kMost ? fmt::format(", ... ({} in all)", all) : "");
}

std::string scaling_text(const DataForm& form) {
  const auto all = [](const std::vector<float>& values, float wanted) {
    return std::ranges::all_of(values, [&](float value) { return value == wanted; });
  };
  if (!all(form.mean, 0.0f)) return "by figures of the training rows that the file holds";
  if (all(form.deviation, 1.0f)) return "inputs as they are";
  if (all(form.deviation, 255.0f)) return "images to [0, 1]";
  return "by figures of the training rows that the file holds";
}

// How the file says its data is read.
void add_form(Lines& lines, const DataForm& form) {
  std::vector<std::string> columns;
  for (const TableColumn& column : form.columns)
    columns.push_back(column.values.empty()
                          ? column.name
                          : fmt::format("{} ({})", column.name, shortened(column.values)));
  if (!columns.empty()) lines.add("columns", shortened(columns));
  if (!form.class_names.empty())
    lines.add("classes",
              (form.target.empty() ? "" : form.target + ": ") + shortened(form.class_names));
  else if (!form.target.empty())
    lines.add("predicts", form.target);
  lines.add("scaling", scaling_text(form));
}

// What data it takes, where that is not plain.
void add_data(Lines& lines, const Inspection& inspection) {
  std::vector<std::string> inputs;
  for (const Inspection::Input& input : inspection.inputs)
    if (input.needed) inputs.push_back(input.name);
  const bool trains = std::ranges::find(inspection.uses, "compare", &Inspection::Use::command) !=
                      inspection.uses.end();
  if (!trains) return;
  if (inputs.size() > 1)
    lines.add("data", fmt::format("--data npz:FILE with arrays {}", fmt::join(inputs, ", ")));
  if (std::ranges::count(inspection.outputs, true, &Inspection::Output::chosen) > 1)
    lines.add("",
              "of several outputs those are judged that the data has targets for, or --output "
              "NAME,NAME");
}

Json form_json(const DataForm& form) {
  Json columns = Json::array();
  for (const TableColumn& column : form.columns)
    columns.push_back({{"name", column.name}, {"values", column.values}});
  return {{"columns", std::move(columns)},
          {"classes", form.class_names},
          {"target", form.target.empty() ? Json(nullptr) : Json(form.target)},
          {"scaling", scaling_text(form)}};
}

template <class Range, class Make>
Json array_of(const Range& items, const Make& make) {
  Json all = Json::array();
  for (const auto& item : items) all.push_back(make(item));
  return all;
}

}  // namespace

std::string inspection_text(const Inspection& inspection) {
  Lines lines;
  const auto text = [](const auto& item) { return text_of(item); };
  lines.add("model",
            fmt::format("{}, opset {}{}", inspection.file, inspection.opset,
                        inspection.producer.empty() ? "" : ", written by " + inspection.producer));
  lines.each("inputs", inspection.inputs, text);
  lines.each("outputs", inspection.outputs, text);
  for (const std::string& output : inspection.left_out) lines.add("", "not read: " + output);
  if (inspection.form) add_form(lines, *inspection.form);
  std::vector<std::string> operators;
  for (const auto& [op, count] : inspection.operators)
    operators.push_back(fmt::format("{} {}", count, op));
  lines.add("operators", fmt::format("{}", fmt::join(operators, ", ")));
  lines.add(
      "parameters",
      fmt::format("{} trained{}", inspection.trained,
                  inspection.other > 0 ? fmt::format(", {} not trained", inspection.other) : ""));
  lines.each("activations", inspection.layers, text);
  for (const Inspection::Use& use : inspection.uses) lines.add(use.command, use.text);
  add_data(lines, inspection);
  lines.each("notes", inspection.notes, [](const std::string& note) { return note; });
  return lines.text();
}

std::string inspection_json(const std::string& command, const Inspection& inspection) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json uses = Json::object();
  for (const Inspection::Use& use : inspection.uses)
    uses[use.command] = {{"possible", use.possible}, {"text", use.text}};
  return report::text(
      {{"format", "undying-inspection 1"},
       {"command", command},
       {"version", kVersion},
       {"file", inspection.file},
       {"opset", inspection.opset},
       {"producer", or_null(inspection.producer)},
       {"inputs", array_of(inspection.inputs,
                           [](const Inspection::Input& input) {
                             return Json{{"name", input.name},
                                         {"shape", input.shape},
                                         {"integer", input.integer},
                                         {"rows", input.rows > 0 ? Json(input.rows) : Json()},
                                         {"needed", input.needed}};
                           })},
       {"outputs", array_of(inspection.outputs,
                            [&](const Inspection::Output& output) {
                              return Json{{"name", output.name},
                                          {"shape", output.shape},
                                          {"chosen", output.chosen},
                                          {"no_gradient", or_null(output.no_gradient)}};
                            })},
       {"left_out", inspection.left_out},
       {"form", inspection.form ? form_json(*inspection.form) : Json()},
       {"operators", inspection.operators},
       {"parameters", {{"trained", inspection.trained}, {"other", inspection.other}}},
       {"activations", array_of(inspection.layers,
                                [](const Inspection::Layer& layer) {
                                  return Json{{"layer", layer.name},
                                              {"activation", layer.activation},
                                              {"units", layer.units},
                                              {"can_be_dead", layer.can_be_dead}};
                                })},
       {"uses", std::move(uses)},
       {"notes", inspection.notes}});
}

}  // namespace undying::cli
