#!/usr/bin/env bash
# logitlens depth: rows as lens and whole passes say, references, bad lists, collapsed logits.
. "$(dirname "$0")/lib.inc"
L=$logitlens

check 0 "pass     all layers and the lens give the model's own output" "$L" depth "$llama" --layers 0,2,n "$main_prompt" --out "$work/d.json" --markdown "$work/d.md" --index "$work/i.sqlite"
grep -qE '^ +8 +719 +Berlin .*0\.0000  healthy  computed' "$work/stdout" || bad "the row of all layers"
grep -qF '| 8 | 719 |  Berlin |' "$work/d.md" || grep -qF '| 8 | 719 | Berlin |' "$work/d.md" || bad "Markdown row"
grep -q '"layer": 2, "step": "next ln1"' "$work/d.json" || bad "the lens row with the next block's ln1 is missing"
check 0 "not run  predictions agree with the reference" "$L" depth "$llama" "$main_prompt"
check 0 "3 agree, 0 differ" "$L" depth "$llama" --layers n,0,2 "$main_prompt" --reference "$work/d.json"
echo '{"8": 719, "0": 1}' >"$work/ref.json"
check 5 "1 agree, 1 differ" "$L" depth "$llama" --layers 0,8 "$main_prompt" --reference "$work/ref.json"
grep -qE '^ +0 .* differs$' "$work/stdout" && grep -qE '^ +8 .* agrees$' "$work/stdout" || bad "verdicts against the reference"
echo '{"5": 719}' >"$work/ref.json"; check 0 "it names none of these depths" "$L" depth "$llama" --layers 0,8 "$main_prompt" --reference "$work/ref.json"
check 2 "no/such.json" "$L" depth "$llama" x --reference no/such.json
check 0 "0,next ln1" "$L" query "select layer, step from diag_rows where step = 'next ln1'" --index "$work/i.sqlite" --csv

# a row is what the lens says there, with either gain
row() { "$L" lens "$llama" --csv "$main_prompt" "$@" --quiet; }
for norm in final next-ln1; do
    step="final norm"; [ $norm = final ] || step="next ln1"
    h=$(grep -F "\"layer\": 2, \"step\": \"$step\"" "$work/d.json" | grep -o '"entropy_bits": [0-9.]*' | cut -d' ' -f2)
    row --norm $norm 2>/dev/null | awk -F, '$1 == 2' | grep -qF ",${h:0:7}" || bad "entropy of row 2 with $norm: $h"
done
"$L" depth "$llama" "x" --json --threads 1 >"$work/t1"; "$L" depth "$llama" "x" --json --threads 3 >"$work/t3"; same "$work/t1" "$work/t3"

check 2 "--layers: expected 0..8, found 9" "$L" depth "$llama" --layers 0,9 x
check 2 "--layers: expected 0..8, found -1" "$L" depth "$llama" --layers -1 x
check 2 "--layers: 2 is there twice" "$L" depth "$llama" --layers 2,1,2 x
check 2 "--layers: 8 is there twice" "$L" depth "$llama" --layers 8,n x
check 2 "found an empty list" "$L" depth "$llama" --layers "" x
check 2 'expected numbers or n' "$L" depth "$llama" --layers 1,x x
check 2 'expected numbers or n' "$L" depth "$llama" --layers 1, x
check 2 "token id at position 1" "$L" depth "$llama" --ids 1,4000
check 2 "expected a model" "$L" depth
for m in "$source_dir"/tests/fixtures/models/*; do
    "$L" depth "$m" --layers all --ids 1,2,3 --quiet >"$work/out" 2>"$work/err"; rc=$?
    n_checks=$((n_checks + 1))
    { [ $rc = 0 ] || [ $rc = 5 ]; } && grep -q "^pass     all layers and the lens give the model's own output" "$work/out" || bad "depth $m: $rc $(cat "$work/err")"
done

# a final norm of zeros makes all logits equal
rm -rf "$work/m"; cp -r "$llama" "$work/m"; chmod -R u+w "$work/m"
size=$(stat -c %s "$llama/model.safetensors")
dd if=/dev/zero of="$work/m/model.safetensors" bs=1 seek=$((size - 256)) count=256 conv=notrunc status=none
check 5 "broken" "$L" depth "$work/m" "x"
# gains of 2^-20: collapsed
for _ in $(seq 128); do printf '\200\065'; done | dd of="$work/m/model.safetensors" bs=1 seek=$((size - 256)) conv=notrunc status=none
check 5 "fail     logits of the full model are healthy: collapsed" "$L" depth "$work/m" "x"
finish
