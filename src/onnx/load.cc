#include <algorithm>
#include <new>
#include <stdexcept>

#include "onnx/emit.h"
#include "onnx/fold.h"
#include "onnx/parse.h"
#include "onnx/patterns.h"
#include "undying/error.h"
#include "undying/onnx.h"

namespace undying::onnx {
namespace {

// Errors from inside name a node or a tensor; people need to know the file first.
[[noreturn]] void rethrow(const std::filesystem::path& file, const Error& error) {
  const std::string what = error.what();
  const std::string message = what.substr(std::min(what.size(), error.subject().size() + 3));
  const bool ours = error.subject() == file.string();
  const ErrorCode code = error.code() == ErrorCode::kInvalidArgument ? ErrorCode::kBadData : error.code();
  throw Error(code, file.string(), ours ? message : error.subject() + ": " + message);
}

Model read(const std::filesystem::path& file, const LoadOptions& options) {
  pb::ModelProto proto = read_model(file);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  Net net = parse(proto, folder, options.batched);
  proto.Clear();
  fold(net);
  recognise(net);
  return emit(net);
}

}  // namespace

Model load(const std::filesystem::path& file, const LoadOptions& options) {
  try {
    return read(file, options);
  } catch (const Error& error) {
    rethrow(file, error);
  } catch (const Refusal& refusal) {
    throw Error(ErrorCode::kUnsupported, file.string(), refusal.message);
  } catch (const std::length_error&) {
    throw Error(ErrorCode::kBadData, file.string(), "asks for more memory than there is");
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kBadData, file.string(), "asks for more memory than there is");
  }
}

}  // namespace undying::onnx
