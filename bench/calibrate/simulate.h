#ifndef UNDYING_BENCH_CALIBRATE_SIMULATE_H_
#define UNDYING_BENCH_CALIBRATE_SIMULATE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "trial/judge.h"

namespace undying {

using trial::TrialRun;
using Engine = std::mt19937_64;

double normal(Engine& engine);

// Mean 0, deviation 1, skewness 1 (a gamma distribution of shape 4).
double skewed(Engine& engine);

// Mean 0, deviation 1: a run in seven ends well below the others.
double bimodal(Engine& engine);

// How the runs of an arm come out.
struct Law {
  double (*draw)(Engine&) = normal;
  double spread = 1.0;
  double mean = 0.0;
  double collapses = 0.0;  // shares of runs
  double diverges = 0.0;
};

struct Design {
  TrialRules rules;
  std::vector<Law> arms;  // control, placebo, treatments
  // Instead of the laws, where runs share what they are scored on.
  std::function<TrialRun(std::size_t arm, std::uint64_t seed, Engine& engine)> run = {};
};

struct Ended {
  Comparison comparison;
  int seeds = 0;
};

// A study as compare makes it: arms leave when they are decided, after `most` seeds at the latest.
std::vector<Ended> simulate(const Design& design, int most, Engine& engine);

// Runs `studies` of them on all cores, each with a random engine of its own.
void parallel(int studies, std::uint64_t seed, const std::function<void(int study, Engine&)>& body);

bool directional(const Comparison& comparison);

// "4.1% (3.8 to 4.4)": a share with its 99% Clopper-Pearson interval.
std::string share_text(int part, int whole);

struct Errors {
  std::atomic<int> studies = 0;
  std::atomic<int> by_twenty = 0;
  std::atomic<int> later = 0;  // within 80
  std::atomic<int> covered = 0;
};

// The tables; each prints one.
void held_out_studies(int studies);
void real_studies(int studies);

}  // namespace undying

#endif  // UNDYING_BENCH_CALIBRATE_SIMULATE_H_
