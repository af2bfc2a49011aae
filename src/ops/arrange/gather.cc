#include "ops/arrange/gather.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace undying::ops {
namespace {

using Offsets = std::vector<std::int64_t>;

bool even(const Offsets& offsets) {
  for (std::size_t i = 0; i < offsets.size(); ++i)
    if (offsets[i] == Gather::kNowhere ||
        (i > 1 && offsets[i] - offsets[i - 1] != offsets[1] - offsets[0]))
      return false;
  return true;
}

// Two axes as one, where the elements of both are evenly spaced and those of the outer go on where
// the inner end.
std::optional<Offsets> merged(const Offsets& outer, const Offsets& inner) {
  if (!even(outer) || !even(inner)) return std::nullopt;
  if (outer.size() > 1 && inner.size() > 1 &&
      outer[1] - outer[0] != (inner[1] - inner[0]) * static_cast<std::int64_t>(inner.size()))
    return std::nullopt;
  Offsets both;
  for (const std::int64_t i : outer)
    for (const std::int64_t j : inner) both.push_back(i + j);
  return both;
}

class GatherKernel final : public Kernel {
 public:
  GatherKernel(Gather gather, std::int64_t src_size, float fill)
      : gather_(std::move(gather)), src_size_(src_size), fill_(fill) {
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n)
      gather_.copy(pass.src[0] + n * src_size_, pass.dst + n * gather_.size(), fill_);
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      float* diff_src = pass.diff_src[0] + n * src_size_;
      std::fill_n(diff_src, src_size_, 0.0f);
      gather_.add(pass.diff_dst + n * gather_.size(), diff_src);
    }
  }

 private:
  Gather gather_;
  std::int64_t src_size_;
  float fill_;
};

}  // namespace

Gather::Gather(const std::vector<Offsets>& offsets) {
  std::vector<Offsets> axes = {{0}};
  for (const Offsets& axis : offsets) {
    if (auto both = merged(axes.back(), axis)) {
      axes.back() = std::move(*both);
    } else {
      axes.push_back(axis);
    }
  }
  sizes_.assign(axes.size() + 1, 1);
  for (std::size_t i = axes.size(); i-- > 0;)
    sizes_[i] = sizes_[i + 1] * static_cast<std::int64_t>(axes[i].size());
  runs_ = cut(axes.back());
  axes.pop_back();
  outer_ = std::move(axes);
}

// As few runs as there are, each as long as it goes.
std::vector<Gather::Run> Gather::cut(const Offsets& offsets) {
  std::vector<Run> runs;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(offsets.size()); ++i) {
    const std::int64_t from = offsets[i];
    if (!runs.empty()) {
      Run& last = runs.back();
      const bool nowhere = from == kNowhere && last.from == kNowhere;
      if (from != kNowhere && last.from != kNowhere && last.count == 1)
        last.step = from - last.from;
      if (nowhere || (from != kNowhere && last.from != kNowhere &&
                      from == last.from + last.step * last.count)) {
        ++last.count;
        continue;
      }
    }
    runs.push_back({.at = i, .count = 1, .from = from});
  }
  return runs;
}

void Gather::copy(std::size_t axis, const float* src, float* dst, float fill) const {
  if (axis < outer_.size()) {
    for (const std::int64_t offset : outer_[axis]) {
      if (offset == kNowhere) {
        std::fill_n(dst, sizes_[axis + 1], fill);
      } else {
        copy(axis + 1, src + offset, dst, fill);
      }
      dst += sizes_[axis + 1];
    }
    return;
  }
  for (const Run& run : runs_) {
    if (run.from == kNowhere) {
      std::fill_n(dst + run.at, run.count, fill);
    } else if (run.step == 1) {
      std::copy_n(src + run.from, run.count, dst + run.at);
    } else {
      for (std::int64_t i = 0; i < run.count; ++i) dst[run.at + i] = src[run.from + i * run.step];
    }
  }
}

void Gather::add(std::size_t axis, const float* diff_dst, float* diff_src) const {
  if (axis < outer_.size()) {
    for (const std::int64_t offset : outer_[axis]) {
      if (offset != kNowhere) add(axis + 1, diff_dst, diff_src + offset);
      diff_dst += sizes_[axis + 1];
    }
    return;
  }
  for (const Run& run : runs_) {
    if (run.from == kNowhere) continue;
    if (run.step == 1) {
      for (std::int64_t i = 0; i < run.count; ++i) diff_src[run.from + i] += diff_dst[run.at + i];
    } else {
      for (std::int64_t i = 0; i < run.count; ++i)
        diff_src[run.from + i * run.step] += diff_dst[run.at + i];
    }
  }
}

std::vector<std::int64_t> whole_axis(std::int64_t extent, std::int64_t stride) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < extent; ++i) offsets.push_back(i * stride);
  return offsets;
}

std::unique_ptr<Kernel> gather_kernel(Gather gather, std::int64_t src_size, float fill) {
  return std::make_unique<GatherKernel>(std::move(gather), src_size, fill);
}

}  // namespace undying::ops
