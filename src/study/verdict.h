#ifndef UNDYING_STUDY_VERDICT_H_
#define UNDYING_STUDY_VERDICT_H_

#include "undying/study.h"

namespace undying::study {

// Writes each comparison's sentence and the study's paragraphs from its estimates: plain words, every mean with its interval and n.
void write_verdicts(Study& study);

// What went wrong with runs, arm by arm: diverged, and how those count; no better than chance; too short to say.
std::vector<std::string> trouble(const Study& study);

}  // namespace undying::study

#endif  // UNDYING_STUDY_VERDICT_H_
