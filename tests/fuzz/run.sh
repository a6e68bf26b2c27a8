#!/usr/bin/env bash
# Runs every fuzz target for SECONDS (default 10), as many at a time as there are processors. Needs clang-16 and libclang-rt-16-dev.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]
#
# Inputs that reach new code are kept in build/fuzz/corpus/TARGET and taken up by the next run. An input that breaks a target is
# kept in build/fuzz/broken/; build/asan-ubsan/tests/fuzz/fuzz_TARGET FILE runs it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:-10}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
targets=("${@:2}")
if [[ ${#targets[@]} == 0 ]]; then
  for corpus in tests/fuzz/corpus/*/; do targets+=("$(basename "$corpus")"); done
fi

mkdir -p build/fuzz/broken
cmake --preset asan-ubsan >build/fuzz/configure.log 2>&1 || { cat build/fuzz/configure.log; exit 1; }
cmake --build --preset asan-ubsan --target fuzzers

fuzz() {
  local target=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/corpus/$target"
  if "build/asan-ubsan/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
    -artifact_prefix="build/fuzz/broken/$target-" -print_final_stats=1 \
    "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
  else
    tail -40 "$log"
    echo "$target: BROKEN; see $log"
    return 1
  fi
}
export -f fuzz
export seconds
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}' || { echo "tests/fuzz/run.sh: some targets are broken" >&2; exit 1; }
