#include "cli/flags/opset.h"

#include <fmt/format.h>

#include <string>

#include "cli/flags/parse.h"
#include "onnx/opsets.h"
#include "undying/error.h"

namespace undying::cli {

CLI::Option* add_opset(CLI::App& app, std::int64_t& opset) {
  const std::int64_t last = onnx::last_opset();
  const std::string range = fmt::format("{} to {}", onnx::kFirstWrittenOpset, last);
  const auto set = [&opset, last, range](const std::string& text) {
    opset = parse_integer("--opset", text, 0, last);
    if (opset > 0 && opset < onnx::kFirstWrittenOpset)
      throw Error(ErrorCode::kInvalidArgument, "--opset",
                  fmt::format("is {}; expected 0, or {}, which can be written", opset, range));
  };
  return app
      .add_option_function<std::string>(
          "--opset", set, fmt::format("of ONNX to write: {}; 0: that of MODEL", range))
      ->type_name("N")
      ->default_str("0");
}

}  // namespace undying::cli
