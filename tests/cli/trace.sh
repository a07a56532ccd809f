#!/usr/bin/env bash
# trace: every part, its width, its criteria and exit codes, broken weights located, two runs the same bytes.
. "$(dirname "$0")/lib.inc"
L=$logitlens
fixtures=$source_dir/tests/fixtures/models

narrow() { # no line of stdout wider than 80 columns (a multi-byte character counts as one)
    n_checks=$((n_checks + 1))
    LC_ALL=C sed 's/[\x80-\xbf]//g' "$work/stdout" | awk '/^(pass|warn|fail|not run) / { next } length($0) > 80 { print; bad = 1 } END { exit bad }' || bad "wider than 80 columns: $*"
}

for m in "$llama" "$gemma"; do
    check 0 "nothing suspicious" "$L" trace "$m" "$main_prompt"; narrow "$m"
    check 0 "the block alone gives the full pass's bits" "$L" trace "$m" --layer 7 "$main_prompt"; narrow "$m"
    check 0 "growth" "$L" trace "$m" --sweep --stability --massive --attention "$main_prompt"; narrow "$m" all
    grep -q "^pass.*softmax rows sum to 1" "$work/stdout" || bad "no criterion of softmax"
done
check 0 "17 tokens: 1565, 400" "$L" trace "$llama" "$main_prompt"
check 0 "act(up) * gate" "$L" trace "$llama" --layer 3 --act-order swapped "$main_prompt"
check 0 "this block has no resid_mid" "$L" trace "$fixtures/stablelm_parallel" --ids 1,2,3
check 0 "mixture of experts" "$L" trace "$fixtures/mixtral_top2" --ids 1,2,3
check 0 "no gate: one projection" "$L" trace "$fixtures/gpt2_conv1d" --ids 1,2,3
check 0 "norms come after" "$L" trace "$fixtures/olmo2_norms" --ids 1,2,3
check 3 "act-order" "$L" trace "$fixtures/gpt2_conv1d" --act-order swapped --ids 1,2,3
check 0 "warn     more than one token" "$L" trace "$llama" --stability --ids 5
check 0 "intervention skip:2" "$L" trace "$llama" --sweep --intervene skip:2 "$main_prompt"
check 0 "massive" "$L" trace "$llama" --massive --factor 3 "$main_prompt"
check 5 "first at blocks.2.hook_resid_post, position 3" "$L" trace "$llama" --stability --intervene zero:blocks.2.hook_resid_post@pos=3 "$main_prompt"

# a huge residual, found where it was put
{ # 128 values, only the one of dimension 9 not 0
    printf '\200\000\000\000'
    for i in $(seq 0 127); do if [ "$i" = 9 ]; then printf '\000\024\113\111'; else printf '\000\000\000\000'; fi; done
} >"$work/huge.bin"
check 5 "residual below 1e5" "$L" trace "$llama" --stability --intervene "steer:blocks.4.hook_resid_mid@pos=2=$work/huge.bin" "$main_prompt"
grep -q "^fail.*residual below 1e5.*first at blocks.4.hook_resid_mid, position 2, element 9" "$work/stdout" || bad "a huge residual is not located: $(grep fail "$work/stdout")"
check 0 '"pos": 2, "dim": 9, "first_lens_row": 5, "last_lens_row": 8' "$L" trace "$llama" --massive --json --intervene "steer:blocks.4.hook_resid_mid@pos=2=$work/huge.bin" "$main_prompt"
check 0 "massive activations at 1 place (" "$L" trace "$llama" --sweep --intervene "steer:blocks.4.hook_resid_mid@pos=2=$work/huge.bin*0.01" "$main_prompt"
# written by one block and cleared by another: told, not suspected
check 0 "a few massive values carry it" "$L" trace "$llama" --sweep --intervene "steer:blocks.4.hook_mlp_out@pos=2=$work/huge.bin*0.01" --intervene "steer:blocks.6.hook_mlp_out@pos=2=$work/huge.bin*-0.01" "$main_prompt"
grep -q "nothing suspicious" "$work/stdout" && grep -q "block 6: the stream shrinks.*" "$work/stdout" && grep -q "massive values above all" <(tr '\n' ' ' <"$work/stdout" | tr -s ' ') || bad "massive activations written and cleared: $(cat "$work/stdout")"

# --- files: JSON is the same twice and with other threads; Markdown and --out
check 0 '"verdict": "pass"' "$L" trace "$llama" --json --stability --sweep --massive --attention --layer 2 --threads 1 "$main_prompt"
cp "$work/stdout" "$work/one.json"
check 0 "" "$L" trace "$llama" --json --stability --sweep --massive --attention --layer 2 --threads 3 --out "$work/two.json" --markdown "$work/two.md" "$main_prompt"
same "$work/one.json" "$work/two.json"
grep -q '^# Trace of' "$work/two.md" && grep -q '^- \*\*pass\*\*' "$work/two.md" || bad "no report in Markdown"

# --- broken weights: found, located, named
copy() { rm -rf "$work/m"; cp -r "$llama" "$work/m"; chmod -R u+w "$work/m"; }
last=$(($(stat -c %s "$llama/model.safetensors") - 2))
copy; printf '\300\177' | dd of="$work/m/model.safetensors" bs=1 seek=$last conv=notrunc status=none
check 5 "no NaN or infinity" "$L" trace "$work/m" --stability "$main_prompt"
grep -q "^fail.*no NaN or infinity.*first at" "$work/stdout" || bad "a NaN is not located"
check 5 "" "$L" trace "$work/m" "$main_prompt"
tr -s '\n ' ' ' <"$work/stdout" | grep -qF "spoilt; m: tensor model.norm.weight: value 127 is not finite" || bad "a NaN's tensor is not named"
copy; printf '\200\177' | dd of="$work/m/model.safetensors" bs=1 seek=$last conv=notrunc status=none
check 5 "no NaN or infinity" "$L" trace "$work/m" --stability "$main_prompt"

# --- bad input
check 2 "layer: expected 0..7, found 8" "$L" trace "$llama" --layer 8 "x"
check 2 "the prompt is empty" "$L" trace "$llama" ""
check 2 "token id at position 1" "$L" trace "$llama" --ids 1,4000
check 2 "--factor" "$L" trace "$llama" --factor 0.5 "x"
check 2 "--act-order" "$L" trace "$llama" --act-order sideways "x"
check 2 "expected a model" "$L" trace
copy; rm "$work/m/tokenizer.json"; check 2 "tokenizer" "$L" trace "$work/m" "x"
check 1 "cannot write" "$L" trace "$llama" --out "$work/no/such/file" "x"
finish
