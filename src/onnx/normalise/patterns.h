#ifndef UNDYING_ONNX_NORMALISE_PATTERNS_H_
#define UNDYING_ONNX_NORMALISE_PATTERNS_H_

#include "onnx/net.h"

namespace undying::onnx {

// Each recognises one kind of composite in a folded net, puts one operation in its place and notes
// how many it found. Values between the parts that something else reads stay computed. In the order
// in which they are to run.

// Transposes that bring channels first for one operation and last again behind it move down until
// they meet and cancel; one between a layer and its activation moves behind both.
void cancel_transposes(Net& net);
// A Pad of zeros before a convolution becomes its pads.
void merge_pads(Net& net);
// Formulas of one value: GELU, SiLU, Mish, Hardswish, layer norm, softmax, ...
void recognise_formulas(Net& net);
// CReLU, which joins two halves, and RReLU, whose slopes are random values.
void recognise_rectifiers(Net& net);
// Reshape, InstanceNormalization, Reshape: group norm.
void recognise_group_norms(Net& net);
// A product with a constant, or a sum, behind a normalisation, a convolution or a matrix product:
// its scale, its bias.
void merge_affine(Net& net);

// Biases of 0 that the exporter left out are there again.
void restore_biases(Net& net);

// All of them.
void recognise(Net& net);

// The operation that gives a value, where nothing else reads it; null otherwise.
const Operation* sole_producer(const Net& net, const std::vector<std::vector<int>>& readers,
                               int value);

// Appends "COUNT WHAT" to the notes unless count is 0.
void note(Net& net, int count, const std::string& what);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_PATTERNS_H_
