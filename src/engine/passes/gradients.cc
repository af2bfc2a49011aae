#include "engine/passes/gradients.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <utility>

#include "engine/derivations.h"

namespace undying::engine {

void GradientObserver::begin(const Plan& plan) {
  model_ = &plan.model();
  const auto trained = static_cast<std::size_t>(model_->trained_size());
  sums_ = {.mean = std::vector<double>(trained),
           .nonzero = std::vector<std::uint64_t>((trained + 63) / 64),
           .units = std::vector<double>(static_cast<std::size_t>(model_->unit_size())),
           .loss = {}};
  early_.assign(plan.steps().size(), {});
  std::set<int> late;
  for (std::size_t i = 0; i < plan.steps().size(); ++i)
    for (const int p : plan.steps()[i].owned) {
      if (!plan.steps()[i].backward || !model_->parameters()[p].trained) continue;
      if (plan.steps()[i].early_update)
        early_[i].push_back(p);
      else
        late.insert(p);
    }
  late_.assign(late.begin(), late.end());
}

void GradientObserver::gather(Plan& plan, int step, int worker, int workers) {
  for (const int p : step < 0 ? late_ : early_[step]) add(plan, p, worker, workers);
  if (step < 0 && worker == 0) add_units(plan);
}

// A worker adds its part of a parameter, in the order of the lanes.
void GradientObserver::add(const Plan& plan, int p, int worker, int workers) {
  const Parameter& parameter = model_->parameters()[p];
  const std::int64_t first = parameter.size * worker / workers;
  const std::int64_t end = parameter.size * (worker + 1) / workers;
  double* sum = sums_.mean.data() + parameter.offset;
  for (const Shard& shard : plan.shards()) {
    const float* from = shard.gradients.data() + plan.gradient_offset(p);
    for (std::int64_t i = first; i < end; ++i) sum[i] += static_cast<double>(from[i]);
    mark(from, parameter.offset, first, end);
  }
}

// Floats [first, end) of a parameter that stands at `offset`. Workers meet in a word where their
// parts do.
void GradientObserver::mark(const float* from, std::int64_t offset, std::int64_t first,
                            std::int64_t end) {
  for (std::int64_t i = first; i < end;) {
    const std::int64_t bit = (offset + i) % 64;
    const std::int64_t count = std::min(64 - bit, end - i);
    const std::atomic_ref<std::uint64_t> word(sums_.nonzero[(offset + i) / 64]);
    const std::uint64_t whole = (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1)
                                << bit;
    if ((word.load(std::memory_order_relaxed) & whole) != whole) {
      std::uint64_t bits = 0;
      for (std::int64_t k = 0; k < count; ++k)
        bits |= static_cast<std::uint64_t>(from[i + k] != 0.0f) << (bit + k);
      word.fetch_or(bits, std::memory_order_relaxed);
    }
    i += count;
  }
}

// The kernels count on from chunk to chunk: what they have is taken, and they begin at 0 again.
void GradientObserver::add_units(Plan& plan) {
  for (Shard& shard : plan.shards()) {
    float* units = shard.counters.abs_gradient.data();
    for (std::size_t i = 0; i < sums_.units.size(); ++i)
      sums_.units[i] += static_cast<double>(units[i]);
    std::fill_n(units, sums_.units.size(), 0.0f);
  }
}

Gradients GradientObserver::take(std::int64_t rows, const ops::LossSums& loss) {
  Gradients all = std::exchange(sums_, {});
  all.loss = loss;
  for (double& value : all.mean) value /= static_cast<double>(rows);
  pull_back(all);
  for (double& value : all.units) value /= static_cast<double>(rows);
  pool(model_->layers(), all.units.data(), std::plus<>());
  return all;
}

// Those of derived parameters, to their leaves.
void GradientObserver::pull_back(Gradients& all) const {
  for (const auto& each : derivations_of(*model_)) {
    const Parameter& own = model_->parameters()[each->parameter()];
    const auto first = all.mean.begin() + own.offset;
    const std::vector<float> mean(first, first + own.size);
    const float* const gradients[] = {mean.data()};
    each->pull_back(*model_, gradients);
    for (const Parameter& leaf : model_->parameters()) {
      const auto index = static_cast<int>(&leaf - model_->parameters().data());
      const float* of_leaf = each->gradient(index);
      for (std::int64_t i = 0; of_leaf != nullptr && i < leaf.size; ++i) {
        const std::int64_t at = leaf.offset + i;
        all.mean[at] += static_cast<double>(of_leaf[i]);
        if (of_leaf[i] != 0.0f) all.nonzero[at / 64] |= std::uint64_t{1} << (at % 64);
      }
    }
  }
}

Gradients frozen_gradients(Model& model, const BatchSource& source, std::int64_t rows,
                           const GradientOptions& options) {
  Runner runner(model, {.backward = true,
                        .lanes = options.shards,
                        .threads = options.threads,
                        .most_rows = chunk_rows(model, 64)});
  GradientObserver gradients;
  PassObserver* const observers[] = {&gradients};
  const ops::LossSums loss =
      runner.run({.source = source, .rows = rows, .loss = &options.loss, .observers = observers});
  return gradients.take(rows, loss);
}

}  // namespace undying::engine
