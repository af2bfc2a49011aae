#ifndef UNDYING_ACTIVATION_H_
#define UNDYING_ACTIVATION_H_

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace undying {

// One parameter of an activation: `leaky_relu:0.01` sets the first one.
struct ActivationParameter {
  std::string_view name;
  float initial = 0.0f;  // the value when it is not given
  float lowest = 0.0f;   // inclusive range of accepted values
  float highest = 0.0f;
  std::string_view meaning;
};

// What is known of an activation apart from its arithmetic. All views point to static storage.
struct ActivationInfo {
  std::string_view name;  // "leaky_relu": in code, files, ONNX doc strings and on the command line
  std::string_view formula;  // "x > 0 ? x : slope * x"
  std::string_view source;   // paper or specification
  std::span<const ActivationParameter> parameters;
  std::string_view onnx_operator;  // "" where ONNX has no operator of its own
  std::span<const std::string_view>
      onnx_attributes;             // one per parameter, "" where it is not an attribute
  std::span<const float> kinks;    // points where the derivative jumps, at the initial parameters
  bool has_zero_gradient = false;  // f' is exactly 0 on some interval: units can be dead
  bool learned = false;            // its slope is a trained parameter (PReLU)
  bool random = false;             // draws during training (RReLU)
  int width = 1;                   // outputs per input unit (CReLU: 2)
};

// An activation with the values of its parameters. Parsed from the notation used everywhere:
// NAME or NAME:VALUE or NAME:VALUE,VALUE, such as "relu", "leaky_relu:0.2", "rrelu:0.125,0.3333".
// Throws Error{kInvalidArgument} that names the text, what was expected and the known names.
class Activation {
 public:
  Activation(std::string_view specification);  // NOLINT(google-explicit-constructor): "relu" reads
                                               // as an activation
  Activation(const char* specification) : Activation(std::string_view(specification)) {}  // NOLINT
  Activation() : Activation(std::string_view("identity")) {}

  const ActivationInfo& info() const;
  int index() const { return index_; }  // position in activation_family()
  std::span<const float> parameters() const;

  // The shortest notation that gives this activation back: "leaky_relu:0.01" ("relu" where there
  // are no parameters).
  std::string specification() const;

  // The gain of Kaiming initialisation: std = gain / sqrt(fan_in). sqrt(2 / (1 + slope^2)) for
  // leaky rectifiers; where no closed form is customary, 1 / sqrt(E[f(Z)^2]) for Z ~ N(0, 1).
  double gain() const;

  // Whether f' is exactly 0 on some interval at these parameters, so that units can be dead: also
  // true of leaky_relu:0.
  bool can_be_dead() const;

  // f(x) and f'(x) in evaluation mode for one value; at a kink, f' is the derivative from the left.
  float value(float x) const;
  float derivative(float x) const;

  friend bool operator==(const Activation&, const Activation&) = default;

 private:
  int index_ = 0;
  std::array<float, 2> parameters_{};
};

// The whole family, in the order it is listed to people.
std::span<const ActivationInfo> activation_family();

}  // namespace undying

#endif  // UNDYING_ACTIVATION_H_
