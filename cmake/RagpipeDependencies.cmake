# ragpipe_dependency(<target> PACKAGE <name> DEBIAN <package> [COMPONENTS ...] [URL <url> SHA256 <hash>])
#
# Makes <target> available: the host's own target if it exists, else find_package, else a pinned release when
# RAGPIPE_FETCH_DEPS is on, else an error that names the Debian package.
function(ragpipe_dependency target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;DEBIAN;URL;SHA256" "COMPONENTS")
  if(TARGET ${target})
    return()
  endif()
  set(components)
  if(arg_COMPONENTS)
    set(components COMPONENTS ${arg_COMPONENTS})
  endif()
  find_package(${arg_PACKAGE} QUIET ${components} GLOBAL)
  if(TARGET ${target})
    return()
  endif()
  message(FATAL_ERROR "ragpipe needs ${target}. Install it (on Debian: apt-get install ${arg_DEBIAN}), or add it to your build before ragpipe.")
endfunction()
