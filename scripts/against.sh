#!/usr/bin/env bash
# Two programs against each other, on this machine: each experiment is run with one and the other by turns, so that what
# slows the machine down for a while slows both, and the runs are compared, one value a run.
#
#     scripts/against.sh OLD_HEPEX NEW_HEPEX [CONFIG…]     configs/engine/*.yaml unless given
#
#     ROUNDS=3         of both programs
#     OUT=FOLDER       for the results, a new one unless given: the same command goes on there where it stopped
#     METRICS=A,B,…    to compare
#
# Build the older program from a worktree of its commit: go build -o OLD_HEPEX ./experiments/hepex. Networks are trained once,
# as far as both programs train alike.
set -euo pipefail

fail() { printf 'against.sh: %s\n' "$*" >&2; exit 2; }

[ $# -ge 2 ] || fail "want OLD_HEPEX NEW_HEPEX [CONFIG…]"
old=$1 new=$2
shift 2
[ $# -gt 0 ] || set -- "$(dirname "$0")"/../configs/engine/*.yaml
for program in "$old" "$new"; do
  command -v "$program" >/dev/null || fail "$program: no such program"
done
rounds=${ROUNDS:-3}
out=${OUT:-$(mktemp -d)}
metrics=${METRICS:-latency.evaluate,latency.keygen,latency.encode_model,latency.encrypt_model,latency.encrypt_input,latency.evaluate_per_reference,quality.precision_bits,memory.model,memory.keys,memory.input,memory.peak_rss}

# measure PROGRAM CONFIG FOLDER: points that fail are compared no more than others that are missing.
measure() { "$1" run "$2" --out "$3" >&2 || [ $? -eq 3 ]; }

# results FOLDER…: what the runs left, separated by commas.
results() { printf '%s\n' "$@" | paste -sd, -; }

for config in "$@"; do
  runs=$out/$(basename "$config" .yaml)
  for round in $(seq "$rounds"); do
    measure "$old" "$config" "$runs/old-$round"
    measure "$new" "$config" "$runs/new-$round"
  done
  printf '\n%s: %s → %s, results in %s\n' "$config" "$old" "$new" "$runs"
  "$new" compare "$(results "$runs"/old-*/*/)" "$(results "$runs"/new-*/*/)" --metric "$metrics"
done
