#ifndef UNDYING_ONNX_H_
#define UNDYING_ONNX_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"

// Models as ONNX files: opsets 1 to 28 in, opset 20 out unless asked otherwise. docs/onnx.md lists
// what is read, what is recognised and what is written.
namespace undying::onnx {

struct LoadOptions {
  // Whether the first dimension of every input of the model counts examples, as networks are
  // exported. If not, an input as a whole is one example.
  bool batched = true;
  // The values that are wanted, of any name in the graph, in this order; what they do not need is
  // no obstacle. Empty: the model's outputs.
  std::vector<std::string> outputs = {};
  // Extents of inputs: of one example; or with all dimensions: where none counts examples, or one
  // does, whose extent is 0 here.
  std::map<std::string, Shape> shapes = {};
  // For weights that will be drawn anew: batch norms that the exporter folded are there again.
  bool fresh = false;
};

// What a file holds.
struct Model {
  Graph graph;
  std::vector<Tensor>
      weights;  // every tensor that a node of the graph owns, by the name the node gives it
  std::vector<std::string> inputs;   // the model's names of graph.inputs(), in that order
  std::vector<std::string> outputs;  // and of graph.outputs()
  std::vector<std::string>
      notes;  // what was changed or recognised on the way in, one sentence each
  std::optional<DataForm> form = std::nullopt;  // how the network's data was read; the graph then
                                                // begins behind that, and ends before it is undone
  std::int64_t opset = 0;                       // of the file
  std::string producer;  // the program that wrote the file, with its version; "" unknown
  std::vector<std::pair<std::string, std::string>> metadata;  // the file's own, in its order
  bool external = false;         // tensors were stored in a file beside it
  std::vector<int> chosen = {};  // positions in `outputs` of what LoadOptions::outputs asks for, in
                                 // that order; else of all
  std::size_t own = 0;  // of `outputs`, from the front, that are the file's own; values from inside
                        // the graph come last
  // Inputs and outputs that are one number an example without a dimension of its own: (N) in the
  // file, and (N, 1) in the graph.
  std::vector<std::string> scalars = {};
  // Outputs of the file that could not be read, and were not asked for: "action: WHY".
  std::vector<std::string> left_out = {};
  std::string forward_only = {};  // why nothing in it can be trained: "12 operations round to whole
                                  // numbers ..."; "": it can
  std::vector<std::string> frozen = {};  // tensors of operators that train, which were no
                                         // parameters where the network was made: buffers
};

// Reads a model that nobody vouches for. Dropout and batch norm become operators that train,
// whatever mode the file was exported in. Nodes keep the names of the user's modules; an
// activation's attribute `layer` names the node whose weights feed it. Throws Error: kNotFound,
// kIo; kBadData for a file that is malformed or contradicts itself; kUnsupported, one error that
// lists every node that cannot become an operator, by name and operator with the reason. Tensors
// stored outside the file are read from its folder only.
Model load(const std::filesystem::path& file, const LoadOptions& options = {});

struct SaveOptions {
  bool fold = false;  // batch norms are folded into the linear or convolution before them, where
                      // nothing else reads that
  std::vector<std::string> inputs;   // names for graph.inputs(); none: the nodes' names
  std::vector<std::string> outputs;  // names for graph.outputs(); none: the nodes' names
  std::vector<std::string> scalars;  // of both, those to be written as (N), as Model::scalars
  std::optional<DataForm> form;      // written around the network: the file takes data as it is and
                                     // gives answers in their own units
  std::string doc;                   // what was done to the model, for its doc string
  // 17 to 28, as far as the ONNX library goes; 0: 20, or its last where that is less.
  std::int64_t opset = 0;
  std::vector<std::pair<std::string, std::string>> metadata;  // for the file, as Model::metadata
  bool external = false;  // tensors of 1,024 bytes and more go into FILE.data beside the file,
                          // which comes first
};

// How a model is written as the one it came from was: its names, metadata, where its tensors lie,
// and its opset, if that is written at all.
SaveOptions like(const Model& model);

// Writes the network as it evaluates: dropout is gone, random slopes are their mean, batch norm
// uses its running statistics. The batch dimension is called N; the ONNX checker has passed what is
// written, and the file appears whole or not at all. `weights` holds every tensor that a node owns,
// by name; others are left out. Throws Error: kInvalidArgument for a tensor that is missing or has
// another shape and for names of another number or an opset out of range, kUnsupported for what
// ONNX cannot say, kIo.
void save(const std::filesystem::path& file, const Graph& graph, std::span<const Tensor> weights,
          const SaveOptions& options = {});

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_H_
