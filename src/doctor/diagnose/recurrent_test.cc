// Gates and hidden units against the formulas, step by step in double.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "doctor/diagnose/recurrent.h"
#include "doctor/test_networks.h"
#include "undying/doctor.h"

namespace undying::doctor {
namespace {

using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kSteps = 6, kInputs = 3, kHidden = 4, kExamples = 40;

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

Dataset sequences() {
  Dataset data{.name = "sequences", .size = kExamples, .shape = {kSteps, kInputs}};
  for (std::int64_t i = 0; i < kExamples * kSteps * kInputs; ++i)
    data.values.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(i * i % 113))));
  return data;
}

Patient network(const std::string& op, std::int64_t directions = 1) {
  Attributes attributes{{"hidden", kHidden}};
  if (directions == 2) attributes.set("directions", directions);
  return fresh(Graph({{"x", "input", {}, {{"shape", Ints{kSteps, kInputs}}}},
                      {"cells", op, {0}, attributes},
                      {"flat", "flatten", {1}, {}},
                      {"out", "linear", {2}, {{"outputs", std::int64_t{2}}}}}));
}

// One direction of a layer, with the gates' means.
class Steps {
 public:
  Steps(Patient& patient, std::int64_t gates, std::int64_t d)
      : weight_(patient.values("cells.weight")),
        recurrent_(patient.values("cells.recurrent_weight")),
        bias_(patient.values("cells.bias")),
        width_(gates * kHidden),
        d_(d) {}

  double z(const float* x, const std::vector<double>& h, std::int64_t row) const {
    double sum = static_cast<double>(bias_[place(2 * d_ * width_ + row)]) +
                 bias_[place((2 * d_ + 1) * width_ + row)];
    for (std::int64_t i = 0; i < kInputs; ++i)
      sum += static_cast<double>(weight_[place((d_ * width_ + row) * kInputs + i)]) * x[i];
    for (std::int64_t i = 0; i < kHidden; ++i)
      sum += recurrent_[place((d_ * width_ + row) * kHidden + i)] * h[place(i)];
    return sum;
  }

 private:
  const std::vector<float>& weight_;
  const std::vector<float>& recurrent_;
  const std::vector<float>& bias_;
  std::int64_t width_, d_;
};

// Means of i, o, f by unit.
std::vector<double> lstm_means(Patient& patient, const Dataset& data, std::int64_t d) {
  const Steps steps(patient, 4, d);
  std::vector<double> means(3 * kHidden);
  for (std::int64_t row = 0; row < kExamples; ++row) {
    std::vector<double> h(kHidden), c(kHidden);
    for (std::int64_t step = 0; step < kSteps; ++step) {
      const float* x =
          data.values.data() + (row * kSteps + (d == 0 ? step : kSteps - 1 - step)) * kInputs;
      std::vector<double> next(kHidden);
      for (std::int64_t k = 0; k < kHidden; ++k) {
        double gate[3];
        for (std::int64_t g = 0; g < 3; ++g) {
          gate[g] = logistic(steps.z(x, h, g * kHidden + k));
          means[place(g * kHidden + k)] += gate[g] / (kExamples * kSteps);
        }
        c[place(k)] = gate[2] * c[place(k)] + gate[0] * std::tanh(steps.z(x, h, 3 * kHidden + k));
        next[place(k)] = gate[1] * std::tanh(c[place(k)]);
      }
      h = next;
    }
  }
  return means;
}

void shut(Patient& patient, std::int64_t gates, std::int64_t gate, std::int64_t unit, float bias,
          std::int64_t d = 0) {
  patient.values("cells.bias")[place(2 * d * gates * kHidden + gate * kHidden + unit)] = bias;
}

TEST(Recurrent, GatesOfAnLstmAreThoseOfTheFormulas) {
  const Dataset data = sequences();
  Patient patient = network("lstm", 2);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data);
  ASSERT_EQ(diagnosis.recurrent.size(), 1u);
  const RecurrentDiagnosis& found = diagnosis.recurrent[0];
  EXPECT_EQ(found.units, 2 * kHidden);
  EXPECT_EQ(found.n, kExamples * kSteps);
  ASSERT_EQ(found.gates.size(), 3u);
  for (const std::int64_t d : {0, 1}) {
    const std::vector<double> means = lstm_means(patient, data, d);
    for (std::size_t g = 0; g < 3; ++g)
      for (std::int64_t k = 0; k < kHidden; ++k)
        EXPECT_NEAR(found.gates[g].mean[place(d * kHidden + k)], means[g * kHidden + place(k)],
                    1e-6)
            << found.gates[g].name << " " << d << " " << k;
  }
  EXPECT_EQ(found.dead(), 0);
  EXPECT_FALSE(diagnosis.found("stuck gates"));
}

TEST(Recurrent, StuckGatesAndSilentUnitsAreNamed) {
  Patient patient = network("lstm");
  shut(patient, 4, 1, 0, -50.0f);  // output
  shut(patient, 4, 0, 1, -50.0f);  // input
  shut(patient, 4, 2, 2, -50.0f);  // forget
  shut(patient, 4, 2, 3, 50.0f);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, sequences());
  const RecurrentDiagnosis& found = diagnosis.recurrent[0];
  EXPECT_EQ(diagnosis.dead(), 2);
  EXPECT_TRUE(found.lives[0].dead && found.lives[1].dead);
  EXPECT_TRUE(found.gates[2].is_stuck(2, false));
  EXPECT_TRUE(found.gates[2].is_stuck(3, true));
  EXPECT_EQ(found.gates[2].stuck(false), 1);
  std::string text;
  for (const Finding& finding : diagnosis.findings)
    text += finding.what + ": " + finding.evidence + "\n";
  EXPECT_THAT(text, HasSubstr("dead units: 2 of 4 hidden units put out 0 at every step (n = 240: "
                              "40 examples of sequences x 6 steps). Cause: "
                              "output gate at 0 (1), input gate at 0 (1)"));
  EXPECT_THAT(text, HasSubstr("stuck gates: the forget gate of 1 of 4 hidden units stands at 0"));
  EXPECT_THAT(text, HasSubstr("stands at 1"));
}

// The first state is 0, so a unit whose update gate is at 1 stays there.
TEST(Recurrent, AGruThatNeverUpdatesIsDead) {
  Patient patient = network("gru");
  shut(patient, 3, 0, 2, 50.0f);
  shut(patient, 3, 1, 1, -50.0f);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, sequences());
  const RecurrentDiagnosis& found = diagnosis.recurrent[0];
  EXPECT_TRUE(found.lives[2].dead);
  EXPECT_TRUE(found.gates[1].is_stuck(1, false));
  EXPECT_EQ(found.gates[1].name, "reset");
  EXPECT_EQ(found.dead(), 1);
}

TEST(Recurrent, UnitsOfAnRnnSaturateOrAreSilent) {
  Patient flat = network("rnn");
  flat.values("cells.bias")[1] = 40.0f;
  const Diagnosis saturated = diagnose(flat.graph, flat.weights, sequences());
  EXPECT_TRUE(saturated.recurrent[0].lives[1].saturated);
  EXPECT_TRUE(saturated.found("saturated units"));
  std::vector<Node> nodes = flat.graph.nodes();
  nodes[1].attributes.set("relu", std::int64_t{1});
  flat.values("cells.bias")[1] = -40.0f;
  const Diagnosis silent = diagnose(Graph(nodes), flat.weights, sequences());
  EXPECT_TRUE(silent.recurrent[0].lives[1].dead);
}

}  // namespace
}  // namespace undying::doctor
