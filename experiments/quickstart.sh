#!/usr/bin/env bash
# Install, build, run the experiment over the bundled models, and show what came out.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
bash tests/packages.sh
cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DLL_TESTS=OFF >/dev/null
cmake --build build/release -j "$(nproc)" | tail -n 1
logitlens=build/release/logitlens

echo
echo "== logitlens run experiments/001_layers_and_logits/experiment.json"
"$logitlens" run experiments/001_layers_and_logits/experiment.json
ls output/run-latest | sed 's|^|   output/run-latest/|'
echo "   output/index.sqlite"

echo
echo "== logitlens lens experiments/demo_models/demo-llama --answer Berlin \"... The capital of Germany is called simply\""
"$logitlens" lens experiments/demo_models/demo-llama --answer Berlin \
    "Give the city name only, plain text. The capital of Germany is called simply"

echo
echo "== logitlens query first-semantic-layer"
"$logitlens" query first-semantic-layer
echo
echo "The program is $logitlens; try: $logitlens help"
