# undying_layer(NAME [EXCEPT a.cc ...] [SOURCES generated.cc ...] [DEPENDS base ...] [LIBRARIES pkg::lib ...]
#               [TEST_LIBRARIES ...])
# One folder below src/, its rooms included, as one static library that links exactly the layers
# named, and its unit tests as one program. Tests are X_test.cc and what they share, test_X.cc; every
# other source belongs to the library, but for EXCEPT.
function(undying_layer name)
  cmake_parse_arguments(LAYER "" "" "EXCEPT;SOURCES;DEPENDS;LIBRARIES;TEST_LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$|(^|/)test_[^/]*$")
  list(REMOVE_ITEM sources ${tests} ${LAYER_EXCEPT})
  add_library(undying_${name} STATIC ${sources} ${LAYER_SOURCES})
  add_library(undying::${name} ALIAS undying_${name})
  set_target_properties(undying_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(undying_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(undying_${name} PUBLIC cxx_std_20)
  list(TRANSFORM LAYER_DEPENDS PREPEND undying_)
  target_link_libraries(undying_${name} PUBLIC ${LAYER_DEPENDS} PRIVATE ${LAYER_LIBRARIES} $<BUILD_INTERFACE:undying_warnings>)
  set_property(GLOBAL APPEND PROPERTY UNDYING_LAYERS undying_${name})
  if(tests AND UNDYING_BUILD_TESTS)
    undying_test(${name}_test SOURCES ${tests} LIBRARIES undying_${name} ${LAYER_LIBRARIES} ${LAYER_TEST_LIBRARIES})
  endif()
endfunction()

# undying_test(NAME SOURCES ... LIBRARIES ...): a GoogleTest program whose cases CTest sees one by one.
function(undying_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${TEST_LIBRARIES} undying_warnings GTest::gtest GTest::gmock GTest::gtest_main)
  if(UNDYING_TESTS_BY_ROOM)
    undying_by_room(${name} ${TEST_SOURCES})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS unit)
endfunction()

# undying_by_room(TARGET source...): the sources of one folder become one translation unit, so that GoogleTest's headers, half of the time
# of a test, are read and compiled once. Names in the unnamed namespaces of a folder's tests must then differ.
function(undying_by_room target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source ${ARGN})
    get_filename_component(room ${source} DIRECTORY)
    string(MAKE_C_IDENTIFIER "room_${room}" room)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${room})
  endforeach()
endfunction()
