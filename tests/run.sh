#!/usr/bin/env bash
# Builds ragpipe and runs every test, from a bare Debian 12 on: installs the packages that are missing (as root or with sudo),
# then builds and tests under each preset below build/. Safe to run again; the second run builds only what changed.
#
#   tests/run.sh            everything: tests, sanitizers, consumption tests, examples, ten seconds of each fuzz target
#   tests/run.sh --quick    tests and examples only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

quick=false
case ${1:-} in
  '') ;;
  --quick) quick=true ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

step=start
passed=0
failed=0
skipped=0
trap 'code=$?; [[ $code == 0 ]] || echo "tests/run.sh: failed at: $step" >&2; exit $code' EXIT

announce() {
  step=$1
  echo "== $step"
}

install_packages() {
  local packages=(ca-certificates catch2 ccache clang-16 cmake g++ git libabsl-dev libclang-rt-16-dev libfmt-dev libicu-dev
    librapidcheck-dev libsqlite3-dev libssl-dev ninja-build nlohmann-json3-dev pkg-config python3-venv unicode-data)
  [[ -z ${RAGPIPE_REQUIRE_REFERENCES:-} ]] || packages+=(chromium)
  command -v npm >/dev/null || packages+=(npm)  # it also comes with a Node.js of another origin, which refuses Debian's npm
  local missing=() sudo=()
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  [[ $(id -u) == 0 ]] || sudo=(sudo)
  echo "installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >build/apt.log 2>&1 ||
    { tail -20 build/apt.log >&2; return 1; }
}

# What the tokenizers and the Markdown scanner are compared with, which is fetched and not kept here. Tests that miss it are
# skipped, or fail where RAGPIPE_REQUIRE_REFERENCES is set.
fetch_references() {
  tests/text/fetch_rank_files.sh build/rank_files || return 1
  npm install --silent --no-audit --no-fund --prefix build/npm commonmark@0.31.2 commonmark-spec@0.31.2 >/dev/null || return 1
  export RAGPIPE_NODE_PACKAGES=$PWD/build/npm
  [[ -x build/python/bin/python ]] || python3 -m venv build/python || return 1
  build/python/bin/python -m pip install --quiet --disable-pip-version-check sentencepiece tiktoken==0.14.0 tokenizers==0.23.3 || return 1
  export RAGPIPE_REFERENCE_PYTHON=$PWD/build/python/bin/python
}

build() {
  announce "build ($1)"
  cmake --preset "$1" >"build/$1.configure.log" 2>&1 || { cat "build/$1.configure.log"; return 1; }
  cmake --build --preset "$1"
}

# Runs the tests of a preset and adds them up; all legs run even when one has failing tests.
test_preset() {
  announce "test ($1)"
  local log=build/$1.test.log code=0
  "${@:2}" ctest --preset "$1" 2>&1 | tee "$log" || code=$?
  local summary bad total not_run
  summary=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log")
  if [[ -z $summary ]]; then
    echo "tests/run.sh: no test of preset $1 was run" >&2
    return 1
  fi
  read -r bad total <<<"$summary"
  not_run=$(grep -c '\*\*\*Skipped' "$log" || true)
  passed=$((passed + total - bad - not_run))
  failed=$((failed + bad))
  skipped=$((skipped + not_run))
  [[ $code == 0 || $bad -gt 0 ]]
}

# ThreadSanitizer of GCC 12 cannot place its shadow when the kernel randomises addresses by more than 28 bits.
fixed_addresses() {
  local bits
  bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
  if [[ $bits -gt 28 ]] && setarch --addr-no-randomize true 2>/dev/null; then
    echo setarch --addr-no-randomize
  fi
}

mkdir -p build
export CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache}

announce "packages"
install_packages
announce "references"
fetch_references || echo "tests/run.sh: SKIPPED: some references cannot be fetched; the comparisons with them will not run" >&2
step=references
if [[ ${RAGPIPE_REQUIRE_REFERENCES:-} && -z ${RAGPIPE_REFERENCE_PYTHON:-} ]]; then exit 1; fi
build dev
test_preset dev
if ! $quick; then
  test_preset consume
  build asan-ubsan
  test_preset asan-ubsan
  build tsan
  # shellcheck disable=SC2046  # a command and its option
  test_preset tsan $(fixed_addresses)
  announce "fuzz"
  tests/fuzz/run.sh 10 || failed=$((failed + 1))
fi

step="tests"
echo "ragpipe: $passed passed, $failed failed, $skipped skipped"
[[ $failed == 0 ]]
