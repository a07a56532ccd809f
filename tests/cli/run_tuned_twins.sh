#!/usr/bin/env bash
# `run --tuned`: a tuned lens that changes nothing has the norm lens' cells, but for those it never has.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

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
sums = "entropy entropy_bits echo_mass_prompt answer_minus_echo_mass mass_ratio_ans_over_prompt topk_prompt_mass@50".split()
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
        elif v != want[c]:    # sums over the vocabulary: the walk's of the norm lens, in double of the tuned one
            a, b = float(v), float(want[c])
            assert c in sums and abs(a - b) <= 1e-6 * max(abs(a), abs(b)), (r["row_id"], c, v, want[c])
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
finish
