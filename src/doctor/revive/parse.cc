#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "undying/doctor.h"
#include "undying/error.h"
#include "undying/settings.h"

namespace undying {
namespace {

constexpr std::string_view kAnnealed = " annealed";
constexpr std::string_view kRate = "learning rate x ";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

[[noreturn]] void refuse(std::string_view part, std::string_view why) {
  throw Error(ErrorCode::kInvalidArgument, "remedy",
              fmt::format("\"{}\" {}; expected an activation, \"leaky_relu:A annealed\", "
                          "\"re-initialise\", \"learning rate x F\", {}, or several of them with "
                          "+ between them",
                          part, why, fmt::join(keep_alive_forms(), ", ")));
}

// Whether it names one of the remedies inside training, and not an activation.
bool is_keep_alive(std::string_view part) {
  const std::string_view name = part.substr(0, part.find(':'));
  return std::ranges::any_of(keep_alive_forms(), [&](std::string_view form) {
    return form.substr(0, form.find('[')) == name;
  });
}

Activation activation_of(std::string_view part) try {
  return Activation(part);
} catch (const Error& error) {
  if (error.message().starts_with("no activation")) refuse(part, "is not known");
  throw;
}

void read_swap(std::string_view part, Remedy& remedy) {
  if (remedy.swap) refuse(part, "is a second activation");
  remedy.anneal = part.ends_with(kAnnealed);
  if (remedy.anneal) part.remove_suffix(kAnnealed.size());
  remedy.swap = activation_of(trimmed(part));
  if (remedy.anneal && remedy.swap->info().name != "leaky_relu")
    refuse(part, "has no slope to anneal in");
}

void read_rate(std::string_view part, Remedy& remedy) {
  const std::string_view number = part.substr(kRate.size());
  double factor = 0.0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), factor);
  if (error != std::errc() || end != number.data() + number.size() ||
      !(factor > 0.0 && factor <= 1e6))
    refuse(part, "is no factor above 0");
  if (factor == 1.0) refuse(part, "changes nothing");
  if (remedy.learning_rate_factor != 1.0) refuse(part, "is a second factor");
  remedy.learning_rate_factor = factor;
}

void read_rule(std::string_view part, Remedy& remedy) {
  const KeepAlive::Rule rule = parse_keep_alive(part).rules.front();
  if (std::ranges::count(remedy.keep_alive.rules, rule.name, &KeepAlive::Rule::name) > 0)
    refuse(part, "is there twice");
  remedy.keep_alive.rules.push_back(rule);
}

void read_part(std::string_view part, Remedy& remedy) {
  if (part.empty()) refuse(part, "is empty");
  if (part == "re-initialise")
    remedy.reinitialise = true;
  else if (part.starts_with(kRate))
    read_rate(part, remedy);
  else if (is_keep_alive(part))
    read_rule(part, remedy);
  else
    read_swap(part, remedy);
}

}  // namespace

Remedy parse_remedy(std::string_view text) {
  Remedy remedy;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    const std::string_view part = trimmed(text.substr(begin, end - begin));
    read_part(part, remedy);
    remedy.label += fmt::format("{}{}", remedy.label.empty() ? "" : " + ", part);
    begin = end + 1;
  }
  return remedy;
}

std::vector<Remedy> standard_remedies() {
  std::vector<Remedy> all = {{.label = "continue (control)"},
                             {.label = "re-initialise living units (placebo)", .placebo = true}};
  for (const char* remedy :
       {"leaky_relu:0.01", "leaky_relu:0.1", "leaky_relu:0.3", "prelu", "elu",
        "leaky_relu:0.1 annealed", "re-initialise", "leaky_relu:0.1 + re-initialise",
        "leaky_relu:0.1 annealed + re-initialise", "learning rate x 0.1"})
    all.push_back(parse_remedy(remedy));
  return all;
}

}  // namespace undying
