#include "onnx/load.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "onnx/form.h"
#include "onnx/lower/emit.h"
#include "onnx/names.h"
#include "onnx/normalise/fold.h"
#include "onnx/normalise/one_example.h"
#include "onnx/normalise/patterns.h"
#include "onnx/read/parse.h"
#include "onnx/run.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

Model interpret(pb::ModelProto proto, const std::filesystem::path& folder,
                const LoadOptions& options) {
  std::optional<DataForm> form = take_form(proto);
  std::vector<std::pair<std::string, std::string>> metadata;
  for (const auto& entry : proto.metadata_props())
    metadata.emplace_back(printable(entry.key()), entry.value());
  const std::string version =
      proto.producer_version().empty() ? "" : " " + proto.producer_version();
  const std::string producer = printable(proto.producer_name() + version);
  const bool external =
      std::ranges::any_of(proto.graph().initializer(), [](const pb::TensorProto& tensor) {
        return tensor.data_location() == pb::TensorProto::EXTERNAL;
      });
  Net net = parse(proto, folder, options);
  proto.Clear();
  net.ours = producer.starts_with("undying ");
  if (options.batched) find_batch_of_one(net);
  fold(net);
  recognise(net);
  Model model = emit(net);
  derive(model);
  model.form = std::move(form);
  model.opset = net.opset;
  model.producer = producer;
  model.metadata = std::move(metadata);
  model.external = external;
  return model;
}

// Errors from inside name a node or a tensor; people need to know the file first.
[[noreturn]] void rethrow(const std::filesystem::path& file, const Error& error) {
  const bool whole = error.subject() == file.string() || error.subject() == "file";
  throw whole ? Error(error.code(), file.string(), error.message()) : error.within(file.string());
}

}  // namespace

Model load_bytes(std::string bytes, const std::filesystem::path& folder,
                 const LoadOptions& options) {
  try {
    pb::ModelProto proto = parse_model(bytes);
    std::string().swap(bytes);  // a large file is not held twice
    return interpret(std::move(proto), folder, options);
  } catch (const Error& error) {
    // Operators and graphs speak of arguments; here they come from a file.
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    throw Error(ErrorCode::kBadData, error.subject(), error.message());
  } catch (const Refusal& refusal) {
    throw Error(ErrorCode::kUnsupported, "graph", refusal.message);
  } catch (const std::length_error&) {
    throw Error(ErrorCode::kBadData, "file", "asks for more memory than there is");
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kBadData, "file", "asks for more memory than there is");
  }
}

namespace {

// "--shape x=3,224,224", an option an input.
std::string option_text(const InputExtents& shapes) {
  std::string text;
  for (const auto& [name, shape] : shapes) {
    text += (text.empty() ? "--shape " : " --shape ") + name + "=";
    for (std::size_t i = 0; i < shape.size(); ++i)
      text += (i == 0 ? "" : ",") + std::to_string(shape[i]);
  }
  return text;
}

// Tries what may help, by loading the file again.
class Trial {
 public:
  Trial(const std::filesystem::path& file, const std::filesystem::path& folder,
        const LoadOptions& options)
      : file_(file), folder_(folder), options_(options) {}

  // Options that were tried.
  std::string advice(const Unread& error) {
    if (const InputExtents* works = first_that_helps(error.likely))
      return "\n  to fix what is open, which is all it takes: such as " + option_text(*works);
    std::string text = error.others.empty() ? "" : "\n  to have " + error.others;
    if (!error.likely.empty())
      text += "\n  to fix what is open: such as " + option_text(error.likely.front()) +
              "\n  then, " + obstacles_with(error.likely.front(), true);
    return text + whole_text(error);
  }

 private:
  std::string whole_text(const Unread& error) {
    const InputExtents* works = first_that_helps(error.whole);
    return works == nullptr ? "" : "\n  to take a batch as one example: " + option_text(*works);
  }

  const InputExtents* first_that_helps(const std::vector<InputExtents>& shapes) {
    const auto found = std::ranges::find_if(
        shapes, [&](const InputExtents& each) { return obstacles_with(each, false).empty(); });
    return found == shapes.end() ? nullptr : &*found;
  }

  // What stands in the way with these shapes, too, and with `advise` the batch as one example if
  // that helps; "": nothing.
  std::string obstacles_with(const InputExtents& shapes, bool advise) {
    const LoadOptions before = options_;
    for (const auto& [name, shape] : shapes) options_.shapes.insert_or_assign(name, shape);
    std::string text;
    try {
      load_bytes(read_bytes(file_), folder_, options_);
    } catch (const Unread& error) {
      const std::string others = error.others.empty() ? "" : "\n  to have " + error.others;
      text = error.message() + (advise ? others + whole_text(error) : "");
    } catch (const Error& error) {
      text = error.what();
    }
    options_ = before;
    return text;
  }

  const std::filesystem::path& file_;
  const std::filesystem::path& folder_;
  LoadOptions options_;
};

}  // namespace

Model load(const std::filesystem::path& file, const LoadOptions& options) {
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::string bytes = read_bytes(file);
  try {
    return load_bytes(std::move(bytes), folder, options);
  } catch (const Unread& error) {
    rethrow(file, Error(error.code(), error.subject(),
                        error.message() + Trial(file, folder, options).advice(error)));
  } catch (const Error& error) {
    rethrow(file, error);
  }
}

}  // namespace undying::onnx
