#ifndef UNDYING_HEALTH_RANK_H_
#define UNDYING_HEALTH_RANK_H_

#include <cstdint>
#include <span>

namespace undying::health {

// Effective rank of a (rows, columns) matrix: exp of the entropy of its normalised singular values
// (Roy & Vetterli 2007), between 1 and the smaller of the two; 0 for a matrix of zeros, NaN where
// an element is not finite.
double effective_rank(std::span<const float> matrix, std::int64_t rows, std::int64_t columns);

// That of a wider matrix, of which these columns are a sample, drawn evenly. It is low by what more
// columns would add, and that falls as one over their number: by about as much as it rises from a
// half of them to all.
struct SampledRank {
  double rank = 0.0;
  double error = 0.0;  // of that kind
};
SampledRank sampled_rank(std::span<const float> matrix, std::int64_t rows, std::int64_t columns);

}  // namespace undying::health

#endif  // UNDYING_HEALTH_RANK_H_
