// How a network's data was read, as its file keeps it: columns, classes, scaling.

#include <string>

#include "undying/dataset.h"

namespace undying {

DataForm form_of(const Split& split) {
  const Dataset& train = *split.train;
  DataForm form{.mean = train.mean,
                .deviation = train.deviation,
                .target_mean = train.target_mean,
                .target_deviation = train.target_deviation,
                .columns = split.reading.columns,
                .class_names = train.class_names,
                .target = train.target};
  for (std::int64_t i = 0; train.class_names.empty() && i < train.classes; ++i)
    form.class_names.push_back(std::to_string(i));
  if (form.mean.empty()) {
    form.mean = {0.0f};
    form.deviation = {train.bytes.empty() ? 1.0f : 255.0f};
  }
  return form;
}

}  // namespace undying
