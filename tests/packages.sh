#!/usr/bin/env bash
# Install what building and testing needs on Debian 12; says nothing when all is there. Needs root or sudo.
#   tests/packages.sh [PACKAGE...]      these packages instead
set -eu
packages="gcc cmake ninja-build pkg-config libc6-dev libopenblas-dev libcsv-dev libcjson-dev libsqlite3-dev libpcre2-dev libutf8proc-dev libcmocka-dev zlib1g-dev xz-utils python3"
[ $# -eq 0 ] || packages="$*"
missing=""
for p in $packages; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
echo "installing:$missing"
as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "need root or sudo to install:$missing" >&2; exit 1; }
    as_root="sudo"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
