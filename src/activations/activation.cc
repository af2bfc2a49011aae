#include "undying/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "activations/gain.h"
#include "activations/scalar.h"
#include "base/nearest.h"
#include "undying/error.h"

namespace undying {
namespace {

using activations::scalar_definitions;
using activations::ScalarDefinition;

const ScalarDefinition& definition(int index) { return scalar_definitions()[index]; }

// Lower case without separators, so that "LeakyReLU" and "leaky-relu" are near misses of
// "leaky_relu".
std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return letters;
}

std::string suggestion(std::string_view name) {
  if (plain(name) == "swish") return "did you mean silu, which is the same function? ";
  std::vector<std::string> letters;
  for (const ActivationInfo& info : activation_family()) letters.push_back(plain(info.name));
  const auto near = std::ranges::find(letters, nearest(plain(name), letters));
  return near == letters.end()
             ? ""
             : fmt::format("did you mean {}? ", activation_family()[near - letters.begin()].name);
}

std::string known_names() {
  std::string names;
  for (const ActivationInfo& info : activation_family())
    names += (names.empty() ? "" : ", ") + std::string(info.name);
  return names;
}

[[noreturn]] void fail(std::string_view specification, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("activation \"{}\"", specification),
              message);
}

std::string expected(const ActivationInfo& info) {
  if (info.parameters.empty()) return fmt::format("{} takes no parameter", info.name);
  std::string text = fmt::format("expected {}", info.name);
  for (std::size_t i = 0; i < info.parameters.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? ":" : ",", info.parameters[i].name);
  return text + fmt::format(" with at most {} value{}", info.parameters.size(),
                            info.parameters.size() == 1 ? "" : "s");
}

std::string range(const ActivationParameter& parameter) {
  const auto bound = [](float value) {
    return std::abs(value) < std::numeric_limits<float>::max();
  };
  if (bound(parameter.lowest) && bound(parameter.highest))
    return fmt::format("from {} to {}", parameter.lowest, parameter.highest);
  if (bound(parameter.lowest)) return fmt::format("not below {}", parameter.lowest);
  return "any finite number";
}

float parse_value(std::string_view specification, const ActivationInfo& info,
                  const ActivationParameter& parameter, std::string_view text) {
  float value = 0.0f;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    fail(specification, fmt::format("{} of {} is \"{}\": expected a number, {}", parameter.name,
                                    info.name, text, range(parameter)));
  if (value < parameter.lowest || value > parameter.highest)
    fail(specification, fmt::format("{} of {} is {}: expected {}", parameter.name, info.name, text,
                                    range(parameter)));
  return value;
}

int find_name(std::string_view specification, std::string_view name) {
  const auto all = activation_family();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].name == name) return static_cast<int>(i);
  fail(specification, fmt::format("no activation is called \"{}\": {}known: {}", name,
                                  suggestion(name), known_names()));
}

}  // namespace

Activation::Activation(std::string_view specification) {
  const std::size_t colon = specification.find(':');
  index_ = find_name(specification, specification.substr(0, colon));
  const ActivationInfo& known = info();
  for (std::size_t i = 0; i < known.parameters.size(); ++i)
    parameters_[i] = known.parameters[i].initial;
  if (colon == std::string_view::npos) return;
  std::string_view rest = specification.substr(colon + 1);
  for (std::size_t i = 0;; ++i) {
    if (i == known.parameters.size())
      fail(specification, fmt::format("found \"{}\": {}", rest, expected(known)));
    const std::size_t comma = rest.find(',');
    parameters_[i] = parse_value(specification, known, known.parameters[i], rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  const std::string_view complaint = definition(index_).check(parameters());
  if (!complaint.empty()) fail(specification, std::string(complaint));
}

const ActivationInfo& Activation::info() const { return definition(index_).info; }

std::span<const float> Activation::parameters() const {
  return {parameters_.data(), info().parameters.size()};
}

std::string Activation::specification() const {
  std::string text(info().name);
  const auto values = parameters();
  std::size_t shown = values.size();
  while (shown > 1 && values[shown - 1] == info().parameters[shown - 1].initial) --shown;
  for (std::size_t i = 0; i < shown; ++i)
    text += fmt::format("{}{}", i == 0 ? ":" : ",", values[i]);
  return text;
}

double Activation::gain() const {
  const ScalarDefinition& known = definition(index_);
  if (const auto customary = known.gain(parameters())) return *customary;
  return activations::unit_gain([&](double x) { return known.value(parameters(), x); });
}

bool Activation::can_be_dead() const {
  if (info().has_zero_gradient) return true;
  return !info().learned && info().width == 1 && derivative(-1.0f) == 0.0f &&
         derivative(-2.0f) == 0.0f;
}

float Activation::value(float x) const {
  return static_cast<float>(definition(index_).value(parameters(), static_cast<double>(x)));
}

float Activation::derivative(float x) const {
  return static_cast<float>(definition(index_).derivative(parameters(), static_cast<double>(x)));
}

std::span<const ActivationInfo> activation_family() {
  static const std::vector<ActivationInfo> kInfos = [] {
    std::vector<ActivationInfo> infos;
    for (const ScalarDefinition& each : scalar_definitions()) infos.push_back(each.info);
    return infos;
  }();
  return kInfos;
}

}  // namespace undying
