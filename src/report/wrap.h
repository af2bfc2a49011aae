#ifndef UNDYING_REPORT_WRAP_H_
#define UNDYING_REPORT_WRAP_H_

#include <string>

namespace undying::report {

// Breaks a paragraph at spaces; lines after the first begin with `indent` spaces.
std::string wrap(const std::string& text, std::size_t limit, std::size_t indent = 0);

}  // namespace undying::report

#endif  // UNDYING_REPORT_WRAP_H_
