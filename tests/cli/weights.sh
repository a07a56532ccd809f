#!/usr/bin/env bash
# logitlens weights: every family's fixture, the wording, checkpoints with faults, JSON, Markdown and index.
. "$(dirname "$0")/lib.inc"
L=$logitlens

for m in "$source_dir"/tests/fixtures/models/* "$source_dir"/tests/fixtures/quantized/*; do
    [ -d "$m" ] && check 0 "all weights are finite: no NaN" "$L" weights "$m" --quiet
done
gguf=$source_dir/../shared/oracle/gguf
if [ -d "$gguf" ]; then
    check 0 "all weights are finite: no NaN" "$L" weights "$gguf/llama_k_mixture.gguf"
    # the same weights in float32: means and deviations of the dequantised ones are near
    "$L" weights "$gguf/llama_f32.gguf" --json --quiet >"$work/f32" && "$L" weights "$gguf/llama_q8_0.gguf" --json --quiet >"$work/q8"
    a=$(grep -o '"step": "Gate".*"std": [0-9.e-]*' "$work/f32" | head -1 | grep -o '"std": 0.0*[0-9]\{2\}'); b=$(grep -o '"step": "Gate".*"std": [0-9.e-]*' "$work/q8" | head -1 | grep -o '"std": 0.0*[0-9]\{2\}')
    [ -n "$a" ] && [ "$a" = "$b" ] || bad "std of Gate: F32 $a, Q8_0 $b"
fi

# --- wording: all, some, none
check 0 "- all 2 layers have QK-norm" "$L" weights "$source_dir/tests/fixtures/models/qwen3_tied"
check 0 "- no layer has QK-norm" "$L" weights "$llama"
check 0 "- all 2 layers have a Q bias" "$L" weights "$source_dir/tests/fixtures/models/qwen2_tied"
check 0 "layer 5 (marked): nothing special found" "$L" weights "$llama" --mark 5 --markdown "$work/w.md" --out "$work/w.json" --index "$work/i.sqlite"
grep -qF "0.0005 ± 0.0524" "$work/w.md" || bad "± in the Markdown"
grep -q -- '-0\.0000' "$work/w.md" && bad "-0.0000 in the Markdown"
grep -qF '| 0 | apart | No | No | No | No | 0.0524 | 0.0573 | 196864 |' "$work/w.md" || bad "line of layer 0"
grep -n '^## ' "$work/w.md" | cut -d: -f2 | tr '\n' ',' | grep -qF '## Objective,## Configuration summary,## Attention weights,## FFN weights,## Findings,## Recommendations,' || bad "order of the parts"
check 0 "report known already" "$L" index "$work/w.json" --index "$work/i.sqlite"
check 0 "weights,demo-llama,pass" "$L" query diag-reports --index "$work/i.sqlite" --csv
check 0 '0.052' "$L" query "select json_extract(json, '\$.std') from diag_rows where layer = 0 and step = 'Q'" --index "$work/i.sqlite" --csv
"$L" weights "$llama" --json --threads 1 --quiet >"$work/t1"; "$L" weights "$llama" --json --threads 3 --quiet >"$work/t3"; same "$work/t1" "$work/t3"

# --- bad input
check 2 "--mark: expected layers in 0..7, found 8" "$L" weights "$llama" --mark 2,8
check 2 "--mark: expected layers separated by commas" "$L" weights "$llama" --mark 2,x
check 2 "expected a model" "$L" weights
copy() { rm -rf "$work/m"; cp -r "$llama" "$work/m"; chmod -R u+w "$work/m"; }
copy; truncate -s 200 "$work/m/model.safetensors"; check 2 "header" "$L" weights "$work/m"

# --- a missing tensor: listed, the layer is incomplete, the rest goes on
copy; LC_ALL=C sed -i 's/model.layers.3.mlp.up_proj.weight/model.layers.3.mlp.xp_proj.weight/' "$work/m/model.safetensors"
check 5 "layer 3: incomplete: model.layers.3.mlp.up_proj.weight; other tensors" "$L" weights "$work/m"
[ "$(grep -c PROBLEM "$work/stdout")" = 1 ] || bad "layers beside the incomplete one are marked"
grep -qE '^ +3  PROBLEM ' "$work/stdout" || bad "layer 3 is not marked"
grep -qF 'not read by this family, layers 3 to 3: mlp.xp_proj.weight' "$work/stdout" || bad "the extra tensor is not named"
grep -qF 'fail     every tensor is there: 1 of 9 parts' "$work/stdout" || bad "criterion of the missing tensor"

# --- more and fewer layers than config.json says
copy; sed -i 's/"num_hidden_layers": *8/"num_hidden_layers": 10/' "$work/m/config.json"
check 5 "as many layers as config.json says: config.json 10, tensors 8" "$L" weights "$work/m"
copy; sed -i 's/"num_hidden_layers": *8/"num_hidden_layers": 6/' "$work/m/config.json"
check 5 "as many layers as config.json says: config.json 6, tensors 8" "$L" weights "$work/m"
grep -qE '^ +7  ' "$work/stdout" || bad "the layers beyond config.json are not described"

# --- a NaN has a place; a shape that config.json does not say
copy; printf '\300\177' | dd of="$work/m/model.safetensors" bs=1 seek=$(($(stat -c %s "$llama/model.safetensors") - 2)) conv=notrunc status=none
check 5 "all weights are finite: 1 are not; tensor model.norm.weight, value 127" "$L" weights "$work/m"
copy; sed -i 's/"intermediate_size": *[0-9]*/"intermediate_size": 300/' "$work/m/config.json"
check 5 "expected [300, 128], found [" "$L" weights "$work/m"
finish
