#!/usr/bin/env bash
# `run`: positions along the prompt: each row is the last row of the prompt cut there, its target followed.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

run plain
python3 - "$L" "$llama" "$(out plain llama)" <<'PY' || bad "positions"
import csv, json, subprocess, sys
L, model, stem = sys.argv[1:]
read = lambda p: list(csv.DictReader(open(p, encoding="utf-8", newline="")))
rows = [r for r in read(stem + "-positions.csv") if r["prompt_id"] == "pos" and r["prompt_variant"] == "orig" and r["fact_index"] == "0"]
records = [r for r in read(stem + "-records.csv") if r["prompt_id"] == "pos" and r["prompt_variant"] == "orig" and r["fact_index"] == "0"]
ids = [r["token_id"] for r in records if r["layer"] == "0"]
n = len(ids)
grid = {}
for f in (.2, .4, .6, .8, .92, .96, .98, 1):
    grid.setdefault(round(f * (n - 1)), f)
assert [(int(r["pos_index"]), float(r["pos_frac"])) for r in rows if r["layer"] == "0"] == sorted(grid.items()), grid
answer = str(json.load(open(stem + ".json", encoding="utf-8"))["gold_answer"]["first_id"])
for pos in grid:
    target = ids[pos + 1] if pos + 1 < n else answer
    lens = subprocess.run([L, "lens", model, "--json", "--quiet", "--top", "1", "--ids", ",".join(ids[:pos + 1]), "--answer-id", target], capture_output=True, check=True).stdout
    for layer in json.loads(lens)["layers"]:
        r = next(r for r in rows if int(r["pos_index"]) == pos and int(r["layer"]) == layer["layer"])
        assert r["target_id"] == target and int(r["target_rank"]) == layer["answer_rank"] and float(r["p_target"]) == layer["p_answer"], (pos, layer["layer"])
        assert float(r["entropy_bits"]) == layer["entropy_bits"] and float(r["kl_to_final_bits"]) == layer["kl_to_final_bits"] and int(r["top1_id"]) == layer["top"][0]["id"]
        assert r["row_id"] == "pos.orig.0:L%03d:P%04d" % (layer["layer"], pos)
w = json.load(open(stem + ".json", encoding="utf-8"))["diagnostics"]["position_window"]
at = [r["target_rank"] == "1" for r in rows if int(r["layer"]) == w["L_semantic_norm"]]
assert w["rank1_at_L_semantic_norm"] == at and w["rank1_frac"] == sum(at) / len(at) and w["fragile"] == (sum(at) * 2 < len(at)) and w["n_positions"] == len(at)
PY
run last --last-position-only
absent "$(out last llama)-positions.csv"
grep -qF "only the last position was swept" "$(out last llama).json" || bad "positions left out are not explained"
check 0 "" "$L" index "$work/plain" --index "$work/i.sqlite"
check 0 "594" "$L" query "SELECT count(*) FROM positions WHERE target_rank IS NOT NULL" --index "$work/i.sqlite"
finish
