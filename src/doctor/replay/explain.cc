#include "doctor/replay/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "activations/scalar.h"
#include "base/evenly_spaced.h"
#include "doctor/network.h"
#include "engine/wiring.h"
#include "health/judge.h"
#include "train/source.h"
#include "trial/statistics.h"

namespace undying::doctor {
namespace {

using Kind = UnitEvent::Kind;

// Running statistics that nothing has been added to yet: they are of no data.
bool untouched(std::span<const float> statistics) {
  return std::ranges::all_of(statistics, [](float each) { return each == 0.0f || each == 1.0f; });
}

}  // namespace

Explainer::Explainer(train::State& state, const Dataset& data, const ReplaySettings& settings)
    : state_(state), data_(data), settings_(settings) {}

void Explainer::add(const UnitEvent& event, std::span<const std::int64_t> censuses, bool dated) {
  // A revival that no training step saw, but the census.
  const bool by_census =
      event.kind == Kind::kRevival && std::ranges::binary_search(censuses, event.step);
  Open open{.event = event,
            .window = window_of(event, censuses, settings_.last, dated && !by_census)};
  const std::span<const float> statistics = state_.model.statistics();
  if (!statistics.empty() && untouched(statistics)) open.window.looks.erase(0);
  open.steps = open.window.steps();
  if (settings_.life) open.watched = life_of(open.window, settings_.last);
  open_.push_back(std::move(open));
}

std::int64_t Explainer::last() const {
  std::int64_t last = 0;
  for (const Open& open : open_) last = std::max(last, open.window.last());
  return last;
}

void Explainer::saw(const StepRecord& record) {
  records_.push_back(record);
  if (std::ssize(records_) > settings_.last + 2) records_.pop_front();
}

void Explainer::at(std::int64_t step) {
  measured_.clear();
  std::shared_ptr<const Snapshot> now;
  for (Open& open : open_) {
    if (!open.steps.contains(step) && !open.watched.contains(step)) continue;
    if (now == nullptr) now = std::make_shared<Snapshot>(snapshot(state_.model, step));
    watch(open, now);
  }
  if (now == nullptr) return;
  for (Open& open : open_)
    if (ended(open, step)) found_.push_back(explain(open, step));
  std::erase_if(open_, [&](const Open& open) {
    return std::ranges::find(found_, open.event, &Explanation::event) != found_.end();
  });
}

void Explainer::watch(Open& open, const std::shared_ptr<const Snapshot>& now) {
  if (open.steps.contains(now->step)) open.held[now->step] = now;
  if (!layer(open.event.layer).obstacle().empty()) return;
  if (open.watched.contains(now->step))
    open.life.push_back({now->step, measure(open, all_of(*now))});
  if (settings_.updates && open.window.dated && open.window.turn == now->step)
    open.update = update(open);
  if (open.window.looks.contains(now->step)) narrow(open, now);
}

// Between two censuses: the last look that saw a dying unit fire and the first behind it that did
// not; the first that saw a revived one fire and the one before. Numbers of others are let go.
void Explainer::narrow(Open& open, const std::shared_ptr<const Snapshot>& now) {
  const bool death = open.event.kind == Kind::kDeath;
  const bool as_before = measure(open, all_of(*now)).silent() != death;
  if (as_before && (death || !open.to)) {
    open.from = now->step;
    open.to.reset();
  } else if (!as_before && open.from && !open.to) {
    open.to = now->step;
  }
  std::erase_if(open.held, [&](const auto& held) {
    return held.first != open.from && held.first != open.to && held.first != open.window.start &&
           held.first != now->step;
  });
}

// A death that the last step that fired the unit left firing on some of the rows goes on until none
// is left.
bool Explainer::ended(Open& open, std::int64_t step) {
  const Window& window = open.window;
  if (step >= window.last()) return true;
  const bool death = open.event.kind == Kind::kDeath;
  if (!death || !window.dated || step < window.turn || !open.steps.contains(step)) return false;
  return !layer(open.event.layer).obstacle().empty() || measure(open, step).silent();
}

// Where what is explained begins: a unit that dies fires there, one that revives does not.
std::int64_t Explainer::begin_of(Open& open) {
  const Window& window = open.window;
  if (open.from) return *open.from;
  const bool silent = measure(open, window.start).silent();
  if (open.event.kind == Kind::kRevival) return silent ? window.start : window.census;
  return silent ? std::max(window.start, window.turn - 1) : window.start;
}

Explanation Explainer::explain(Open& open, std::int64_t end) {
  Explanation found{.event = open.event,
                    .dated = open.window.dated,
                    .update = std::move(open.update),
                    .life = std::move(open.life)};
  found.threshold =
      activations::firing_threshold(state_.model.layers()[open.event.layer].activation);
  found.missing = layer(open.event.layer).obstacle();
  if (!found.missing.empty()) return found;
  found.rows = std::ssize(rows_of(0));
  if (batch_of(open) > 0) found.rows += std::ssize(rows_of(batch_of(open)));
  if (open.event.step == 0) {
    found.missing = "born dead: no step of this run";
    return found;
  }
  if (!open.window.dated && !open.to) {
    found.missing = "no look between the censuses shows it";
    return found;
  }
  const Change whole = change(open, begin_of(open), open.to.value_or(end));
  found.missing = doubt(open, whole);
  if (found.missing.empty()) found.change = whole;
  return found;
}

// Why what was found explains nothing; empty: it does.
std::string Explainer::doubt(Open& open, const Change& whole) {
  const bool death = open.event.kind == Kind::kDeath;
  const Range end = measure(open, whole.to);
  if (death && end.largest > health::kNumericallyZero && !end.silent())
    return fmt::format("fires on {} of {} after step {}, and is not dead", end.fired, end.n,
                       whole.to);
  // A ledger may know of a death only that no step since a census fired the unit.
  if (measure(open, whole.from).silent() == death || death != (whole.after < whole.before))
    return "what fires is not among the rows";
  return "";
}

Change Explainer::change(Open& open, std::int64_t from, std::int64_t to) {
  const std::vector<Part>& parts = layer(open.event.layer).parts();
  const Snapshot& then = *open.held.at(from);
  const Snapshot& now = *open.held.at(to);
  const auto largest = [&](unsigned moved) {
    Mix mix = all_of(then);
    for (std::size_t i = 0; i < parts.size(); ++i)
      if ((moved >> i & 1U) != 0) mix[static_cast<std::size_t>(parts[i])] = &now;
    return measure(open, mix).largest;
  };
  const int players = static_cast<int>(parts.size());
  Change found{
      .from = from, .to = to, .before = largest(0), .after = largest((1U << players) - 1U)};
  const std::vector<double> shares = shapley(players, largest);
  for (std::size_t i = 0; i < parts.size(); ++i)
    found.shares[static_cast<std::size_t>(parts[i])] = shares[i];
  found.cause = cause_of(found.shares, found.after - found.before);
  return found;
}

// None: no step is known to have done it.
std::optional<UnitUpdate> Explainer::update(Open& open) {
  const std::int64_t step = open.window.turn;
  const auto record = std::ranges::find(records_, step, &StepRecord::step);
  if (step <= open.window.start || record == records_.end()) return std::nullopt;
  UnitUpdate found{.record = *record, .rows = batch(step)};
  const std::int64_t steps_per_epoch =
      (data_.size + state_.settings.batch - 1) / state_.settings.batch;
  found.epoch = (step - 1) / steps_per_epoch + 1;
  found.z = measure(open, all_of(*open.held.at(step - 1)), found.rows, -step);
  const bool fires = !measure(open, step).silent();
  found.decisive = fires != !measure(open, step - 1).silent();
  const bool death = open.event.kind == Kind::kDeath;
  if (death ? found.z.silent() : !found.decisive) return std::nullopt;
  found.change = change(open, step - 1, step);
  add_usual(found);
  add_norms(open, found);
  return found;
}

void Explainer::add_usual(UnitUpdate& found) const {
  std::vector<double> losses, gradients;
  for (const StepRecord& record : records_)
    if (record.step < found.record.step && record.step >= found.record.step - settings_.last) {
      losses.push_back(record.loss);
      gradients.push_back(record.gradient_norm);
    }
  found.usual_loss = trial::median_of(std::move(losses));
  found.usual_gradient = trial::median_of(std::move(gradients));
}

// Of the unit's own row of the weights, its bias, its gamma and beta.
void Explainer::add_norms(const Open& open, UnitUpdate& found) const {
  using Role = ops::ParameterSpec::Role;
  const engine::Model& model = state_.model;
  const engine::Wiring wiring = wiring_of(model, model.layers()[open.event.layer]);
  if (wiring.weight < 0) return;
  const Snapshot& then = *open.held.at(found.record.step - 1);
  const Snapshot& now = *open.held.at(found.record.step);
  for (const engine::Span& span : incoming(model, wiring, open.event.unit)) {
    const engine::Parameter& parameter = model.parameters()[span.parameter];
    const bool bias = parameter.role == Role::kBias || parameter.role == Role::kShift;
    std::optional<double>& norm = bias ? found.bias : found.weights;
    double sum = norm ? *norm * *norm : 0.0;
    span.each([&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(parameter.offset + i);
      const double moved =
          static_cast<double>(now.trained[at]) - static_cast<double>(then.trained[at]);
      sum += moved * moved;
    });
    norm = std::sqrt(sum);
  }
}

Range Explainer::measure(const Open& open, std::int64_t step) {
  return measure(open, all_of(*open.held.at(step)));
}

// The evenly spaced rows are the same for all events, and most of the work.
Range Explainer::measure(const Open& open, const Mix& mix) {
  Range found = measure(open, mix, rows_of(0), 0);
  const std::int64_t batch = batch_of(open);
  if (batch > 0 && !rows_of(batch).empty()) found.add(measure(open, mix, rows_of(batch), batch));
  return found;
}

Range Explainer::measure(const Open& open, const Mix& mix, const Rows& rows, std::int64_t batch) {
  const std::size_t l = open.event.layer;
  Key key{l, batch, {}};
  for (std::size_t part = 0; part < kParts; ++part) std::get<2>(key)[part] = mix[part]->step;
  auto known = measured_.find(key);
  if (known == measured_.end())
    known = measured_.emplace(key, layer(l).measure(mix, data_, rows)).first;
  return known->second[static_cast<std::size_t>(open.event.unit)];
}

Preactivation& Explainer::layer(std::size_t layer) {
  return layers_
      .try_emplace(layer, state_.model, layer, state_.engine.shards(), state_.engine.threads())
      .first->second;
}

// Evenly spaced rows of the data; of a step, those of its batch that are not among them.
const Explainer::Rows& Explainer::rows_of(std::int64_t step) {
  const auto [at, fresh] = rows_.try_emplace(step);
  Rows& rows = at->second;
  if (!fresh) return rows;
  if (step == 0)
    return rows = evenly_spaced(data_.size, settings_.rows > 0 ? settings_.rows : data_.size);
  Rows seen = batch(step);
  std::ranges::sort(seen);
  std::ranges::set_difference(seen, rows_of(0), std::back_inserter(rows));
  return rows;
}

// The examples of a step.
Explainer::Rows Explainer::batch(std::int64_t step) {
  const std::int64_t size = state_.settings.batch;
  const std::int64_t steps_per_epoch = (data_.size + size - 1) / size;
  const std::int64_t epoch = (step - 1) / steps_per_epoch + 1;
  if (order_.empty()) order_ = train::identity_order(data_.size);
  if (state_.settings.shuffle && ordered_ != epoch)
    train::shuffle(state_.settings.seed, epoch, order_);
  ordered_ = epoch;
  const std::int64_t first = (step - 1) % steps_per_epoch * size;
  const auto begin = order_.begin() + first;
  return {begin, begin + std::min(size, data_.size - first)};
}

std::vector<Explanation> Explainer::take() {
  std::ranges::sort(found_, {}, &Explanation::event);
  return std::move(found_);
}

}  // namespace undying::doctor
