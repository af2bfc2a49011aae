// Online permuted images: a network that is given task after task, and what keeps it able to learn.
// Dohare et al. 2024 (Nature 632), Extended Data Fig. 3 and 4, with the remedies of others beside.

#include "study/reproduce/remedies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/reproduce/common.h"
#include "study/reproduce/plasticity.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr std::int64_t kPublishedTasks = 800;
constexpr FullSize kFull{.seeds = 3, .steps = 8 * 60'000};

struct Size {
  const char* source;
  const char* model;
  int seeds;
  std::int64_t tasks;
  std::int64_t examples;  // of a task
  std::int64_t ranks;     // of which effective ranks are taken
};

// A task of 60,000 takes a core some 2.5 s.
Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{"spirals", "mlp:16x3", 2, 4, 0, 200}
                             : Size{"fashion-mnist", "mlp:100x3", kFull.seeds, 8, 0, 2'000};
  if (settings.seeds > 0) size.seeds = settings.seeds;
  return size;
}

StudySettings study_of(const Size& size, std::int64_t steps) {
  StudySettings study{.data = fmt::format("stream:permuted:{}", size.source),
                      .model = size.model,
                      .activations = {"relu"},
                      .further = remedy_arms(),
                      .seeds = size.seeds};
  study.train.optimizer = Sgd{.learning_rate = 0.01f};
  study.train.initializer = Initializer::kKaimingUniform;
  study.train.batch = 1;
  study.train.epochs = size.tasks;
  study.train.max_steps = steps;
  study.train.shuffle = false;
  study.train.health.ranks = size.ranks;
  return study;
}

double hidden_norm(const CensusRecord& census) {
  double squares = 0.0;
  for (const LayerHealth& layer : census.layers) squares += layer.weight_norm * layer.weight_norm;
  return std::sqrt(squares);
}

double dormant_share(const CensusRecord& census) {
  std::int64_t count = 0;
  std::int64_t units = 0;
  for (const LayerHealth& layer : census.layers) {
    count += layer.dead + layer.dormant;
    units += layer.units;
  }
  return static_cast<double>(count) / static_cast<double>(units);
}

// The census before the first step belongs to no task.
void add_run(Course& course, const Run& run) {
  for (Curves* curves :
       {&course.accuracy, &course.dead, &course.dormant, &course.rank, &course.weights})
    curves->emplace_back();
  for (std::size_t task = 0; task < run.epochs.size(); ++task) {
    const EpochRecord& epoch = run.epochs[task];
    const CensusRecord& census = run.ledger.censuses.at(task + 1);
    course.accuracy.back().push_back(epoch.train_accuracy);
    course.dead.back().push_back(static_cast<double>(epoch.dead) /
                                 static_cast<double>(epoch.units));
    course.dormant.back().push_back(dormant_share(census));
    course.rank.back().push_back(census.layers.back().effective_rank);
    course.weights.back().push_back(hidden_norm(census));
  }
}

Course course_of(const Arm& arm) {
  Course course{.plan = {arm.activation, arm.keep_alive, arm.layer_norm}, .label = label_of(arm)};
  for (const ArmRun* run : runs_of(arm))
    if (run->run.status == RunStatus::kFinished) add_run(course, run->run);
  if (arm.role == Role::kTreatment) course.verdict = name(arm.comparison.verdict);
  return course;
}

Estimate hundredfold(const Estimate& share) {
  return {100.0 * share.mean, 100.0 * share.lower, 100.0 * share.upper, share.n};
}

std::vector<std::string> row_of(const Course& course, const Course& relu, std::size_t window) {
  std::vector<std::string> row = {course.label, fmt::format("{}", course.accuracy.size())};
  const auto add = [&](const Estimate& figure, const char* form) {
    row.push_back(interval_text(figure, form));
  };
  add(hundredfold(at_end(course.accuracy, window)), "{:.2f}");
  add(hundredfold(change(course.accuracy, window)), "{:+.2f}");
  add(hundredfold(less_at_end(course.accuracy, relu.accuracy, window)), "{:+.2f}");
  row.push_back(course.verdict);
  add(hundredfold(at_end(course.dead, window)), "{:.1f}");
  add(hundredfold(at_end(course.dormant, window)), "{:.1f}");
  add(at_end(course.rank, window), "{:.1f}");
  add(growth(course.rank, window), "{:.2f}");
  add(growth(course.weights, window), "{:.2f}");
  return row;
}

Table table_of(const std::vector<Course>& all, const Size& size, std::size_t window) {
  Table table{
      .title = fmt::format(
          "Of the last {0} of {1} tasks: online accuracy in percent, what it is above that of the "
          "first {0}, and above relu's, in points; the trial's verdict on that; at the end of "
          "tasks the percentage of dead hidden units, and of dead or dormant ones, the effective "
          "rank of the last hidden layer, and the ratios of rank and of the norm of the weights to "
          "those of the first {0}. Means over seeds with 95% intervals, each of its own",
          window, size.tasks),
      .columns = {"arm", "seeds", "accuracy", "less the first", "less relu's", "trial", "dead",
                  "dormant", "rank", "rank ratio", "weights ratio"}};
  for (const Course& course : all) {
    if (course.accuracy.empty())
      table.rows.push_back(
          {course.label, "0", "-", "-", "-", course.verdict, "-", "-", "-", "-", "-"});
    else
      table.rows.push_back(row_of(course, all.front(), window));
  }
  return table;
}

Plot plot_of(const std::vector<Course>& all, const Curves Course::*what, const std::string& title,
             const Axis& axis) {
  Plot plot{.title = title, .x = {.title = "task"}, .y = axis};
  for (const Course& course : all) {
    Curve curve{.label = course.label};
    const Curves& curves = course.*what;
    const std::size_t tasks = curves.empty() ? 0 : curves.front().size();
    for (std::size_t task = 0; task < tasks; ++task) {
      std::vector<double> values;
      for (const std::vector<double>& each : curves) values.push_back(each[task]);
      curve.add(static_cast<double>(task + 1), trial::mean_interval(values));
    }
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

std::vector<Plot> plots_of(const std::vector<Course>& all) {
  return {plot_of(all, &Course::accuracy, "Online accuracy",
                  {.title = "right, before the step on it", .percent = true}),
          plot_of(all, &Course::dead, "Dead units",
                  {.title = "dead of the hidden units", .percent = true}),
          plot_of(all, &Course::dormant, "Dead and dormant units",
                  {.title = "dead or dormant", .percent = true}),
          plot_of(all, &Course::rank, "Effective rank of the last hidden layer",
                  {.title = "effective rank"}),
          plot_of(all, &Course::weights, "Size of the weights",
                  {.title = "norm, hidden layers", .log = true})};
}

double mean_of_tasks(const std::vector<double>& curve, std::size_t first, std::size_t count) {
  return trial::mean_of(std::span(curve).subspan(first, count));
}

double end_of(const std::vector<double>& curve, std::size_t window) {
  return mean_of_tasks(curve, curve.size() - window, window);
}

}  // namespace

std::vector<ArmPlan> remedy_arms() {
  const auto kept = [](const char* activation, const char* rule, bool layer_norm = false) {
    return ArmPlan{activation, parse_keep_alive(rule), layer_norm};
  };
  return {{"leaky_relu:0.1"},
          {"leaky_relu:0.7"},
          {"crelu"},
          kept("relu", "none", true),
          kept("relu", "cbp"),
          kept("relu", "cbp:1e-5"),
          kept("relu", "redo"),
          kept("relu", "shrink-perturb"),
          kept("relu", "shrink-perturb:0.9999,0.001,100"),
          kept("relu", "l2-init"),
          kept("leaky_relu:0.1", "cbp"),
          kept("relu", "l2-init", true)};
}

Estimate at_end(const Curves& curves, std::size_t window) {
  std::vector<double> values;
  for (const std::vector<double>& curve : curves) values.push_back(end_of(curve, window));
  return trial::mean_interval(values);
}

Estimate change(const Curves& curves, std::size_t window) {
  std::vector<double> values;
  for (const std::vector<double>& curve : curves)
    values.push_back(end_of(curve, window) - mean_of_tasks(curve, 0, window));
  return trial::mean_interval(values);
}

Estimate less_at_end(const Curves& curves, const Curves& others, std::size_t window) {
  std::vector<double> values;
  for (std::size_t i = 0; i < std::min(curves.size(), others.size()); ++i)
    values.push_back(end_of(curves[i], window) - end_of(others[i], window));
  return trial::mean_interval(values);
}

Estimate less_overall(const Curves& curves, const Curves& others) {
  std::vector<double> values;
  for (std::size_t i = 0; i < std::min(curves.size(), others.size()); ++i)
    values.push_back(trial::mean_of(curves[i]) - trial::mean_of(others[i]));
  return trial::mean_interval(values);
}

Reproduction remedies(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop) {
  Size size = size_of(settings);
  const StudySettings first = study_of(size, 0);
  const Split data = open_dataset(first.data, {.seed = first.train.seed});
  size.examples = data.stream->stretch;
  if (settings.steps > 0) size.tasks = (settings.steps + size.examples - 1) / size.examples;
  Reproduction found;
  found.setting = fmt::format(
      "{}, {} tasks of {} examples (the paper: MNIST, {} tasks of 60,000), {}, SGD .01, batch 1, "
      "Kaiming uniform with each activation's own gain; {} seeds (permutations, order and draw). "
      "crelu gives two outputs a unit, so that the layers behind have twice the inputs{}",
      first.data, size.tasks, size.examples, kPublishedTasks, size.model, size.seeds,
      settings.quick ? "; quick: too short for the statement" : "");
  const Study study = run_arms(study_of(size, settings.steps), data,
                               {"arms", fmt::format("remedies-{}-{}", size.source, size.tasks)},
                               settings, progress, stop);
  found.missing = study.missing;
  if (found.missing > 0) return found;
  std::vector<Course> all;
  for (const Arm& arm : study.arms)
    if (is_shown(arm)) all.push_back(course_of(arm));
  // As many as a run of a stream is scored by.
  const auto window = static_cast<std::size_t>((size.tasks + 9) / 10);
  found.tables = {table_of(all, size, window)};
  found.plots = plots_of(all);
  found.claims = remedy_claims(all, window, size.seeds);
  leave_open_if_short(found.claims, settings, kFull);
  return found;
}

}  // namespace undying::study
