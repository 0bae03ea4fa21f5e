#!/usr/bin/env bash
# Reproduces the paper: runs its claims as experiments, judges them, and writes one report about all.
#
#     scripts/reproduce.sh quick           small networks on drawn digits; no download, minutes on two cores
#     scripts/reproduce.sh full            everything, on real data (hepex data fetch mnist fashion-mnist cifar-10, or HEPEX_DATA)
#     scripts/reproduce.sh CONFIG…         experiments of your own, likewise
#
#     scripts/reproduce.sh full --slurm [OPTIONS OF hepex submit]     queues what is missing; later, full judges and reports
#
#     OUT=FOLDER       for results and report.html, reproduced/ unless given
#     JOBS=N           networks to train at the same time, 1 unless given: small networks do not fill several cores, if memory holds them
#
# What it will take is printed first (hepex plan has more). Stop it whenever you like, even with kill -9: the same command goes on where it stopped, and does nothing
# twice. Exit codes are those of hepex: 2 bad config or usage, 3 points failed, 130 interrupted; claims that are missed are in the report.
set -euo pipefail

fail() { printf 'reproduce.sh: %s\n' "$*" >&2; exit 2; }

configs=() slurm=
while [ $# -gt 0 ]; do
  case $1 in
    quick) configs+=("$(dirname "$0")"/../configs/paper/quick/{mlp,autoencoder,denoising,cnn,permutations}.yaml) ;;
    full) # the shortest first
      configs+=("$(dirname "$0")"/../configs/{peers/lola,peers/mofhei-autoencoders,paper/c1,paper/c2,paper/c3,paper/c4,paper/permutations,paper/tiles}.yaml
        "$(dirname "$0")"/../configs/{paper/c5,paper/c6,paper/c7-denoising,paper/c7-cnn,peers/orion,peers/mofhei-lenet,paper/driver,paper/c7-cifar}.yaml) ;;
    --slurm) slurm=yes; shift; break ;;
    *.yaml) configs+=("$1") ;;
    *) fail "$1: want quick, full or configs, and perhaps --slurm; the head of this file explains them" ;;
  esac
  shift
done
[ ${#configs[@]} -gt 0 ] || fail "want quick, full or configs, and perhaps --slurm; the head of this file explains them"
out=${OUT:-reproduced}

# name CONFIG: of its experiment, which is that of its folder
name() { sed -n 's/^name: *//p' "$1"; }

# hepex ARGUMENTS: ends in order when this script is killed
hepex() { setpriv --pdeathsig TERM -- "$out/hepex" "$@"; }

mkdir -p "$out"
exec 9>"$out/.reproduce.lock" # held by whatever this starts, too
if ! flock -n 9; then
  echo "waits for what an earlier run of this script left running" >&2
  flock 9
fi
echo 'builds hepex, then plans; on a new machine prices of operations are measured first'
go build -C "$(dirname "$0")/.." -o "$(realpath "$out")/hepex" ./experiments/hepex

# What is wrong with a config or missing of the data is said before anything runs.
plan=$(hepex plan "${configs[@]}" --out "$out")
grep -E '^[^ ]+: [0-9]+ points?: |^(in all: )?about [0-9]+ s' <<< "$plan"

failed=0
for config in "${configs[@]}"; do
  printf '\n== %s\n' "$(name "$config")"
  if [ -n "$slurm" ]; then
    hepex submit "$config" --out "$out" "$@"
    continue
  fi
  code=0
  hepex run "$config" --out "$out" --jobs "${JOBS:-1}" || code=$?
  case $code in
    0) ;;
    3) failed=3 ;; # the others are worth having
    *) exit "$code" ;;
  esac
done
[ -z "$slurm" ] || exit 0

results=()
for config in "${configs[@]}"; do
  results+=("$out/$(name "$config")")
  grep -q '^expect:' "$config" || continue
  printf '\n== %s against what is published\n' "$(name "$config")"
  hepex verify "$config" --out "$out" || [ $? -eq 4 ]
done
hepex report "${results[@]}" --out "$out/report.html"
exit "$failed"
