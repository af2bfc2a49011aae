#ifndef UNDYING_ONNX_READ_METADATA_H_
#define UNDYING_ONNX_READ_METADATA_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/read/read.h"

namespace undying::onnx {

// What PyTorch's exporter says of a node beside the node itself, since 2.9 (`metadata_props`, which
// ONNX has since 1.16). Its optimizer merges equal initializers, removes biases of 0, transposes
// weights and folds batch norms; the names of what was there stand here.
struct NodeOrigin {
  std::vector<std::string>
      parameters;                    // the tensors of the module, by the names PyTorch gives them
  std::vector<std::string> buffers;  // those of them that are no parameters
  std::string module;                // the path of the module; "" unknown
  bool folded_norm = false;          // a batch norm went into this layer
  std::vector<std::string> norm;     // its scale, shift, running mean and variance
  bool known = false;                // the node has such metadata
};

// `initializers`: names that the file has, of which exporters keep most.
// Names that neither its initializers nor its modules tell start with %.
NodeOrigin origin_of(const pb::NodeProto& node, const std::vector<std::string>& initializers);

// Once all nodes are read: what some tell others may be called by.
void complete_names(std::span<NodeOrigin* const> origins);

// The pieces. The names of parameters and buffers in the text of a node of torch.fx, mangled:
// "p_fc_weight" of "%p_fc_weight".
std::vector<std::string> mangled_names(std::string_view fx_node);
// The texts of a list as Python writes it: "['', 'fc', 'linear']".
std::vector<std::string> python_list(std::string_view text);
// "fc.weight" of "p_fc_weight": an initializer that is mangled like this, else a tensor of one of
// the modules; "" where neither fits.
std::string true_name(const std::string& mangled, const std::vector<std::string>& scopes,
                      const std::vector<std::string>& initializers);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_METADATA_H_
