// A diagnosis and a forecast in words and figures, for a terminal.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/wrap.h"
#include "undying/report.h"

namespace undying {
namespace {

using report::wrap;

constexpr std::size_t kIndent = 3;

// Of a layer whose units were sampled, a lower bound.
std::string rank_figure(const LayerDiagnosis& layer) {
  if (!std::isfinite(layer.effective_rank)) return "-";
  return fmt::format("{}{:.1f}", layer.effective_rank_error > 0.0 ? ">" : "", layer.effective_rank);
}

std::string figure(double value) {
  return std::isfinite(value) ? fmt::format("{:.3g}", value) : std::string("-");
}

std::size_t name_width(std::size_t least, const auto& layers) {
  for (const auto& layer : layers) least = std::max(least, layer.name.size());
  return least;
}

std::string table(const Diagnosis& diagnosis) {
  const std::size_t width = name_width(5, diagnosis.layers);
  std::string text =
      fmt::format("{:<{}} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8} {:>7} {:>5} {:>7} {:>9} {:>6}\n",
                  "layer", width, "units", "n", "dead", "locked", "always -", "always +", "dormant",
                  "sat.", "firing", "variance", "rank");
  for (const LayerDiagnosis& layer : diagnosis.layers)
    text += fmt::format(
        "{:<{}} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8} {:>7} {:>5} {:>6.1f}% {:>9} {:>6}\n",
        layer.name, width, layer.units, layer.n, layer.dead, layer.locked, layer.always_negative,
        layer.always_positive, layer.dormant, layer.saturated_units, 100.0 * layer.firing_rate,
        figure(layer.signal_variance), rank_figure(layer));
  return text;
}

// Of every gate, how many hidden units it stands at 0 and at 1 for.
std::string recurrent_text(const Diagnosis& diagnosis) {
  if (diagnosis.recurrent.empty()) return "";
  const std::size_t width = name_width(9, diagnosis.recurrent);
  std::string text = fmt::format(
      "\n{:<{}} {:>6} {:>8} {:>6} {:>5}  gates: units at 0, at 1 on at least 95% of n\n",
      "recurrent", width, "units", "n", "dead", "sat.");
  for (const RecurrentDiagnosis& layer : diagnosis.recurrent) {
    text += fmt::format("{:<{}} {:>6} {:>8} {:>6} {:>5}  ", layer.name, width, layer.units, layer.n,
                        layer.dead(), layer.saturated_units());
    for (std::size_t i = 0; i < layer.gates.size(); ++i)
      text += fmt::format("{}{} {}, {}", i == 0 ? "" : "; ", layer.gates[i].name,
                          layer.gates[i].stuck(false), layer.gates[i].stuck(true));
    text += layer.gates.empty() ? "none\n" : "\n";
  }
  return text;
}

// The norms of weight gradients in forward order; of a deep network its ends and what lies evenly
// between.
std::string gradient_text(const Diagnosis& diagnosis, std::size_t limit) {
  constexpr std::size_t kMost = 8;
  const auto& norms = diagnosis.gradients;
  if (norms.empty()) return "Without targets there are no gradients to judge.\n";
  std::string text =
      fmt::format("Gradient norms, first to last weight ({}; ratio {}):", norms.size(),
                  figure(diagnosis.gradient_norm_ratio));
  const std::size_t shown = std::min(kMost, norms.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const GradientNorm& norm = norms[shown == 1 ? 0 : i * (norms.size() - 1) / (shown - 1)];
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", norm.parameter, figure(norm.gradient));
  }
  return wrap(text, limit) + "\n";
}

std::string units_text(const Finding& finding) {
  constexpr std::size_t kMost = 16;
  if (finding.units.empty()) return "";
  std::string text = finding.units.size() == 1 ? " Unit" : " Units";
  for (std::size_t i = 0; i < std::min(kMost, finding.units.size()); ++i)
    text += fmt::format("{} {}", i == 0 ? "" : ",", finding.units[i]);
  return text + (finding.units.size() > kMost
                     ? fmt::format(" and {} more.", finding.units.size() - kMost)
                     : ".");
}

std::string findings_text(const std::vector<Finding>& findings, std::size_t limit,
                          std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, findings.size()); ++i) {
    const Finding& finding = findings[i];
    const std::string where = finding.layer.empty() ? "" : " in " + finding.layer;
    text += wrap(fmt::format("{:>2} {}{} (cost {:.1f}%): {}.{} To try: {}.", i + 1, finding.what,
                             where, 100.0 * finding.cost, finding.evidence, units_text(finding),
                             finding.remedy),
                 limit, kIndent) +
            "\n";
  }
  if (findings.size() > most)
    text += fmt::format("   and {} more (--json holds all)\n", findings.size() - most);
  return text;
}

std::string headline(const Diagnosis& diagnosis) {
  const std::size_t layers = diagnosis.layers.size() + diagnosis.recurrent.size();
  std::string text = fmt::format(
      "{} units in {} layer{} on the whole of {} (n = {} examples), evaluation mode, weights "
      "frozen",
      diagnosis.units(), layers, layers == 1 ? "" : "s", diagnosis.data, diagnosis.examples);
  if (std::isfinite(diagnosis.loss)) text += fmt::format("; loss {:.4g}", diagnosis.loss);
  if (std::isfinite(diagnosis.accuracy))
    text += fmt::format(", accuracy {:.2f}%", 100.0 * diagnosis.accuracy);
  if (diagnosis.baseline) text += fmt::format("; baseline {}", diagnosis.baseline->text());
  return text + ".";
}

std::string outputs_text(const std::vector<OutputScore>& outputs, std::size_t limit) {
  std::string text;
  for (const OutputScore& output : outputs)
    text +=
        wrap(fmt::format("Output {}: {} {:.4g} (weight {:g}){}; baseline {}.", output.asked.output,
                         name(output.asked.loss), output.loss, output.asked.weight,
                         std::isfinite(output.accuracy)
                             ? fmt::format(", accuracy {:.2f}%", 100.0 * output.accuracy)
                             : "",
                         output.baseline.text()),
             limit, kIndent) +
        "\n";
  return text;
}

std::string notes_text(const std::vector<std::string>& notes, std::size_t limit) {
  std::string text;
  for (const std::string& note : notes) text += wrap("Note: " + note + ".", limit) + "\n";
  return text;
}

std::size_t limit_of(int columns) { return static_cast<std::size_t>(std::max(columns, 40)); }

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis, int columns, std::size_t findings) {
  const std::size_t limit = limit_of(columns);
  std::string text = wrap(headline(diagnosis), limit) + "\n" +
                     outputs_text(diagnosis.outputs, limit) + notes_text(diagnosis.notes, limit) +
                     "\n" + (diagnosis.layers.empty() ? "" : table(diagnosis)) +
                     recurrent_text(diagnosis) + "\n";
  text += gradient_text(diagnosis, limit) + "\n";
  if (diagnosis.findings.empty()) return text + "Nothing was found.\n";
  text +=
      "Findings, the most costly first (cost: share of the trained numbers that carry nothing or "
      "do not learn):\n";
  text += findings_text(diagnosis.findings, limit, findings);
  if (diagnosis.dead() > 0)
    text += wrap(fmt::format("Dead: z <= 0 on all of {} and no gradient there. On other data such "
                             "a unit may fire.",
                             diagnosis.data),
                 limit) +
            "\n";
  return text;
}

std::string passes_text(const std::vector<DataPass>& passes) {
  std::size_t width = 4;
  for (const DataPass& pass : passes) width = std::max(width, pass.what.size());
  std::string text = fmt::format("Passes over data\n{:<{}} {:>9} {:>9} {:>8}\n", "made for", width,
                                 "examples", "forward", "back");
  for (const DataPass& pass : passes)
    text += fmt::format("{:<{}} {:>9} {:>9} {:>8}\n", pass.what, width, pass.examples, pass.count,
                        pass.backward ? pass.count : 0);
  return text;
}

std::string forecast_text(const Forecast& forecast, int columns) {
  const std::size_t limit = limit_of(columns);
  const std::size_t width = name_width(5, forecast.layers);
  std::string text =
      "Before training, from the graph and the initial draw alone; E over weights, for inputs with "
      "E x^2 = 1\n\n";
  text += fmt::format("{:<{}} {:>6} {:>18} {:>10} {:>10} {:>12}\n", "layer", width, "units",
                      "activation", "E z^2", "E h^2", "E (dL/dz)^2");
  for (const LayerForecast& layer : forecast.layers)
    text += fmt::format("{:<{}} {:>6} {:>18} {:>10} {:>10} {:>12}\n", layer.name, width,
                        layer.units, layer.activation.specification(), figure(layer.preactivation),
                        figure(layer.signal), figure(layer.gradient));
  text += "\n";
  if (std::isfinite(forecast.born_dead_bound))
    text += wrap(fmt::format("Dead at a given input with probability {:.3g}: an upper bound on "
                             "being born dead (Lu et al. 2019){}.",
                             forecast.born_dead_bound,
                             std::isfinite(forecast.born_dead_lower)
                                 ? fmt::format("; lower bound {:.3g}", forecast.born_dead_lower)
                                 : ""),
                 limit) +
            "\n";
  text += notes_text(forecast.notes, limit);
  return text + (forecast.findings.empty() ? "Nothing was found.\n"
                                           : findings_text(forecast.findings, limit, 99));
}

}  // namespace undying
