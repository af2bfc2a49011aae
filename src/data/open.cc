#include "data/open.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/nearest.h"
#include "data/array/arrays.h"
#include "data/array/idx.h"
#include "data/axes.h"
#include "data/image/images.h"
#include "data/named.h"
#include "data/scaling.h"
#include "data/stream/streams.h"
#include "data/synthetic.h"
#include "data/table/csv.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFashionMnist =
    "/usr/share/datasets/fashion-mnist";  // where Debian's package puts it

[[noreturn]] void fail(std::string_view specification, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("data {}", specification), message);
}

// "csv:FILE" in two.
struct Name {
  std::string_view text;
  std::string_view kind;
  std::string_view rest;
  bool bare = false;  // without a colon

  explicit Name(std::string_view whole) : text(whole) {
    const auto colon = text.find(':');
    kind = text.substr(0, colon);
    bare = colon == std::string_view::npos;
    if (!bare) rest = text.substr(colon + 1);
  }
};

// What `--test` names, without the kind, which is that of the data.
std::string_view test_of(std::string_view kind, std::string_view test) {
  return test.starts_with(kind) && test.substr(kind.size()).starts_with(':')
             ? test.substr(kind.size() + 1)
             : test;
}

Split given(const std::shared_ptr<Dataset>& train, const std::shared_ptr<Dataset>& test,
            const std::string& file) {
  if (train->shape != test->shape || train->outputs != test->outputs ||
      (train->classes == 0) != (test->classes == 0))
    fail(file, fmt::format("has examples or targets of another shape than {}; expected parts that "
                           "differ in their number of examples only",
                           train->name));
  train->classes = test->classes = std::max(train->classes, test->classes);
  train->name += " train";
  test->name += " test";
  return {.train = train, .test = test, .note = fmt::format("tested on {}", file)};
}

// How the rows of a table are read; `coding`: like an earlier one.
using ReadTable =
    std::function<data::CsvTable(const std::string& group, const data::Coding* coding)>;

// `test`: none where a part is held out; `test_name`: what it is called.
Split open_table(const data::CsvSource& source, const ReadTable& read, const ReadTable& test,
                 const std::string& test_name, const DataOptions& options) {
  const bool known = options.form && !options.form->columns.empty();
  const data::Coding form = known ? data::Coding{options.form->columns, options.form->class_names,
                                                 source.column.value_or(options.form->target)}
                                  : data::Coding{};
  data::CsvTable table = read(options.group, known ? &form : nullptr);
  if (known && table.data.labels.empty() && table.data.targets.empty())
    fail(source.text_form(), fmt::format("has no column \"{}\", which the model predicts; name it "
                                         "with :label=NAME or :target=NAME",
                                         form.target));
  const data::Coding coding{table.reading.columns, table.data.class_names, table.data.target};
  if (options.network) data::bind_columns(table.data, table.reading, *options.network);
  if (options.network && options.network->inputs.size() > 1) table.data.missing.clear();
  Split split;
  if (!test) {
    split = hold_out(std::move(table.data), options.rule);
  } else {
    data::CsvTable tested = test({}, &coding);
    if (tested.data.labels.empty() && tested.data.targets.empty())
      fail(test_name, fmt::format("has no column \"{}\" to test on", coding.target));
    if (options.network) data::bind_columns(tested.data, tested.reading, *options.network);
    table.data.groups.clear();
    split = given(std::make_shared<Dataset>(std::move(table.data)),
                  std::make_shared<Dataset>(std::move(tested.data)), test_name);
    for (const std::string& warning : tested.reading.warnings)
      table.reading.warnings.push_back(fmt::format("{}: {}", test_name, warning));
  }
  split.reading = std::move(table.reading);
  // Nobody else has the parts yet.
  if (!split.given)
    data::fill_missing(const_cast<Dataset&>(*split.train), const_cast<Dataset&>(*split.test),
                       split.reading.columns);
  return split;
}

// What one input of a network takes that names no columns of its own.
std::vector<std::int64_t> example_of(const DataOptions& options) {
  const bool columns = options.form && !options.form->columns.empty();
  return options.network && options.network->inputs.size() == 1 && !columns
             ? options.network->inputs[0].shape
             : std::vector<std::int64_t>();
}

Split open_table_file(const Name& name, const DataOptions& options) {
  const data::TableFormat format = data::table_format(name.kind).value_or(data::TableFormat::kCsv);
  data::CsvSource source = data::parse_csv_source(name.rest, format);
  source.example = example_of(options);
  const auto reader = [&options](const data::CsvSource& file) -> ReadTable {
    return [&options, file](const std::string& group, const data::Coding* coding) {
      return data::read_table_file(file, group, coding, options.watch);
    };
  };
  if (options.test.empty()) return open_table(source, reader(source), {}, {}, options);
  data::CsvSource test = data::parse_csv_source(test_of(name.kind, options.test), format);
  if (test.missing == data::Missing::kRefuse) test.missing = source.missing;
  if (test.header == data::Header::kAuto) test.header = source.header;
  if (test.numbers.empty()) test.numbers = source.numbers;
  return open_table(source, reader(source), reader(test), test.file, options);
}

Split parted(data::ArrayParts parts, const DataOptions& options) {
  Split split;
  if (parts.test != nullptr) {
    split = {.train = parts.train, .test = parts.test, .note = ""};
  } else {
    split = hold_out(std::move(*parts.train), options.rule);
  }
  split.reading = std::move(parts.reading);
  return split;
}

void refuse_group(const Name& name, const DataOptions& options) {
  if (!options.group.empty()) fail(name.text, "has no columns for --group; it goes with csv:");
}

Split open_arrays(const Name& name, const DataOptions& options) {
  refuse_group(name, options);
  const auto read = [&](std::string_view rest) {
    return name.kind == "npy" ? data::read_npy(rest)
                              : data::read_npz(rest, options.network ? &*options.network : nullptr);
  };
  data::ArrayParts parts = read(name.rest);
  if (options.test.empty()) return parted(std::move(parts), options);
  if (parts.test != nullptr)
    fail(options.test, fmt::format("is named as test part, but {} brings its own", name.rest));
  Split split = given(parts.train, read(test_of(name.kind, options.test)).train, options.test);
  split.reading = std::move(parts.reading);
  return split;
}

// Options that a source with parts of its own would pass over.
void refuse_split_options(const Name& name, const DataOptions& options, bool draws = false) {
  const SplitRule none;
  refuse_group(name, options);
  if (!options.test.empty())
    fail(name.text, "has no use for --test; it goes with csv:, npy: and npz:");
  if (options.rule.ordered)
    fail(name.text, "has no use for --ordered; it goes with csv:, npy: and npz:");
  if (!draws && (options.rule.share != none.share || options.rule.seed != none.seed))
    fail(name.text, "comes with a test part; --split has no use");
}

Split open_fashion_mnist(const Name& name, const DataOptions& options) {
  refuse_split_options(name, options);
  return data::open_idx(
      options.directory.empty() ? fs::path(kFashionMnist) : options.directory, "fashion-mnist",
      "install the Debian package dataset-fashion-mnist, or say where it is with --data-dir", 10);
}

Split open_idx(const Name& name, const DataOptions& options) {
  refuse_split_options(name, options);
  return data::open_idx(fs::path(name.rest), fs::path(name.rest).filename().string(),
                        "expected {train,t10k}-{images-idx3,labels-idx1}-ubyte in the folder");
}

Split open_images(const Name& name, const DataOptions& options) {
  refuse_split_options(name, options, true);
  return data::open_images(name.rest, options.rule);
}

template <Split (*kMake)(std::uint64_t seed)>
Split open_made(const Name& name, const DataOptions& options) {
  refuse_split_options(name, options);
  return kMake(options.seed);
}

Split open_stream(const Name& name, const DataOptions& options) {
  return data::open_stream(name.rest, options);
}

using Paths = std::vector<fs::path>;

Paths table_files(const Name& name, const fs::path&) {
  return {data::parse_csv_source(name.rest).file};
}
Paths npz_files(const Name& name, const fs::path&) {
  return {fs::path(data::array_files(name.rest))};
}

Paths files_of_stream(const Name& name, const fs::path& directory) {
  return data::stream_files(name.rest, directory);
}

Paths npy_files(const Name& name, const fs::path&) {
  const std::string_view rest = data::array_files(name.rest);
  return {fs::path(rest.substr(0, rest.find(','))),
          fs::path(rest.substr(std::min(rest.find(','), rest.size() - 1) + 1))};
}

Paths idx_files(const Name& name, const fs::path& directory) {
  const fs::path folder = name.bare ? directory : fs::path(name.rest);
  if (folder.empty()) return {};
  Paths files;
  for (const char* part : {"train", "t10k"})
    for (const char* what : {"images-idx3", "labels-idx1"})
      for (const char* ending : {"-ubyte", "-ubyte.gz"})
        files.push_back(folder / fmt::format("{}-{}{}", part, what, ending));
  return files;
}

// A source of data: all that is said of one, in help, errors and `undying list` too.
struct Source {
  std::string_view kind;
  std::string_view form;  // as it is written: "idx:DIR"
  Split (*open)(const Name& name, const DataOptions& options);
  // That it reads; null: none, or too many to name.
  Paths (*files)(const Name& name, const fs::path& directory) = nullptr;
  bool numbers = false;                          // tables and arrays, of whatever scale
  std::array<std::string_view, 4> endings = {};  // of files that are of this kind

  bool has_place() const { return form.find(':') != std::string_view::npos; }
};

std::span<const Source> sources() {
  static const std::string streams = fmt::format("stream:{}", fmt::join(data::stream_forms(), "|"));
  static const std::array all = {
      Source{"fashion-mnist", "fashion-mnist", open_fashion_mnist, idx_files},
      Source{"idx", "idx:DIR", open_idx, idx_files},
      Source{"images", "images:DIR[:size=HxW]", open_images},
      Source{"npy", "npy:X.npy,Y.npy", open_arrays, npy_files, true, {".npy"}},
      Source{"npz", "npz:FILE", open_arrays, npz_files, true, {".npz"}},
      Source{"csv",
             "csv:FILE[:label=NAME|:target=NAME]",
             open_table_file,
             table_files,
             true,
             {".csv", ".tsv", ".txt", ".data"}},
      Source{"parquet", "parquet:FILE", open_table_file, table_files, true, {".parquet"}},
      Source{"arrow", "arrow:FILE", open_table_file, table_files, true, {".arrow", ".feather"}},
      Source{"spirals", "spirals", open_made<data::spirals>},
      Source{"abs", "abs", open_made<data::absolute_value>},
      Source{"slowly-changing", "slowly-changing", open_made<data::slowly_changing>},
      Source{"stream", streams, open_stream, files_of_stream}};
  return all;
}

// Null: of no kind there is.
const Source* find_source(const Name& name) {
  const auto is = [&](const Source& source) {
    return source.kind == name.kind && source.has_place() == !name.bare;
  };
  const auto found = std::ranges::find_if(sources(), is);
  return found == sources().end() ? nullptr : &*found;
}

// What an unknown source may be: a file or folder without its kind, or a kind written wrong. "":
// nobody knows.
std::string perhaps(const Name& name) {
  const std::string whole(name.text);
  std::vector<std::string> kinds;
  for (const Source& source : sources()) kinds.emplace_back(source.kind);
  const auto kind = std::ranges::find(sources(), name.kind, &Source::kind);
  if (kind != sources().end() && name.bare)  // without its place
    return std::string(kind->form.substr(0, kind->form.find('[')));
  for (const std::string& form : data::stream_forms())
    if (!name.bare && form.substr(0, form.find_first_of("[:")) == name.kind)
      return "stream:" + whole;
  if (kind != sources().end()) return std::string(kind->kind);  // which has no place
  std::string near = nearest(name.kind, kinds);
  if (!near.empty() && !name.bare) return near + ":" + std::string(name.rest);
  std::error_code ignored;
  if (fs::is_directory(whole, ignored)) return "images:" + whole;
  fs::path file = name.kind;
  if (file.extension() == ".gz") file = file.stem();
  for (const Source& source : sources()) {
    if (file.extension().empty() ||
        std::ranges::find(source.endings, file.extension().string()) == source.endings.end())
      continue;
    const auto second = source.form.find(',');  // where it is written with two files
    return std::string(source.kind) + ":" + whole +
           std::string(second == std::string_view::npos ? "" : source.form.substr(second));
  }
  return near;
}

Split open(const Name& name, const DataOptions& options) {
  if (const Source* source = find_source(name); source != nullptr) {
    if (source->has_place() && name.rest.empty())
      fail(name.text, fmt::format("names no file; expected {}:PLACE", name.kind));
    return source->open(name, options);
  }
  const std::string meant = perhaps(name);
  fail(name.text,
       fmt::format("is not known{}; expected one of {}", meant.empty() ? "" : ", perhaps " + meant,
                   fmt::join(data::source_forms(), ", ")));
}

}  // namespace

std::vector<std::string> data::source_forms() {
  std::vector<std::string> forms;
  for (const Source& source : sources()) forms.emplace_back(source.form);
  return forms;
}

std::vector<fs::path> data::files_of(std::string_view specification, const fs::path& directory) {
  const Name name(specification);
  const Source* source = find_source(name);
  return source == nullptr || source->files == nullptr ? std::vector<fs::path>()
                                                       : source->files(name, directory);
}

namespace {

// Brings the parts of a source to the form of the network at hand, or to the scale that is asked
// for. `table`: their columns are unlike.
Split fitted(Split split, const DataOptions& options, bool images, bool table) {
  for (const auto& part : {split.train, split.test}) {
    auto& own = const_cast<Dataset&>(*part);  // nobody else has the parts yet
    if (options.network) data::fit_to(own, *options.network, images);
  }
  if (options.form) {
    // Nobody else has the parts yet: they change in place, for a copy may not fit into memory.
    for (const auto& part : {split.train, split.test})
      data::apply_form(const_cast<Dataset&>(*part), *options.form);
    return split;
  }
  data::scale(split, options.normalize, options.scale_targets, table);
  return split;
}

}  // namespace

Split open_dataset(std::string_view specification, const DataOptions& options) {
  const Name name(specification);
  Split split = open(name, options);
  if (split.stream != nullptr) return split;  // of which nothing is known but its first stretch
  return fitted(std::move(split), options, name.kind == "images", find_source(name)->numbers);
}

Split data::open_arrays_in_memory(ArrayParts parts, const DataOptions& options) {
  if (!options.group.empty()) fail("in memory", "has no columns for --group; it goes with frames");
  return fitted(parted(std::move(parts), options), options, false, true);
}

Split data::open_table_in_memory(Records& rows, Records* test, const CsvSource& source,
                                 const DataOptions& options) {
  CsvSource meant = source;
  meant.example = example_of(options);
  const auto reader = [&](Records& of) -> ReadTable {
    return [&](const std::string& group, const Coding* coding) {
      return read_table(of, meant, group, coding, options.watch);
    };
  };
  return fitted(open_table(source, reader(rows), test != nullptr ? reader(*test) : ReadTable(),
                           test != nullptr ? test->name() : "", options),
                options, false, true);
}

std::shared_ptr<Dataset> data::open_inputs_in_memory(Records& rows, const CsvSource& source,
                                                     const std::optional<DataForm>& form) {
  const bool known = form && !form->columns.empty();
  const Coding coding = known ? Coding{form->columns, {}, "\n"}
                              : Coding{};  // no column is called so: there is nothing to predict
  CsvTable table = read_table(rows, source, {}, known ? &coding : nullptr);
  if (form) apply_form(table.data, *form);
  return std::make_shared<Dataset>(std::move(table.data));
}

}  // namespace undying
