#!/usr/bin/env bash
# Installs hepex into a checkout of the FHE benchmarking suite's ml-inference workload, in the place of its reference submission:
#
#     git clone https://github.com/fhe-benchmarking/ml-inference
#     scripts/fhebench.sh ml-inference
#     cd ml-inference && python3 harness/run_submission.py 0
#
#     NETWORK=fast         97.7 % of test images right, the default
#     NETWORK=accurate     99.2 %
#
# It replaces what the suite says a submitter replaces: the folder submission, and the scripts that build it (git in the checkout shows
# and undoes that). Needs Go.
set -euo pipefail

fail() { printf 'fhebench.sh: %s\n' "$*" >&2; exit 2; }

[ $# -eq 1 ] || fail "want DIR, a checkout of the suite"
suite=$1
repository=$(cd "$(dirname "$0")/.." && pwd)
network=${NETWORK:-fast}
networks=$repository/experiments/fhebench/networks/$network
[ -d "$suite/harness" ] || fail "$suite: no folder harness: not a checkout of the suite"
[ -d "$networks" ] || fail "NETWORK=$network: want one of $(cd "$repository/experiments/fhebench/networks" && echo *)"
suite=$(cd "$suite" && pwd)

rm -rf "$suite/submission"
mkdir -p "$suite/submission/build" "$suite/scripts"
cp "$repository/experiments/fhebench/README.md" "$suite/submission/README.md"
cp -R "$networks"/. "$suite/submission/build"
(cd "$repository" && go build -o "$suite/submission/build/hepex-fhebench" ./experiments/fhebench)
for stage in client_key_generation server_preprocess_model client_preprocess_input client_encode_encrypt_input \
  server_encrypted_compute client_decrypt_decode client_postprocess; do
  ln -s hepex-fhebench "$suite/submission/build/$stage"
done

# The suite runs these two before every measurement.
for script in get_openfhe.sh build_task.sh; do
  cat > "$suite/scripts/$script" <<'EOF'
#!/usr/bin/env bash
# Nothing to do: scripts/fhebench.sh of hepex has built the submission.
EOF
  chmod +x "$suite/scripts/$script"
done

"$suite/submission/build/server_preprocess_model" # so that clients have what is public of the networks
echo "$suite/submission: $network networks installed"
