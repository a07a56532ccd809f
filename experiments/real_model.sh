#!/usr/bin/env bash
# Fetch a really trained model (98 MB, once) and show what it would say after each of its 30 layers.
#   experiments/real_model.sh [PROMPT [ANSWER]]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
prompt=${1-The Eiffel Tower is in the city of}
answer=${2-}
[ $# -gt 0 ] || answer=Paris
bash tests/packages.sh
model=$(bash experiments/fetch_real_model.sh)
cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DLL_TESTS=OFF >/dev/null
cmake --build build/release -j "$(nproc)" | tail -n 1

echo
echo "== logitlens lens ${model#"$here/"} \"$prompt\"${answer:+ --answer $answer}"
build/release/logitlens lens "$model" "$prompt" ${answer:+--answer "$answer"}
