// The family: the one list that the registry, the parser, the kernels, the tests and the benches
// iterate over. To add a member: write family/NAME-inl.h, include it here and enter it below.

#if defined(UNDYING_ACTIVATIONS_FAMILY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_INL_H_
#endif

#include "activations/family/celu-inl.h"
#include "activations/family/crelu-inl.h"
#include "activations/family/elu-inl.h"
#include "activations/family/gelu-inl.h"
#include "activations/family/gelu_tanh-inl.h"
#include "activations/family/hardsigmoid-inl.h"
#include "activations/family/hardswish-inl.h"
#include "activations/family/identity-inl.h"
#include "activations/family/leaky_relu-inl.h"
#include "activations/family/mish-inl.h"
#include "activations/family/prelu-inl.h"
#include "activations/family/relu-inl.h"
#include "activations/family/relu6-inl.h"
#include "activations/family/rrelu-inl.h"
#include "activations/family/selu-inl.h"
#include "activations/family/sigmoid-inl.h"
#include "activations/family/silu-inl.h"
#include "activations/family/softplus-inl.h"
#include "activations/family/tanh-inl.h"
#include "activations/family/thresholded_relu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

template <class... Members>
struct List {};

// In the order in which it is listed to people.
using Family =
    List<Identity, Relu, LeakyRelu, Prelu, Rrelu, Elu, Selu, Celu, Gelu, GeluTanh, Silu, Mish,
         Softplus, Relu6, ThresholdedRelu, Crelu, Hardswish, Hardsigmoid, Sigmoid, Tanh>;

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_INL_H_
