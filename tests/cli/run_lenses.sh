#!/usr/bin/env bash
# A run's lenses: the tuned twins of its tables, heads and sites, residuals kept, analysis turned off; what each leaves out.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to write the text with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
rows() { grep -c '' "$1"; }

# --- without analysis: the same rows, less in them
check 0 "" "$L" run "$e" "$llama" --out-dir "$work/full" --quiet --no-index
check 0 "" "$L" run "$e" "$llama" --out-dir "$work/plain" --quiet --no-index --no-analysis
same "$work/full/output-demo-llama-records.csv" "$work/plain/output-demo-llama-records.csv"
same "$work/full/output-demo-llama-answers.csv" "$work/plain/output-demo-llama-answers.csv"
cut -d, -f1-66 "$work/full/output-demo-llama-pure-next-token.csv" >"$work/a"; cut -d, -f1-66 "$work/plain/output-demo-llama-pure-next-token.csv" >"$work/b"
same "$work/a" "$work/b"
for f in rawlens rawlens-window milestones artifact-audit; do absent "$work/plain/output-demo-llama-pure-next-token-$f.csv"; absent "$work/plain/output-demo-llama-$f.csv"; done
[ "$(rows "$work/full/output-demo-llama-pure-next-token-rawlens.csv")" = 100 ] || bad "rows of the raw lens"
check 0 "" "$L" run "$e" "$llama" --out-dir "$work/sample" --quiet --no-index --raw-lens sample --no-calibrate
[ "$(rows "$work/sample/output-demo-llama-pure-next-token-rawlens.csv")" = $((11 * 4 + 1)) ] || bad "rows of the sampled raw lens"
check 0 "" "$L" index "$work/sample" --index "$work/sample.sqlite" --quiet
[ "$("$L" query "select count(*) from rawlens" --index "$work/sample.sqlite" --csv | tail -1)" = 44 ] || bad "sampled raw lens in the index"
sed -i '$d' "$work/sample/output-demo-llama-pure-next-token-rawlens.csv"
check 2 "expected layers 0 to 8, found 0 to 5" "$L" index "$work/sample" --index "$work/sample.sqlite" --quiet
check 0 "" "$L" run "$e" "$llama" --out-dir "$work/off" --quiet --no-index --raw-lens off
absent "$work/off/output-demo-llama-pure-next-token-rawlens.csv"

# --- a control whose answer has the main answer's own id: no margin anywhere, in the rows and in the JSON
echo '{"prompts": [{"text": "The capital of Germany is called", "answer": "Berlin"}, {"role": "control", "text": "In France the capital is Paris; the capital of Germany is", "answer": "Berlin"}]}' >"$work/same.json"
check 0 "" "$L" run "$work/same.json" "$llama" "$gemma" --root "$work/same" --quiet
[ "$("$L" query "select count(*), sum(control_margin = 0) from v_pure where prompt_id = 'ctl'" --index "$work/same/index.sqlite" --csv | tail -1)" = 18,18 ] || bad "margins of equal ids"
grep -q '"first_control_margin_pos": null' "$work/same/run-latest/output-demo-llama.json" || bad "a margin above 0 for equal ids"
[ -z "$("$L" query conflicts --index "$work/same/index.sqlite" --csv 2>/dev/null | tail -n +2)" ] || bad "conflicts for equal ids"

# --- copy options give the columns
check 0 "" "$L" run "$e" "$llama" --out-dir "$work/copy" --quiet --no-index --copy-threshold 0.6 --copy-margin 0.2 --copy-thresh-list 0.5 --copy-soft-thresh 0.33 --copy-soft-window-ks 2,1 --copy-soft-thresh-list 0.4
head -1 "$work/copy/output-demo-llama-pure-next-token.csv" | grep -qF ',copy_collapse,copy_strict@0.6,copy_strict@0.5,copy_soft_k1@0.33,copy_soft_k2@0.33,copy_soft_k1@0.4,copy_soft_k2@0.4,entropy' || bad "copy columns"
grep -qF '"copy_threshold": 0.6' "$work/copy/output-demo-llama.json" || bad "the copy threshold is not recorded"
check 2 "--copy-threshold: expected a number in 0..1" "$L" run "$e" "$llama" --out-dir "$work/bad" --copy-threshold 1.5
check 2 "--copy-soft-window-ks: expected integers" "$L" run "$e" "$llama" --out-dir "$work/bad" --copy-soft-window-ks 1.5
check 2 "--copy-soft-thresh-list: expected numbers" "$L" run "$e" "$llama" --out-dir "$work/bad" --copy-soft-thresh-list 0.3,x
check 2 "--site" "$L" run "$e" "$llama" --out-dir "$work/bad" --site resid_pre
absent "$work/bad"

# --- a bare head: row n of a capped model is no longer its output, that of one without is
check 0 "" "$L" run "$e" "$llama" "$gemma" --out-dir "$work/bare" --quiet --no-index --head bare
for m in demo-llama:true demo-gemma2:false; do
    grep -qF "\"last_row_equals_model\": ${m#*:}" "$work/bare/output-${m%:*}.json" || bad "last row of ${m%:*} with a bare head"
    grep -qF '"lens_head": "bare"' "$work/bare/output-${m%:*}.json" || bad "the head is not recorded"
done
same "$work/full/output-demo-llama-pure-next-token.csv" "$work/bare/output-demo-llama-pure-next-token.csv"
for s in resid_mid attn_out mlp_out; do
    check 0 "site $s" "$L" lens "$llama" --site "$s" --quiet "$main_prompt"
    check 0 "" "$L" run "$e" "$gemma" --out-dir "$work/$s" --quiet --no-index --site "$s" --head bare
done
check 3 "attention and MLP side by side" "$L" lens "$source_dir/tests/fixtures/models/phi_parallel" --ids 1,2 --site resid_mid --quiet
check 0 '"lens_site": "mlp_out"' "$L" lens "$llama" --site mlp_out --json --quiet "$main_prompt"

# --- residuals: one file a row, the main pass's
check 0 "" "$L" run "$e" "$llama" "$llama" --out-dir "$work/keep" --quiet --no-index --keep-residuals --last-position-only
[ "$(find "$work/keep" -name '*_resid.bin' | wc -l)" = 18 ] || bad "kept residuals"
[ "$(stat -c %s "$work/keep/demo-llama-2_08_resid.bin")" = $((4 + 4 * 128)) ] || bad "size of a kept residual"
absent "$work/keep/output-demo-llama-records.csv"

# --- a tuned lens, in a folder of the model's name
(cd "$source_dir/experiments/demo_models" && PYTHONDONTWRITEBYTECODE=1 python3 -c '
import make_text, sys
sys.stdout.writelines(t + "\n" for t in make_text.documents(180, 20))') >"$work/text.txt" || bad "no text"
mkdir "$work/lenses"
check 0 "" "$L" tune "$llama" "$work/text.txt" --seq 64 --held-out 0.15 --out "$work/lenses/demo-llama" --quiet
check 0 "" "$L" run "$e" "$llama" "$gemma" --out-dir "$work/tuned" --quiet --no-index --tuned "$work/lenses" --tuned-mode auto
p=$work/tuned/output-demo-llama
for f in records pure-next-token; do
    [ "$(head -1 "$p-$f.csv")" = "$(head -1 "$p-$f-tuned.csv")" ] || bad "columns of $f-tuned"
    same "$work/full/output-demo-llama-$f.csv" "$p-$f.csv"
done
[ "$(rows "$p-pure-next-token-tuned.csv")" = $((11 * 8 + 1)) ] || bad "rows of the tuned table: only rows with a translator"
[ "$(rows "$p-pure-next-token-tuned-variants.csv")" = $((11 * 8 + 1)) ] || bad "rows of the variants"
check 0 "" "$L" index "$work/tuned" --index "$work/tuned.sqlite" --quiet
[ "$("$L" query "select (select count(*) from pure where lens = 'tuned') || ' ' || (select count(*) from tuned_variants)" --index "$work/tuned.sqlite" --csv | tail -1)" = "$((11 * 8)) $((11 * 8))" ] || bad "tuned rows in the index"
[ -z "$("$L" query conflicts --index "$work/tuned.sqlite" --csv 2>/dev/null | tail -n +2)" ] || bad "conflicts of a tuned run"
check 0 "demo-llama" "$L" query tuned-gain --index "$work/tuned.sqlite"
[ "$(rows "$p-positions-tuned-audit.csv")" -gt $((11 * 8 * 4)) ] || bad "rows of the positions audit"
# empty throughout: semantic_margin_ok, the temperature's KL, both overlaps, the two residual columns
python3 - "$p-pure-next-token-tuned.csv" <<'PY' || bad "cells of the tuned table"
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")))
empty = "semantic_margin_ok kl_to_final_bits_norm_temp topk_jaccard_raw_norm@50 topk_jaccard_consecutive@50 resid_norm_ratio delta_resid_cos".split()
assert all(not r[c] for r in rows for c in empty)
assert all(r["p_answer"] and r["kl_to_final_bits"] and r["copy_collapse"] for r in rows)
PY
for s in '"status": "loaded"' '"audit_summary"' '"skip_layers_sanity"' '"tuned_lens_regression"'; do grep -qF "$s" "$p.json" || bad "not in the JSON: $s"; done
grep -q "no tuned lens" "$work/tuned/output-demo-gemma2.json" || bad "a missing tuned lens is not said"
absent "$work/tuned/output-demo-gemma2-pure-next-token-tuned.csv"
grep -rlE "$work|$source_dir" "$work"/tuned/output-* && bad "an output holds a machine path"
check 2 "models failed" "$L" run "$e" "$gemma" --out-dir "$work/require" --quiet --no-index --tuned "$work/lenses"
check 2 "a tuned lens reads resid_post" "$L" run "$e" "$llama" --out-dir "$work/bad" --tuned "$work/lenses" --site mlp_out
check 2 "expected a folder" "$L" run "$e" "$llama" --out-dir "$work/bad" --tuned-mode require
finish
