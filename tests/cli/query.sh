#!/usr/bin/env bash
# Questions to the index: several words, and nothing left beside the file.
. "$(dirname "$0")/lib.inc"
L=$logitlens
check 0 "" "$L" run "$source_dir/experiments/001_layers_and_logits/experiment.json" "$llama" --root "$work/q" --quiet
check 0 "demo-llama" "$L" query --csv --index "$work/q/index.sqlite" layers model=demo-llama
absent "$work/q/index.sqlite-wal"
absent "$work/q/index.sqlite-shm"
finish
