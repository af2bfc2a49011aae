#include "module.h"

#include "base/version.h"

NB_MODULE(_undying, module) {
  module.attr("__version__") = undying::kVersion;
  // A watch that nobody has closed lives as long as the interpreter.
  nanobind::set_leak_warnings(false);
  undying::python::bind_errors(module);
  undying::python::bind_data(module);
  undying::python::bind_commands(module);
  undying::python::bind_network(module);
  undying::python::bind_ledger(module);
  undying::python::bind_counts(module);
}
