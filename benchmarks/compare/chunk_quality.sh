#!/usr/bin/env bash
# Quality of chunks, ours and others', without embeddings: how many of the excerpts that questions ask for (Chroma's
# chunking_evaluation, MIT) are cut, and PrecisionOmega, at equal cap and at equal mean size. chunk_quality.py says how.
# Needs python3 with venv, npm, git, and what the library needs.
#
#   benchmarks/compare/chunk_quality.sh [--corpora FOLDER] [OPTIONS of chunk_quality.py, as --by-corpus or --show-cuts 512]
#
# FOLDER has questions*.csv and the corpora it names; without it they are fetched from GitHub.
set -euo pipefail
# shellcheck source=benchmarks/compare/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

corpora=$work/chunking_evaluation
if [[ ${1:-} == --corpora ]]; then
  corpora=${2:?--corpora needs a folder}
  shift 2
elif [[ ! -d $corpora ]]; then
  quietly chroma git clone --quiet https://github.com/brandonstarxel/chunking_evaluation "$corpora.new"
  quietly chroma git -C "$corpora.new" checkout --quiet d451fc4cf56e417b755994b4ca5212fd5057c0d2
  mv "$corpora.new" "$corpora"
fi

install_rivals
"$python" "$repo/benchmarks/compare/chunk_quality.py" --program "$text_speed" --vocabularies "$work/vocabularies" --corpora "$corpora" "$@"
