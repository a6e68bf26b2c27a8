# Sourced by the scripts beside it: builds our benchmark program and installs the rivals by name, below build/compare (never
# committed). Sets `repo`, `work`, `python` and `text_speed`.
# shellcheck shell=bash

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$repo/build/compare
python=$work/venv/bin/python
text_speed=$repo/build/benchmark/benchmarks/text_speed
mkdir -p "$work"

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# quietly LOG COMMAND...: the end of the log when the command fails.
quietly() {
  local log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 || { tail -20 "$log" >&2; fail "'$*' failed; the whole log is $log"; }
}

install_rivals() {
  echo "installing rivals and building below $work" >&2
  if [[ ! -x $python ]]; then
    quietly venv python3 -m venv "$work/venv" # on Debian: apt-get install python3-venv
  fi
  quietly pip "$python" -m pip install --disable-pip-version-check chonkie gigatoken==0.10.0 langchain-text-splitters \
    llama-index-core nanotoken==0.1.0 numpy semantic-text-splitter semchunk tiktoken==0.14.0 tokenizers==0.23.3 tokie

  mkdir -p "$work/vocabularies" "$work/tiktoken"
  "$repo/tests/text/fetch_rank_files.sh" "$work/vocabularies"
  # tiktoken looks for what it would download in this folder, under the hash of the address.
  export TIKTOKEN_CACHE_DIR=$work/tiktoken
  local encoding address
  for encoding in cl100k_base o200k_base; do
    address=https://openaipublic.blob.core.windows.net/encodings/$encoding.tiktoken
    cp "$work/vocabularies/$encoding.tiktoken" "$TIKTOKEN_CACHE_DIR/$(printf %s "$address" | sha1sum | cut -c1-40)"
  done
  cp "$repo/src/default_model/data/tokenizer.json" "$work/vocabularies/wordpiece.json"

  (
    cd "$repo"
    quietly configure cmake --preset benchmark
    quietly build cmake --build --preset benchmark --target text_speed
  )
}
