include(CMakeFindDependencyMacro)
find_dependency(ragpipe COMPONENTS core)
include("${CMAKE_CURRENT_LIST_DIR}/host-targets.cmake")
