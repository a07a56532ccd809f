#!/usr/bin/env bash
# drift as a user calls it: every container, the two traps, every kind of incomplete or broken reference.
. "$(dirname "$0")/lib.inc"
L=$logitlens
m=$source_dir/tests/fixtures/models/llama3_gqa
refs=$source_dir/tests/fixtures/refs
ids=68,42,78,77,93,74,74,90,44,74,91,53,87,50,36,11,58

# --- containers: PyTorch's own values agree in each
check 0 "first divergence  none" "$L" drift "$m" "$m/reference.safetensors"
check 0 "sequence len5" "$L" drift "$m" "$m/reference.safetensors" --sequence len5
check 0 "given, and the same in the reference" "$L" drift "$m" "$refs/hidden.npz" --ids $ids
check 0 "put in halves" "$L" drift "$m" "$refs/callback.txt" --ids $ids
grep -q "pass     nodes within 1 % of rms and cosine above 0.999: 4 nodes" "$work/stdout" || bad "nodes of llama.cpp"
grep -q "^ffn_inp-1 .*within" "$work/stdout" || bad "statistics only"
grep -q "kq_soft_max_ext-1" "$work/stdout" || bad "unknown names are not reported"
printf 'kq_soft_max_ext-%%d\t-\n' >"$work/map.tsv"
check 0 "1 arrays known and passed over" "$L" drift "$m" "$refs/callback.txt" --ids $ids --map "$work/map.tsv"
check 2 "expected activations, found none" "$L" drift "$m" "$refs/deflated.npz" # token ids alone
check 2 "none of 1 names is known" "$L" drift "$m" "$refs/f4.npy" --ids $ids
check 2 "expected safetensors, npz" "$L" drift "$m" "$m/config.json" --ids $ids

# --- our own dumps, all points and whole layers
check 0 "activations" "$L" dump "$gemma" "The capital" --hooks all --out "$work/all.safetensors"
check 0 "no operation diverges: 164 points" "$L" drift "$gemma" "$work/all.safetensors" "The capital"
check 2 "token ids: the reference has" "$L" drift "$gemma" "$work/all.safetensors" "The capitals"
check 5 "blocks.2.attn.hook_attn_scores" "$L" drift "$gemma" "$work/all.safetensors" --break attn-cap=off@2 --try attn-cap=off@2,rope=interleaved --explain
grep -q "^attn-cap=off@2 .*explains everything" "$work/stdout" || bad "--try does not name the soft cap"
grep -q "^rope=interleaved .* no$" "$work/stdout" || bad "--try believes anything"
grep -q "^seen  attention off although q, k, v and rotation are right" "$work/stdout" || bad "--explain"
check 0 "activations" "$L" dump "$llama" "The capital of" --bin "$work/bins" --hooks embed,resid_post,ln_final.normalized,logits
check 0 "pass     same predicted token" "$L" drift "$llama" "$work/bins" --isolate 2,7 --parts 3
grep -q "^rot_q .*self: same" "$work/stdout" || bad "no self-checks"
[ "$(grep -c '^ *[27] .*excellent  same' "$work/stdout")" = 2 ] || bad "isolated layers"
check 5 "expected 1, obtained" "$L" drift "$llama" "$work/bins" --expect-token 1
check 5 "block 2" "$L" drift "$llama" "$work/bins" --break norm-offset=+1@2 --isolate all
grep -q "^    2 .*this layer" "$work/stdout" || bad "layer 2 is not named"
grep -q "^    3 .*accumulated" "$work/stdout" || bad "layer 3 is blamed"

# --- a folder of every component; heads, scores and post-norms included
for model in "$llama" "$gemma" "$source_dir/tests/fixtures/models/phi_parallel" "$source_dir/tests/fixtures/models/granite_scales"; do
    rm -rf "$work/parts"
    check 0 "activations" "$L" dump "$model" --ids 5,9,31,7 --hooks all --bin "$work/parts"
    n=$(ls "$work/parts" | grep -c 'bin$')
    check 0 "folder: $n arrays, $n points, of 0 more only the sum; 0 arrays known" "$L" drift "$model" "$work/parts"
    grep -q "first divergence  none" "$work/stdout" || bad "components of $model"
done
[ -s "$work/parts/layer1_attn_out.bin" ] && [ -s "$work/parts/layer1_q_proj.bin" ] || bad "names of component files"
check 5 "first: blocks.1.hook_attn_out (output projection)" "$L" drift "$model" "$work/parts" --break resid-scale=off@1

# --- as people write them: transformers' hidden_states and modules in three precisions; all right, and a mistake still found
for f in "$refs"/people/*.npz; do
    name=$(basename "$f")
    check 0 "" "$L" drift "$source_dir/tests/fixtures/models/${name%%.*}" "$f" --isolate all
    grep -q "anomaly\|degraded\|poor\|bug\|x!" "$work/stdout" && bad "$name: a mark on a healthy model"
done
p=$source_dir/tests/fixtures/models
check 5 "first: blocks.1.ln1.hook_normalized" "$L" drift "$p/gpt2_conv1d" "$refs/people/gpt2_conv1d.modules.float32.npz" --break eps=x10@1
check 5 "first: blocks.1.hook_attn_out" "$L" drift "$p/falcon_groups" "$refs/people/falcon_groups.modules.bfloat16.npz" --break grouping=modulo@1
check 5 "fail     no operation diverges" "$L" drift "$m" "$refs/people/llama3_gqa.hidden.bfloat16.npz" --break mlp=swapped@1
check 5 "fail     no operation diverges: first: blocks.0.hook_resid_post" "$L" drift "$p/gemma2_caps" "$refs/people/gemma2_caps.stack.bfloat16.npz" --break norm-offset=-1@0
check 0 "not used   transformer.wpe: no point of the pass; transformer.wte" "$L" drift "$p/gpt2_conv1d" "$refs/people/gpt2_conv1d.modules.float32.npz"
check 0 "4 points" "$L" drift "$m" "$refs/people/llama3_gqa.hidden.float32.npz"
# TransformerLens' names where positions are learned: hook_embed and hook_pos_embed are added
for name in gpt2_conv1d gpt_neo; do
    check 0 "first divergence  none" "$L" drift "$p/$name" "$refs/people/positions/$name.npz"
    grep -q "^not used" "$work/stdout" && bad "$name: something is not used"
    check 0 "activations" "$L" dump "$p/$name" --ids 5,9,31,7 --hooks embed --out "$work/ours.safetensors"
    check 0 "1 arrays, 1 points" "$L" drift "$p/$name" "$work/ours.safetensors"
done
# values alone, as tofile writes them: the size tells the type, where one fits
check 0 "folder: 3 arrays, 3 points" "$L" drift "$m" "$refs/people/tofile"
check 0 "bin: 1 arrays, 1 points" "$L" drift "$m" "$refs/people/tofile/hidden_states_1.bin" --ids "$("$L" drift "$m" "$refs/people/tofile" --json | tr -d ' \n' | sed 's/.*"token_ids":\[\([0-9,]*\)\].*/\1/')"
mkdir "$work/half"
d=$(($(wc -c <"$refs/people/tofile/hidden_states_1.bin") / 24))
head -c $((6 * d * 2)) "$refs/people/tofile/hidden_states_1.bin" >"$work/half/after_layer_0.bin"
check 2 "may be float16 or bfloat16: say which (--raw TYPE)" "$L" drift "$m" "$work/half" --ids 5,6,7,8,9,10
check 2 "expected float32, float64, float16 or bfloat16, found \"f16\"" "$L" drift "$m" "$work/half" --ids 5,6,7,8,9,10 --raw f16
check 2 "found $((6 * d * 2)) bytes" "$L" drift "$m" "$work/half" --ids 5,6,7,8,9,10 --raw float64

# savez_compressed and torch.save say what the plain archive says; a mistake is found in them as well
figures() { "$L" drift "$m" "$1" --json | sed -n '/"token_ids"/,$p' | grep -v '"origin"'; }
figures "$refs/people/llama3_gqa.hidden.float32.npz" >"$work/plain.figures"
grep -q '"verdict": "same"' "$work/plain.figures" || bad "no figures"
for f in deflated/llama3_gqa.hidden.float32.npz torch/llama3_gqa.dict.float32.pt; do
    check 0 "first divergence  none" "$L" drift "$m" "$refs/$f" --isolate all
    figures "$refs/$f" >"$work/other.figures"
    same "$work/plain.figures" "$work/other.figures"
    check 5 "fail     no operation diverges" "$L" drift "$m" "$refs/$f" --break mlp=swapped@1
done
for f in dict.bfloat16.pt dict.float16.pt nested.pt views.pt double.pth; do
    check 0 "first divergence  none" "$L" drift "$m" "$refs/torch/llama3_gqa.$f" --isolate all
done
check 0 "sequence inputs" "$L" drift "$m" "$refs/torch/llama3_gqa.nested.pt"
said="prompt: a text; seed, loss: a number; none: None; past.0: nested deeper than one level; wide: more than 8 dim"
grep -q "$said" "$work/stdout" || bad "values that are no tensors are not named"
check 0 "no operation diverges: 47 points" "$L" drift "$p/gpt_neo" "$refs/torch/gpt_neo.modules.pt"
ids_of() { tr -d ' \n' | sed 's/.*"token_ids":\[\([0-9,]*\)\].*/\1/'; }
people_ids=$("$L" drift "$m" "$refs/people/tofile" --json | ids_of)
check 0 "3 points" "$L" drift "$m" "$refs/torch/hidden_states.pt" --ids "$people_ids"
mkdir "$work/pts"
cp "$refs/torch/after_layer_0.pt" "$work/pts"
cp "$refs/people/tofile/hidden_states_0.bin" "$work/pts/after_embeddings.bin"
check 0 "folder: 2 arrays, 2 points" "$L" drift "$m" "$work/pts" --ids "$people_ids"
check 2 "as many as a point of this model can have" "$L" drift "$m" "$refs/deflated/bad_bomb.npz"
check 2 "hidden_states_1: expected the checksum" "$L" drift "$m" "$refs/deflated/bad_crc.npz"
check 3 "refused the name \"elsewhere.Own\"" "$L" drift "$m" "$refs/torch/bad_class.pt"

# --- what we write is read as exactly the same in each format, and another ending is refused
for form in safetensors npz bin counted; do
    case $form in bin) set -- --bin "$work/same.$form" ;; counted) set -- --bin "$work/same.$form" --counted ;; *) set -- --out "$work/same.$form" ;; esac
    check 0 "activations" "$L" dump "$p/phi3_fused" --ids 5,9,31,7 --hooks all "$@"
    check 0 '"first_divergence": null' "$L" drift "$p/phi3_fused" "$work/same.$form" --json
    grep -q '"max_error": [^0]' "$work/stdout" && bad "$form: not the same"
    grep -q '"not_used": \[\]' "$work/stdout" || bad "$form: something is not used"
done
[ "$(wc -c <"$work/same.bin/after_layer_0.bin")" = $(($(wc -c <"$work/same.counted/after_layer_0.bin") - 4)) ] || bad "values alone and with a count"
grep -q '"after_layer_0.bin": \[4, ' "$work/same.bin/manifest.json" || bad "shapes in the manifest"
for end in pt csv npy; do
    check 2 "expected a name ending in .safetensors or .npz, found \".$end\"" "$L" dump "$m" --ids 1 --out "$work/x.$end"
done
cp "$refs/f4.npy" "$work/resid_layer_1.npy"
check 2 "none of 1 names is known: resid_layer_1; nearest: resid_pre_0" "$L" drift "$m" "$work/resid_layer_1.npy" --ids 5

# --- the two traps
cp -r "$work/bins" "$work/trap"
mv "$work/trap/after_final_norm.bin" "$work/trap/after_layer_7.bin"
check 0 "is after the final norm, and is judged as such" "$L" drift "$llama" "$work/trap"
check 5 "the first divergence vanishes with eps=/10" "$L" drift "$llama" "$work/bins" --break eps=x10
check 5 "errors do not fall" "$L" drift "$llama" "$work/bins" --eps-override 1e-4
check 0 "errors fall" "$L" drift "$llama" "$work/bins" --break eps=x10 --eps-override 1e-5

# --- incomplete and broken dumps
cp -r "$work/bins" "$work/holes"
rm "$work/holes/after_layer_3.bin" "$work/holes/after_embeddings.bin"
check 0 "warn     the reference is complete: 2 of 9" "$L" drift "$llama" "$work/holes" --isolate all
grep -q "^     4 .*missing" "$work/stdout" || bad "missing dump is not said"
printf '\0\0\300\177' | dd of="$work/holes/after_layer_5.bin" bs=1 seek=8 conv=notrunc 2>/dev/null
check 5 "fail     the reference is finite: 1 arrays" "$L" drift "$llama" "$work/holes"
cp "$work/bins/after_layer_1.bin" "$work/whole.bin"
head -c 100 "$work/whole.bin" >"$work/holes/after_layer_1.bin"
check 2 "after_layer_1.bin: expected 4 + 4 *" "$L" drift "$llama" "$work/holes"
printf '\0\0\0\2\0\0\0\0\0\0\0\0' >"$work/holes/after_layer_1.bin"
check 2 "looks big-endian" "$L" drift "$llama" "$work/holes"
printf '\2\0\0\0\0\0\0\0\0\0\0\0' >"$work/holes/after_layer_1.bin"
check 2 "expected a multiple of 128 values" "$L" drift "$llama" "$work/holes"
rm "$work/holes/after_layer_1.bin" "$work/holes/manifest.json"
check 2 "does not say its token ids" "$L" drift "$llama" "$work/holes"
check 2 "one for each of 1 tokens, found 4" "$L" drift "$llama" "$work/holes" --ids 5
mkdir "$work/empty"
check 2 "found none" "$L" drift "$llama" "$work/empty"

# --- one token at a position: errors, but nothing isolated
mkdir "$work/one"
for l in 0 1 2 3 4 5 6 7; do
    { printf '\200\0\0\0'; tail -c 512 "$work/bins/after_layer_$l.bin"; } >"$work/one/after_layer_$l.bin"
done
given=$("$L" drift "$llama" "$work/bins" --json | tr -d ' \n' | sed 's/.*"token_ids":\[\([0-9,]*\)\].*/\1/')
check 2 "--pos says whose" "$L" drift "$llama" "$work/one" --ids "$given"
check 0 "lacks positions of the prefix" "$L" drift "$llama" "$work/one" --ids "$given" --pos 3
check 5 "first: blocks.0.hook_resid_post" "$L" drift "$llama" "$work/one" --ids "$given" --pos 2

# --- on a terminal of 80 columns nothing is wider; columns that had to go are named; elsewhere nothing is left out
if command -v script >/dev/null; then
    NO_COLOR=1 script -qec "$L drift $gemma $work/all.safetensors --break eps=x10@2 --try all --isolate all --quiet" /dev/null </dev/null | tr -d '\r' >"$work/tty"
    awk 'length > 80 { print; n++ } END { exit n > 0 }' "$work/tty" || bad "wider than 80 columns"
    grep -q "^(in a wider terminal, .* RMSE w/o" "$work/tty" || bad "left-out columns are not named"
fi
check 0 "RMSE w/o" "$L" drift "$gemma" "$work/all.safetensors"

# --- wrong usage, and other outputs
check 2 "expected a model and a reference" "$L" drift "$m"
check 2 "unknown switch" "$L" drift "$m" "$refs/hidden.npz" --break silly
check 2 "unknown switch" "$L" drift "$m" "$refs/hidden.npz" --try silly # also where there is nothing to explain
check 2 "changes nothing here" "$L" drift "$m" "$refs/hidden.npz" --break attn-cap=off
check 2 "layers in 0..1" "$L" drift "$m" "$refs/hidden.npz" --isolate 5
check 2 "no sequence" "$L" drift "$m" "$m/reference.safetensors" --sequence nope
check 2 "expected a position in 0..16" "$L" drift "$m" "$refs/hidden.npz" --pos 17
check 0 '"first_divergence": null' "$L" drift "$m" "$refs/hidden.npz" --json --out "$work/d.json" --markdown "$work/d.md"
same "$work/d.json" "$work/stdout"
grep -Eq '^\| 1 \| [0-9.]+e-07 \|' "$work/d.md" || bad "Markdown table"
cp "$work/d.json" "$work/first.json"
check 0 '"step": "depth"' "$L" drift "$m" "$refs/hidden.npz" --json --threads 1
same "$work/first.json" "$work/stdout"
# --- a reference that another checkpoint made is said to be one
"$L" dump "$llama" --ids 1,2,3 --hooks embed,attn_scores --out "$work/of-llama.safetensors" >/dev/null
check 0 "made by demo-llama" "$L" drift "$llama" "$work/of-llama.safetensors"
"$L" drift "$gemma" "$work/of-llama.safetensors" 2>&1 | grep -q "made by demo-llama, another checkpoint" || bad "no word about another checkpoint's reference"
finish
