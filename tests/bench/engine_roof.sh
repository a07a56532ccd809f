#!/bin/sh
# Builds engine_roof against a built tree's static libraries and runs it:
#   engine_roof.sh BUILD_DIR [threads] [repetitions] [rows of x ...]
set -eu
[ $# -ge 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
${CC:-cc} -std=gnu11 -O2 -Wall -Wextra $(pkg-config --cflags openblas 2>/dev/null || true) -I"$here/../../src/engine" -I"$here/../../src/base" "$here/engine_roof.c" \
    "$build/libll_engine.a" "$build/libll_base.a" -lopenblas -lm -lpthread -o "$build/engine_roof"
exec "$build/engine_roof" "$@"
