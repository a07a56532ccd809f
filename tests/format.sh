#!/usr/bin/env bash
# Is every C file as .clang-format says? Debian 12's clang-format (14), because versions differ.
#   tests/format.sh [--fix]
set -eu
cd "$(dirname "$0")/.."
tool=$(command -v clang-format-14 || true)
if [ -z "$tool" ]; then
    echo "no clang-format-14 here: the format of the C files is not checked"
    exit 0
fi
find src lens tests -name '*.[ch]' -print0 | sort -z | if [ "${1:-}" = --fix ]; then
    xargs -0 "$tool" -i
else
    xargs -0 "$tool" --dry-run -Werror
fi
