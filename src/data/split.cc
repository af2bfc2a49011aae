#include "data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/philox.h"
#include "data/scaling.h"
#include "undying/error.h"

namespace undying {
namespace data {
namespace {

// A score on fewer examples says nothing, and neither does a network trained on fewer.
constexpr std::int64_t kFewest = 2;

using Rows = std::vector<std::uint32_t>;

// Fisher and Yates; `sequence` tells the shuffles of one split apart.
void shuffle(Rows& rows, std::uint64_t seed, std::uint32_t sequence) {
  const Random random(seed, Stream::kSplit, sequence);
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i, i)]);
}

// The members of each kind, in a drawn order: of every class, of every group.
std::vector<Rows> shuffled_members(std::span<const std::int32_t> kinds, std::uint64_t seed) {
  std::vector<Rows> members(static_cast<std::size_t>(*std::ranges::max_element(kinds)) + 1);
  for (std::size_t row = 0; row < kinds.size(); ++row)
    members[kinds[row]].push_back(static_cast<std::uint32_t>(row));
  for (std::size_t kind = 0; kind < members.size(); ++kind)
    shuffle(members[kind], seed, static_cast<std::uint32_t>(kind));
  return members;
}

// How many of each class are held out: in proportion, `wanted` in all by the largest remainders,
// and never the whole of a class.
std::vector<std::int64_t> apportion(const std::vector<Rows>& classes, double share,
                                    std::int64_t wanted) {
  std::vector<std::int64_t> counts;
  std::vector<double> remainders;
  for (const Rows& rows : classes) {
    const double exact = share * static_cast<double>(rows.size());
    counts.push_back(static_cast<std::int64_t>(exact));
    remainders.push_back(exact - std::floor(exact));
    wanted -= counts.back();
  }
  std::vector<std::size_t> order(classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  for (const std::size_t kind : order)
    if (wanted > 0 && counts[kind] + 1 < static_cast<std::int64_t>(classes[kind].size())) {
      ++counts[kind];
      --wanted;
    }
  return counts;
}

void draw_stratified(std::span<const std::int32_t> labels, const SplitRule& rule,
                     std::int64_t wanted, std::vector<bool>& held_out) {
  const std::vector<Rows> classes = shuffled_members(labels, rule.seed);
  const std::vector<std::int64_t> counts = apportion(classes, rule.share, wanted);
  for (std::size_t kind = 0; kind < classes.size(); ++kind)
    for (std::int64_t i = 0; i < counts[kind]; ++i) held_out[classes[kind][i]] = true;
}

// Groups in a drawn order, each taken where that brings the part nearer to its size.
void draw_groups(std::span<const std::int32_t> groups, const SplitRule& rule, std::int64_t wanted,
                 std::vector<bool>& held_out) {
  const std::vector<Rows> members = shuffled_members(groups, rule.seed);
  Rows order(members.size());
  std::iota(order.begin(), order.end(), 0U);
  shuffle(order, rule.seed, ~0U);
  for (const std::uint32_t group : order) {
    const auto size = static_cast<std::int64_t>(members[group].size());
    if (2 * wanted < size) continue;
    for (const std::uint32_t row : members[group]) held_out[row] = true;
    wanted -= size;
  }
}

void draw_any(const SplitRule& rule, std::int64_t wanted, std::vector<bool>& held_out) {
  Rows order(held_out.size());
  std::iota(order.begin(), order.end(), 0U);
  shuffle(order, rule.seed, 0);
  for (std::int64_t i = 0; i < wanted; ++i) held_out[order[i]] = true;
}

std::int64_t wanted_of(std::int64_t size, const SplitRule& rule) {
  return static_cast<std::int64_t>(std::llround(rule.share * static_cast<double>(size)));
}

bool too_few(std::int64_t size, const SplitRule& rule) {
  const std::int64_t wanted = wanted_of(size, rule);
  return wanted < kFewest || size - wanted < kFewest;
}

[[noreturn]] void fail_small(const std::string& name, std::int64_t size, std::int64_t test,
                             double share) {
  const bool enough = size >= 2 * kFewest;
  throw Error(ErrorCode::kBadData, "data " + name,
              fmt::format("has {} example{}, of which {:.3g}% leaves {} for training and {} for "
                          "testing; at least {} of each are needed. Name a "
                          "test part (--test FILE){} or test on what is trained on (--split none)",
                          size, size == 1 ? "" : "s", 100.0 * share, size - test, test, kFewest,
                          enough ? ", hold another share out (--split 0.5)," : ""));
}

}  // namespace

std::vector<bool> draw_held_out(const std::string& name, std::int64_t size,
                                std::span<const std::int32_t> labels,
                                std::span<const std::int32_t> groups, const SplitRule& rule) {
  if (!(rule.share > 0.0 && rule.share < 1.0))
    throw Error(ErrorCode::kInvalidArgument, "split",
                fmt::format("holds a share of {} out; expected one between 0 and 1", rule.share));
  const std::int64_t wanted = wanted_of(size, rule);
  if (too_few(size, rule)) fail_small(name, size, wanted, rule.share);
  std::vector<bool> held_out(static_cast<std::size_t>(size), false);
  if (rule.ordered) {
    std::fill(held_out.end() - wanted, held_out.end(), true);
  } else if (!groups.empty()) {
    draw_groups(groups, rule, wanted, held_out);
  } else if (!labels.empty()) {
    draw_stratified(labels, rule, wanted, held_out);
  } else {
    draw_any(rule, wanted, held_out);
  }
  const std::int64_t test = std::count(held_out.begin(), held_out.end(), true);
  if (test < kFewest || size - test < kFewest) fail_small(name, size, test, rule.share);
  return held_out;
}

namespace {

std::string drawn_text(bool classes, bool groups, const SplitRule& rule) {
  if (rule.ordered) return ", the last ones";
  return fmt::format(", drawn with seed {}{}", rule.seed,
                     groups    ? ", groups kept together"
                     : classes ? ", classes in proportion"
                               : "");
}

}  // namespace

std::string held_out_note(std::int64_t train, std::int64_t test, bool classes, bool groups,
                          const SplitRule& rule) {
  return fmt::format("held out for testing: {} of {} examples", test, train + test) +
         drawn_text(classes, groups, rule);
}

namespace {

// The fields that hold something for each example, with how much.
template <class Apply>
void for_each_field(const Dataset& data, Apply apply) {
  apply(&Dataset::bytes, data.features());
  apply(&Dataset::values, data.features());
  apply(&Dataset::missing, data.features());
  apply(&Dataset::labels, std::int64_t{1});
  apply(&Dataset::targets, data.outputs);
  apply(&Dataset::rows, std::int64_t{1});
  apply(&Dataset::weights, std::int64_t{1});
  apply(&Dataset::groups, std::int64_t{1});
}

// A data set without examples that says the same of them.
Dataset empty_like(const Dataset& data, std::string name) {
  return {.name = std::move(name),
          .shape = data.shape,
          .mean = data.mean,
          .deviation = data.deviation,
          .classes = data.classes,
          .class_names = data.class_names,
          .outputs = data.outputs,
          .target_mean = data.target_mean,
          .target_deviation = data.target_deviation,
          .columns = data.columns,
          .target = data.target,
          .inputs = data.inputs,
          .parts = data.parts};
}

void append_row(Dataset& to, const Dataset& from, std::size_t row) {
  for_each_field(from, [&](auto field, std::int64_t width) {
    const auto& source = from.*field;
    if (source.empty()) return;
    const auto first = source.begin() + static_cast<std::int64_t>(row) * width;
    (to.*field).insert((to.*field).end(), first, first + width);
  });
  ++to.size;
}

// Moves the rows held out into a data set of their own; the others close ranks where they are, for
// a copy may not fit into memory.
Dataset cut_off(Dataset& data, const std::vector<bool>& held_out, std::string name) {
  Dataset part = empty_like(data, std::move(name));
  const auto count = static_cast<std::size_t>(std::count(held_out.begin(), held_out.end(), true));
  for_each_field(data, [&](auto field, std::int64_t width) {
    auto& from = data.*field;
    if (from.empty()) return;
    (part.*field).reserve(count * static_cast<std::size_t>(width));
    auto end = from.begin();
    for (std::size_t row = 0; row < held_out.size(); ++row) {
      const auto first = from.begin() + static_cast<std::int64_t>(row) * width;
      if (held_out[row]) (part.*field).insert((part.*field).end(), first, first + width);
      if (!held_out[row]) end = std::copy(first, first + width, end);
    }
    from.erase(end, from.end());
  });
  part.size = static_cast<std::int64_t>(count);
  data.size -= part.size;
  return part;
}

void number_rows(Dataset& data) {
  if (!data.rows.empty()) return;
  data.rows.resize(static_cast<std::size_t>(data.size));
  std::iota(data.rows.begin(), data.rows.end(), 0U);
}

// The parts' examples in the order of their source: part 0 or 1, and the row in it.
std::vector<std::pair<int, std::size_t>> pooled_order(const Dataset& train, const Dataset& test) {
  std::vector<std::pair<int, std::size_t>> order;
  const auto row_of = [&](const std::pair<int, std::size_t>& at) {
    return (at.first == 0 ? train : test).rows[at.second];
  };
  for (std::size_t i = 0; i < train.rows.size(); ++i) order.emplace_back(0, i);
  for (std::size_t i = 0; i < test.rows.size(); ++i) order.emplace_back(1, i);
  std::ranges::sort(order, [&](const auto& a, const auto& b) { return row_of(a) < row_of(b); });
  return order;
}

}  // namespace

Dataset joined(const Split& split) {
  Dataset all = empty_like(*split.train, split.train->name + " and " + split.test->name);
  if (split.train == split.test) return *split.train;
  if (!split.given && !split.train->rows.empty()) {
    for (const auto& [part, row] : pooled_order(*split.train, *split.test))
      append_row(all, part == 0 ? *split.train : *split.test, row);
    return all;
  }
  for (const auto& part : {split.train, split.test})
    for (std::size_t row = 0; row < static_cast<std::size_t>(part->size); ++row)
      append_row(all, *part, row);
  all.rows.clear();
  return all;
}

}  // namespace data

Split hold_out(Dataset all, const SplitRule& rule) {
  if (rule.share == 0.0) {
    auto both = std::make_shared<Dataset>(std::move(all));
    return {.train = both,
            .test = both,
            .note =
                "nothing is held out: scores are of the examples that were trained on, and say "
                "nothing of others"};
  }
  if (!rule.needed && data::too_few(all.size, rule)) {
    std::string note = fmt::format("{} example{} too few to hold any out: all are looked at",
                                   all.size, all.size == 1 ? " is" : "s are");
    auto both = std::make_shared<Dataset>(std::move(all));
    return {.train = both, .test = both, .note = std::move(note)};
  }
  const std::vector<bool> held_out =
      data::draw_held_out(all.name, all.size, all.labels, all.groups, rule);
  data::number_rows(all);
  auto train = std::make_shared<Dataset>(std::move(all));
  auto test = std::make_shared<Dataset>(data::cut_off(*train, held_out, train->name + " test"));
  train->name += " train";
  std::string note = data::held_out_note(train->size, test->size, train->classes > 0,
                                         !train->groups.empty(), rule);
  return {.train = train, .test = test, .note = std::move(note), .given = false, .rule = rule};
}

Split redraw(const Split& split, std::uint64_t seed) {
  if (split.given)
    throw Error(ErrorCode::kInvalidArgument, "data " + split.train->name,
                "came with a test part; there is nothing to draw");
  if (split.rule.ordered)
    throw Error(ErrorCode::kInvalidArgument, "data " + split.train->name,
                "is held in order, its last examples out; there is nothing to draw");
  const auto order = data::pooled_order(*split.train, *split.test);
  std::vector<std::int32_t> labels;
  std::vector<std::int32_t> groups;
  for (const auto& [part, row] : order) {
    const Dataset& from = part == 0 ? *split.train : *split.test;
    if (!from.labels.empty()) labels.push_back(from.labels[row]);
    if (!from.groups.empty()) groups.push_back(from.groups[row]);
  }
  Split drawn = split;
  drawn.rule.seed = seed;
  const auto held_out = data::draw_held_out(
      split.train->name, static_cast<std::int64_t>(order.size()), labels, groups, drawn.rule);
  auto train = std::make_shared<Dataset>(data::empty_like(*split.train, split.train->name));
  auto test = std::make_shared<Dataset>(data::empty_like(*split.test, split.test->name));
  for (std::size_t i = 0; i < order.size(); ++i)
    data::append_row(held_out[i] ? *test : *train, order[i].first == 0 ? *split.train : *split.test,
                     order[i].second);
  data::fill_missing(*train, *test, drawn.reading.columns);
  if (split.normalize == Normalize::kStandard)
    data::standardise(*train, *test, split.reading.columns);
  if (!train->target_mean.empty()) data::standardise_targets(*train, *test);
  drawn.note =
      data::held_out_note(train->size, test->size, train->classes > 0, !groups.empty(), drawn.rule);
  drawn.train = train;
  drawn.test = test;
  return drawn;
}

namespace {

HeldOut cut_rows(const Dataset& data, const SplitRule& rule) {
  const auto held_out = data::draw_held_out(data.name, data.size, data.labels, data.groups, rule);
  HeldOut parts{.rest = data, .held_out = {}};
  data::number_rows(parts.rest);
  parts.held_out = data::cut_off(parts.rest, held_out, data.name + ", validation rows");
  return parts;
}

constexpr double kValidationShare = 0.2;
constexpr std::int64_t kMostValidationRows = 10'000;
constexpr std::int64_t kLeastRows = 10;

}  // namespace

HeldOut hold_out_rows(const Dataset& data, double share, std::uint64_t seed) {
  return cut_rows(data, {.share = share, .seed = seed});
}

Split validation_split(const Split& split, std::uint64_t seed) {
  const Dataset& data = *split.train;
  if (data.size < kLeastRows)
    throw Error(ErrorCode::kBadData, "data " + data.name,
                fmt::format("has {} training examples; a fifth of them are cut off as validation "
                            "rows, which takes at least {}",
                            data.size, kLeastRows));
  const double share = std::min(
      kValidationShare, static_cast<double>(kMostValidationRows) / static_cast<double>(data.size));
  const SplitRule rule{.share = share, .seed = seed, .ordered = split.rule.ordered};
  HeldOut cut = cut_rows(data, rule);
  const std::string note =
      fmt::format("for validation: {} of {} training examples{}", cut.held_out.size, data.size,
                  data::drawn_text(data.classes > 0, !data.groups.empty(), rule));
  return {.train = std::make_shared<Dataset>(std::move(cut.rest)),
          .test = std::make_shared<Dataset>(std::move(cut.held_out)),
          .note = note,
          .given = false,
          .rule = rule,
          .normalize = split.normalize,
          .reading = split.reading};
}

}  // namespace undying
