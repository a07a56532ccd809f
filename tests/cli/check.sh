#!/usr/bin/env bash
# logitlens check: without and with a model, every part, what could not be judged, injected faults, same output everywhere.
. "$(dirname "$0")/lib.inc"
L=$logitlens

check 0 "pass     every operation gives the same bits every time: 3 runs each" "$L" check --runs 3
grep -qF "not run  lower precision leaves the prediction alone: no model" "$work/stdout" || bad "without a model the arms are not run"
grep -qF "pass     Q6_K vector: 0 of 19 known values differ; sum 82, min -14, max 14.5, L2 82.782093474374037" "$work/stdout" || bad "Q6_K vector"
grep -qE '^silu \* up +adversarial .* DETERMINISTIC ' "$work/stdout" || bad "row of silu * up"
check 0 '"verdict": "pass"' "$L" check --json --runs 2 --parts blocks
grep -q '"model": null' "$work/stdout" || bad "a model where there is none"

check 0 "pass     each layer reads what the one before wrote: 8 layers" "$L" check "$llama" "$main_prompt" --runs 2 --out "$work/c.json" --markdown "$work/c.md" --index "$work/i.sqlite"
grep -qF '"precision explains the failure" does not hold' "$work/stdout" || bad "the hypothesis"
grep -qE '^whole pass +tokens +2 ' "$work/stdout" || bad "whole pass"
grep -qE '^BF16 +75 ' "$work/stdout" || bad "stored types"
grep -qE '^ +7  c  ' "$work/stdout" || bad "errors of the last layer in arm c"
grep -qF '| c | storage and accumulation |' "$work/c.md" || bad "arms in the Markdown"
check 0 "8" "$L" query "select count(*) from diag_rows where step = 'resid_post' and json_extract(json, '\$.arm') = 'd'" --index "$work/i.sqlite" --csv
check 0 "check,demo-llama,pass" "$L" query diag-reports --index "$work/i.sqlite" --csv
for isa in plain avx2; do # what the processor does not have is refused
    LL_ENGINE_ISA=$isa "$L" check "$llama" "$main_prompt" --runs 2 --json --threads 3 >"$work/isa" 2>/dev/null && same "$work/isa" "$work/c.json"
done
check 0 "bfloat16" "$L" check "$llama" --parts arms --format bf16 --ids 1,20,300
check 0 "stored type" "$L" check "$source_dir/tests/fixtures/quantized/gptq" --parts blocks --json
gguf=$source_dir/../shared/oracle/gguf
[ ! -d "$gguf" ] || check 0 "pass     rms of every part within 5 % of the original" "$L" check "$gguf/llama_q8_0.gguf" --parts blocks --original "$gguf/llama_f32.gguf"
[ ! -d "$gguf" ] || check 5 "fail     rms of every part within 5 % of the original" "$L" check "$source_dir/tests/fixtures/models/phi3_fused" --parts blocks --original "$source_dir/tests/fixtures/models/gpt2_conv1d"
check 0 "largest difference +0.000 %" "$L" check "$gemma" --parts blocks --original "$gemma"
check 2 "--original: expected 8 layers" "$L" check "$llama" --parts blocks --original "$source_dir/tests/fixtures/models/gpt2_conv1d"
check 2 "--original: expected a model, too" "$L" check --original "$llama"
[ ! -d "$gguf" ] || check 0 "Q4_0" "$L" check "$gguf/llama_q4_0.gguf" --runs 2 --ids 1,2,3

check 2 "--runs" "$L" check --runs 1
check 2 "--parts" "$L" check --parts everything
check 2 "--ids: expected a model, too" "$L" check --ids 1
check 2 "token id at position 0" "$L" check "$llama" --ids 99999
check 2 "nothing is downloaded" "$L" check no/such-model

# two tokens of equal weight that change places are no change of the prediction
check 0 "pass     lower precision leaves the prediction alone" "$L" check "$gemma" --parts arms --ids 5,9,31,7
grep -q "top-1 same, as good as equal, as good as equal" "$work/stdout" || bad "a tie is called a change"
grep -qE '^c .* tie ' "$work/stdout" || bad "the tie is not in the table"
# an embedding row so large that binary16 overflows: precision does explain it
rm -rf "$work/m"; cp -r "$llama" "$work/m"; chmod -R u+w "$work/m"
header=$(od -An -tu8 -N8 "$llama/model.safetensors" | tr -d ' ')
at=$(head -c $((header + 8)) "$llama/model.safetensors" | grep -ao '"model.embed_tokens.weight":{[^}]*}' | sed 's/.*data_offsets": *\[ *\([0-9]*\).*/\1/')
for _ in $(seq 128); do printf '\300\110'; done | dd of="$work/m/model.safetensors" bs=1 seek=$((8 + header + at + 20 * 256)) conv=notrunc status=none   # 393216
check 0 "warn     lower precision leaves the prediction alone" "$L" check "$work/m" --parts arms --ids 1,300,20
grep -qE '^b +storage .* no ' "$work/stdout" || bad "arm b survives an overflow"
grep -qE '^ +-1  b .* 128$' "$work/stdout" || bad "the overflow is not counted where it happens: $(grep -E '^ +-1  b' "$work/stdout")"
# a stored NaN is found by name
printf '\300\177' | dd of="$work/m/model.safetensors" bs=1 seek=$(($(stat -c %s "$llama/model.safetensors") - 2)) conv=notrunc status=none
check 5 "fail     all stored values are finite: tensor model.norm.weight, value 127" "$L" check "$work/m" --parts blocks
printf '\300\177' | dd of="$work/m/model.safetensors" bs=1 seek=$((8 + header + at + 256)) conv=notrunc status=none
check 5 "fail     whole layer and whole pass: m: tensor model.embed_tokens.weight: value 128 is not finite" "$L" check "$work/m" --runs 2 --ids 1,2
grep -qF "not run  lower precision leaves the prediction alone: m: tensor" "$work/stdout" || bad "arms of a model with a NaN are not run"
grep -qF "pass     every operation gives the same bits every time" "$work/stdout" || bad "the other operations stand"
finish
