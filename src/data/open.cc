#include "data/open.h"

#include <fmt/format.h>

#include <cmath>

#include "data/csv.h"
#include "data/idx.h"
#include "data/images.h"
#include "data/npy.h"
#include "data/read_file.h"
#include "data/split.h"
#include "data/synthetic.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFashionMnist = "/usr/share/datasets/fashion-mnist";  // where Debian's package puts it

[[noreturn]] void fail(std::string_view specification, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("data {}", specification), message);
}

Split open_csv(std::string_view rest) {
  const data::CsvSource source = data::parse_csv_source(rest);
  Dataset all = data::parse_csv(data::read_file(source.file), source.file, source.column, source.kind);
  all.name = fs::path(source.file).filename().string();
  return hold_out(std::move(all));
}

Split open(std::string_view specification, const fs::path& directory, std::uint64_t seed) {
  const auto colon = specification.find(':');
  const std::string_view kind = specification.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : specification.substr(colon + 1);
  const bool bare = colon == std::string_view::npos;
  if (kind == "fashion-mnist" && bare)
    return data::open_idx(directory.empty() ? fs::path(kFashionMnist) : directory, "fashion-mnist",
                          "install the Debian package dataset-fashion-mnist, or say where it is with --data-dir", 10);
  if (kind == "spirals" && bare) return data::spirals(seed);
  if (kind == "abs" && bare) return data::absolute_value(seed);
  if (kind == "slowly-changing" && bare) return data::slowly_changing(seed);
  if (!bare && rest.empty()) fail(specification, fmt::format("names no file; expected {}:PLACE", kind));
  if (kind == "idx" && !bare)
    return data::open_idx(fs::path(rest), fs::path(rest).filename().string(),
                          "expected {train,t10k}-{images-idx3,labels-idx1}-ubyte in the folder");
  if (kind == "images" && !bare) return data::open_images(rest);
  if (kind == "npy" && !bare) return data::open_npy(rest);
  if (kind == "npz" && !bare) return data::open_npz(fs::path(rest));
  if (kind == "csv" && !bare) return open_csv(rest);
  fail(specification,
       "is not known; expected fashion-mnist, idx:DIR, images:DIR[:size=HxW], npy:X.npy,Y.npy, npz:FILE, "
       "csv:FILE[:label=NAME|:target=NAME], "
       "spirals, abs or slowly-changing");
}

}  // namespace

std::vector<fs::path> data::files_of(std::string_view specification, const fs::path& directory) {
  const auto colon = specification.find(':');
  const std::string_view kind = specification.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : specification.substr(colon + 1);
  if (kind == "csv") return {parse_csv_source(rest).file};
  if (kind == "npz") return {fs::path(rest)};
  if (kind == "npy")
    return {fs::path(rest.substr(0, rest.find(','))), fs::path(rest.substr(std::min(rest.find(','), rest.size() - 1) + 1))};
  const fs::path folder = kind == "idx" ? fs::path(rest) : specification == "fashion-mnist" ? directory : fs::path();
  if (folder.empty()) return {};
  std::vector<fs::path> files;
  for (const char* part : {"train", "t10k"})
    for (const char* what : {"images-idx3", "labels-idx1"})
      for (const char* ending : {"-ubyte", "-ubyte.gz"}) files.push_back(folder / fmt::format("{}-{}{}", part, what, ending));
  return files;
}

Split open_dataset(std::string_view specification, Normalize normalize, const fs::path& directory, std::uint64_t seed) {
  Split split = open(specification, directory, seed);
  if (normalize == Normalize::kUnit) return split;
  // Nobody else has the parts yet: they change in place, for a copy may not fit into memory.
  data::standardise(const_cast<Dataset&>(*split.train), const_cast<Dataset&>(*split.test));
  split.normalize = normalize;
  return split;
}

}  // namespace undying
