// The command line's commands inside Python.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "attend.h"
#include "cli/commands/commands.h"
#include "cli/host.h"
#include "data.h"
#include "module.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

void give(const Source& source, cli::Host& host) {
  host.data = [&source](const DataOptions& options) { return source.open(options); };
  if (!source.has_targets())
    host.inputs = [&source](const std::optional<DataForm>& form) {
      return source.open_inputs(form);
    };
}

// Exit code, what it printed, and what ended it early: "", "interrupted" by Ctrl-C, "stopped" by
// StopIteration of a listener. `source`: None where the arguments name the data.
nb::tuple run(const std::vector<std::string>& arguments, const std::string& command, int columns,
              const nb::object& source, const nb::object& show, const nb::object& take) {
  std::string text;
  int code = 0;
  std::string ended;
  const Source* given = source.is_none() ? nullptr : nb::cast<const Source*>(source);
  try {
    attend(
        [&](const std::stop_token& stop, Progress& progress) {
          cli::Host host{.command = command,
                         .write = [&](const std::string& more) { text += more; },
                         .columns = columns,
                         .stop = stop};
          host.message = [&](const std::string& line) { progress.message(line); };
          host.live = [&](const std::vector<std::string>& lines) { progress.live(lines); };
          if (!take.is_none())
            host.finished = [&](const std::string& what) { progress.finished(what); };
          if (given != nullptr) give(*given, host);
          code = cli::run_in(host, arguments);
        },
        {show, take});
  } catch (const nb::python_error& error) {
    if (!error.matches(PyExc_KeyboardInterrupt) && !error.matches(PyExc_StopIteration)) throw;
    ended = error.matches(PyExc_StopIteration) ? "stopped" : "interrupted";
  }
  return nb::make_tuple(code, text, ended);
}

nb::list help() {
  nb::list commands;
  for (const cli::CommandHelp& command : cli::command_help()) {
    nb::list flags;
    for (const cli::Flag& flag : command.flags) {
      nb::dict entry;
      entry["name"] = flag.name;
      entry["help"] = flag.help;
      entry["type"] = flag.type;
      entry["initial"] = flag.initial;
      entry["group"] = flag.group;
      entry["negative"] = flag.negative;
      entry["several"] = flag.several;
      flags.append(entry);
    }
    nb::dict entry;
    entry["name"] = command.name;
    entry["description"] = command.description;
    entry["flags"] = flags;
    commands.append(entry);
  }
  return commands;
}

}  // namespace

void bind_commands(nb::module_& module) {
  module.def("run", &run, nb::arg("arguments"), nb::arg("command"), nb::arg("columns"),
             nb::arg("source").none(), nb::arg("show").none(), nb::arg("take").none());
  module.def("help", &help);
}

}  // namespace undying::python
