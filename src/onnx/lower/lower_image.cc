// Operations on images: Resize, DepthToSpace, SpaceToDepth, LRN; and random values, which are their
// mean.

#include <algorithm>
#include <array>
#include <cmath>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

using List = std::vector<std::int64_t>;

// One entry for each dimension, the batch included, from those of some axes.
template <class T>
std::vector<T> spread(const Lowering& lowering, const std::vector<T>& some, std::int64_t rank,
                      T otherwise) {
  List axes = integers(lowering.operation(), "axes");
  if (axes.empty())
    for (std::int64_t i = 0; i < rank; ++i) axes.push_back(i);
  if (axes.size() != some.size())
    malformed(lowering.operation(), "has " + std::to_string(some.size()) + " sizes or scales for " +
                                        std::to_string(axes.size()) + " axes");
  std::vector<T> all(static_cast<std::size_t>(rank), otherwise);
  for (std::size_t i = 0; i < axes.size(); ++i)
    all[checked_axis(lowering.operation(), axes[i], rank)] = some[i];
  return all;
}

void check_resize(const Operation& operation) {
  if (integer(operation, "antialias", 0) != 0) refuse("filters against aliasing");
  const std::string policy = text(operation, "keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch") refuse("keeps the aspect ratio (" + printable(policy) + ")");
  const std::string coordinates = text(operation, "coordinate_transformation_mode", "half_pixel");
  if (coordinates == "tf_crop_and_resize" || coordinates == "tf_half_pixel_for_nn")
    refuse("takes its coordinates by " + coordinates);
}

// The sizes of an example, and by which scales where these are not those of the sizes.
struct Resizing {
  Shape sizes;
  std::vector<double> scales;
  bool whole = true;
};

Resizing resizing_of(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const std::int64_t rank = lowering.rank(0);
  const Shape& shape = lowering.shape(0);
  const std::int64_t first = lowering.batch_axes();
  Resizing resizing{.sizes = shape};
  const bool has_sizes = lowering.has(3);
  if (!has_sizes && (!lowering.has(2) || lowering.constant(2)->integer))
    malformed(operation, "has neither scales nor sizes");
  const std::vector<float> factors =
      has_sizes ? std::vector<float>{} : spread(lowering, lowering.constant(2)->floats, rank, 1.0f);
  const List asked =
      has_sizes ? spread(lowering, lowering.list(3), rank, std::int64_t{-1}) : List{};
  for (std::int64_t i = 0; i < rank; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i < first) {
      const bool same =
          has_sizes ? asked[at] < 0 || asked[at] == lowering.net().batch : factors[at] == 1.0f;
      if (!same) refuse("resizes the batch");
      continue;
    }
    const auto of_example = static_cast<std::size_t>(i - first);
    const auto extent = static_cast<double>(shape[of_example]);
    const double scale = has_sizes ? (asked[at] < 0 ? 1.0 : static_cast<double>(asked[at]) / extent)
                                   : static_cast<double>(factors[at]);
    if (!(scale > 0.0 && extent * scale < static_cast<double>(kMostIntegers)))
      malformed(operation, "resizes by a scale of " + std::to_string(scale));
    resizing.sizes[of_example] = has_sizes ? (asked[at] < 0 ? shape[of_example] : asked[at])
                                           : static_cast<std::int64_t>(std::floor(extent * scale));
    if (resizing.sizes[of_example] < 1) refuse("leaves nothing of dimension " + std::to_string(i));
    resizing.whole =
        resizing.whole && scale == static_cast<double>(resizing.sizes[of_example]) / extent;
    resizing.scales.push_back(scale);
  }
  return resizing;
}

void resize(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  check_resize(operation);
  const Resizing resizing = resizing_of(lowering);
  std::string mode = text(operation, "mode", "nearest");
  if (mode == "bilinear") mode = "linear";
  Attributes attributes = {{"sizes", resizing.sizes}, {"mode", mode}};
  if (!resizing.whole) attributes.set("scales", resizing.scales);
  const auto copy = [&](const char* from, const char* to, const char* usual) {
    if (const std::string value = text(operation, from, usual); value != usual)
      attributes.set(to, value);
  };
  copy("coordinate_transformation_mode", "coordinates", "half_pixel");
  if (mode == "nearest") copy("nearest_mode", "nearest", "round_prefer_floor");
  if (mode == "cubic") attributes.set("cubic", number(operation, "cubic_coeff_a", -0.75));
  if (integer(operation, "exclude_outside", 0) != 0)
    attributes.set("exclude_outside", std::int64_t{1});
  lowering.output(lowering.add("resize", {lowering.value(0)}, std::move(attributes)));
}

// The blocks of an image, and the order in which they are channels.
struct Blocks {
  std::int64_t channels, height, width, size;
};

Blocks blocks_of(const Lowering& lowering) {
  const Shape& shape = lowering.shape(0);
  if (lowering.batch_axes() == 0 || shape.size() != 3) refuse("needs (N, C, H, W)");
  const std::int64_t size = integer(lowering.operation(), "blocksize", 0);
  if (size < 1 || size > shape[0] * shape[1] * shape[2])
    malformed(lowering.operation(), "has blocks of " + std::to_string(size));
  return {shape[0], shape[1], shape[2], size};
}

Source arranged(Lowering& lowering, const Shape& apart, const List& perm, const Shape& together) {
  const Source split = lowering.add("reshape", {lowering.value(0)}, {{"shape", apart}});
  return lowering.add("reshape", {lowering.add("transpose", {split}, {{"perm", perm}})},
                      {{"shape", together}});
}

void depth_to_space(Lowering& lowering) {
  const auto [channels, height, width, size] = blocks_of(lowering);
  if (channels % (size * size) != 0)
    malformed(lowering.operation(),
              "has " + std::to_string(channels) + " channels; expected blocks of them");
  const std::int64_t left = channels / (size * size);
  const bool columns_first = text(lowering.operation(), "mode", "DCR") == "CRD";
  const Shape apart = columns_first ? Shape{left, size, size, height, width}
                                    : Shape{size, size, left, height, width};
  const List perm = columns_first ? List{0, 3, 1, 4, 2} : List{2, 3, 0, 4, 1};
  lowering.output(arranged(lowering, apart, perm, {left, height * size, width * size}));
}

void space_to_depth(Lowering& lowering) {
  const auto [channels, height, width, size] = blocks_of(lowering);
  if (height % size != 0 || width % size != 0)
    malformed(lowering.operation(), "its blocks do not divide the image");
  const bool columns_first = text(lowering.operation(), "mode", "DCR") == "CRD";
  const List perm = columns_first ? List{0, 2, 4, 1, 3} : List{2, 4, 0, 1, 3};
  lowering.output(arranged(lowering, {channels, height / size, size, width / size, size}, perm,
                           {channels * size * size, height / size, width / size}));
}

// x / (bias + alpha / size * sum of squares over `size` channels around)^beta.
void lrn(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const Shape& shape = lowering.shape(0);
  const std::int64_t size = integer(operation, "size", 0);
  if (lowering.batch_axes() == 0 || shape.empty()) refuse("needs channels behind a batch");
  if (size < 1 || size > 1024) malformed(operation, "has a size of " + std::to_string(size));
  const Source x = lowering.value(0);
  const auto rank = static_cast<std::int64_t>(shape.size());
  List pads(static_cast<std::size_t>(2 * rank), 0);
  pads[0] = (size - 1) / 2;
  pads[rank] = size / 2;
  const Source padded = lowering.add("pad", {lowering.add("mul", {x, x})}, {{"pads", pads}});
  Source sum;
  for (std::int64_t i = 0; i < size; ++i) {
    const Source part = lowering.add(
        "slice", {padded}, {{"starts", List{i}}, {"ends", List{i + shape[0]}}, {"axes", List{0}}});
    sum = i == 0 ? part : lowering.add("add", {sum, part});
  }
  const auto factor =
      static_cast<float>(number(operation, "alpha", 1e-4) / static_cast<double>(size));
  const Source scaled = lowering.add("mul", {sum, lowering.number(factor)});
  const Source base = lowering.add(
      "add", {scaled, lowering.number(static_cast<float>(number(operation, "bias", 1.0)))});
  const Source divisor =
      lowering.add("pow", {base}, {{"exponent", number(operation, "beta", 0.75)}});
  lowering.output(lowering.add("div", {x, divisor}));
}

// ---- Random values of the shape of a value: their mean, for what a network gives must not change
// from one look to the next.

void filled(Lowering& lowering, double mean) {
  const Shape& shape = lowering.shape(0);
  std::int64_t count = 0;
  if (!multiply_extents(shape, 16 * kMostIntegers, count))
    refuse("makes more constants than are computed");
  const ConstantPtr constant = make_floats(
      shape, std::vector<float>(static_cast<std::size_t>(count), static_cast<float>(mean)));
  lowering.output(
      lowering.add("constant", {}, {{"shape", shape}},
                   {{.constant = constant, .shape = shape, .trained = false, .role = "mean"}}));
}

void random_normal_like(Lowering& lowering) {
  filled(lowering, number(lowering.operation(), "mean", 0.0));
}
void random_uniform_like(Lowering& lowering) {
  filled(
      lowering,
      (number(lowering.operation(), "low", 0.0) + number(lowering.operation(), "high", 1.0)) / 2.0);
}

constexpr std::array kImageRules = {
    Rule{"Resize", 1, 4,
         "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside "
         "extrapolation_value keep_aspect_ratio_policy mode "
         "nearest_mode",
         resize, true},
    Rule{"Upsample", 1, 2, "mode scales", resize},  // becomes a Resize before it is read
    Rule{"DepthToSpace", 1, 1, "blocksize mode", depth_to_space, true},
    Rule{"SpaceToDepth", 1, 1, "blocksize mode", space_to_depth, true},
    Rule{"LRN", 1, 1, "alpha beta bias size", lrn, true},
    Rule{"RandomNormalLike", 1, 1, "dtype mean scale seed", random_normal_like},
    Rule{"RandomUniformLike", 1, 1, "dtype high low seed", random_uniform_like},
};

}  // namespace

std::span<const Rule> image_rules() { return kImageRules; }

}  // namespace undying::onnx
