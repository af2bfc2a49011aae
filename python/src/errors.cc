#include "module.h"
#include "undying/error.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

const char* kind(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kBadData:
      return "bad data";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kInterrupted:
      return "interrupted";
    case ErrorCode::kInternal:
      break;
  }
  return "internal";
}

// What the user can mend becomes InputError, the rest InternalError (undying/_errors.py).
void raise(const Error& error) {
  const nb::object errors = nb::module_::import_("undying._errors");
  const nb::object type =
      errors.attr(error.code() == ErrorCode::kInternal ? "InternalError" : "InputError");
  PyErr_SetObject(type.ptr(),
                  nb::make_tuple(error.what(), error.subject().c_str(), kind(error.code())).ptr());
}

}  // namespace

void bind_errors(nb::module_& module) {
  (void)module;
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise(error);
    }
  });
}

}  // namespace undying::python
