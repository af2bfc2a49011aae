#ifndef UNDYING_STUDY_TELL_H_
#define UNDYING_STUDY_TELL_H_

#include "trial/words.h"
#include "undying/study.h"

namespace undying::study {

// Writes each comparison's sentence and the study's paragraphs, from the figures of a study that is
// judged; the words are trial/words.h's.
void write_verdicts(Study& study);

// How the runs of every arm ended, for trial::control_text() and trial::trouble().
trial::Course course_of(const Study& study);

// What each undecided arm wants; empty where none is.
std::string open_text(const Study& study);

}  // namespace undying::study

#endif  // UNDYING_STUDY_TELL_H_
