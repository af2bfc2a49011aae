# Adds an activation to a copy of this layer by writing one definition and entering it in the list, builds the copy, and checks that the
# new member appears in the list, the parser, the conformance tests, the ONNX names and the bench.
#
#   cmake -D SOURCE=<repository> -D WORK=<scratch folder> -P add_activation_test.cmake

foreach(path cmake/layer.cmake include/undying/activation.h include/undying/error.h src/activations src/base bench/activations.cmake
    bench/activations_bench.cc bench/activations_peers.cc bench/activations_peers.h)
  get_filename_component(folder ${path} DIRECTORY)
  file(COPY ${SOURCE}/${path} DESTINATION ${WORK}/${folder})
endforeach()

# What a contributor writes: this file ...
file(WRITE ${WORK}/src/activations/family/hardtanh-inl.h [=[
#if defined(UNDYING_ACTIVATIONS_FAMILY_HARDTANH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_HARDTANH_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_HARDTANH_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_HARDTANH_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Hardtanh : Definition {
  static constexpr std::array kParameters{ActivationParameter{"bound", 1.0f, 1e-6f, 1e6f, "largest output"}};
  static constexpr std::array<std::string_view, 1> kAttributes{"bound"};
  static constexpr std::array kKinks{-1.0f, 1.0f};
  static constexpr ActivationInfo kInfo{.name = "hardtanh",
                                        .formula = "min(max(x, -bound), bound)",
                                        .source = "Collobert 2004",
                                        .parameters = kParameters,
                                        .onnx_operator = "HardTanh",
                                        .onnx_attributes = kAttributes,
                                        .kinks = kKinks,
                                        .has_zero_gradient = true};

  explicit Hardtanh(Parameters parameters) : bound(parameters[0]) {}
  float bound;

  M zero_gradient(D d, V x) const { return hn::Or(hn::Le(x, hn::Set(d, -bound)), hn::Gt(x, hn::Set(d, bound))); }

  HWY_INLINE V forward(D d, V x) const { return at_most(d, bound, at_least(d, -bound, x)); }
  HWY_INLINE V derivative(D d, V x) const { return hn::IfThenZeroElse(zero_gradient(d, x), hn::Set(d, 1.0f)); }

  double value(double x) const { return x <= -bound ? -bound : (x > bound ? bound : x); }
  double derivative(double x) const { return x <= -bound || x > bound ? 0.0 : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_HARDTANH_INL_H_
]=])

# ... and two lines in the list.
set(list ${WORK}/src/activations/family-inl.h)
file(READ ${list} text)
string(REPLACE "#include \"activations/family/tanh-inl.h\"" "#include \"activations/family/hardtanh-inl.h\"\n#include \"activations/family/tanh-inl.h\""
  text "${text}")
string(REPLACE "Tanh>;" "Tanh, Hardtanh>;" text "${text}")
file(WRITE ${list} "${text}")

# The build around them, with one vector target and little optimization, so that it is quick.
file(GLOB unneeded ${WORK}/src/base/*.cc)
list(FILTER unneeded EXCLUDE REGEX "/(buffer|nearest|philox)\\.cc$")
file(REMOVE ${unneeded})
file(WRITE ${WORK}/src/base/CMakeLists.txt "undying_layer(base)\n")
file(WRITE ${WORK}/bench/CMakeLists.txt "include(activations.cmake)\n")
file(WRITE ${WORK}/facts.cc [=[
#include <iostream>

#include "undying/activation.h"

int main() {
  for (const undying::ActivationInfo& info : undying::activation_family()) std::cout << info.name << " onnx=" << info.onnx_operator << '\n';
  std::cout << undying::Activation("hardtanh:2.5").specification() << '\n';
}
]=])
file(WRITE ${WORK}/CMakeLists.txt [=[
cmake_minimum_required(VERSION 3.25)
project(added LANGUAGES CXX)
set(UNDYING_BUILD_TESTS ON)
set(UNDYING_ADD_ACTIVATION_TEST OFF)
include(GNUInstallDirs)
include(cmake/layer.cmake)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED)
find_package(hwy REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(GTest REQUIRED)
include(GoogleTest)
enable_testing()
add_library(undying_warnings INTERFACE)
add_subdirectory(src/base)
add_subdirectory(src/activations)
add_subdirectory(bench)
add_executable(facts facts.cc)
target_link_libraries(facts PRIVATE undying::activations)
]=])

function(run what)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text where)
  if(NOT output MATCHES "${text}")
    message(FATAL_ERROR "\"${text}\" does not appear in ${where}:\n${output}")
  endif()
endfunction()

set(launcher)
find_program(ccache ccache)
if(ccache)
  set(launcher -DCMAKE_CXX_COMPILER_LAUNCHER=${ccache})
endif()
file(REMOVE_RECURSE ${WORK}/build/CMakeCache.txt ${WORK}/build/CMakeFiles)  # of another generator or compiler
run("configuring" ${CMAKE_COMMAND} -G Ninja -S . -B build -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 -DXNNPACK_INCLUDE_DIR=OFF ${launcher}
  "-DUNDYING_DISABLED_SIMD_TARGETS=HWY_SSSE3|HWY_SSE4|HWY_AVX2|HWY_AVX3|HWY_AVX3_DL")
run("building" ${CMAKE_COMMAND} --build build --parallel 2)
run("asking the library" build/facts)
expect("hardtanh onnx=HardTanh" "the list and the ONNX names")
expect("hardtanh:2.5" "the parser")
run("the bench" build/bench/activations_bench --list)
expect("hardtanh" "the bench")
run("the conformance tests" build/src/activations/activations_test)
