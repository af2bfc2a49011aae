#ifndef UNDYING_TRIAL_BOUNDARY_H_
#define UNDYING_TRIAL_BOUNDARY_H_

// How sure a look at a growing study must be. A study may be looked at after every pair from the
// fifth on, stopped at any look and continued later: the levels are such that the chance that any
// look of any arm errs is at most 4% for scores and 1% for failures.
namespace undying::trial {

inline constexpr int kFirstLook = 5;  // pairs

// Two-sided level of one look at the scores of one of `arms` arms, at `pairs` >= 1; 0 before the
// first look. Of an arm's share of the 4%, four fifths are spent by pair 20, at levels that grow
// with the pairs, and the rest over all later looks, at levels that fall with them.
double score_level(int pairs, int arms);

// One-sided level of one look at the failures of one of `arms` arms after `runs` runs of it. An
// arm's share of the 1%, divided over the two sides and over all looks (Bonferroni), so that it
// holds for the discrete exact test.
double failure_level(int runs, int arms);

// The looks of a study that decides by itself how many seeds it takes: 5, 6, 7, 8, 10, 12, ..., 20,
// then a fifth more each time.
int next_look(int pairs);

}  // namespace undying::trial

#endif  // UNDYING_TRIAL_BOUNDARY_H_
