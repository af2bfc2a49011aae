#ifndef UNDYING_SETTING_H_
#define UNDYING_SETTING_H_

#include <string_view>

namespace undying {

// One field of a struct of settings, as all outside it sees it. A struct that can be set has
//   template <class Self, class Visit> static void each(Self& self, Visit&& visit);
// which calls visit(Setting, field) for each field in order; the value it has in S{} is its
// default. Command line, JSON, the fingerprint of a study and checks are visitors: a new field is
// its line in each().
struct Setting {
  static constexpr double kMost = 1e30;

  std::string_view name;   // in JSON; on the command line "--" and this with "-" for "_"
  std::string_view label;  // in errors: "weight decay"
  std::string_view help;   // empty: it is not on the command line
  double least = 0.0;      // of numbers
  double greatest = kMost;
  // Its word in the fingerprint of a study, where it has another value than its default; empty:
  // `name`. "-": none of its own.
  std::string_view stored = {};
  std::string_view group = "Training";  // the section of the help that it stands in
};

}  // namespace undying

#endif  // UNDYING_SETTING_H_
