#!/usr/bin/env bash
# `run --repeat-forward`: a second pass of the model is the same, to the bit, and changes no table.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
tables() { (cd "$1" && sha256sum ./*.csv); }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

run plain
tables "$work/plain" >"$work/a"
run twice --repeat-forward always
tables "$work/twice" >"$work/b"; same "$work/a" "$work/b"
python3 - "$(out twice llama).json" "$(out plain llama).json" <<'PY' || bad "the second pass"
import json, sys
twice, once = (json.load(open(p, encoding="utf-8"))["diagnostics"]["repeatability_forward"] for p in sys.argv[1:])
m = twice["milestones"]
assert twice["mode"] == "always" and m["pass1"]["layer"] is not None and m["pass1"]["layer"] == m["pass2"]["layer"] and m["delta_layers"] == 0
assert twice["topk_jaccard_at_primary_layer"] == 1 and twice["gate"]["repeatability_forward_pass"] is True and twice["rows_identical"] is True
assert once["mode"] == "skipped_deterministic" and once["milestones"]["pass2"]["layer"] is None and once["gate"]["repeatability_forward_pass"] is None
PY
finish
