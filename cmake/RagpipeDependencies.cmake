include(FetchContent)

# What RAGPIPE_FETCH_DEPS fetches: repository, commit, and the release it is. Libraries that distributions keep in step with
# security fixes (ICU, OpenSSL, SQLite) are never fetched.
set(RAGPIPE_PIN_absl https://github.com/abseil/abseil-cpp.git dd4c89bd657f1e247ce5111a5c89ffe6ccfd0c92)           # 20240722.1
set(RAGPIPE_PIN_fmt https://github.com/fmtlib/fmt.git e69e5f977d458f2650bb346dadf2ad30c5320281)                   # 10.2.1
set(RAGPIPE_PIN_nlohmann_json https://github.com/nlohmann/json.git 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)      # 3.11.3
set(RAGPIPE_PIN_Catch2 https://github.com/catchorg/Catch2.git fa43b77429ba76c462b1898d6cd2f2d7a9416b14)           # 3.7.1
set(RAGPIPE_PIN_benchmark https://github.com/google/benchmark.git a6ad7fbbdc2e14fab82bb8a6d27760d700198cbf)       # 1.8.5

# Needed to build ragpipe, its tests or benchmarks, and not by those who link it.
set(RAGPIPE_BUILD_ONLY_PACKAGES nlohmann_json Catch2 benchmark)

# ragpipe_dependency(<target> PACKAGE <name> DEBIAN <package> [COMPONENTS <name>...])
#
# Makes <target> available: the host's own target if it exists, else find_package, else a pinned release when
# RAGPIPE_FETCH_DEPS is on, else an error that names the Debian package. What was said here is what the installed package
# looks for: other targets of the same namespace need no call of their own.
function(ragpipe_dependency target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;DEBIAN" "COMPONENTS")
  set(components)
  if(arg_COMPONENTS)
    set(components COMPONENTS ${arg_COMPONENTS})
  endif()
  string(REGEX REPLACE "::.*" "" namespace "${target}")
  set_property(GLOBAL PROPERTY RAGPIPE_PACKAGE_OF_${target} ${arg_PACKAGE} ${components})
  set_property(GLOBAL PROPERTY RAGPIPE_PACKAGE_OF_${namespace} ${arg_PACKAGE})

  if(NOT TARGET ${target})
    find_package(${arg_PACKAGE} QUIET ${components} GLOBAL)
  endif()
  if(NOT TARGET ${target} AND RAGPIPE_FETCH_DEPS AND DEFINED RAGPIPE_PIN_${arg_PACKAGE})
    ragpipe_fetch(${arg_PACKAGE})
  endif()
  if(NOT TARGET ${target})
    set(fetch)
    if(DEFINED RAGPIPE_PIN_${arg_PACKAGE})
      set(fetch ", or set RAGPIPE_FETCH_DEPS=ON to fetch it")
    endif()
    message(FATAL_ERROR "ragpipe needs ${target}. Install it (on Debian: apt-get install ${arg_DEBIAN}), "
      "or add it to your build before ragpipe${fetch}.")
  endif()
endfunction()

# Only for ragpipe_dependency(): variables set here reach the fetched project and nobody else.
function(ragpipe_fetch package)
  if(RAGPIPE_INSTALL AND NOT package IN_LIST RAGPIPE_BUILD_ONLY_PACKAGES)
    message(FATAL_ERROR "ragpipe cannot be installed with a fetched ${package}: those who use the installed package must find "
      "the same one. Install ${package} where find_package() sees it, or set RAGPIPE_INSTALL=OFF.")
  endif()
  list(GET RAGPIPE_PIN_${package} 0 repository)
  list(GET RAGPIPE_PIN_${package} 1 commit)
  message(STATUS "ragpipe: fetching ${package} (${repository} at ${commit})")
  # A folder that is not there keeps MakeAvailable from adding the whole project to "all" (EXCLUDE_FROM_ALL needs CMake 3.28).
  FetchContent_Declare(${package} GIT_REPOSITORY ${repository} GIT_TAG ${commit} SOURCE_SUBDIR ragpipe-adds-it-below)
  FetchContent_MakeAvailable(${package})

  if(NOT DEFINED CMAKE_CXX_STANDARD)
    set(CMAKE_CXX_STANDARD 20)
  endif()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(ABSL_PROPAGATE_CXX_STD ON)
  set(ABSL_ENABLE_INSTALL OFF)
  set(FMT_INSTALL OFF)
  set(JSON_BuildTests OFF)
  set(JSON_Install OFF)
  set(CATCH_INSTALL_DOCS OFF)
  set(CATCH_INSTALL_EXTRAS OFF)
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # their option() keeps what is set above
  FetchContent_GetProperties(${package} SOURCE_DIR source BINARY_DIR binary)
  add_subdirectory("${source}" "${binary}" EXCLUDE_FROM_ALL SYSTEM)
endfunction()
