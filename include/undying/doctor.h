#ifndef UNDYING_DOCTOR_H_
#define UNDYING_DOCTOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "undying/dataset.h"
#include "undying/evaluation.h"
#include "undying/graph.h"
#include "undying/health.h"
#include "undying/study.h"
#include "undying/trainer.h"

// What is wrong with a given network, and whether a remedy cures it. docs/diagnosis.md says what
// every word means and what it does not.
namespace undying {

// A pass over a data set that was made: every example through the network once, and back where
// gradients were wanted.
struct DataPass {
  std::string what;  // it was made for
  std::int64_t examples = 0;
  bool backward = false;
  std::int64_t count = 1;  // how often
};

struct DiagnoseSettings {
  std::optional<Loss> loss;  // default: cross-entropy for classes, mean squared error for values
  double dormant_tau = HealthSettings{}.dormant_tau;
  double saturation_eps = HealthSettings{}.saturation_eps;  // |f'| below this is saturated
  std::int64_t rank_sample = 512;  // examples, evenly spaced, for effective rank; 0: neither rank
                                   // nor pool winners are measured
  int threads = 0;                 // 0: one per core. Results depend on it in the last bits only
  std::int64_t memory = 1'000'000'000;  // bytes that the buffers of a pass over D may take, beside
                                        // weights, gradients and data
  std::shared_ptr<const Dataset>
      training;  // whose majority class or mean the baseline is; default: D's own
  std::vector<OutputLoss> outputs = {};  // several, as TrainSettings::outputs
};

// What keeps a dead unit silent, or a constant one at its value, judged from its parameters and the
// largest z seen on D.
enum class DeadCause {
  kNone,           // neither dead nor constant
  kZeroWeights,    // all its incoming weights are 0: z is its bias (or what a batch norm makes of
                   // it), whatever comes in
  kDeadInputs,     // every unit it reads is dead, or constant
  kScaleNearZero,  // gamma of the batch norm before it is near 0: z is beta, whatever comes in
  kShiftFarBelow,  // beta alone: without it the unit would fire on D
  kBiasFarBelow,   // the bias alone: without it the unit would fire on D. The shift of a folded
                   // batch norm is in the bias
  kWeights,        // its weights: even without the bias z <= 0 on all of D
  kNothingVaries,  // constant: nothing that it weighs varies over D
  kUnknown,        // z is not the output of one layer (a sum, a product)
};
std::string_view name(DeadCause cause);

struct UnitDiagnosis {
  UnitState state = UnitState::kAlive;
  DeadCause cause = DeadCause::kNone;
  bool locked = false;   // dead, and no parameter that its z depends on has a gradient on D
  bool dormant = false;  // E|h| <= tau times the layer's mean, and neither dead nor always negative
  bool constant = false;  // one output on the whole of D, and not dead
  // On at least 95% of D, where the activation saturates (saturates()), and not dead.
  bool saturated = false;
  bool never_wins = false;  // fires on D, but is the largest of no window of the max pool behind it
  double firing_rate = 0.0;
  double saturated_share = 0.0;  // of D, with |f'| < eps
  double abs_mean = 0.0;         // E|h|
  double preactivation_max = 0.0;
  double gradient = 0.0;  // mean of |dL/dz|, summed over positions; NaN without targets
};

// The units of one activation over D, evaluation mode, frozen weights.
struct LayerDiagnosis {
  std::string name;
  Activation activation;
  std::int64_t units = 0;
  std::int64_t positions = 1;
  std::int64_t n = 0;  // examples x positions: what each count rests on. 95% bound on the firing
                       // rate of a silent unit: 3 / n
  std::int64_t dead = 0;
  std::int64_t locked = 0;  // of the dead; the others are revivable
  std::int64_t always_negative = 0;
  std::int64_t always_positive = 0;
  std::int64_t dormant = 0;
  std::int64_t constant = 0;
  std::int64_t saturated_units = 0;
  std::int64_t never_wins = 0;
  double firing_rate = 0.0;  // mean over units
  // Units by firing rate: 0; (0, 10%], ..., (90%, 100%); 100%.
  std::array<std::int64_t, 12> histogram = {};
  double saturated = 0.0;    // share of (unit, example) with |f'| < eps
  double signal_mean = 0.0;  // of h over units and D
  double signal_variance = 0.0;
  double effective_rank = 0.0;  // exp(H(sigma / sum sigma)) of the outputs, not centred (Roy &
                                // Vetterli 2007), on `rank_rows` rows; NaN: not measured
  double effective_rank_error = 0.0;  // of a layer of more than 4,096 units, which are sampled:
                                      // about how far it is below that of all; else 0
  std::int64_t rank_rows = 0;
  bool bypassed = false;  // a path from the input to the output goes around this layer
  std::vector<UnitDiagnosis> lives;
};

// A gate of a recurrent layer over all steps of D, by hidden unit. It is at 0 or 1 where it does
// not learn: g (1 - g) < saturation_eps.
struct GateDiagnosis {
  std::string name;            // of an lstm input, output, forget; of a gru update, reset
  std::vector<double> closed;  // share of the steps at 0
  std::vector<double> open;    // at 1
  std::vector<double> mean;

  bool is_stuck(std::size_t unit, bool at_one) const;  // on at least 95% of all steps
  std::int64_t stuck(bool at_one) const;               // units
};

struct HiddenUnit {
  bool dead = false;       // |h| <= 1e-6 at every step; of a relu, 0
  bool saturated = false;  // of a tanh rnn: on at least 95% of all steps
  double abs_mean = 0.0;   // of h over all steps
  double abs_max = 0.0;
};

// A recurrent layer over D: its hidden units, those of a second direction behind those of the
// first, over all steps of all examples.
struct RecurrentDiagnosis {
  std::string name;
  std::string op;  // rnn, lstm or gru
  std::int64_t units = 0;
  std::int64_t positions = 0;  // steps of an example
  std::int64_t n = 0;          // examples x steps
  std::vector<GateDiagnosis> gates = {};
  std::vector<HiddenUnit> lives = {};

  std::int64_t dead() const;
  std::int64_t saturated_units() const;
};

// Of a weight tensor, in forward order: norm of the gradient of the mean loss over D, and of the
// tensor.
struct GradientNorm {
  std::string parameter;
  double gradient = 0.0;
  double weight = 0.0;
};

// What the inputs of D are like, a column, or a channel of images held as bytes.
struct InputColumn {
  std::string name;  // "column 3"
  std::int64_t index = 0;
  double mean = 0.0;
  double deviation = 0.0;  // standard, population
  double least = 0.0;
  double greatest = 0.0;
  double low = 0.0;  // 98% of D lie from here
  double high = 0.0;
  // The example of D, counted from 0, whose value is the farthest from the middle.
  std::int64_t farthest = 0;
  std::int64_t farthest_row = 0;  // where that stands in the source of D, counted from 0
  double farthest_value = 0.0;

  double magnitude() const;  // root of the mean square
  bool outlier() const;      // the farthest lies 100 times the spread of the 98% away
};

// Inputs far from unit scale, and whether they are why units are dead: the same weights over the
// same examples brought to zero mean and unit variance a column.
struct InputScale {
  std::vector<InputColumn> columns;  // those of a root mean square above 10; or of all below 0.01,
                                     // all. The largest first, at most 4
  std::int64_t far = 0;              // how many there are
  std::int64_t total = 0;            // of all columns
  // Units, and how many of the network's are with the inputs brought to unit scale.
  std::int64_t dead = 0;
  std::int64_t dead_standardised = 0;  // -1: not tried, for nobody is dead or the network has a
                                       // scaling or a batch norm of its own
  bool cause() const { return dead > 0 && dead_standardised >= 0 && 2 * dead_standardised < dead; }
};

// Numbers from `least` to `greatest`, which may be infinite.
struct Interval {
  double least = 0.0;
  double greatest = 0.0;
};

// What the end of a network can put out at all, against what the loss asks for, both as the loss
// compares them: values, or for binary cross-entropy and cross-entropy probabilities.
struct OutputReach {
  std::string node;  // that bounds the outputs
  std::string what;  // its activation or operator: "relu", "softmax"
  Interval outputs;
  Interval targets;
  double share = 0.0;  // of the targets that are out of reach
  bool twice = false;  // the loss applies a softmax or sigmoid to outputs that have passed one
};

struct Finding {
  std::string what;   // one of finding_names(); of a run, "rate too large", "... small"
  std::string layer;  // empty: the network
  std::vector<std::int64_t> units;  // concerned, where it is about units
  double cost = 0.0;  // share of the trained numbers that carry nothing or do not learn, in [0, 1]
  std::string evidence;  // with n
  std::string remedy;    // to try
};

// All that a finding can be about: "dead units", "dead network", "vanishing gradients", "scale of
// the inputs", ...
std::span<const std::string_view> finding_names();

// Of one of several outputs.
struct OutputScore {
  OutputLoss asked;
  double loss = 0.0;      // mean over D, without its weight
  double accuracy = 0.0;  // NaN without classes
  Baseline baseline;
};

struct Diagnosis {
  std::string data;  // D
  std::int64_t examples = 0;
  // Else there are no gradients, and "locked" is known of the first layers alone.
  bool has_targets = false;
  Loss judged_by = Loss::kSoftmaxCrossEntropy;
  double loss = 0.0;      // mean over D; NaN without targets
  double accuracy = 0.0;  // NaN without classes
  double saturation_eps = 0.0;
  double dormant_tau = 0.0;
  std::vector<LayerDiagnosis> layers;  // in forward order
  // Likewise; their hidden units are counted with the others.
  std::vector<RecurrentDiagnosis> recurrent = {};
  std::vector<GradientNorm> gradients;  // empty without targets
  double gradient_norm_ratio = 0.0;     // first / last; NaN without targets
  std::optional<Baseline>
      baseline;  // what an answer that looks at no input scores on D; where D has targets
  InputScale scale;
  std::vector<OutputScore> outputs = {};  // where several are asked for, each
  std::optional<OutputReach> reach;       // where the outputs are bounded and D has targets
  std::vector<Finding> findings;          // the most costly first; empty: nothing was found
  std::vector<std::string> notes;         // what was done to the network before it was looked at
  std::vector<DataPass> passes = {};      // over D that this took
  std::optional<DataSummary> read;        // where D comes from, if the caller has put it

  std::int64_t units() const;
  std::int64_t dead() const;
  std::int64_t locked() const;
  std::int64_t always_negative() const;
  std::int64_t dormant() const;
  std::int64_t constant() const;
  std::int64_t zero_weights() const;  // units, dead or constant, that all incoming weights of are 0
  std::int64_t saturated_units() const;
  bool found(std::string_view what) const;
  bool learned() const;  // whether the baseline is beaten; true without one
  bool finite()
      const;  // whether the mean output of every layer is, over D, and the loss where D has targets
};

// Observes the network over the whole of `data` and judges. Data without labels and targets
// (classes 0, outputs 0) is observed forward alone. Throws Error{kInvalidArgument, kBadData} for
// what does not fit.
Diagnosis diagnose(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
                   const DiagnoseSettings& settings = {});

// What can be said of a network before it is trained, from the graph and the initial draw alone.
struct LayerForecast {
  std::string name;
  Activation activation;
  std::int64_t units = 0;
  double preactivation = 0.0;  // E z^2 for inputs with E x^2 = 1
  double signal = 0.0;         // E h^2
  double gradient = 0.0;       // E (dL/dz)^2, relative to that at the output
};

struct Forecast {
  // The probability that a fully connected ReLU network without batch norm, symmetric weights and
  // zero biases is dead at a given input, 1 - prod(1 - 2^-N_l) over its hidden layers: an upper
  // bound on that of being born dead (Lu et al. 2019). NaN for other networks.
  double born_dead_bound = 0.0;
  double born_dead_lower = 0.0;  // of one input and equal widths; NaN elsewhere
  std::vector<LayerForecast> layers;
  std::vector<Finding> findings;
  std::vector<std::string> notes;  // what was approximated
};
Forecast forecast(const Graph& graph, Initializer initializer = Initializer::kKaimingNormal);

// What an arm of revive() does to the network before it trains on.
struct Remedy {
  std::string label;               // "leaky_relu:0.1 + re-initialise"
  std::optional<Activation> swap;  // in place of every activation whose units can be dead
  bool anneal = false;  // the new slope grows from 0 over the first half of the steps: the function
                        // is kept exactly at first
  bool reinitialise = false;  // dead units: incoming weights drawn anew, outgoing ones 0
  bool placebo = false;       // as many living units instead, chosen at random
  double learning_rate_factor = 1.0;
  KeepAlive keep_alive = {};  // what runs inside its training, behind what TrainSettings names
};
// "leaky_relu:0.2 + re-initialise + cbp": an activation (leaky_relu also "annealed"),
// "re-initialise", "learning rate x F", remedies inside training as parse_keep_alive() takes them.
// Throws Error{kInvalidArgument} listing what is known.
Remedy parse_remedy(std::string_view text);
// Control, placebo, then what is worth trying: leaky_relu:0.01, :0.1 and :0.3, prelu, elu,
// leaky_relu:0.1 with its slope annealed in, re-initialise, leaky_relu:0.1 with it at once and
// annealed in, a tenth of the learning rate.
std::vector<Remedy> standard_remedies();

// What a remedy changed, before the first step.
struct RemedyEffect {
  std::int64_t reinitialised = 0;  // units
  // Units whose output is not read by weights alone (a sum), left as they are.
  std::int64_t skipped = 0;
  std::int64_t swapped = 0;        // activations
  double output_difference = 0.0;  // largest |output after - output before| over D
  double output_scale = 0.0;       // largest |output before| over D
};

struct ReviveSettings {
  std::string model;             // its name, for the record
  std::string data;              // as given to open_dataset, for the record
  std::vector<Remedy> remedies;  // empty: standard_remedies()
  int seeds = 0;  // of the data order and the fresh draws: train.seed, train.seed + 1, ...; 0: as
                  // many as verdicts need
  int max_seeds = 20;   // where seeds is 0
  double budget = 0.0;  // seconds, as in StudySettings
  double margin = 0.0;  // as in StudySettings
  TrainSettings train;  // of the control; threads and shards are 1 in every run, and the loss is
                        // that of `diagnose`
  int threads = 0;      // runs at a time; 0: one per core
  DiagnoseSettings diagnose;
};

struct RevivalArm {
  Remedy remedy;
  RemedyEffect effect;  // of the first seed
};

struct Revival {
  Diagnosis before;
  Trainer::Score held_out_before;  // of the network as it came, and of the healed one
  Trainer::Score held_out_after;
  std::int64_t held_out_examples = 0;
  Study
      study;  // its arms are the remedies: control first, placebo second; scored on validation rows
  std::vector<RevivalArm> arms;       // in the order of study.arms
  std::vector<std::string> left_out;  // remedies that can change nothing here: "relu: why"
  Estimate
      held_out_difference;  // chosen - control on data.test, paired by seed, with a 95% interval
  std::optional<std::size_t> chosen;  // of those that help; none: nothing helped
  bool interrupted = false;  // after the last run: there was a choice, and no time for its network
  std::uint64_t chosen_seed = 0;  // of the run with the median score of that arm
  std::optional<Graph> graph;     // healed, with `weights`
  std::vector<Tensor> weights;
  std::optional<Diagnosis> after;  // of the healed network, on the same data
  std::string sentence;            // the outcome in words
  std::vector<DataPass> passes;    // over any of the data that all this took
};

// A controlled trial of remedies from the same weights on the same batches. A fifth of the training
// part (at most 10,000 examples) is cut off as validation rows: on them the remedies are judged and
// chosen. `data.test` is looked at last, by no choice. A network that is not finite there is not
// handed back. Throws Error before the first run on anything that cannot work. A stop request ends
// it: in its runs or after them, and then nothing is chosen; before them with Error{kInterrupted}.
Revival revive(const Graph& graph, const std::vector<Tensor>& weights, const Split& data,
               const ReviveSettings& settings,
               const std::function<void(const std::vector<Arm>&)>& planned = {},
               const std::function<void(const StudyProgress&)>& progress = {},
               std::stop_token stop = {});

}  // namespace undying

#endif  // UNDYING_DOCTOR_H_
