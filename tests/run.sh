#!/usr/bin/env bash
# Install, build with warnings as errors, run every test; then the unit and oracle tests again under the sanitizers.
#   tests/run.sh [ctest arguments]       LL_SKIP_SANITIZE=1 leaves the second build out
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
bash tests/packages.sh
bash experiments/fetch_real_model.sh >/dev/null || echo "the tests of the real model are skipped"
jobs=$(nproc)

cmake -S . -B build/test -G Ninja -DCMAKE_BUILD_TYPE=Release -DLL_WERROR=ON >build-test.log 2>&1 || { cat build-test.log; rm -f build-test.log; exit 1; }
rm -f build-test.log
cmake --build build/test -j "$jobs"
(cd build/test && ctest --output-on-failure -j "$jobs" "$@")

if [ -z "${LL_SKIP_SANITIZE:-}" ]; then
    echo "again under the address and undefined-behaviour sanitizers: unit, oracle and fuzz tests"
    cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DLL_SANITIZE=ON -DLL_WERROR=ON >/dev/null
    cmake --build build/sanitize -j "$jobs"
    (cd build/sanitize && ctest --output-on-failure -j "$jobs" -L 'unit|oracle|fuzz' "$@")
fi
