// What was published of remedies against a loss of plasticity, beside the arms of one trial.

#include <fmt/format.h>

#include <algorithm>

#include "study/reproduce/common.h"
#include "study/reproduce/plasticity.h"
#include "study/reproduce/remedies.h"

namespace undying::study {
namespace {

constexpr double kPoint = 0.01;     // of accuracy, within which nothing is lost
constexpr double kFew = 0.02;       // of the units, "almost zero"
constexpr double kNoGrowth = 1.05;  // of weights

const Course& course_of(const std::vector<Course>& all, const char* activation,
                        const char* rule = "none", bool layer_norm = false) {
  return *std::ranges::find_if(all, [&](const Course& course) {
    return course.plan.activation == Activation(activation) &&
           course.plan.keep_alive == parse_keep_alive(rule) && course.plan.layer_norm == layer_norm;
  });
}

// An interval that is, or is not, above (below) a bound says so; another says nothing.
struct Tested {
  bool shown = false;
  bool refuted = false;
};
Tested above(const Estimate& figure, double bound) {
  return {figure.lower > bound, figure.upper < bound};
}
Tested below(const Estimate& figure, double bound) {
  return {figure.upper<bound, figure.lower> bound};
}
Tested each_of(Tested a, Tested b) { return {a.shown && b.shown, a.refuted || b.refuted}; }

class Claims {
 public:
  Claims(const std::vector<Course>& all, std::size_t window, int seeds)
      : all_(all), window_(window), seeds_(seeds) {}

  void backpropagation();
  void continual_backpropagation();
  void shrink_and_perturb();
  void small_weights();
  void layer_norm();
  void slopes();
  void others();

  std::vector<Claim> take() { return std::move(claims_); }

 private:
  using Arms = std::vector<const Course*>;

  const Course& relu() const { return all_.front(); }
  Arms continual() const {
    return {&course_of(all_, "relu", "cbp"), &course_of(all_, "relu", "cbp:1e-5")};
  }
  Arms perturbed() const {
    return {&course_of(all_, "relu", "shrink-perturb"),
            &course_of(all_, "relu", "shrink-perturb:0.9999,0.001,100")};
  }

  void claim(const std::string& published, const std::string& found, Tested tested,
             const Arms& of) {
    Claim made{.published = published,
               .found = found,
               .agreement = tested.refuted ? Agreement::kDiffers
                            : tested.shown ? Agreement::kAgrees
                                           : Agreement::kUndecided};
    for (const Course* course : of)
      if (std::ssize(course->accuracy) < seeds_) {
        made.found = fmt::format("only {} of {} runs of {} finished", course->accuracy.size(),
                                 seeds_, course->label);
        made.agreement = Agreement::kUndecided;
      }
    claims_.push_back(std::move(made));
  }

  // Of several settings of one method, as the paper shows the best of three: shown where one does.
  template <class Test>
  void one_of(const std::string& published, const Arms& arms, const Test& test) {
    Tested any{false, true};
    std::string found;
    for (const Course* arm : arms) {
      const auto [tested, text] = test(*arm);
      any = {any.shown || tested.shown, any.refuted && tested.refuted};
      found += fmt::format("{}{}: {}", found.empty() ? "" : "; ", arm->label, text);
    }
    Arms of = arms;
    of.push_back(&relu());
    claim(published, found, any, of);
  }

  std::string points(const Estimate& difference) const {
    return interval_text({100.0 * difference.mean, 100.0 * difference.lower,
                          100.0 * difference.upper, difference.n},
                         "{:+.2f}") +
           " points";
  }
  Estimate over(const Course& arm, const Course& other) const {
    return less_at_end(arm.accuracy, other.accuracy, window_);
  }

  const std::vector<Course>& all_;
  std::size_t window_;
  int seeds_;
  std::vector<Claim> claims_;
};

void Claims::backpropagation() {
  const Estimate lost = change(relu().accuracy, window_);
  claim("with backpropagation and ReLU accuracy falls from task to task (Extended Data Fig. 3b)",
        "last tasks less first ones " + points(lost), {lost.upper<0.0, lost.lower> - kPoint},
        {&relu()});
  const Estimate dead = change(relu().dead, window_);
  claim("the share of dead units grows (Fig. 3c)", "by " + points(dead), above(dead, 0.0),
        {&relu()});
  const Estimate weights = growth(relu().weights, window_);
  claim("the weights grow (Fig. 3c)", interval_text(weights, "{:.2f}") + " times",
        above(weights, 1.0), {&relu()});
  const Estimate rank = growth(relu().rank, window_);
  claim("the effective rank falls (Fig. 3c)", interval_text(rank, "{:.2f}") + " times",
        below(rank, 1.0), {&relu()});
}

void Claims::continual_backpropagation() {
  one_of("continual backpropagation loses no plasticity (Extended Data Fig. 4)", continual(),
         [&](const Course& arm) {
           const Estimate lost = change(arm.accuracy, window_);
           return std::pair(above(lost, -kPoint), "last less first " + points(lost));
         });
  Arms others = perturbed();
  others.push_back(&relu());
  others.push_back(&course_of(all_, "relu", "l2-init"));
  one_of(
      "it does best of the methods tried (Fig. 4; here: of ReLU, shrink and perturb, and L2 "
      "towards the initial weights in the place of L2)",
      continual(), [&](const Course& arm) {
        Tested best{true, false};
        std::string text;
        for (const Course* other : others) {
          const Estimate difference = over(arm, *other);
          best = each_of(best, above(difference, 0.0));
          text += fmt::format("{}{} over {}", text.empty() ? "" : ", ", points(difference),
                              other->label);
        }
        return std::pair(best, text);
      });
  one_of("it has almost no dead units (Fig. 4)", continual(), [&](const Course& arm) {
    const Estimate dead = at_end(arm.dead, window_);
    return std::pair(below(dead, kFew), interval_text(dead, "{:.3f}") + " of the units");
  });
  one_of(
      "its effective rank stays above that of backpropagation and of shrink and perturb (Fig. 4)",
      continual(), [&](const Course& arm) {
        const Estimate relu_rank = less_at_end(arm.rank, relu().rank, window_);
        const Estimate other = less_at_end(arm.rank, perturbed().back()->rank, window_);
        return std::pair(
            each_of(above(relu_rank, 0.0), above(other, 0.0)),
            fmt::format("{} above relu's, {} above that of {}", interval_text(relu_rank, "{:.1f}"),
                        interval_text(other, "{:.1f}"), perturbed().back()->label));
      });
}

void Claims::shrink_and_perturb() {
  one_of("shrink and perturb has almost no drop in accuracy (Fig. 4)", perturbed(),
         [&](const Course& arm) {
           const Estimate lost = change(arm.accuracy, window_);
           return std::pair(above(lost, -kPoint), "last less first " + points(lost));
         });
}

void Claims::small_weights() {
  for (const auto& [name, arms] : {std::pair("continual backpropagation", continual()),
                                   std::pair("shrink and perturb", perturbed()),
                                   std::pair("L2 (here towards the initial weights)",
                                             Arms{&course_of(all_, "relu", "l2-init")})})
    one_of(fmt::format("with {} the weights do not grow (Fig. 4)", name), arms,
           [&](const Course& arm) {
             const Estimate grown = growth(arm.weights, window_);
             return std::pair(below(grown, kNoGrowth), interval_text(grown, "{:.2f}") + " times");
           });
}

void Claims::layer_norm() {
  const Course& norm = course_of(all_, "relu", "none", true);
  Tested best{true, false};
  std::string text;
  Arms of = {&norm};
  for (const Course& other : all_) {
    const bool combined = other.plan.keep_alive.any() &&
                          (other.plan.layer_norm || other.plan.activation != Activation("relu"));
    if (&other == &norm || combined) continue;
    const Estimate difference = over(norm, other);
    best = each_of(best, above(difference, 0.0));
    text += fmt::format("{}{} over {}", text.empty() ? "" : ", ", points(difference), other.label);
    of.push_back(&other);
  }
  claim(
      "layer normalisation is the best-performing intervention (Lyle et al. 2023, "
      "arXiv 2303.01486, on other tasks)",
      text, best, of);
  const Course& both = course_of(all_, "relu", "l2-init", true);
  const Estimate more = over(both, norm);
  claim(
      "layer normalisation and weight decay together do better than one alone (Lyle et al. 2024, "
      "arXiv 2402.18762, on other tasks; here L2 towards the initial weights)",
      points(more) + " over layer norm alone", above(more, 0.0), {&both, &norm});
}

void Claims::slopes() {
  const Course& large = course_of(all_, "leaky_relu:0.7");
  const Course& small = course_of(all_, "leaky_relu:0.1");
  const Estimate over_relu = less_overall(large.accuracy, relu().accuracy);
  const Estimate over_small = less_overall(large.accuracy, small.accuracy);
  claim(
      "slopes of .6 to .9 do best (Lillo & Cheney 2025, arXiv 2509.22562, on other tasks; here .7, "
      "by accuracy over all tasks)",
      fmt::format("{} over relu, {} over a slope of .1", points(over_relu), points(over_small)),
      each_of(above(over_relu, 0.0), above(over_small, 0.0)), {&large, &small, &relu()});
}

void Claims::others() {
  const auto ends_above = [&](const Course& arm, const std::string& published) {
    const Estimate difference = over(arm, relu());
    claim(published, points(difference) + " over relu at the end", above(difference, 0.0),
          {&arm, &relu()});
  };
  ends_above(
      course_of(all_, "crelu"),
      "CReLU facilitates continual learning (Abbas et al. 2023, arXiv 2303.07507, on Atari)");
  ends_above(course_of(all_, "relu", "l2-init"),
             "L2 towards the initial weights mitigates the loss (Kumar et al. 2023, arXiv "
             "2308.11958, permuted MNIST among others)");
  const Course& redo = course_of(all_, "relu", "redo");
  const Estimate dormant = change(relu().dormant, window_);
  claim("where targets change, dormant units grow in number (Sokar et al. 2023, arXiv 2302.12902)",
        "dead or dormant, last less first " + points(dormant), above(dormant, 0.0), {&relu()});
  ends_above(redo, "recycling dormant units (ReDo) keeps a network able to learn (the same)");
}

}  // namespace

std::vector<Claim> remedy_claims(const std::vector<Course>& all, std::size_t window, int seeds) {
  Claims claims(all, window, seeds);
  claims.backpropagation();
  claims.continual_backpropagation();
  claims.shrink_and_perturb();
  claims.small_weights();
  claims.layer_norm();
  claims.slopes();
  claims.others();
  return claims.take();
}

}  // namespace undying::study
