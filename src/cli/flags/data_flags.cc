#include "cli/flags/data_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/stop.h"
#include "cli/flags/parse.h"
#include "data/array/arrays.h"
#include "data/open.h"
#include "data/scaling.h"
#include "data/table/csv_source.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::cli {

DataFlags::DataFlags(CLI::App& app, const Host& host, Network network, const std::string& group)
    : app_(&app), host_(&host), network_(network) {
  const auto grouped = [&](CLI::Option* option) { return option->group(group); };
  grouped(app.add_option("--data", data_,
                         fmt::format("{} (docs/data.md has all their options)",
                                     fmt::join(data::source_forms(), ", ")))
              ->type_name("SOURCE")
              ->capture_default_str());
  grouped(add_file(app, "--data-dir", data_dir_,
                   "folder of fashion-mnist, where it is not where Debian's package puts it"))
      ->type_name("FOLDER");
  grouped(app.add_option("--normalize", normalize_,
                         network == Network::kOwn
                             ? "auto: images to [0, 1], tables and values to predict to zero mean "
                               "and unit variance; unit: images to [0, 1], other "
                               "data as it is; standard: zero mean, unit variance"
                             : "auto: as the model's file says, else images to [0, 1]; unit: "
                               "images to [0, 1], other data as it is; standard: zero "
                               "mean, unit variance")
              ->type_name("HOW")
              ->capture_default_str());
  grouped(app.add_option("--split", split_,
                         "share held out for testing where the data has no test part, and with "
                         "SHARE,SEED another draw; none: tested on what is "
                         "trained on")
              ->type_name("SHARE")
              ->capture_default_str());
  grouped(app.add_option("--test", test_, "the test part: a file of the kind that --data names")
              ->type_name("FILE"));
  grouped(
      app.add_option("--group", group_,
                     "column of a table whose equal values are held out together; no input then")
          ->type_name("COLUMN"));
  grouped(app.add_flag("--ordered", ordered_,
                       "rows are a series: the last ones are held out, none is drawn"));
}

Normalize DataFlags::how(Network kind) const {
  if (normalize_ == "unit") return Normalize::kUnit;
  if (normalize_ == "standard") return Normalize::kStandard;
  return kind == Network::kOwn ? Normalize::kAuto : Normalize::kUnit;
}

SplitRule DataFlags::rule() const {
  SplitRule rule{.ordered = ordered_,
                 .needed = network_ != Network::kUsed || app_->count("--split") > 0};
  if (split_ == "none") {
    rule.share = 0.0;
    return rule;
  }
  const auto comma = split_.find(',');
  rule.share = parse_real("--split", split_.substr(0, comma), -1e9, 1e9);
  if (!(rule.share >= 0.001 && rule.share <= 0.999))
    throw Error(ErrorCode::kInvalidArgument, "--split",
                fmt::format("is {}; expected a share from 0.001 to 0.999, or none, which holds "
                            "nothing out",
                            split_));
  if (comma != std::string::npos)
    rule.seed = static_cast<std::uint64_t>(
        parse_integer("--split", split_.substr(comma + 1), 0, std::int64_t{1} << 62));
  return rule;
}

void DataFlags::check(const std::optional<DataForm>& form) const {
  if (normalize_ != "auto" && normalize_ != "unit" && normalize_ != "standard")
    throw Error(ErrorCode::kInvalidArgument, "--normalize",
                fmt::format("\"{}\" is not known; expected auto, unit or standard", normalize_));
  if (form && normalize_ != "auto")
    throw Error(ErrorCode::kInvalidArgument, "--normalize",
                "has no use: the model's file says how its data is scaled");
  if (form && !form->columns.empty() && app_->count("--data") == 0) {
    std::vector<std::string> names;
    for (const TableColumn& column : form->columns) names.push_back(column.name);
    throw Error(
        ErrorCode::kInvalidArgument, "--data",
        fmt::format(
            "is missing: the model reads a table with the columns {}; expected --data csv:FILE",
            fmt::join(names, ", ")));
  }
  if (!data_dir_.empty() && data_ != "fashion-mnist")
    throw Error(ErrorCode::kInvalidArgument, "--data-dir",
                fmt::format("goes with --data fashion-mnist, not with {}", data_));
  const bool split = app_->count("--split") > 0;
  if (!test_.empty() && (split || ordered_ || !group_.empty()))
    throw Error(ErrorCode::kInvalidArgument, "--test",
                fmt::format("names the test part; {} would draw one", split      ? "--split"
                                                                      : ordered_ ? "--ordered"
                                                                                 : "--group"));
  if (ordered_ && !group_.empty())
    throw Error(ErrorCode::kInvalidArgument, "--ordered",
                "holds the last rows out; --group would keep others with them");
  rule();
}

std::shared_ptr<const Dataset> DataFlags::open_inputs(const std::optional<DataForm>& form) const {
  const bool file =
      !host_->data && data_.starts_with("npy:") && data_.find(',') == std::string::npos;
  if (!file && !host_->inputs) return nullptr;
  check(form);
  return file ? data::open_npy_inputs(data_.substr(4), form) : host_->inputs(form);
}

ReadingWatch show_reading(Screen& screen, std::stop_token stop) {
  return [&screen, stop = std::move(stop)](const std::string& file, std::int64_t bytes,
                                           std::int64_t of) {
    if (stop.stop_requested()) return false;
    if (!screen.due()) return true;
    const auto megabytes = [](std::int64_t count) { return 1e-6 * static_cast<double>(count); };
    std::string line = fmt::format("reading {}: {:.0f} MB", file, megabytes(bytes));
    if (of > 0)
      line = fmt::format("{}  {} of {:.0f} MB", bar(megabytes(bytes) / megabytes(of), 20), line,
                         megabytes(of));
    screen.show({line});
    return true;
  };
}

void DataFlags::check_named(const NetworkInterface& network) const {
  // Of the default, which is for what may have been trained on it.
  constexpr std::int64_t kPixels = 784;
  if (app_->count("--data") > 0 ||
      (network.inputs.size() == 1 && ops::element_count(network.inputs[0].shape) == kPixels))
    return;
  std::string inputs;
  for (const InputPart& input : network.inputs)
    inputs += fmt::format("{}{} (N, {})", inputs.empty() ? "" : ", ", input.name,
                          fmt::join(input.shape, ", "));
  throw Error(ErrorCode::kInvalidArgument, "--data",
              fmt::format("is missing: the network takes {}; expected {}", inputs,
                          network.inputs.size() > 1
                              ? "--data npz:FILE with an array for each, or --data csv:FILE"
                              : "such as --data npy:X.npy,Y.npy, npz:FILE or csv:FILE"));
}

namespace {

// Which output stands for which class is a guess where neither file says.
void warn_of_order(Split& split) {
  constexpr std::size_t kMost = 10;
  std::vector<std::string> names = split.train->class_names;
  bool numbered = true;  // as the outputs are
  for (std::size_t i = 0; i < names.size(); ++i)
    numbered = numbered && names[i] == std::to_string(i);
  if (numbered) return;
  const std::size_t last = names.size() - 1;
  const bool more = names.size() > kMost;
  if (more) names.resize(kMost);
  split.reading.warnings.push_back(fmt::format(
      "the network's file names no classes, so its outputs 0 to {} are taken for {}{}, in the "
      "order of the alphabet; if it was trained on another order, give the classes as "
      "its numbers, 0 to {}",
      last, fmt::join(names, ", "), more ? ", ..." : "", last));
}

}  // namespace

Split DataFlags::open_as(const std::string& source, const std::optional<DataForm>& form,
                         bool scale_targets, const std::optional<NetworkInterface>& network,
                         const ReadingWatch& watch, Network kind) const {
  check(form);
  if (network && !form && !host_->data) check_named(*network);
  Screen screen(*host_, false);
  const bool several = network && (network->inputs.size() > 1 || network->outputs.size() > 1);
  // What a network from elsewhere predicts is as it was trained on, unless all is to be
  // standardised.
  const bool own = kind == Network::kOwn || (network_ == Network::kOwn && normalize_ == "standard");
  Split split = host_->open(
      source, {.normalize = several && normalize_ == "auto" ? Normalize::kUnit : how(kind),
               .scale_targets = scale_targets && own && !several,
               .directory = data_dir_,
               .rule = rule(),
               .test = test_,
               .form = form,
               .network = network,
               .group = group_,
               .watch = watch ? watch : show_reading(screen, Stoppable::token())});
  if (network && !form && kind != Network::kOwn && source != "fashion-mnist") warn_of_order(split);
  return split;
}

namespace {

// Where the network's file names no columns, each is an input.
void check_width(const data::CsvTable& read, const std::string& source, std::int64_t wanted) {
  const std::int64_t found = std::ssize(read.reading.columns);
  if (found != wanted + 1) return;
  throw Error(ErrorCode::kInvalidArgument, "data " + read.data.name,
              fmt::format("has {} columns; the network takes {}. If one is what it predicts, name "
                          "it ({}:label=NAME); if one is of no use, leave it out ({}:drop=NAME)",
                          found, wanted, source, source));
}

}  // namespace

std::optional<data::CsvTable> DataFlags::open_columns(const std::optional<DataForm>& form,
                                                      const NetworkInterface& network) const {
  const std::size_t colon = data_.find(':');
  const auto format = data::table_format(data_.substr(0, colon));
  if (host_->data || !format || network.inputs.size() != 1) return std::nullopt;
  check(form);
  data::CsvSource source = data::parse_csv_source(data_.substr(colon + 1), *format);
  const bool named = form && !form->columns.empty();
  source.inputs_alone = !named;
  if (!named) source.example = network.inputs[0].shape;
  const data::Coding coding{named ? form->columns : std::vector<TableColumn>(), {}, "\n"};
  // no column is called so: there is nothing to predict
  data::CsvTable read = data::read_table_file(source, {}, named ? &coding : nullptr);
  if (!read.data.labels.empty() || !read.data.targets.empty()) return std::nullopt;
  if (!named) check_width(read, data_, ops::element_count(network.inputs[0].shape));
  if (form) data::apply_form(read.data, *form);
  return read;
}

std::vector<std::filesystem::path> DataFlags::files() const {
  std::vector<std::filesystem::path> files = data::files_of(data_, data_dir_);
  if (!test_.empty())
    files.emplace_back(test_.substr(data::table_format(test_.substr(0, test_.find(':'))) ||
                                            test_.starts_with("npz:")
                                        ? test_.find(':') + 1
                                        : 0));
  return files;
}

}  // namespace undying::cli
