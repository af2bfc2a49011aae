#include "cli/flags/trial_options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

#include "cli/flags/parse.h"
#include "undying/error.h"
#include "undying/trial.h"

namespace undying::cli {

TrialOptions::TrialOptions(CLI::App& app) {
  app.add_option(
         "--seeds", seeds_,
         "runs per arm; auto: 5, and more for every arm that is undecided, up to --max-seeds")
      ->type_name("N")
      ->capture_default_str();
  add_integer(app, "--max-seeds", max_seeds_, "with --seeds auto: the most runs per arm", 5,
              kMostSeeds);
  app.add_option("--budget", budget_,
                 "with --seeds auto: adds no seeds beyond this time, such as 90s, 10m or 1h")
      ->type_name("TIME");
  add_real(app, "--margin", margin_,
           "a difference within it is \"the same\": points of accuracy, or percent of the loss; 0: "
           "1 point, 5% of the loss",
           0.0, 100.0);
}

int TrialOptions::seeds() const {
  if (seeds_ == "auto") return 0;
  int found = 0;
  const auto [end, error] = std::from_chars(seeds_.data(), seeds_.data() + seeds_.size(), found);
  if (error == std::errc() && end == seeds_.data() + seeds_.size() && found >= 1 &&
      found <= kMostSeeds)
    return found;
  throw Error(
      ErrorCode::kInvalidArgument, "--seeds",
      fmt::format("is \"{}\"; expected auto, or a whole number from 1 to {}", seeds_, kMostSeeds));
}

double TrialOptions::budget() const {
  return budget_.empty() ? 0.0 : parse_duration("--budget", budget_);
}

double parse_duration(const std::string& flag, const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double scale = unit.empty() || unit == "s" ? 1.0
                       : unit == "m"               ? 60.0
                       : unit == "h"               ? 3600.0
                                                   : 0.0;
  if (error == std::errc() && scale > 0.0 && std::isfinite(value) && value > 0.0)
    return value * scale;
  throw Error(ErrorCode::kInvalidArgument, flag,
              fmt::format("is \"{}\"; expected a time above 0, such as 90s, 10m or 1h", text));
}

}  // namespace undying::cli
