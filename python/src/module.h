#ifndef UNDYING_PYTHON_MODULE_H_
#define UNDYING_PYTHON_MODULE_H_

#include <nanobind/nanobind.h>

// The extension module undying._undying, by parts. What it offers is for the package's own Python
// code, which is what users see.
namespace undying::python {

void bind_errors(nanobind::module_& module);
void bind_data(nanobind::module_& module);
void bind_commands(nanobind::module_& module);
void bind_network(nanobind::module_& module);
void bind_ledger(nanobind::module_& module);
void bind_counts(nanobind::module_& module);

}  // namespace undying::python

#endif  // UNDYING_PYTHON_MODULE_H_
