#!/usr/bin/env bash
# Install, build with warnings as errors, run every test; build with clang where it is installed; then the unit and oracle tests
# again under the sanitizers.
#   tests/run.sh [ctest arguments]       LL_SKIP_SANITIZE=1 leaves the second build out
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
bash tests/packages.sh
bash tests/packages.sh clang-format-14 || true # elsewhere than on Debian 12 it has another name
bash tests/format.sh
bash experiments/fetch_real_model.sh >/dev/null || echo "the tests of the real model are skipped"
jobs=$(nproc)

cmake -S . -B build/test -G Ninja -DCMAKE_BUILD_TYPE=Release -DLL_WERROR=ON >build-test.log 2>&1 || { cat build-test.log; rm -f build-test.log; exit 1; }
rm -f build-test.log
cmake --build build/test -j "$jobs"
(cd build/test && ctest --output-on-failure -j "$jobs" "$@")

# Another compiler: no warning, and the same bits.
if command -v clang >/dev/null; then
    echo "again with clang: everything compiles, lens --json of the demo models is the same byte for byte"
    cmake -S . -B build/clang -G Ninja -DCMAKE_BUILD_TYPE=Release -DLL_WERROR=ON -DCMAKE_C_COMPILER=clang >/dev/null
    cmake --build build/clang -j "$jobs"
    for m in experiments/demo_models/demo-*; do
        [ -d "$m" ] || continue
        for b in test clang; do
            "build/$b/logitlens" lens "$m" --json --top 20 "The capital of Germany is called simply" >"build/$b/same.json"
        done
        cmp build/test/same.json build/clang/same.json
    done
else
    echo "no clang here: the build with it is skipped"
fi

if [ -z "${LL_SKIP_SANITIZE:-}" ]; then
    echo "again under the address and undefined-behaviour sanitizers: unit, oracle and fuzz tests"
    cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DLL_SANITIZE=ON -DLL_WERROR=ON >/dev/null
    cmake --build build/sanitize -j "$jobs"
    (cd build/sanitize && ctest --output-on-failure -j "$jobs" -L 'unit|oracle|fuzz' "$@")
fi
