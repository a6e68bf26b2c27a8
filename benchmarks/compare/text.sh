#!/usr/bin/env bash
# Speed of tokenizers and chunkers, ours and others', in one run: installs gigatoken, toktok, bpe-openai, tiktoken, nanotoken,
# tokenizers, tokie, chonkie, text-splitter, LangChain, LlamaIndex and semchunk by name from PyPI and crates.io, makes texts,
# checks ids and counts, and prints the tables. Needs python3 with venv, cargo, npm, and what the library needs.
#
#   benchmarks/compare/text.sh [--corpora FOLDER] [--only 'encode chunk options worst start threads']
#
# FOLDER has english.txt, markdown.txt, code.txt and multilingual.txt. Without it they are made from what was installed; the
# same versions give the same texts.
set -euo pipefail
# shellcheck source=benchmarks/compare/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

corpora=
only=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --corpora) corpora=${2:?--corpora needs a folder}; shift 2 ;;
    --only) only=(--only "${2:?--only needs names of tables}"); shift 2 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done

install_rivals
rivals=$work/rivals
mkdir -p "$rivals"
cp "$repo/benchmarks/compare/rivals/"* "$rivals"
(cd "$rivals" && CARGO_HOME=$work/cargo quietly cargo cargo build --release)

if [[ ! -f $work/corpora/made ]]; then
  quietly django "$python" -m pip download --disable-pip-version-check --no-deps --dest "$work/django" Django==5.2
  (cd "$work/django" && "$python" -m zipfile -e ./*.whl .) # for its translations
  quietly corpora "$python" "$repo/benchmarks/compare/corpora.py" "$work/corpora" "$work/venv/lib" "$work/django" "$work/cargo/registry/src"
  touch "$work/corpora/made"
fi
if [[ ! -f $work/vocabularies/unigram.json ]]; then
  quietly vocabularies "$python" "$repo/benchmarks/compare/vocabularies.py" "$work/vocabularies" "$work/corpora/"{english,multilingual}.txt
fi
texts=$work/corpora
if [[ -n $corpora ]]; then
  texts=$work/given
  mkdir -p "$texts"
  ln -sfn "$work/corpora/"worst-* "$texts"
  cp "$corpora/"{english,markdown,code,multilingual}.txt "$texts"
fi

"$python" "$repo/benchmarks/compare/text.py" --ours "$text_speed" --rust "$rivals/target/release/rivals" \
  --python "$rivals/rivals.py" --vocabularies "$work/vocabularies" --corpora "$texts" "${only[@]}"
