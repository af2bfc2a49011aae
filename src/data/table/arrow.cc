#include "data/table/arrow.h"

#include <dlfcn.h>

#include <filesystem>

#include "undying/error.h"

namespace undying::data {
namespace {

namespace fs = std::filesystem;

using Open = Records* (*)(const std::string& file, bool parquet);

// Beside the program where it was built, and where it is installed.
void* load_module() {
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  for (const fs::path& place :
       {fs::path(UNDYING_ARROW_MODULE), program / "../lib/undying/undying_arrow.so"})
    if (void* module =
            fs::exists(place, unknown) ? dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
        module != nullptr)
      return module;
  return nullptr;
}

Open opener() {
  static void* const module = load_module();
  return module == nullptr ? nullptr : reinterpret_cast<Open>(dlsym(module, "undying_open_arrow"));
}

}  // namespace

std::unique_ptr<Records> open_arrow(const std::string& file, TableFormat format) {
  const Open open = opener();
  if (open == nullptr)
    throw Error(ErrorCode::kUnsupported, file,
                "needs the Arrow library, which this build lacks: run scripts/install arrow and "
                "build again, or save the table as CSV");
  if (std::error_code unknown; !fs::exists(file, unknown))
    throw Error(ErrorCode::kNotFound, file, "no such file");
  if (std::error_code unknown; !fs::is_regular_file(file, unknown))
    throw Error(ErrorCode::kInvalidArgument, file,
                "is no plain file; expected one, for it is read in more than one place");
  return std::unique_ptr<Records>(open(file, format == TableFormat::kParquet));
}

}  // namespace undying::data
