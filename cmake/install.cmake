# Installs the libraries, the public headers and the package `undying` with its target undying::undying.
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY UNDYING_LAYERS)
list(REMOVE_ITEM layers undying_cli)
add_library(undying_undying INTERFACE)
add_library(undying::undying ALIAS undying_undying)
set_target_properties(undying_undying PROPERTIES EXPORT_NAME undying)
target_link_libraries(undying_undying INTERFACE ${layers})

install(TARGETS ${layers} undying_undying EXPORT undying-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/undying)
install(TARGETS undying RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/undying DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/undying)
install(EXPORT undying-targets NAMESPACE undying:: DESTINATION ${package})
configure_package_config_file(cmake/undying-config.cmake.in undying-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(undying-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/undying-config.cmake ${PROJECT_BINARY_DIR}/undying-config-version.cmake cmake/FindOneDNN.cmake DESTINATION ${package})
if(UNDYING_ONNX_PREFIX)  # of no system package: the static library goes where the package looks for it
  install(DIRECTORY ${UNDYING_ONNX_PREFIX}/lib DESTINATION ${package}/onnx)
endif()
