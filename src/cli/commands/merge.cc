#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/flags/parse.h"
#include "cli/outputs.h"
#include "undying/study.h"

namespace undying::cli {
namespace {

constexpr const char* kMergeDescription =
    "Brings the parts of a study together that compare --part made.\n"
    "Copies the runs of all parts into one store, which compare then analyses without training. "
    "Parts of another\n"
    "study (data, network, settings) are refused; parts from other instruction sets are named: "
    "their runs are as\n"
    "good, but would not repeat bit by bit.\n";

constexpr const char* kMergeFooter =
    "Examples:\n"
    "  undying merge part-1.sqlite part-2.sqlite --store study.sqlite\n"
    "  undying compare --seeds 20 --store study.sqlite --report report.html\n"
    "\n"
    "Exit codes: 0 done; 2 bad input, or a store that cannot be written: then none of it is.";

struct MergeOptions {
  explicit MergeOptions(CLI::App& app) {
    app.add_option("PARTS", parts, "stores that compare --part wrote")->required();
    add_file(app, "--store", store, "the store they go into; its runs stay")->required();
  }

  std::vector<std::string> parts;
  std::string store;
};

int merge(const Host& host, const MergeOptions& options) {
  const std::vector<std::filesystem::path> parts(options.parts.begin(), options.parts.end());
  Outputs outputs({{"--store", options.store, true}}, {{"PARTS", parts}});
  const MergedStores merged = merge_stores(parts, options.store);
  std::int64_t all = 0;
  for (const auto& [arm, runs] : merged.runs) all += runs;
  host.print("{}: {} run{}, {} of them new\n", options.store, all, all == 1 ? "" : "s",
             merged.added);
  for (const auto& [arm, runs] : merged.runs)
    host.print("  {:<24} {} seed{}\n", arm, runs, runs == 1 ? "" : "s");
  const auto& sets = merged.instruction_sets;
  if (std::ranges::any_of(sets, [&](const auto& each) { return each != sets.front(); })) {
    host.print(
        "note: the parts come from different instruction sets; bits repeat within one only\n");
    for (std::size_t i = 0; i < sets.size(); ++i)
      host.print("  {}: {}\n", options.parts[i], fmt::join(sets[i], ", "));
  }
  host.print("next: the study's compare command with --store {} and without --part\n",
             options.store);
  return kOk;
}

}  // namespace

Command add_merge(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("merge", kMergeDescription);
  app->footer(kMergeFooter);
  const auto options = std::make_shared<MergeOptions>(*app);
  return [options, &host] { return merge(host, *options); };
}

}  // namespace undying::cli
