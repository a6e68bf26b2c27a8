#!/usr/bin/env bash
# Checks the proofs themselves: applies deliberate defects of engine and store one at a time and prints what catches each.
#
#   tests/proof/mutations.sh [PATTERN]
#
#   PATTERN   only the defects whose name contains it (default: all of tests/proof/mutations/)
#
# Works in a git worktree of HEAD below build/, with the packages of the README. Exit code 1 when a defect is caught by nothing,
# or when its patch no longer applies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
pattern=${1:-}
tree=$root/build/mutations
log=$root/build/mutations.log

git worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"
git worktree prune
git worktree add --quiet --detach "$tree" HEAD
trap 'cd "$root" && git worktree remove --force "$tree"' EXIT
(cd "$tree" && cmake --preset dev) >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
build=$tree/build/dev

# What may catch a defect, the quickest first: a target, its program and its arguments.
checks=(
  "proof_simulation proof/proof_simulation --cases 600"
  "proof_model proof/proof_model --cases 100"
  "engine_test engine/engine_test"
  "sqlite_test sqlite/sqlite_test"
  "proof_erasure proof/proof_erasure --cases 6"
  "proof_generations proof/proof_generations --cases 10"
  "proof_upgrade proof/proof_upgrade --cases 1"
  "proof_network proof/proof_network --cases 60"
)

# Prints which check caught the defect in the tree; fails when none did. What takes too long has caught nothing.
catch_defect() {
  local check target program arguments status
  for check in "${checks[@]}"; do
    read -r target program arguments <<<"$check"
    if ! cmake --build "$build" --target "$target" >"$log" 2>&1; then
      tail -30 "$log" >&2
      return 1
    fi
    status=0
    # shellcheck disable=SC2086  # the arguments are words
    timeout 900 "$build/tests/$program" $arguments >"$log" 2>&1 || status=$?
    if ((status != 0 && status != 124)); then
      echo "$target: $(grep -m 1 -E 'broken|FAILED:' "$log" | cut -c -110)"
      return 0
    fi
  done
  return 1
}

code=0
for patch in tests/proof/mutations/*"$pattern"*.patch; do
  name=$(basename "$patch" .patch)
  if ! git -C "$tree" apply "$root/$patch" 2>"$log"; then
    printf '%-36s its patch does not apply\n' "$name"
    code=1
    continue
  fi
  if caught=$(catch_defect); then
    printf '%-36s caught by %s\n' "$name" "$caught"
  else
    printf '%-36s NOT CAUGHT\n' "$name"
    code=1
  fi
  git -C "$tree" apply --reverse "$root/$patch"
done
exit $code
