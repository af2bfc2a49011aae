#include "cli/host.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cli/options.h"
#include "cli/progress.h"

namespace undying::cli {

Host program_host(int argc, const char* const* argv) {
  return {.command = command_text(argc, argv),
          .write = [](const std::string& text) { fmt::print("{}", text); },
          .columns = terminal_columns(STDOUT_FILENO),
          .color = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr};
}

}  // namespace undying::cli
