#!/usr/bin/env bash
# `run --capacity`: what would not fit is skipped, the rest goes on; small batches change nothing but the log.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
tables() { (cd "$1" && sha256sum ./*.csv); }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

run plain
run tight --capacity cpu=2100KiB
tables "$work/tight" >"$work/b"; tables "$work/plain" >"$work/a"; same "$work/a" "$work/b"
same "$(out plain llama).json" "$(out tight llama).json"
grep -q "demo-llama: largest prompt needs .*, available 2.2 MB" "$work/tight/run.log" || bad "the plan is not in the log: $(cat "$work/tight/run.log")"
grep -q "it would have skipped this model" "$work/tight/run.log" || bad "the original's decision is not in the log"
check 4 "2 of 2 models failed" "$L" run "$e" "$llama" "$gemma" --out-dir "$work/none" --quiet --no-index --capacity cpu=10KiB
for m in llama gemma2; do grep -qF '"status": "skipped"' "$(out none $m).json" || bad "status of a skipped model"; done
grep -qF "more than is available" "$(out none llama).json" || bad "reason of a skipped model"
grep -qF "10 kB" "$(out none llama).json" && bad "the machine's memory is in the JSON"
absent "$(out none llama)-records.csv"
check 2 "models failed" "$L" run "$e" "$llama" "$work/nowhere/x" --out-dir "$work/both" --quiet --no-index --capacity cpu=10KiB
python3 - "$(out plain llama).json" <<'PY' || bad "the original's estimate"
import json, sys
fit = json.load(open(sys.argv[1], encoding="utf-8"))["provenance"]["memory_fit"]
o = fit["original_estimate"]
rows = {d["device"]: d for d in o["devices"]}
GiB = 1 << 30
want = {"cuda": (2, .30, 1.5), "mps": (2, .35, 3.5), "cpu": (4, .20, 4)}   # docs/experiment.md 14.7
for name, (size, over, reserve) in want.items():
    assert abs(rows[name]["estimate_bytes"] - (o["params"] * size * (1 + over) + reserve * GiB)) < 2, name
assert fit["device"] == "cpu" and not any("free" in k or "available" in k for d in o["devices"] for k in d)
PY
finish
