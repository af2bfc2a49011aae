#include "module.h"

#include "base/version.h"

NB_MODULE(_undying, module) {
  module.attr("__version__") = undying::kVersion;
  undying::python::bind_errors(module);
  undying::python::bind_data(module);
  undying::python::bind_commands(module);
  undying::python::bind_network(module);
  undying::python::bind_ledger(module);
}
