#include "doctor/prune/selection.h"

#include <algorithm>
#include <map>

namespace undying::doctor {
namespace {

constexpr const char* kNeeded = "added to, joined with or made of values that are needed";
constexpr const char* kEdges =
    "a constant that is not 0, at the edges of a convolution with zero padding";
constexpr const char* kLast = "a layer keeps one unit";

// From the outputs back, a group of units at a time.
class Search {
 public:
  Search(const UnitFlow& flow, const UnitFacts& facts)
      : flow_(flow), facts_(facts), model_(flow.model()) {
    for (int entry = 0; entry < flow.entries(); ++entry)
      members_[flow.group(entry)].push_back(entry);
    needed_.resize(index(flow.entries()));
    blank_.resize(needed_.size());
    why_.resize(needed_.size());
  }

  Selection run() {
    for (const UnitFlow::Pin& pin : flow_.pins()) {
      const UnitFlow::Units& units = flow_.units(pin.node);
      for (int unit = 0; unit < units.count; ++unit) need(units.first + unit, pin.why);
    }
    follow();
    leave_none_empty();
    Selection selection;
    for (int entry = 0; entry < flow_.entries(); ++entry) {
      const auto group = index(flow_.group(entry));
      selection.kept.push_back(needed_[group] || blank_[group]);
      selection.blank.push_back(blank_[group]);
      selection.why.push_back(why_[group]);
    }
    return selection;
  }

 private:
  const Node& node(int at) const { return model_.graph().nodes()[index(at)]; }

  void need(int entry, const std::string& why) {
    const int group = flow_.group(entry);
    if (needed_[index(group)]) return;
    needed_[index(group)] = true;
    why_[index(group)] = why;
    open_.push_back(group);
  }

  void follow() {
    while (!open_.empty()) {
      const int group = open_.back();
      open_.pop_back();
      for (const int entry : members_[group])
        if (flow_.passing(flow_.node_of(entry)) == UnitFlow::Passing::kWeights) read(entry);
    }
  }

  // What the sum that makes this unit needs.
  void read(int entry) {
    const int at = flow_.node_of(entry);
    const int output = entry - flow_.units(at).first;
    const Slabs slabs = slabs_of(model_, at);
    if (slabs.groups > 1) return;  // its inputs are of its own group
    const float* weights = model_.values(model_.parameters()[index(slabs.parameter)]);
    const int first = flow_.units(node(at).inputs[0]).first;
    for (int i = 0; i < slabs.inputs; ++i) {
      const float* slab = weights + slabs.first(output, i);
      if (std::all_of(slab, slab + slabs.size, [](float weight) { return weight == 0.0f; }))
        continue;
      if (folds(flow_, facts_, at, first + i)) continue;
      need(facts_.same[index(first + i)], facts_.constant(first + i) ? kEdges : kNeeded);
    }
  }

  void leave_none_empty() {
    for (int at = 0; at < static_cast<int>(model_.graph().nodes().size()); ++at) {
      const UnitFlow::Units& units = flow_.units(at);
      bool some = units.count == 0;
      for (int entry = units.first; entry < units.first + units.count; ++entry) {
        const auto group = index(flow_.group(entry));
        some = some || needed_[group] || blank_[group];
      }
      if (some) continue;
      const int group = flow_.group(units.first);
      blank_[index(group)] = true;
      why_[index(group)] = kLast;
    }
  }

  const UnitFlow& flow_;
  const UnitFacts& facts_;
  const engine::Model& model_;
  std::map<int, std::vector<int>> members_;
  std::vector<bool> needed_, blank_;  // by the entry that stands for a group
  std::vector<std::string> why_;
  std::vector<int> open_;
};

}  // namespace

Selection select(const UnitFlow& flow, const UnitFacts& facts) { return Search(flow, facts).run(); }

}  // namespace undying::doctor
