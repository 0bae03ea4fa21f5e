#!/usr/bin/env bash
# Installs Debian's Chromium (as root), in which tests open the report.
set -euo pipefail

fail() { printf 'chromium.sh: %s\n' "$*" >&2; exit 1; }

if command -v chromium >/dev/null; then exit; fi
command -v apt-get >/dev/null || fail "no apt-get: install Chromium by other means"
[ "$(id -u)" = 0 ] || fail "needs root"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium >/dev/null
