#include "report/wrap.h"

#include <fmt/format.h>

#include <algorithm>

namespace undying::report {

std::string wrap(const std::string& text, std::size_t limit, std::size_t indent) {
  std::string wrapped;
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t word = end - at;
    if (line > indent && line + 1 + word > limit) {
      wrapped += '\n' + std::string(indent, ' ');
      line = indent;
    } else if (at > 0) {
      wrapped += ' ';
      ++line;
    }
    wrapped += text.substr(at, word);
    line += word;
    at = end + 1;
  }
  return wrapped;
}

}  // namespace undying::report
