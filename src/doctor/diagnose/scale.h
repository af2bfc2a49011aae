#ifndef UNDYING_DOCTOR_DIAGNOSE_SCALE_H_
#define UNDYING_DOCTOR_DIAGNOSE_SCALE_H_

#include <span>
#include <vector>

#include "train/source.h"
#include "undying/doctor.h"

namespace undying::doctor {

// Of each column of the inputs (a channel, of images held as bytes). Values beyond `least` and
// `greatest` count as these.
struct InputMoments {
  std::vector<double> mean;
  std::vector<double> deviation;
  std::vector<double> least;
  std::vector<double> greatest;

  std::size_t columns() const { return mean.size(); }
  bool vary() const;  // whether any column does
};
InputMoments moments_of(const Dataset& data);

// The columns that are far from unit scale, in figures.
InputScale scale_of(const Dataset& data, const InputMoments& moments);

// The same with the outliers of these columns brought to the ends of where the others lie.
InputMoments without_outliers(const Dataset& data, const InputMoments& moments,
                              const std::vector<InputColumn>& columns);

// Whether what the first weights read are the inputs as they come: no operator before them scales,
// and no batch norm has statistics of them.
bool reads_inputs_as_they_come(const Graph& graph);

// The examples of a data set brought to zero mean and unit variance a column, and between the least
// and the greatest.
class StandardisedSource final : public train::DatasetSource {
 public:
  StandardisedSource(const Dataset& data, std::span<const std::uint32_t> order,
                     const InputMoments& moments)
      : DatasetSource(data, order), moments_(&moments) {}

  void inputs(int input, std::int64_t first, std::int64_t rows, float* dst) const override;

 private:
  const InputMoments* moments_;
};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_SCALE_H_
