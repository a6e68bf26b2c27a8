include(GNUInstallDirs)

set(RAGPIPE_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor)

# ragpipe_component(<name> SOURCES <file>... [COMPONENTS <name>...] [PUBLIC <target>...] [PRIVATE <target>...])
#
# Declares one component: the library ragpipe_<name> with the alias ragpipe::<name>, from the sources of this folder and the
# public headers in include/ragpipe/<name>/ (core: include/ragpipe/ itself). It is installed as component ragpipe_<name>, has its
# own export set, and is what find_package(ragpipe COMPONENTS <name>) and pkg-config's ragpipe-<name> give.
# COMPONENTS are other ragpipe components, declared before; PUBLIC and PRIVATE are third parties, made available with
# ragpipe_dependency().
function(ragpipe_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;COMPONENTS;PUBLIC;PRIVATE")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ragpipe_component(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(include_dir "${PROJECT_SOURCE_DIR}/include")
  if(name STREQUAL "core")
    file(GLOB headers CONFIGURE_DEPENDS "${include_dir}/ragpipe/*.h" "${include_dir}/ragpipe/internal/*.h")
  else()
    file(GLOB headers CONFIGURE_DEPENDS "${include_dir}/ragpipe/${name}/*.h")
  endif()

  # A library that links nothing is only headers: of a private one, those who link the component need nothing.
  set(private_headers)
  set(private_libraries)
  foreach(target IN LISTS arg_PRIVATE)
    get_target_property(type ${target} TYPE)
    get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
    if(type STREQUAL "INTERFACE_LIBRARY" AND NOT links)
      list(APPEND private_headers ${target})
    else()
      list(APPEND private_libraries ${target})
    endif()
  endforeach()
  set(private_headers_for_build ${private_headers})
  list(TRANSFORM private_headers_for_build REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>")

  set(target ragpipe_${name})
  add_library(${target} ${arg_SOURCES})
  add_library(ragpipe::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${include_dir}" FILES ${headers})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE ${RAGPIPE_WARNINGS} $<$<BOOL:${RAGPIPE_WERROR}>:-Werror>)
  set(components ${arg_COMPONENTS})
  list(TRANSFORM components PREPEND "ragpipe::")
  target_link_libraries(${target} PUBLIC ${components} ${arg_PUBLIC} PRIVATE ${private_libraries} ${private_headers_for_build})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    DEFINE_SYMBOL ""  # objects of a static and a shared build are the same
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL}
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(PROJECT_IS_TOP_LEVEL AND CMAKE_SYSTEM_NAME STREQUAL "Linux" AND BUILD_SHARED_LIBS)
    target_link_options(${target} PRIVATE LINKER:-z,defs)  # a symbol that a sibling does not export is an error here already
  endif()
  if(NOT DEFINED CMAKE_INSTALL_RPATH)
    # A component finds its siblings beside it: the run path of a program is not searched for what its libraries need.
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN")
  endif()

  # Those who link a static library link what it needs too; a shared one brings it along.
  get_target_property(type ${target} TYPE)
  set(needed ${arg_PUBLIC})
  if(type STREQUAL "STATIC_LIBRARY")
    list(APPEND needed ${private_libraries})
  endif()
  ragpipe_export(${name} COMPONENTS ${arg_COMPONENTS} NEEDED ${needed} LINKED ${arg_PUBLIC} ${private_libraries})
endfunction()
