#pragma once

// The one place the version is written; CMake reads it from here.
#define RAGPIPE_VERSION_MAJOR 0
#define RAGPIPE_VERSION_MINOR 1
#define RAGPIPE_VERSION_PATCH 0
