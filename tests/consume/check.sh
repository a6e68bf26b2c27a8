#!/usr/bin/env bash
# One consumption test: check.sh <test> [static|shared]. CMakeLists.txt beside it sets the environment:
# SOURCE (the checkout), WORK (where to build), CMAKE, CTEST, CXX, and CMake's own CMAKE_GENERATOR and
# CMAKE_CXX_COMPILER_LAUNCHER.
set -euo pipefail
here=$SOURCE/tests/consume
strict="-Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Werror"
components="core text sqlite fs embed default_model testing"

fail() {
  echo "check.sh: $*" >&2
  exit 1
}

# No build type and no flags: what a host that sets nothing gets. `--fresh`, so that no answer comes from an earlier run.
configure() { "$CMAKE" --fresh -S "$1" -B "$2" "${@:3}"; }
build() { "$CMAKE" --build "$1" --parallel 2 "${@:2}"; }
run() { "$CTEST" --test-dir "$1" --output-on-failure --no-tests=error; }

# Configures, and fails unless that fails with the message (words only: CMake breaks lines where it likes).
refuses() {
  local message=$1 log=$WORK/refusal.log
  if configure "${@:2}" >"$log" 2>&1; then fail "configured, but should refuse: $message"; fi
  tr -s '[:space:]' ' ' <"$log" | grep -qF -- "$message" || { cat "$log"; fail "refused, but without saying: $message"; }
}

# The install prefix is not the configured one, so what works from there does not depend on where it was installed.
install() {
  local shared=OFF
  [[ $1 == shared ]] && shared=ON
  configure "$SOURCE" "$WORK/$1-build" -DBUILD_SHARED_LIBS=$shared -DRAGPIPE_BUILD_TESTS=OFF -DRAGPIPE_BUILD_EXAMPLES=OFF
  build "$WORK/$1-build"
  rm -rf "$WORK/$1-prefix"
  "$CMAKE" --install "$WORK/$1-build" --prefix "$WORK/$1-prefix" >/dev/null
  if grep -rlF -e "$SOURCE" -e "$WORK" "$WORK/$1-prefix"/lib*/{cmake,pkgconfig}; then
    fail "installed package files name folders of this build"
  fi
  # Each component can be installed by itself, with its headers.
  rm -rf "$WORK/$1-core-prefix"
  "$CMAKE" --install "$WORK/$1-build" --prefix "$WORK/$1-core-prefix" --component ragpipe_core >/dev/null
  [[ -f $WORK/$1-core-prefix/include/ragpipe/pipeline.h ]] || fail "component ragpipe_core has no headers"
  [[ ! -e $WORK/$1-core-prefix/include/ragpipe/sqlite ]] || fail "component ragpipe_core has the headers of another"
}

find_package() {
  configure "$here/find_package" "$WORK/find_package-$1" -DCMAKE_PREFIX_PATH="$WORK/$1-prefix" -DLINKAGE="$1" \
    -DCMAKE_CXX_FLAGS="$strict"
  build "$WORK/find_package-$1"
  run "$WORK/find_package-$1"
  refuses "component nope was not built into this package" "$here/component_alone" "$WORK/absent" \
    -DCMAKE_PREFIX_PATH="$WORK/$1-prefix" -DCOMPONENT=nope
  # A package installed with core alone knows of no other.
  refuses "component text was not built into this package, which has: core" "$here/component_alone" "$WORK/absent" \
    -DCMAKE_PREFIX_PATH="$WORK/$1-core-prefix" -DCOMPONENT=text
}

pkg_config() {
  local libdir
  libdir=$(echo "$WORK/$1-prefix"/lib*)
  export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir  # pkg-config gives no run path
  mkdir -p "$WORK/pkg_config-$1"
  for component in $components; do
    # shellcheck disable=SC2046  # flags are words
    $CMAKE_CXX_COMPILER_LAUNCHER "$CXX" -std=c++20 -c "$here/programs/$component.cc" -o "$WORK/pkg_config-$1/$component.o" \
      $(pkg-config --cflags "ragpipe-$component")
    # shellcheck disable=SC2046
    "$CXX" "$WORK/pkg_config-$1/$component.o" -o "$WORK/pkg_config-$1/$component" $(pkg-config --libs "ragpipe-$component")
    "$WORK/pkg_config-$1/$component"
  done
  # shellcheck disable=SC2046
  "$CXX" "$WORK/pkg_config-$1/sqlite.o" -o "$WORK/pkg_config-$1/batteries" $(pkg-config --libs ragpipe)
  [[ $(pkg-config --modversion ragpipe) == $(pkg-config --modversion ragpipe-core) ]] || fail "two versions in one package"
}

# What a library gives away is what its headers promise: names in ragpipe::, and what C++ itself shares between libraries.
exported_symbols() {
  local library strangers found=0
  for library in "$WORK"/shared-prefix/lib*/libragpipe_*.so; do
    found=$((found + 1))
    strangers=$(nm -D --defined-only -C "$library" | cut -d' ' -f2- |
      grep -vE '^[A-Za-z] (ragpipe::|(typeinfo|typeinfo name|vtable|VTT|guard variable) for ragpipe::)' |
      grep -vE '^[WVu] (.* )?(std|__gnu_cxx)::|^[WVu] (typeinfo|typeinfo name|vtable) for std::' || true)
    [[ -z $strangers ]] || fail "$(basename "$library") exports what is not ragpipe's:"$'\n'"$strangers"
  done
  [[ $found -gt 0 ]] || fail "no shared library was installed"
}

no_rtti() {
  configure "$here/no_rtti" "$WORK/no_rtti" -DCMAKE_PREFIX_PATH="$WORK/static-prefix"
  build "$WORK/no_rtti"
  run "$WORK/no_rtti"
}

add_subdirectory() {
  configure "$here/add_subdirectory" "$WORK/add_subdirectory" -DRAGPIPE_SOURCE="$SOURCE"
  build "$WORK/add_subdirectory"
  run "$WORK/add_subdirectory"
}

fetch_content() {
  local folder=$WORK/fetch_content
  configure "$here/fetch_content" "$folder" -DFETCHCONTENT_SOURCE_DIR_RAGPIPE="$SOURCE"
  build "$folder"
  run "$folder"
  rm -rf "$folder-prefix"
  "$CMAKE" --install "$folder" --prefix "$folder-prefix"
  [[ ! -e $folder-prefix ]] || fail "a host's install installs ragpipe too"
  refuses "ragpipe needs C++20, but CMAKE_CXX_STANDARD is 17" "$here/fetch_content" "$folder-17" \
    -DFETCHCONTENT_SOURCE_DIR_RAGPIPE="$SOURCE" -DCMAKE_CXX_STANDARD=17
}

host_targets() {
  configure "$here/host_targets" "$WORK/host_targets" -DRAGPIPE_SOURCE="$SOURCE"
  build "$WORK/host_targets"
  run "$WORK/host_targets"
}

reexport() {
  # With RAGPIPE_INSTALL the host's package brings ragpipe along; without, its build tree can still be used.
  configure "$here/reexport" "$WORK/reexport" -DRAGPIPE_SOURCE="$SOURCE" -DRAGPIPE_INSTALL=ON
  build "$WORK/reexport"
  rm -rf "$WORK/reexport-prefix"
  "$CMAKE" --install "$WORK/reexport" --prefix "$WORK/reexport-prefix" >/dev/null
  configure "$here/reexport/user" "$WORK/reexport-user" -DCMAKE_PREFIX_PATH="$WORK/reexport-prefix"
  build "$WORK/reexport-user"
  run "$WORK/reexport-user"

  configure "$here/reexport" "$WORK/reexport" -DRAGPIPE_SOURCE="$SOURCE"
  build "$WORK/reexport"
  configure "$here/reexport/user" "$WORK/reexport-user" -DHOST_BUILD_TREE="$WORK/reexport"
  build "$WORK/reexport-user"
  run "$WORK/reexport-user"
}

# Each example is a project of its own too; against the installed package it must build as well. (Their output is compared
# in-tree.)
examples() {
  local example found=0
  for example in "$SOURCE"/examples/*/CMakeLists.txt; do
    example=$(basename "$(dirname "$example")")
    configure "$SOURCE/examples/$example" "$WORK/examples/$example" -DCMAKE_PREFIX_PATH="$WORK/static-prefix"
    build "$WORK/examples/$example"
    found=$((found + 1))
  done
  [[ $found -gt 0 ]] || fail "there are no examples"
}

# Every public header compiles alone, and under a strict host's warnings.
headers() {
  configure "$SOURCE" "$WORK/headers" -DRAGPIPE_BUILD_TESTS=OFF -DRAGPIPE_BUILD_EXAMPLES=OFF -DRAGPIPE_INSTALL=OFF \
    -DCMAKE_CXX_FLAGS="$strict"
  build "$WORK/headers" --target all_verify_interface_header_sets
}

mkdir -p "$WORK"
"$@"
