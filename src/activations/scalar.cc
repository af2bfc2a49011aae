#include "activations/scalar.h"

#include "activations/family-inl.h"

namespace undying::activations {
namespace {

namespace family = HWY_NAMESPACE;
using Parameters = std::span<const float>;

template <class F>
constexpr ScalarDefinition scalar_definition() {
  return {F::kInfo,
          [](Parameters parameters, double x) { return F(parameters).value(x); },
          [](Parameters parameters, double x) { return F(parameters).derivative(x); },
          [](Parameters parameters) { return F(parameters).saves(); },
          [](Parameters parameters) { return F(parameters).gain(); },
          [](Parameters parameters) { return F(parameters).check(); },
          [](Parameters parameters) { return F(parameters).threshold(); }};
}

template <class... Members>
constexpr auto all(family::List<Members...>) {
  return std::array{scalar_definition<Members>()...};
}

}  // namespace

std::span<const ScalarDefinition> scalar_definitions() {
  static constexpr auto kAll = all(family::Family{});
  return kAll;
}

double firing_threshold(const Activation& activation) {
  return static_cast<double>(
      scalar_definitions()[activation.index()].threshold(activation.parameters()));
}

Saves saves(const Activation& activation) {
  return scalar_definitions()[activation.index()].saves(activation.parameters());
}

}  // namespace undying::activations
