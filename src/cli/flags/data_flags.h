#ifndef UNDYING_CLI_FLAGS_DATA_FLAGS_H_
#define UNDYING_CLI_FLAGS_DATA_FLAGS_H_

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/host.h"
#include "cli/progress.h"
#include "data/table/csv.h"
#include "undying/dataset.h"

namespace undying::cli {

// Shows the reading of a large file and ends it when `stop` says so. Both must outlive it.
ReadingWatch show_reading(Screen& screen, std::stop_token stop);

// The flags that say which data is read and how, of every command that reads any.
class DataFlags {
 public:
  enum class Network {
    kOwn,    // trained here: its data is scaled as `auto` finds fit
    kGiven,  // from a file: data is scaled as the file says; where it says nothing, it is for its
             // user to know
    kUsed,   // the same, and nothing is trained: of examples too few to part none is held out
  };

  // Adds the flags to a command. The object must outlive the parse, and the host the object.
  DataFlags(CLI::App& app, const Host& host, Network network, const std::string& group = "Options");

  // `form`: of the network at hand, if it has one. `scale_targets` false: they stay as they are.
  // Throws Error{kInvalidArgument} for flags that are wrong or do not go together. Without `watch`
  // a large file shows on a screen of its own. `network`: what that takes and gives, where it comes
  // from a file. One of several inputs or outputs gets its data as it is, unless
  // --normalize says otherwise. `begun`: its weights come from a network's file, so that data is
  // scaled as for a network that is given.
  Split open(const std::optional<DataForm>& form = {}, bool scale_targets = true,
             const std::optional<NetworkInterface>& network = {}, const ReadingWatch& watch = {},
             bool begun = false) const {
    return open_as(data_, form, scale_targets, network, watch, begun ? Network::kGiven : network_);
  }
  // The same of another source than --data names.
  Split open(const std::optional<DataForm>& form, const std::string& source,
             const NetworkInterface& network) const {
    return open_as(source, form, true, network, {}, network_);
  }
  // Inputs without targets, where the source is no more; else null.
  std::shared_ptr<const Dataset> open_inputs(const std::optional<DataForm>& form) const;
  // All rows of a table, and nothing to predict: the columns that the form reads, whatever else is
  // there; all of them, where the form names none. None: the source is no table, or has a column to
  // predict that the form does not know of.
  std::optional<data::CsvTable> open_columns(const std::optional<DataForm>& form,
                                             const NetworkInterface& network) const;
  void check(const std::optional<DataForm>& form = {}) const;

  // The files that reads, where they can be told beforehand.
  std::vector<std::filesystem::path> files() const;

  const std::string& data() const { return data_; }
  bool has_test() const { return !test_.empty(); }
  const std::string& normalize() const { return normalize_; }
  const std::string& data_dir() const { return data_dir_; }

 private:
  Split open_as(const std::string& source, const std::optional<DataForm>& form, bool scale_targets,
                const std::optional<NetworkInterface>& network, const ReadingWatch& watch,
                Network kind) const;
  void check_named(const NetworkInterface& network) const;
  Normalize how(Network kind) const;
  SplitRule rule() const;

  CLI::App* app_;
  const Host* host_;
  Network network_;
  std::string data_ = "fashion-mnist";
  std::string data_dir_;
  std::string normalize_ = "auto";
  std::string test_;
  std::string split_ = "0.2";
  std::string group_;
  bool ordered_ = false;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_DATA_FLAGS_H_
