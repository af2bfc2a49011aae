#ifndef UNDYING_TRIAL_PHRASES_H_
#define UNDYING_TRIAL_PHRASES_H_

#include <cstdint>
#include <span>
#include <string>

#include "undying/score.h"

namespace undying::trial {

// What the sentences of verdicts are made of.

const char* plural(std::int64_t count);  // "" or "s"
std::string percent(double share);       // "12.3%"

// A change of a loss: in percent, or how many times it is what it was. bound() is the same as the
// end of an interval.
std::string change(double relative);
std::string bound(double relative);

// A difference of means: "+19.8 points", "-16.9% loss", "+0.198 AUC".
std::string mean_text(double difference, Metric metric);

std::string join(std::span<const std::string> parts);  // by commas

// "3 of 8 runs (2 diverged, 1 did not beat the baseline)"
std::string failed_text(int diverged, int collapsed, int runs);

}  // namespace undying::trial

#endif  // UNDYING_TRIAL_PHRASES_H_
