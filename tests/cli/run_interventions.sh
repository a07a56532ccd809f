#!/usr/bin/env bash
# `run --intervene`: in the experiment, by option, in every output's settings, part of what a run is.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
tables() { (cd "$1" && sha256sum ./*.csv); }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

run plain
tables "$work/plain" >"$work/a"
(cd "$source_dir/experiments/demo_models" && PYTHONDONTWRITEBYTECODE=1 python3 -c '
import make_text, sys
sys.stdout.writelines(t + "\n" for t in make_text.documents(60, 20))') >"$work/text.txt" || bad "no text"
mkdir "$work/lenses"
check 0 "" "$L" tune "$llama" "$work/text.txt" --seq 64 --held-out 0.15 --out "$work/lenses/demo-llama" --quiet
python3 - "$e" "$work/iv.json" <<'PY'
import json, sys
e = json.load(open(sys.argv[1]))
e["models"] = []
e["interventions"] = ["zero:blocks.3.hook_attn_out", "skip:5"]
json.dump(e, open(sys.argv[2], "w"))
PY
check 0 "" "$L" run "$work/iv.json" "$llama" "$gemma" --out-dir "$work/iv" --quiet --no-index
run opt --intervene zero:blocks.3.hook_attn_out --intervene skip:5
check 0 "" "$L" run "$work/iv.json" "$llama" --out-dir "$work/other" --quiet --no-index --intervene skip:2
for f in records pure-next-token answers positions; do
    same "$(out iv llama)-$f.csv" "$(out opt llama)-$f.csv"
    cmp -s "$(out iv llama)-$f.csv" "$(out plain llama)-$f.csv" && bad "interventions change nothing in $f"
    cmp -s "$(out iv llama)-$f.csv" "$(out other llama)-$f.csv" && bad "the option does not take the experiment's place in $f"
done
for m in llama gemma2; do
    for s in '"interventions": "zero:blocks.3.hook_attn_out; skip:5"' 'interventions change the model: zero:blocks.3.hook_attn_out; skip:5' '"last_row_equals_model": true'; do
        grep -qF "$s" "$(out iv $m).json" || bad "not in the JSON of $m: $s"
    done
done
grep -qF interventions "$(out plain llama).json" && bad "interventions where there are none"
check 0 "interventions change the models: skip:2" "$L" run "$e" "$llama" --out-dir "$work/said" --no-index --intervene skip:2
# the same numbers as the lens command gives with them
python3 - "$L" "$llama" "$(out iv llama)" "$main_prompt" <<'PY' || bad "run and lens differ under interventions"
import csv, json, subprocess, sys
L, model, stem, prompt = sys.argv[1:]
lens = json.loads(subprocess.run([L, "lens", model, "--json", "--quiet", "--answer", "Berlin", "--intervene", "zero:blocks.3.hook_attn_out", "--intervene", "skip:5", prompt], capture_output=True, check=True).stdout)
rows = [r for r in csv.DictReader(open(stem + "-pure-next-token.csv", encoding="utf-8", newline="")) if r["row_id"].startswith("pos.orig.0:")]
assert len(rows) == len(lens["layers"]) == 9
for r, l in zip(rows, lens["layers"]):
    assert float(r["entropy_bits"]) == l["entropy_bits"] and float(r["kl_to_final_bits"]) == l["kl_to_final_bits"] and int(r["answer_rank"]) == l["answer_rank"] and float(r["p_answer"]) == l["p_answer"]
PY
check 0 "0 differ" "$L" verify "$work/opt"
[ "$(grep '"key"' "$work/opt/manifest.json")" != "$(grep '"key"' "$work/plain/manifest.json")" ] || bad "a run with interventions has the key of one without"
# a file as source: its name alone stands in the outputs; under a tuned lens the check that knows no interventions is left out
check 0 "activations" "$L" dump "$llama" --ids 5,6,7,8 --out "$work/act.safetensors"
echo '{"prompts": [{"ids": [1, 2, 3, 4]}], "calibrate": false}' >"$work/ids.json"
for s in "$work/act.safetensors" ids:5,6,7,8; do
    check 0 "" "$L" run "$work/ids.json" "$llama" --out-dir "$work/src-${s##*[/:]}" --quiet --no-index --tuned "$work/lenses" --intervene "patch:blocks.7.hook_resid_post=$s"
done
for f in records pure-next-token positions pure-next-token-tuned; do same "$(out src-act.safetensors llama)-$f.csv" "$(out src-5,6,7,8 llama)-$f.csv"; done
grep -qF '"interventions": "patch:blocks.7.hook_resid_post=act.safetensors"' "$(out src-act.safetensors llama).json" || bad "a source file is not named"
grep -rlF "$work" "$work"/src-*/output-* && bad "an output holds a machine path"
grep -qF '"skip_layers_sanity": {"m=2":null,' "$(out src-act.safetensors llama).json" || bad "the skip-layers check under interventions"
run swap --intervene swap:2,6 --intervene swap:6,2 # back where they were
tables "$work/swap" >"$work/b"; same "$work/a" "$work/b"
check 2 "expected zero:" "$L" run "$e" "$llama" --out-dir "$work/bad" --intervene nope:1
echo '{"prompts": [{"text": "x"}], "interventions": ["skip:1", "nope"]}' >"$work/bad.json"
check 2 'line 1: interventions: intervention "nope": expected zero:' "$L" run "$work/bad.json" "$llama" --out-dir "$work/bad"
absent "$work/bad"
check 2 "block: expected 0..7, found 8" "$L" run "$e" "$llama" --out-dir "$work/outside" --quiet --no-index --intervene skip:8
finish
