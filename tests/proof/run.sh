#!/usr/bin/env bash
# Proves the promises of the README on this machine and prints one table: promise, cases tried, violations, time.
#
#   tests/proof/run.sh [--seeds N] [--kills N] [--json]
#
#   --seeds N   random runs of each kind that has seeds (default 1000)
#   --kills N   processes killed (default 300)
#   --json      one object a line instead of the table
#
# Needs the packages of the README. Builds below build/dev, assertions on. Exit code 1 when a promise is broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seeds=1000
kills=300
json=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --seeds) seeds=$2; shift ;;
    --kills) kills=$2; shift ;;
    --json) json=(--json) ;;
    *)
      sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
  shift
done

mkdir -p build
cmake --preset dev >build/dev.configure.log 2>&1 || { cat build/dev.configure.log >&2; exit 1; }
cmake --build --preset dev --target proof >build/proof.build.log 2>&1 || { tail -50 build/proof.build.log >&2; exit 1; }

code=0
prove() {
  build/dev/tests/proof/proof_"$1" --cases "$2" "${json[@]}" || code=1
}
[[ ${#json[@]} -gt 0 ]] || printf '%-4s %-76s %9s %10s %8s\n' '' promise cases violations time
prove simulation "$seeds"
prove model $((seeds / 5))
prove kill "$kills"
prove generations $((kills / 8))
prove power_loss $((seeds / 10))
prove faults $((seeds / 40))
prove damage $((seeds / 20))
prove allocations $((seeds / 10))
prove memory $((seeds / 40))
prove erasure $((seeds / 20))
prove upgrade $(((seeds + 199) / 200))
prove network $((seeds / 10))
prove hostile 1000
prove drift $((seeds / 10))
exit $code
