#!/usr/bin/env bash
# The rest of `run`: the original's switches, models that do not fit, targets along the prompt, a second pass, the tuned twins' cells,
# interventions.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
tables() { (cd "$1" && sha256sum ./*.csv); }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

# --- switches under the original's names
run plain
run switches --device cpu --fp32-unembed --residual-cache compute --prism auto --prism-dir nowhere --tuned auto
tables "$work/plain" >"$work/a"; tables "$work/switches" >"$work/b"; same "$work/a" "$work/b"
for s in '"residual_cache": "compute"' '"device": "cpu"' '"fp32_unembed": "true"' '"prism": "auto"' '"repeat_forward": "auto"'; do grep -qF "$s" "$(out switches llama).json" || bad "not recorded: $s"; done
run off --no-norm-lens --prism off --tuned off --repeat-forward off
run raw --norm raw
same "$(out off llama)-records.csv" "$(out raw llama)-records.csv"
for s in '"use_norm_lens": false' '"prism": "off"' '"mode": "off"'; do grep -qF "$s" "$(out off llama).json" || bad "not recorded: $s"; done
for d in cuda mps; do
    check 4 "computes on the CPU" "$L" run "$e" "$llama" --out-dir "$work/bad" --device $d
    check 4 "computes on the CPU" "$L" lens "$llama" --device $d x
done
check 3 "Prism" "$L" run "$e" "$llama" --out-dir "$work/bad" --prism on
check 2 "--prism-dir" "$L" run "$e" "$llama" --out-dir "$work/bad" --prism off --prism-dir x
check 2 "--no-norm-lens" "$L" run "$e" "$llama" --out-dir "$work/bad" --no-norm-lens --norm final
check 2 "--tuned auto" "$L" run "$e" "$llama" --out-dir "$work/bad" --tuned auto --tuned-mode off
check 2 "expected a folder" "$L" run "$e" "$llama" --out-dir "$work/bad" --tuned require
check 2 "repeat_forward: always: expected analysis" "$L" run "$e" "$llama" --out-dir "$work/bad" --repeat-forward always --no-analysis
check 2 "capacity" "$L" run "$e" "$llama" --out-dir "$work/bad" --capacity cpu=lots
check 2 "--no-norm-lens" "$L" lens "$llama" --no-norm-lens --norm next-ln1 x
check 0 "" "$L" lens "$llama" --no-norm-lens --device cpu --fp32-unembed --csv "x y"; cp "$work/stdout" "$work/a"
check 0 "" "$L" lens "$llama" --lens raw --csv "x y"; same "$work/stdout" "$work/a"

# the environment counts where no option does, and verify needs no environment
LOGOS_RAW_LENS=sample LOGOS_REPEAT_FORWARD=off run env
grep -qF '"raw_lens": "sample"' "$(out env llama).json" || bad "LOGOS_RAW_LENS"
grep -qF '"repeat_forward": "off"' "$(out env llama).json" || bad "LOGOS_REPEAT_FORWARD"
check 0 "0 differ" "$L" verify "$work/env"
LOGOS_RAW_LENS=full check 0 "0 differ" "$L" verify "$work/env"
LOGOS_RAW_LENS=off run env_option --raw-lens sample
grep -qF '"raw_lens": "sample"' "$(out env_option llama).json" || bad "the option against LOGOS_RAW_LENS"
LOGOS_RAW_LENS=some check 2 "LOGOS_RAW_LENS: expected one of off|sample|full" "$L" run "$e" "$llama" --out-dir "$work/bad"
absent "$work/bad"

# --- fit: what would not fit is skipped, the rest goes on; small batches change nothing but the log
run tight --capacity cpu=600KiB
tables "$work/tight" >"$work/b"; tables "$work/plain" >"$work/a"; same "$work/a" "$work/b"
same "$(out plain llama).json" "$(out tight llama).json"
grep -q "demo-llama: largest prompt needs .*, available 614 kB" "$work/tight/run.log" || bad "the plan is not in the log: $(cat "$work/tight/run.log")"
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

# --- positions: each row is the last row of the prompt cut there, its target followed
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

# --- a second pass of the model: the same, to the bit, and changes no table
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

# --- a tuned lens that changes nothing has the norm lens' cells, but for those it never has
(cd "$source_dir/experiments/demo_models" && PYTHONDONTWRITEBYTECODE=1 python3 -c '
import make_text, sys
sys.stdout.writelines(t + "\n" for t in make_text.documents(60, 20))') >"$work/text.txt" || bad "no text"
mkdir "$work/lenses"
check 0 "" "$L" tune "$llama" "$work/text.txt" --seq 64 --held-out 0.15 --out "$work/lenses/demo-llama" --quiet
run tuned --tuned "$work/lenses"
# the same cells of a lens whose translators are all zero
python3 - "$work/lenses/demo-llama" <<'PY' || bad "no lens of zeros"
import os, sys, zipfile, shutil
folder = sys.argv[1]
src = os.path.join(folder, "params.pt")
with zipfile.ZipFile(src) as z:
    parts = [(i, z.read(i)) for i in z.infolist()]
with zipfile.ZipFile(src, "w", zipfile.ZIP_STORED) as z:
    for i, data in parts:
        if "/data/" in i.filename:
            data = bytes(len(data))
        z.writestr(zipfile.ZipInfo(i.filename), data)
PY
run zeros --tuned "$work/lenses"
python3 - "$(out zeros llama)" "$(out tuned llama)" <<'PY' || bad "cells of the tuned twin"
import csv, sys
zeros, tuned = sys.argv[1:]
read = lambda p: list(csv.DictReader(open(p, encoding="utf-8", newline="")))
never = "semantic_margin_ok kl_to_final_bits_norm_temp topk_jaccard_raw_norm@50 topk_jaccard_consecutive@50 resid_norm_ratio delta_resid_cos".split()
norm = {r["row_id"]: r for r in read(zeros + "-pure-next-token.csv")}
twin = read(zeros + "-pure-next-token-tuned.csv")
assert len(twin) == 11 * 8
for r in twin:
    want = norm[r["row_id"]]
    for c, v in r.items():
        if c in never:
            assert v == ""
        elif c == "answer_logprob" and v == "":
            pass    # longer answers are read through the norm lens alone
        else:
            assert v == want[c], (r["row_id"], c, v, want[c])
other = read(tuned + "-pure-next-token-tuned.csv")
full = "cos_to_final cos_to_answer cos_to_prompt_max geom_crossover echo_mass_prompt answer_minus_echo_mass mass_ratio_ans_over_prompt topk_prompt_mass@50 accepted_rank p_top5".split()
assert all(r[c] for r in other for c in full)
assert any(r["cos_to_final"] != norm[r["row_id"]]["cos_to_final"] for r in other)
assert all(r["control_margin"] for r in other if r["prompt_id"] == "ctl") and not any(r["control_margin"] for r in other if r["prompt_id"] == "pos")
for r in other:
    a, echo = float(r["answer_mass"]), float(r["echo_mass_prompt"])
    assert abs(float(r["answer_minus_echo_mass"]) - (a - echo)) < 1e-15 and abs(float(r["mass_ratio_ans_over_prompt"]) - a / (echo + 1e-9)) < 1e-9 * (1 + a / (echo + 1e-9))
key = lambda r: tuple(r[c] for c in ("fact_key", "fact_index", "prompt_id", "prompt_variant", "layer"))
variants = {key(r): r for r in read(tuned + "-pure-next-token-tuned-variants.csv")}
assert len(variants) == len(other)
for r in other:    # the walk and the analysis agree
    v = variants[key(r)]
    assert abs(float(v["kl_bits_tuned"]) - float(r["kl_to_final_bits"])) < 1e-5 and abs(float(v["entropy_bits_tuned"]) - float(r["entropy_bits"])) < 1e-5
    assert v["answer_rank_tuned"] == r["answer_rank"]
PY

# --- interventions: in the experiment, by option, in every output's settings, part of what a run is
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
