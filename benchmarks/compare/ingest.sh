#!/usr/bin/env bash
# Keeping an index equal to a folder, ours and others', in one run: installs CocoIndex, LangChain and LlamaIndex (both with Chroma)
# by name from PyPI into virtual environments below build/compare, makes a folder of Markdown, takes all of them in turn through the
# same changes, and prints time, memory, texts embedded, bytes written, and whether the store equals that of a cold run. What cannot
# be installed is named and left out. Needs python3 with venv, and what the library needs.
#
#   benchmarks/compare/ingest.sh [--files N] [--repeats N] [--rivals 'cocoindex langchain llamaindex'] [--json]
#
# --files     10000: Markdown of 4.4 KB mean, log-normal; and one of 100 KB
# --repeats   1: how often all of it is done; the table has the medians
# --rivals    '' measures ours alone
# --json      one object for each measurement, instead of tables
set -euo pipefail
# shellcheck source=benchmarks/compare/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

rivals='cocoindex langchain llamaindex'
options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --files | --repeats) options+=("$1" "${2:?$1 needs a number}"); shift 2 ;;
    --rivals) rivals=${2?--rivals needs names}; shift 2 ;;
    --json) options+=(--json); shift ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done

packages_of() {
  case $1 in
    cocoindex) echo cocoindex==1.0.26 ;;
    langchain) echo langchain==1.5.2 langchain-classic==1.0.8 langchain-community==0.4.2 langchain-chroma==1.1.0 chromadb==1.5.9 greenlet ;;
    llamaindex) echo llama-index-core==0.14.25 llama-index-vector-stores-chroma==0.6.0 chromadb==1.5.9 ;;
    *) fail "no rival is called '$1'" ;;
  esac
}

installed=()
for rival in $rivals; do
  read -ra packages <<<"$(packages_of "$rival")"
  echo "installing $rival below $work" >&2
  if (
    quietly "$rival-venv" python3 -m venv "$work/ingest-$rival"
    quietly "$rival-pip" "$work/ingest-$rival/bin/python" -m pip install --disable-pip-version-check "${packages[@]}"
  ); then
    installed+=("$rival=$work/ingest-$rival/bin/python")
  else
    echo "$rival cannot be installed here and is left out" >&2
  fi
done

(
  cd "$repo"
  quietly configure cmake --preset benchmark
  quietly build cmake --build --preset benchmark --target ingest_files
)

export COCOINDEX_DISABLE_USAGE_TRACKING=1 ANONYMIZED_TELEMETRY=False # nobody's time is spent on their networks
python3 "$repo/benchmarks/compare/ingest.py" --ours "$repo/build/benchmark/benchmarks/ingest_files" \
  --programs "$repo/benchmarks/compare/rivals" --vocabulary "$repo/src/default_model/data/tokenizer.json" --work "$work/ingest" "${options[@]}" "${installed[@]}"
