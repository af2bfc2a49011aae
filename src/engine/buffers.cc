#include "engine/buffers.h"

#include <algorithm>
#include <limits>

namespace undying::engine {
namespace {

constexpr int kNever = std::numeric_limits<int>::max();

class Layouter {
 public:
  Layouter(const Compiled& compiled, std::int64_t rows, bool training)
      : compiled_(compiled),
        rows_(rows),
        training_(training),
        count_(static_cast<int>(compiled.steps.size())) {}

  Buffers run() {
    find_uses();
    place_values();
    place_work();
    if (training_) place_gradients();
    return std::move(buffers_);
  }

 private:
  const Step& step(int i) const { return compiled_.steps[i]; }
  const PlanValue& value(int v) const { return compiled_.values[v]; }
  int backward(int i) const { return 2 * count_ - i; }

  std::int64_t add(std::int64_t size, int first, int last) {
    if (size == 0) return kNoBuffer;
    buffers_.lifetimes.push_back({size, first, last});
    return static_cast<std::int64_t>(buffers_.lifetimes.size()) - 1;
  }
  void extend(std::int64_t buffer, int last) {
    Lifetime& lifetime = buffers_.lifetimes[buffer];
    lifetime.last = std::max(lifetime.last, last);
  }

  // The last time at which anybody but `except` reads this value itself.
  int last_use(int v, int except) const {
    int last = -1;
    if (std::ranges::find(compiled_.outputs, v) != compiled_.outputs.end()) last = count_;
    for (const int user : value(v).consumers) {
      if (user != except) last = std::max(last, user);
      if (training_ && step(user).backward && step(user).kernel->needs_src)
        last = std::max(last, backward(user));
    }
    const int producer = value(v).producer;
    if (training_ && producer >= 0 && step(producer).backward && step(producer).kernel->needs_dst)
      last = std::max(last, backward(producer));
    return last;
  }

  // Values that are views of one another are one content: the same numbers in the same place.
  void find_uses() {
    content_.resize(compiled_.values.size());
    for (int v = 0; v < static_cast<int>(content_.size()); ++v) {
      const int producer = value(v).producer;
      const bool view = producer >= 0 && step(producer).kernel->view;
      content_[v] = view ? content_[step(producer).inputs[0]] : v;
    }
    sharing_.resize(content_.size());
    for (int v = 0; v < static_cast<int>(content_.size()); ++v) sharing_[content_[v]].push_back(v);
  }

  bool may_overwrite(int i, int v) const {
    const int content = content_[v];
    if (value(content).producer < 0) return false;  // the inputs of the graph
    return std::ranges::all_of(sharing_[content],
                               [&](int other) { return last_use(other, i) < i; });
  }

  void place_values() {
    buffers_.value.assign(compiled_.values.size(), kNoBuffer);
    for (int v = 0; v < static_cast<int>(compiled_.values.size()); ++v) {
      const int producer = value(v).producer;
      std::int64_t& buffer = buffers_.value[v];
      const int first = std::max(producer, -1);
      if (producer >= 0 && !step(producer).inputs.empty()) {
        const int src = step(producer).inputs[0];
        const ops::Kernel& kernel = *step(producer).kernel;
        const bool takes_over =
            kernel.in_place && value(src).size == value(v).size && may_overwrite(producer, src);
        if (kernel.view || takes_over) buffer = buffers_.value[src];
      }
      if (buffer == kNoBuffer) buffer = add(rows_ * value(v).size, first, first);
      for (const int user : value(v).consumers) extend(buffer, user);
      extend(buffer, std::max(first, last_use(v, -1)));
    }
  }

  void place_work() {
    for (int i = 0; i < count_; ++i) {
      const ops::Kernel& kernel = *step(i).kernel;
      const std::int64_t scratch = rows_ * kernel.scratch + kernel.workspace;
      const bool back = training_ && step(i).backward;
      buffers_.saved.push_back(training_ ? add(rows_ * kernel.saved, i, back ? backward(i) : i)
                                         : kNoBuffer);
      buffers_.scratch.push_back(add(scratch, i, i));
      buffers_.diff_scratch.push_back(back ? add(scratch, backward(i), backward(i)) : kNoBuffer);
    }
  }

  // When the gradient of a value is read, by its producer's backward pass, and when that buffer is
  // first changed after it was written by step i: by the gradients of its other readers, or by its
  // producer.
  int read_time(int v) const {
    const int producer = value(v).producer;
    if (producer < 0) return count_;
    const ops::Kernel& kernel = *step(producer).kernel;
    return kernel.view || kernel.shares_diff
               ? kNever
               : backward(producer);  // handed on, we do not follow how far
  }
  int change_time(int v, int i) const {
    int first = kNever;
    for (const int user : value(v).consumers)
      if (user < i) first = std::min(first, backward(user));
    const int producer = value(v).producer;
    if (producer >= 0 && !step(producer).kernel->keeps_diff)
      first = std::min(first, backward(producer));
    return first;
  }

  // Whether the gradients of two values may be one buffer after step i: neither is changed before
  // the other has been read.
  bool may_share(int i, int v, int w) const {
    return change_time(v, i) > read_time(w) && change_time(w, i) > read_time(v);
  }

  bool wanted(int v) const { return value(v).wanted; }

  void place_gradients() {
    buffers_.diff.assign(compiled_.values.size(), kNoBuffer);
    buffers_.diff_src.resize(compiled_.steps.size());
    buffers_.contributions.resize(compiled_.steps.size());
    const int out = compiled_.outputs[0];
    buffers_.diff[out] = add(rows_ * value(out).size, count_, count_ + 1);
    for (int i = count_ - 1; i >= 0; --i) {
      buffers_.diff_src[i].assign(step(i).inputs.size(), kNoBuffer);
      if (step(i).backward) place_step_gradients(i);
    }
  }

  void place_step_gradients(int i) {
    const std::int64_t own = buffers_.diff[step(i).output];
    extend(own, backward(i));
    const bool hands_on = step(i).kernel->view || step(i).kernel->shares_diff;
    std::vector<int> shared;  // values whose gradient is `own` by now
    for (std::size_t k = 0; k < step(i).inputs.size(); ++k) {
      const int v = step(i).inputs[k];
      if (!wanted(v)) continue;
      if (hands_on) {
        hand_on(i, v, own, shared);
      } else {
        buffers_.diff_src[i][k] = receive(i, v);
      }
    }
  }

  std::int64_t& diff(int v) { return buffers_.diff[v]; }

  void contribute(int i, std::int64_t from, int v, bool add_up) {
    buffers_.contributions[i].push_back({from, diff(v), value(v).size, add_up});
    extend(diff(v), backward(i));
  }

  // The gradient of every input is the step's own, unchanged.
  void hand_on(int i, int v, std::int64_t own, std::vector<int>& shared) {
    if (diff(v) != kNoBuffer) return contribute(i, own, v, true);
    if (std::ranges::all_of(shared, [&](int other) { return may_share(i, v, other); })) {
      shared.push_back(v);
      diff(v) = own;
      return;
    }
    diff(v) = add(rows_ * value(v).size, backward(i), backward(i));
    contribute(i, own, v, false);
  }

  // Where step i writes the gradient of its input v: the buffer of that gradient if it is the
  // first, else one of its own.
  std::int64_t receive(int i, int v) {
    if (diff(v) == kNoBuffer)
      return diff(v) = add(rows_ * value(v).size, backward(i), backward(i) + 1);
    const std::int64_t part = add(rows_ * value(v).size, backward(i), backward(i));
    contribute(i, part, v, true);
    return part;
  }

  const Compiled& compiled_;
  std::int64_t rows_;
  bool training_;
  int count_;
  std::vector<int> content_;               // by value: the first of those it is a view of
  std::vector<std::vector<int>> sharing_;  // by content
  Buffers buffers_;
};

}  // namespace

Buffers lay_out(const Compiled& compiled, std::int64_t rows, bool training) {
  return Layouter(compiled, rows, training).run();
}

}  // namespace undying::engine
