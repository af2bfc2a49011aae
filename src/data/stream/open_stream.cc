#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "data/array/arrays.h"
#include "data/open.h"
#include "data/stream/streams.h"
#include "undying/error.h"

namespace undying::data {
namespace {

[[noreturn]] void fail(std::string_view rest, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("data stream:{}", rest), message);
}

std::shared_ptr<const DataStream> open_slowly_changing(std::string_view period,
                                                       const DataOptions& options) {
  std::int64_t examples = 10'000;
  if (!period.empty()) {
    const auto [end, error] =
        std::from_chars(period.data(), period.data() + period.size(), examples);
    if (error != std::errc() || end != period.data() + period.size() || examples < 1)
      fail(fmt::format("slowly-changing:{}", period),
           fmt::format("has the period \"{}\"; expected a whole number of examples, at least 1",
                       period));
  }
  return slowly_changing_stream(options.seed, examples);
}

template <Permuted kWhat>
std::shared_ptr<const DataStream> open_permuted(std::string_view source,
                                                const DataOptions& options) {
  const Split split = open_dataset(source, options);
  const Dataset& base = *split.train;
  if (split.stream != nullptr || base.classes == 0 || !base.inputs.empty() ||
      base.deviation.size() > static_cast<std::size_t>(base.channels()))
    fail(fmt::format("{}:{}", kWhat == Permuted::kInputs ? "permuted" : "permuted-labels", source),
         "is no data set of classes whose inputs may change places; expected one such as "
         "fashion-mnist, images:DIR or npz:FILE with --normalize unit");
  return permuted_stream(
      split.train,
      fmt::format("{}, {} permuted", source, kWhat == Permuted::kInputs ? "inputs" : "labels"),
      kWhat, options.seed);
}

std::shared_ptr<const DataStream> open_arrays(std::string_view file, const DataOptions&) {
  return ordered_stream(read_npz(file).train, fmt::format("npz:{}", file));
}

struct Form {
  std::string_view kind;
  std::string_view form;
  bool needs_rest;
  std::shared_ptr<const DataStream> (*open)(std::string_view rest, const DataOptions& options);
  std::string_view below;  // the source that `rest` is of, where it is a file; "": it says itself
};

constexpr Form kForms[] = {
    {"slowly-changing", "slowly-changing[:PERIOD]", false, open_slowly_changing, ""},
    {"permuted", "permuted:SOURCE", true, open_permuted<Permuted::kInputs>, ""},
    {"permuted-labels", "permuted-labels:SOURCE", true, open_permuted<Permuted::kLabels>, ""},
    {"npz", "npz:FILE", true, open_arrays, "npz:"}};

struct Parts {
  std::string_view kind;
  std::string_view rest;
};

Parts parts_of(std::string_view text) {
  const auto colon = text.find(':');
  return {text.substr(0, colon),
          colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1)};
}

const Form* find_form(const Parts& parts) {
  const auto* found = std::ranges::find(kForms, parts.kind, &Form::kind);
  if (found == std::end(kForms) || (found->needs_rest && parts.rest.empty())) return nullptr;
  return found;
}

}  // namespace

std::shared_ptr<const DataStream> ordered_stream(std::shared_ptr<const Dataset> all,
                                                 std::string name) {
  auto stream = std::make_shared<DataStream>();
  stream->name = std::move(name);
  stream->stretch = std::min(kStretch, all->size);
  stream->stretch_name = fmt::format("{} examples", stream->stretch);
  stream->examples = all->size;
  stream->read = [all](std::int64_t index) {
    const std::int64_t first = index * kStretch;
    const std::int64_t size = std::min(kStretch, all->size - first);
    const auto part = [&](const auto& values) {
      const auto width = static_cast<std::int64_t>(values.size()) / all->size;
      return std::remove_cvref_t<decltype(values)>(values.begin() + first * width,
                                                   values.begin() + (first + size) * width);
    };
    auto data = std::make_shared<Dataset>();
    data->name = all->name;
    data->size = size;
    data->shape = all->shape;
    data->bytes = part(all->bytes);
    data->values = part(all->values);
    data->classes = all->classes;
    data->labels = part(all->labels);
    data->class_names = all->class_names;
    data->outputs = all->outputs;
    data->targets = part(all->targets);
    return data;
  };
  return stream;
}

Split open_stream(std::string_view text, const DataOptions& options) {
  const Parts parts = parts_of(text);
  const Form* form = find_form(parts);
  if (form == nullptr)
    fail(text, fmt::format("is not known; expected stream: and one of {}",
                           fmt::join(stream_forms(), ", ")));
  if (options.form || options.network)
    fail(text, "goes on, and is for train and compare with a network that is built there");
  const SplitRule none;
  if (!options.test.empty() || !options.group.empty() || options.rule.ordered ||
      options.rule.share != none.share || options.normalize == Normalize::kStandard)
    fail(text,
         "has no test part, and its whole is not known beforehand; expected no --test, --group, "
         "--split, --ordered or --normalize standard");
  Split split;
  split.stream = form->open(parts.rest, options);
  split.train = split.test = split.stream->read(0);
  split.note = fmt::format(
      "a stream, in its order: the error is the online one, of each batch "
      "before the step on it, over stretches of {}",
      split.stream->stretch_name == "task"
          ? fmt::format("{} examples, a task each", split.stream->stretch)
          : split.stream->stretch_name);
  return split;
}

std::vector<std::string> stream_forms() {
  std::vector<std::string> forms;
  for (const Form& form : kForms) forms.emplace_back(form.form);
  return forms;
}

std::vector<std::filesystem::path> stream_files(std::string_view text,
                                                const std::filesystem::path& directory) {
  const Parts parts = parts_of(text);
  const Form* form = find_form(parts);
  if (form == nullptr || !form->needs_rest) return {};
  return files_of(std::string(form->below) + std::string(parts.rest), directory);
}

}  // namespace undying::data
