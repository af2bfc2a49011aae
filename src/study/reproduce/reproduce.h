#ifndef UNDYING_STUDY_REPRODUCE_REPRODUCE_H_
#define UNDYING_STUDY_REPRODUCE_REPRODUCE_H_

// Published results, run again: one list, a row each. A row says what was published and where, runs
// it at a size of the caller's, and sets its own figures, with intervals, beside the statement.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "undying/study.h"

namespace undying::study {

struct ReproduceSettings {
  bool quick = false;            // some seconds: shows that it runs, and decides little
  int seeds = 0;                 // 0: the row's own
  std::int64_t steps = 0;        // of a run; 0: the row's own
  std::filesystem::path folder;  // of stores of finished runs, from which it goes on; empty: none
  int threads = 0;               // runs at a time; 0: one per core
};

// Shown: by an interval that leaves the other out.
enum class Agreement { kAgrees, kDiffers, kUndecided };
std::string_view name(Agreement agreement);

struct Claim {
  std::string published;
  std::string found;
  Agreement agreement = Agreement::kUndecided;
};

// A line of a plot: at each x a figure with its 95% interval; NaN: none.
struct Curve {
  std::string label;
  std::vector<double> x = {};  // ascending
  std::vector<double> mean = {};
  std::vector<double> lower = {};
  std::vector<double> upper = {};

  void add(double at, const Estimate& figure);
};

struct Axis {
  std::string title;
  bool log = false;
  bool percent = false;  // shares, written as such
};

// As the paper has it: what is drawn over what.
struct Plot {
  std::string title;
  Axis x;
  Axis y;
  std::vector<Curve> curves = {};
};

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Reproduction {
  std::string setting;  // what was run, at which size
  std::vector<Table> tables;
  std::vector<Plot> plots;
  std::vector<Claim> claims;
  int missing = 0;  // runs, where it was stopped
};

// Told of what is run, and how far it is.
using ReproduceProgress = std::function<void(const std::string& what, double share)>;

struct PublishedResult {
  std::string_view name;    // "plasticity"
  std::string_view source;  // paper
  std::string_view title;
  Reproduction (*run)(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop);
  std::string_view takes = {};  // at full size, on two cores: "3 minutes"
  bool keeps = true;            // finished runs in ReproduceSettings::folder
};

std::span<const PublishedResult> published_results();

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_REPRODUCE_H_
