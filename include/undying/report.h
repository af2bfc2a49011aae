#ifndef UNDYING_REPORT_H_
#define UNDYING_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "undying/doctor.h"
#include "undying/evaluation.h"
#include "undying/prune.h"
#include "undying/study.h"

namespace undying {

// The study for a terminal of this many columns: the verdict in words, then a row an arm. Columns
// that do not fit are left out, the least important first, and named; where not even the most
// important ones fit, each arm is a list. `color` adds ANSI colours, never meaning.
std::string study_table(const Study& study, int columns = 100, bool color = false);

// The study as JSON (docs/formats.md). Numbers that are not finite become null.
std::string study_json(const Study& study);

// One self-contained page: no request leaves it. The JSON is embedded, so every value on the page
// is the JSON's.
std::string study_html(const Study& study);

// What a Run does not know of itself: what was asked for. Empty members are left out of the JSON.
struct RunDescription {
  std::string data;
  std::string model;
  Activation activation;
  std::string command;
  // Batch norm and dropout; its activation is not read.
  std::optional<ModelOptions> model_options = std::nullopt;
  std::string normalize = {};                       // "unit", "standard"
  std::string initial_weights = {};                 // the file they were read from
  std::optional<Baseline> baseline = std::nullopt;  // of the test part
  std::optional<DataSummary> read = std::nullopt;   // the data
  std::vector<Finding> findings = {};  // of a run that needs_a_look(), as in its RunOutcome
};

// What was read, for a terminal: a line for each thing that is known of it.
std::string summary_text(const DataSummary& summary, int columns = 100);

// How well a network does on `data`, for a terminal, as JSON and as a page, which is one file and
// loads nothing from elsewhere. `metric`: the one that was asked for, which comes first.
std::string evaluation_text(const std::string& data, const Evaluation& evaluation,
                            std::optional<Metric> metric = {});
std::string evaluation_json(const std::string& command, const DataSummary& read,
                            const std::string& data, const Evaluation& evaluation,
                            std::optional<Metric> metric = {});
std::string evaluation_html(const std::string& command, const DataSummary& read,
                            const std::string& data, const Evaluation& evaluation,
                            std::optional<Metric> metric = {});

// A single run as JSON: settings, accuracy, per-layer ledger (docs/formats.md).
std::string run_json(const RunDescription& description, const TrainSettings& settings,
                     const Run& run);

// An epoch of a run, and a finished run of a study, for an application that hears of them as they
// are done.
std::string epoch_json(const EpochRecord& epoch);
std::string finished_run_json(const std::string& arm, const ArmRun& run);

// What a run comes to, beside its figures.
struct RunOutcome {
  std::optional<Baseline> baseline;  // of the test part
  std::vector<Finding> causes;  // what a diagnosis of its network finds in data and loss, of a run
                                // that needs_a_look()
  std::vector<std::string> next;  // ready command lines
  bool weighed = false;           // classes counted alike in training
  bool online = false;            // on a stream: the epochs are its stretches
};
// Whether it diverged, did not beat its baseline, has a layer whose units are all dead, or a tenth
// of all units.
bool needs_a_look(const Run& run, const std::optional<Baseline>& baseline);
// The run for a terminal: how it ended, its score beside the baseline, units by layer; where it
// needs a look, what is wrong in words, since which step, and what to do next.
std::string run_text(const Run& run, const RunOutcome& outcome, int columns = 100);

// One line per step: step,loss,lr,grad_norm,update_ratio; shortest decimals that read back exactly,
// "nan" and "inf" as such.
std::string steps_csv(const Run& run);

// A diagnosis for a terminal: a row a layer, then the findings, the most costly first, at most
// `findings` of them; and as JSON with every unit. `command` is the command line that repeats it.
std::string diagnosis_text(const Diagnosis& diagnosis, int columns = 100,
                           std::size_t findings = 12);
std::string diagnosis_json(const std::string& command, const Diagnosis& diagnosis);
// The passes that a diagnosis or a trial made over data, a row a kind.
std::string passes_text(const std::vector<DataPass>& passes);
std::string forecast_text(const Forecast& forecast, int columns = 100);
std::string forecast_json(const std::string& command, const Forecast& forecast);

// A trial of remedies: the outcome, what each arm changed before its first step, how it compares;
// and the record of every arm and run.
std::string revival_text(const Revival& revival, int columns = 100, bool color = false);
std::string revival_json(const std::string& command, const Revival& revival);

// What was taken out of a network, and what that saves.
std::string pruning_text(const Pruning& pruning, int columns = 100);
std::string pruning_json(const std::string& command, const Pruning& pruning);

}  // namespace undying

#endif  // UNDYING_REPORT_H_
