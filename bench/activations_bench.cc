// Times the activation kernels on one core: every contender is verified first, then all take turns;
// medians and spreads.
//
//   activations_bench [--json FILE] [--rounds N] [--filter TEXT] [--list]

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "activations/kernels.h"
#include "activations_peers.h"
#include "base/buffer.h"

namespace undying::bench {
namespace {

using activations::BackwardArgs;
using activations::ForwardArgs;
using activations::Kernels;
using activations::kernels;
using activations::Saves;
using activations::saves;
using Clock = std::chrono::steady_clock;

struct Contender {
  std::string name;
  double bytes;  // moved by one run: each array read or written counts once
  std::function<void()> run;
  std::vector<double> seconds{};  // of one run, one entry per round
};

struct Problem {
  std::string name;
  std::int64_t size;  // floats
  std::vector<Contender> contenders;
};

struct Options {
  std::string json;
  std::string filter;
  int rounds = 15;
  bool list = false;
};

// The arrays of one problem.
struct Arrays {
  explicit Arrays(std::int64_t size)
      : z(static_cast<std::size_t>(size)),
        h(2 * z.size()),
        g(h.size()),
        d(z.size()),
        work(z.size()) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> sample(65536);
    for (float& value : sample) value = normal(random);
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = sample[(i * 7919) % sample.size()];
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = sample[(i * 104729) % sample.size()];
    std::copy_n(z.data(), z.size(), work.data());
  }
  Buffer<float> z, h, g, d, work;
};

constexpr float kSlope = 0.25f;

std::function<void()> our_forward(const Activation& activation, std::int64_t rows,
                                  std::int64_t units, const float* z, float* h, float* saved) {
  ForwardArgs args{.rows = rows,
                   .units = units,
                   .z = z,
                   .h = h,
                   .saved = saved,
                   .slopes = &kSlope,
                   .slope_count = 1};
  const Kernels* chosen = &kernels(activation);
  return [=] { chosen->forward(activation, args); };
}

std::function<void()> our_backward(const Activation& activation, std::int64_t rows,
                                   std::int64_t units, const float* state, const float* g,
                                   float* d) {
  static float diff_slope;
  BackwardArgs args{.rows = rows,
                    .units = units,
                    .saved = state,
                    .diff_h = g,
                    .diff_z = d,
                    .slopes = &kSlope,
                    .slope_count = 1};
  if (activation.info().learned) args.diff_slopes = &diff_slope;
  const Kernels* chosen = &kernels(activation);
  return [=] { chosen->backward(activation, args); };
}

// The best of a stretch of at least a millisecond.
double time_once(const std::function<void()>& run, double bytes) {
  const int repeats = std::max(1, static_cast<int>(2e7 / bytes));
  double best = 1e9;
  for (int part = 0; part < 3; ++part) {
    const auto start = Clock::now();
    for (int i = 0; i < repeats; ++i) run();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count() / repeats);
  }
  return best;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

nlohmann::json take_turns(Problem& problem, int rounds) {
  for (int round = 0; round < rounds; ++round)
    for (Contender& contender : problem.contenders)
      contender.seconds.push_back(time_once(contender.run, contender.bytes));
  nlohmann::json rows = nlohmann::json::array();
  for (const Contender& contender : problem.contenders) {
    const double median = quantile(contender.seconds, 0.5);
    const double rate = contender.bytes / median * 1e-9;
    const double spread = quantile(contender.seconds, 0.9) / quantile(contender.seconds, 0.1);
    fmt::print("{:<34} {:<28} {:>9.1f} GB/s {:>10.3f} ns/float   spread {:.2f}\n", problem.name,
               contender.name, rate, median * 1e9 / static_cast<double>(problem.size), spread);
    rows.push_back({{"problem", problem.name},
                    {"contender", contender.name},
                    {"floats", problem.size},
                    {"seconds", median},
                    {"gigabytes_per_second", rate},
                    {"spread", spread}});
  }
  std::fflush(stdout);
  return rows;
}

bool close(float a, float b) { return std::abs(a - b) <= 1e-5f * (1.0f + std::abs(b)); }

// Throws unless `run` leaves in `found` what the scalar definition gives.
void verify(const std::string& name, const std::function<void()>& run, const float* found,
            std::int64_t size, const std::function<float(std::int64_t)>& wanted) {
  run();
  const std::int64_t stride = std::max<std::int64_t>(1, size / 5003);
  for (std::int64_t i = 0; i < size; i += stride)
    if (!close(found[i], wanted(i)))
      throw std::runtime_error(
          fmt::format("{} is wrong at {}: {} instead of {}", name, i, found[i], wanted(i)));
}

void add(Problem& problem, std::string name, double bytes, std::function<void()> run,
         const float* found, const std::function<float(std::int64_t)>& wanted) {
  if (!run) return;
  verify(name, run, found, problem.size, wanted);
  problem.contenders.push_back({std::move(name), bytes, std::move(run)});
}

std::string size_name(std::int64_t bytes) {
  return bytes >= 1 << 20 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

// Leaky ReLU against the memory and against other libraries.
Problem leaky_forward(Arrays& a, std::int64_t size) {
  const Activation leaky("leaky_relu:0.25");
  const double bytes = 8.0 * static_cast<double>(size);
  const auto wanted = [&a, leaky](std::int64_t i) { return leaky.value(a.z[i]); };
  Problem problem{"leaky_relu forward " + size_name(size * 4), size, {}};
  float* h = a.h.data();
  const float* z = a.z.data();
  problem.contenders.push_back(
      {"memcpy", bytes, [=] { std::memcpy(h, z, static_cast<std::size_t>(size) * 4); }});
  problem.contenders.push_back(
      {"scale in place", bytes, [w = a.work.data(), size] { plain_scale(size, 1.0f, w); }});
  add(problem, "undying", bytes, our_forward(leaky, 1, size, z, h, nullptr), h, wanted);
  problem.contenders.push_back(
      {"undying in place", bytes,
       our_forward(leaky, 1, size, a.work.data(), a.work.data(), nullptr)});
  add(
      problem, "plain loop", bytes, [=] { plain_forward(size, kSlope, z, h); }, h, wanted);
  add(problem, "oneDNN", bytes, onednn_forward(size, kSlope, z, h), h, wanted);
  add(problem, "XNNPACK", bytes, xnnpack_forward(size, kSlope, z, h), h, wanted);
  return problem;
}

Problem leaky_backward(Arrays& a, std::int64_t size) {
  const Activation leaky("leaky_relu:0.25");
  const double bytes = 12.0 * static_cast<double>(size);
  const auto wanted = [&a, leaky](std::int64_t i) { return leaky.derivative(a.z[i]) * a.g[i]; };
  Problem problem{"leaky_relu backward " + size_name(size * 4), size, {}};
  our_forward(leaky, 1, size, a.z.data(), a.h.data(), nullptr)();
  add(problem, "undying", bytes, our_backward(leaky, 1, size, a.h.data(), a.g.data(), a.d.data()),
      a.d.data(), wanted);
  add(
      problem, "plain loop", bytes,
      [&a, size] { plain_backward(size, kSlope, a.h.data(), a.g.data(), a.d.data()); }, a.d.data(),
      wanted);
  add(problem, "oneDNN", bytes, onednn_backward(size, kSlope, a.z.data(), a.g.data(), a.d.data()),
      a.d.data(), wanted);
  return problem;
}

// A layer of (rows, units): bias, counters and sums, on and off.
Problem layer(Arrays& a, std::int64_t rows, std::int64_t units, const Activation& activation) {
  static Buffer<float> bias(4096), sums(4096), abs_output(4096), abs_gradient(4096);
  static Buffer<std::uint32_t> fired(4096);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = i % 2 == 0 ? 0.5f : -0.5f;
  const std::int64_t size = rows * units;
  Problem problem{fmt::format("{} layer {} x {}", activation.info().name, rows, units), size, {}};
  const Kernels* chosen = &kernels(activation);
  const bool output = saves(activation) == Saves::kOutput;
  ForwardArgs forward{.rows = rows,
                      .units = units,
                      .z = a.z.data(),
                      .bias = bias.data(),
                      .h = output ? a.z.data() : a.h.data(),
                      .saved = output ? nullptr : a.work.data()};
  BackwardArgs backward{.rows = rows,
                        .units = units,
                        .saved = output ? a.z.data() : a.work.data(),
                        .diff_h = a.g.data(),
                        .diff_z = a.g.data()};
  backward.diff_bias = sums.data();
  const double scale = static_cast<double>(size) * 4.0;
  problem.contenders.push_back(
      {"forward", 2 * scale, [=] { chosen->forward(activation, forward); }});
  forward.counters = {.fired = fired.data(), .abs_output = abs_output.data()};
  problem.contenders.push_back(
      {"forward counted", 2 * scale, [=] { chosen->forward(activation, forward); }});
  problem.contenders.push_back(
      {"backward", 3 * scale, [=] { chosen->backward(activation, backward); }});
  backward.counters.abs_gradient = abs_gradient.data();
  problem.contenders.push_back(
      {"backward counted", 3 * scale, [=] { chosen->backward(activation, backward); }});
  static Buffer<std::int64_t> counts(3 * 4096);
  static Buffer<double> totals(3 * 4096);
  static Buffer<float> max(4096);
  const activations::CensusCounters census{
      counts.data(), counts.data() + 4096, counts.data() + 8192,
      totals.data(), totals.data() + 4096, totals.data() + 8192,
      max.data()};
  problem.contenders.push_back(
      {"census", 2 * scale, [=] { chosen->census(activation, forward, census); }});
  return problem;
}

// One member of the family, in cache.
Problem member(Arrays& a, std::int64_t size, const Activation& activation) {
  const std::string name(activation.info().name);
  Problem problem{fmt::format("{} {}", name, size_name(size * 4)), size, {}};
  const double bytes = 4.0 * static_cast<double>(size) * (1 + activation.info().width);
  const bool output = saves(activation) == Saves::kOutput;
  float* z = a.z.data();
  const auto at = [](auto& array, std::int64_t i) { return array[i]; };
  if (activation.info().random) {
    problem.contenders.push_back(
        {"forward", bytes, our_forward(activation, 1, size, z, a.h.data(), a.work.data())});
    problem.contenders.back().run();
  } else {
    add(problem, "forward", bytes, our_forward(activation, 1, size, z, a.h.data(), nullptr),
        a.h.data(), [&](std::int64_t i) { return activation.value(at(a.z, i)); });
  }
  const float* state = activation.info().random ? a.work.data() : output ? a.h.data() : z;
  const auto backward = our_backward(activation, 1, size, state, a.g.data(), a.d.data());
  if (activation.info().random || activation.info().width > 1)
    problem.contenders.push_back({"backward", 1.5 * bytes, backward});
  else
    add(problem, "backward", bytes * 1.5, backward, a.d.data(),
        [&](std::int64_t i) { return activation.derivative(at(a.z, i)) * at(a.g, i); });
  return problem;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--list")
      options.list = true;
    else if (flag == "--json" && i + 1 < argc)
      options.json = argv[++i];
    else if (flag == "--filter" && i + 1 < argc)
      options.filter = argv[++i];
    else if (flag == "--rounds" && i + 1 < argc)
      options.rounds = std::stoi(argv[++i]);
    else
      throw std::invalid_argument(
          "usage: activations_bench [--json FILE] [--rounds N] [--filter TEXT] [--list]");
  }
  return options;
}

std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

int run(const Options& options) {
  if (options.list) {
    for (const ActivationInfo& info : activation_family()) fmt::print("{}\n", info.name);
    return 0;
  }
  nlohmann::json rows = nlohmann::json::array();
  const auto measure = [&](Problem problem) {
    if (problem.name.find(options.filter) == std::string::npos) return;
    for (auto& row : take_turns(problem, options.rounds)) rows.push_back(row);
  };
  for (const std::int64_t bytes : {16ll << 10, 256ll << 10, 4ll << 20, 256ll << 20}) {
    if (fmt::format("leaky_relu forward backward {}", size_name(bytes)).find(options.filter) ==
            std::string::npos &&
        options.filter.find("leaky") == std::string::npos)
      continue;
    Arrays arrays(bytes / 4);
    measure(leaky_forward(arrays, bytes / 4));
    measure(leaky_backward(arrays, bytes / 4));
  }
  Arrays arrays(1 << 18);
  for (const auto& [r, u] : {std::pair<std::int64_t, std::int64_t>{64, 10},
                             {64, 32},
                             {64, 128},
                             {64, 512},
                             {64, 1000},
                             {128, 1024}})
    for (const char* name : {"leaky_relu", "gelu"}) measure(layer(arrays, r, u, Activation(name)));
  for (const ActivationInfo& info : activation_family())
    for (const std::int64_t bytes : {16ll << 10, 256ll << 10})
      measure(member(arrays, bytes / 4, Activation(info.name)));
  if (!options.json.empty())
    std::ofstream(options.json)
        << nlohmann::json{{"machine", machine()}, {"rounds", options.rounds}, {"rows", rows}}.dump(
               2)
        << '\n';
  return 0;
}

}  // namespace
}  // namespace undying::bench

int main(int argc, char** argv) {
  try {
    return undying::bench::run(undying::bench::parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}
