#ifndef UNDYING_REPORT_DIAGNOSIS_JSON_H_
#define UNDYING_REPORT_DIAGNOSIS_JSON_H_

#include <vector>

#include "report/json.h"
#include "undying/report.h"

namespace undying::report {

// A diagnosis without a document's head, as it stands in that of a trial too.
Json diagnosis_json(const Diagnosis& diagnosis);
Json findings_json(const std::vector<Finding>& findings);

}  // namespace undying::report

#endif  // UNDYING_REPORT_DIAGNOSIS_JSON_H_
