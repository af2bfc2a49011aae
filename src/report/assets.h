#ifndef UNDYING_REPORT_ASSETS_H_
#define UNDYING_REPORT_ASSETS_H_

#include <string_view>

namespace undying::report {

// A file of web/ by its name there, such as "src/page.html"; empty where there is none.
std::string_view asset(std::string_view name);

}  // namespace undying::report

#endif  // UNDYING_REPORT_ASSETS_H_
