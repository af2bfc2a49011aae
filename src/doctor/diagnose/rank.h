#ifndef UNDYING_DOCTOR_DIAGNOSE_RANK_H_
#define UNDYING_DOCTOR_DIAGNOSE_RANK_H_

#include <cstdint>
#include <span>
#include <vector>

namespace undying::doctor {

// Eigenvalues of a symmetric matrix (n, n), in no order. Destroys it.
std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t n);

// exp of the entropy of the normalised singular values of a (rows, columns) matrix (Roy & Vetterli 2007): between 1 and the smaller of
// the two; 0 for a matrix of zeros, NaN where an element is not finite.
double effective_rank(std::span<const float> matrix, std::size_t rows, std::size_t columns);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_RANK_H_
