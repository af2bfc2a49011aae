# undying_layer(NAME SOURCES a.cc ... [DEPENDS base ...] [LIBRARIES pkg::lib ...] [TESTS a_test.cc ...] [TEST_LIBRARIES ...])
# One folder below src/ as one static library that links exactly the layers named, and its unit tests as one program.
function(undying_layer name)
  cmake_parse_arguments(LAYER "" "" "SOURCES;DEPENDS;LIBRARIES;TESTS;TEST_LIBRARIES" ${ARGN})
  add_library(undying_${name} STATIC ${LAYER_SOURCES})
  add_library(undying::${name} ALIAS undying_${name})
  set_target_properties(undying_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(undying_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(undying_${name} PUBLIC cxx_std_20)
  list(TRANSFORM LAYER_DEPENDS PREPEND undying_)
  target_link_libraries(undying_${name} PUBLIC ${LAYER_DEPENDS} PRIVATE ${LAYER_LIBRARIES} $<BUILD_INTERFACE:undying_warnings>)
  set_property(GLOBAL APPEND PROPERTY UNDYING_LAYERS undying_${name})
  if(LAYER_TESTS AND UNDYING_BUILD_TESTS)
    undying_test(${name}_test SOURCES ${LAYER_TESTS} LIBRARIES undying_${name} ${LAYER_LIBRARIES} ${LAYER_TEST_LIBRARIES})
  endif()
endfunction()

# undying_test(NAME SOURCES ... LIBRARIES ...): a GoogleTest program whose cases CTest sees one by one.
function(undying_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${TEST_LIBRARIES} undying_warnings GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS unit)
endfunction()
