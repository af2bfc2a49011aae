#ifndef UNDYING_REPORT_REPRODUCTION_H_
#define UNDYING_REPORT_REPRODUCTION_H_

#include <string>

#include "study/reproduce/reproduce.h"

namespace undying {

// A published result beside what was found of it: for a terminal, with tables as Markdown has them;
// as JSON, with the plots; and as a page that draws these and loads nothing from elsewhere.
std::string reproduction_text(const study::PublishedResult& result,
                              const study::Reproduction& found);
std::string reproduction_json(const std::string& command, const study::PublishedResult& result,
                              const study::Reproduction& found);
std::string reproduction_html(const std::string& command, const study::PublishedResult& result,
                              const study::Reproduction& found);

}  // namespace undying

#endif  // UNDYING_REPORT_REPRODUCTION_H_
