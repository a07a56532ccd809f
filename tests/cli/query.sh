#!/usr/bin/env bash
# Questions to the index: several words, and nothing left beside the file.
. "$(dirname "$0")/lib.inc"
L=$logitlens
check 0 "" "$L" run "$source_dir/experiments/001_layers_and_logits/experiment.json" "$llama" --root "$work/q" --quiet
check 0 "demo-llama" "$L" query --csv --index "$work/q/index.sqlite" layers model=demo-llama
absent "$work/q/index.sqlite-wal"
absent "$work/q/index.sqlite-shm"
# parameters: values known beforehand, none twice
I=$work/q/index.sqlite
check 2 'era: expected one of early, late, ours; found "our"' "$L" query first-semantic-layer era=our --index "$I"
check 2 'lens: expected one of norm, raw, prism, tuned, all; found "tune"' "$L" query layers lens=tune --index "$I"
check 2 "layer= stands there twice" "$L" query answers layer=3 layer=4 --index "$I"
check 0 "demo-llama" "$L" query layers era=ours lens=all model=llama --index "$I"
check 2 "not authorized to use function: fts3_tokenizer" "$L" query "select fts3_tokenizer('simple')" --index "$I"
finish
