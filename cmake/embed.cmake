# cmake -DOUT=page.cc -DNAMES="page.html;..." -DFOLDER=web -P embed.cmake
# Writes the files as a C++ table from name to content, so that the program carries its page.
set(text "// Made from web/ by cmake/embed.cmake.\n\n#include \"report/assets.h\"\n\nnamespace undying::report {\n\nstd::string_view asset(std::string_view name) {\n")
foreach(name IN LISTS NAMES)
  file(READ ${FOLDER}/${name} content HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${content}")
  string(MAKE_C_IDENTIFIER "${name}" identifier)
  string(APPEND text "  static constexpr unsigned char ${identifier}[] = {${bytes}0};\n")
  string(APPEND text "  if (name == \"${name}\") return {reinterpret_cast<const char*>(${identifier}), sizeof ${identifier} - 1};\n")
endforeach()
string(APPEND text "  return {};\n}\n\n}  // namespace undying::report\n")
file(WRITE ${OUT} "${text}")
