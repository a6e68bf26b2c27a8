include(GNUInstallDirs)

set(RAGPIPE_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor)

# ragpipe_component(<name> SOURCES <file>... [COMPONENTS <name>...] [PUBLIC <target>...] [PRIVATE <target>...])
#
# Declares one component: the library ragpipe_<name> with the alias ragpipe::<name>, from the sources of this folder and the
# public headers in include/ragpipe/<name>/ (core: include/ragpipe/ itself).
function(ragpipe_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;COMPONENTS;PUBLIC;PRIVATE")
  set(include_dir "${PROJECT_SOURCE_DIR}/include")
  if(name STREQUAL "core")
    file(GLOB headers CONFIGURE_DEPENDS "${include_dir}/ragpipe/*.h" "${include_dir}/ragpipe/internal/*.h")
  else()
    file(GLOB headers CONFIGURE_DEPENDS "${include_dir}/ragpipe/${name}/*.h")
  endif()

  set(target ragpipe_${name})
  add_library(${target} ${arg_SOURCES})
  add_library(ragpipe::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${include_dir}" FILES ${headers})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE ${RAGPIPE_WARNINGS} $<$<BOOL:${RAGPIPE_WERROR}>:-Werror>)
  list(TRANSFORM arg_COMPONENTS PREPEND "ragpipe::")
  target_link_libraries(${target} PUBLIC ${arg_COMPONENTS} ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    VERIFY_INTERFACE_HEADER_SETS ON
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()
