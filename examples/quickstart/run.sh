#!/usr/bin/env bash
# Makes a folder of documents searchable and keeps it so: installs what is needed, builds, and shows four steps.
#
#     examples/quickstart/run.sh [--json] [FOLDER] [QUESTION]
#
# FOLDER is copied first, so nothing of yours is changed. With --json, one JSON object a line and nothing else on standard
# output. It may be run again; only what changed is built.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
json=""
if [[ ${1:-} == --json ]]; then json=1; shift; fi
folder=${1:-$repo/examples/quickstart/documents}
question=${2:-How often must the API keys be rotated?}
build=$repo/build/quickstart
work=$build/work

say() { [[ -n $json ]] || printf '%s\n' "$*"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }
run_quietly() {  # LOG COMMAND...: shows the end of the log if the command fails
    local log=$1; shift
    "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "'$1' failed; the whole log is $log"; }
}

[[ -d $folder ]] || fail "'$folder' is no folder"
[[ $# -le 2 ]] || fail "usage: examples/quickstart/run.sh [--json] [FOLDER] [QUESTION]"

packages=(cmake g++ ninja-build libabsl-dev libfmt-dev libicu-dev libssl-dev libsqlite3-dev nlohmann-json3-dev)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
mkdir -p "$build"
if [[ ${#missing[@]} -gt 0 ]]; then
    say "Installing ${missing[*]}"
    sudo=""
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || fail "not root and no sudo; install these packages first: ${missing[*]}"
        sudo=sudo
    fi
    run_quietly "$build/apt.log" $sudo apt-get update
    run_quietly "$build/apt.log" $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
fi

say "Building (some minutes the first time)"
run_quietly "$build/configure.log" cmake -S "$repo" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DRAGPIPE_BUILD_TESTS=OFF -DRAGPIPE_TESTING=OFF -DRAGPIPE_INSTALL=OFF
run_quietly "$build/build.log" cmake --build "$build" --target example_quickstart
program=$build/examples/quickstart/quickstart

rm -rf "$work"
mkdir -p "$work"
cp -a "$folder" "$work/documents"
documents=$work/documents
index=$work/index.db
step() {  # NAME TITLE
    say ""
    say "== $2"
    if [[ -n $json ]]; then "$program" --json "$1" "$documents" "$index"; else "$program" "$documents" "$index"; fi
}

step cold "Ingest $(find "$documents" -type f | wc -l) files of $folder"
step again "The same again: nothing to do"

# The largest text: an edit in its middle shows best how little is embedded.
edited=$(find "$documents" -type f \( -name '*.md' -o -name '*.txt' -o -name '*.html' -o -name '*.rst' \) -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
[[ -n $edited ]] || edited=$(find "$documents" -type f | sort | head -n 1)
[[ -n $edited ]] || fail "there is no file in '$folder' to edit"
middle=$((($(wc -l <"$edited") + 1) / 2))
line=$(awk -v middle="$middle" 'NR >= middle && /^[A-Za-z].*[a-z]\.?$/ { print NR; exit }' "$edited")
sed -i "${line:-1}s/\$/ This sentence is new./" "$edited"
step edit "One sentence added to ${edited#"$documents/"}"

say ""
say "== $question"
if [[ -n $json ]]; then "$program" --json ask "$documents" "$index" "$question"; else "$program" "$documents" "$index" "$question"; fi
say "The index is $index, one SQLite file. Ask it more: build the example 'ask', or read examples/quickstart/main.cc."
