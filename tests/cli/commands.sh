#!/usr/bin/env bash
# Every command once as a user would call it, and every kind of bad input: exit code, the word that tells the fault, one line.
. "$(dirname "$0")/lib.inc"
L=$logitlens

# --- help
check 0 "usage: logitlens COMMAND" "$L" help
for c in $("$L" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    check 0 "example:" "$L" help $c
    check 0 "example:" "$L" $c --help
    grep -q "logitlens $c" "$work/stdout" || bad "help of $c does not name it"
done
check 0 "logitlens 0" "$L" --version
check 2 "expected a command" "$L"
check 2 "unknown command" "$L" frobnicate
check 2 "unknown option" "$L" lens "$llama" --frob x

# --- lens
check 0 "is on top from layer" "$L" lens "$llama" --answer Berlin "$main_prompt"
awk 'length($0) > 0 { gsub(/[^ -~]/, "x"); }  { if (length($0) > 240) exit 1 }' "$work/stdout" || bad "lens table too wide"
check 0 "soft" "$L" show "$gemma"
check 0 '"last_row_equals_model": true' "$L" lens "$gemma" --json "The capital"
check 0 "layer,pos,entropy_bits" "$L" lens "$gemma" --csv "The capital"
check 0 "layer" "$L" lens "$llama" --ids 1,2,3 --quiet
check 0 "warning" "$L" lens "$llama" --norm next-ln1 "The capital"
check 2 "the prompt is empty" "$L" lens "$llama" ""
check 2 "top-k: expected 1..1567" "$L" lens "$llama" --top 100000 "x"
check 2 "token id at position 1: expected 0..1566, found 4000" "$L" lens "$llama" --ids 1,4000
check 2 "--ids" "$L" lens "$llama" --ids 1,x
check 2 "--pos" "$L" lens "$llama" --pos 99 "x"
check 2 "--norm" "$L" lens "$llama" --norm silly "x"
check 2 "UTF-8" "$L" lens "$llama" "$(printf 'a\xffb')"
check 2 "nothing is downloaded" "$L" lens no/such-model "x"
check 2 "expected a model" "$L" lens
check 0 "is on top" "$L" lens "$llama" --answer-id 719 "$main_prompt"
check 2 "answer id: expected 0..1566" "$L" lens "$llama" --answer-id 99999 "x"
check 2 "found both" "$L" lens "$llama" --ids 1,2 "x"
check 2 "expected a text prompt" "$L" lens "$llama" --ids 1,2 --answer x
check 2 "one of --json and --csv" "$L" lens "$llama" --json --csv "x"
check 2 "unknown option" "$L" lens "$llama" -q
check 2 '",2"' "$L" lens "$llama" --ids 1,,2
check 0 "x" "$L" lens "$llama" -- -x
check 0 "中文 🙂" "$L" lens "$llama" "中文 🙂"
check 0 "first of" "$L" lens "$llama" --answer Zürich "hi"
check 0 "made for at most 256" "$L" lens "$llama" "$(yes word | head -300 | tr '\n' ' ')"
check 2 "none of the hook points" "$L" dump "$llama" "x" --hooks ln1.scale --bin "$work/nobins"

# --- tokens
check 0 "Berlin" "$L" tokens "$llama" "$main_prompt" --answer Berlin
check 0 "with_space" "$L" tokens "$gemma" "$main_prompt" --answer Berlin
check 0 '"bos_policy"' "$L" tokens "$gemma" --json "x"

# --- show, dump
check 0 "tensors" "$L" show "$llama" --tensors --plan
check 0 '"plan"' "$L" show "$llama" --plan --json
check 0 "activations" "$L" dump "$llama" "The capital" --hooks all --out "$work/all.safetensors"
check 0 "activations" "$L" dump "$llama" "The capital" --bin "$work/bins"
[ -s "$work/bins/after_layer_0.bin" ] && [ -s "$work/bins/after_layer_7.bin" ] && [ -s "$work/bins/manifest.json" ] || bad "dump --bin left files out"
[ "$(wc -c <"$work/bins/after_layer_0.bin")" = $((4 * 3 * 128)) ] || bad "size of after_layer_0.bin"
check 0 "activations" "$L" dump "$llama" "The capital" --bin "$work/counted" --counted
[ "$(od -An -td4 -N4 "$work/counted/after_layer_0.bin" | tr -d ' ')" = $((3 * 128)) ] || bad "count in after_layer_0.bin"
check 2 "unknown hook" "$L" dump "$llama" "x" --hooks nope --out "$work/x"
check 2 "expected a layer" "$L" dump "$llama" "x" --hooks blocks.8.hook_resid_post --out "$work/x"
check 1 "cannot write" "$L" dump "$llama" "x" --out "$work/no/such/folder/x"

# --- broken checkpoints
copy() { rm -rf "$work/m"; cp -r "$llama" "$work/m"; chmod -R u+w "$work/m"; }
copy; rm "$work/m/config.json"; check 2 "config.json" "$L" lens "$work/m" "x"
copy; echo '{' >"$work/m/config.json"; check 2 "config.json" "$L" lens "$work/m" "x"
copy; sed -i 's/"model_type": *"llama"/"model_type": "mamba9"/' "$work/m/config.json"; check 3 "known: llama" "$L" lens "$work/m" "x"
copy; sed -i 's/"rms_norm_eps"/"rms_norm_eqs"/' "$work/m/config.json"; check 0 "eps 1e-06" "$L" show "$work/m" # absent: the family's default
copy; sed -i 's/"rms_norm_eps": *[^,]*/"rms_norm_eps": null/' "$work/m/config.json"; check 2 "rms_norm_eps: expected a number in 0..1, found null" "$L" lens "$work/m" "x"
copy; sed -i 's/"hidden_size": *128/"hidden_size": 120/' "$work/m/config.json"; check 2 "expected shape" "$L" lens "$work/m" "x"
copy; sed -i 's/"num_hidden_layers": *8/"num_hidden_layers": 9/' "$work/m/config.json"; check 2 "model.layers.8.input_layernorm.weight is missing" "$L" lens "$work/m" "x"
copy; truncate -s 100000 "$work/m/model.safetensors"; check 2 "model.safetensors" "$L" lens "$work/m" "x"
copy; truncate -s 5 "$work/m/model.safetensors"; check 2 "model.safetensors" "$L" lens "$work/m" "x"
copy; printf '\377\377\377\377\377\377\377\177' | dd of="$work/m/model.safetensors" conv=notrunc status=none; check 2 "header" "$L" lens "$work/m" "x"
copy; rm "$work/m/tokenizer.json"; check 2 "tokenizer" "$L" lens "$work/m" "x"
folders=$source_dir/tests/fixtures/tokenizers/folders
check 0 "read from: tokenizer.json" "$L" tokens "$llama" "x"
check 0 '"files": "vocab.json, merges.txt, config.json"' "$L" tokens "$folders/merges-gpt2" --json "x"
check 0 "read from: tokenizer.model, tokenizer_config.json, config.json" "$L" tokens "$folders/spm-llama" "x"
check 0 "mistral-common, add_bos_token true: <s> in front" "$L" tokens "$folders/tekken/tekken.json" "x"
copy; rm "$work/m"/tokenizer*.json; cp "$folders/spm-llama/tokenizer.model" "$work/m"; check 0 "layer" "$L" lens "$work/m" "the keeper"
copy; rm "$work/m"/tokenizer*.json; cp "$folders"/merges-gpt2/vocab.json "$work/m"; check 2 "expected merges.txt beside it" "$L" lens "$work/m" "x"
: >"$work/m/merges.txt"; check 2 "merges.txt: expected merges, found an empty file" "$L" tokens "$work/m" "x"
# cut between two pieces: what is left is well-formed protobuf
copy; rm "$work/m"/tokenizer*.json; head -c 1099 "$folders/spm-llama/tokenizer.model" >"$work/m/tokenizer.model"
check 2 "expected a trainer_spec after its 65 pieces, found the end of the file" "$L" tokens "$work/m" "x"
printf 'YQ== 0\nYg== 1\n' >"$work/m/tokenizer.model"; check 3 "tokenizer.model: a tiktoken file of ranks" "$L" tokens "$work/m" "x"
printf '\n\003\n\001a\n\005abc' >"$work/m/tokenizer.model"; check 2 "tokenizer.model: model (byte 7): expected 5 bytes more, found 3" "$L" tokens "$work/m" "x"
mkdir "$work/t"; cp "$folders/merges-gpt2/vocab.json" "$folders/merges-gpt2/merges.txt" "$work/t"
echo '{"tokenizer_class": "OddTokenizer"}' >"$work/t/tokenizer_config.json"; check 3 'tokenizer_class "OddTokenizer"' "$L" tokens "$work/t" "x"
echo '{"tokenizer_class": "LlamaTokenizer"}' >"$work/t/tokenizer_config.json"; check 3 "LlamaTokenizer (tokenizer_config.json) does not read this file" "$L" tokens "$work/t" "x"
mkdir "$work/e"; check 2 "no tokenizer: expected tokenizer.json" "$L" tokens "$work/e" "x"
check 0 "layer" "$L" lens "$work/m" --ids 1,2,3
copy; echo '{"model":{"type":"WordPiece"}}' >"$work/m/tokenizer.json"; check 3 "WordPiece" "$L" lens "$work/m" "x"
copy; printf '\300\177' | dd of="$work/m/model.safetensors" bs=1 seek=$(($(stat -c %s "$llama/model.safetensors") - 2)) conv=notrunc status=none
check 2 "not finite" "$L" lens "$work/m" "x"   # the last tensor of the file holds a NaN

# --- experiments
run() { "$L" run "$@"; }
put() { printf '%s' "$1" >"$work/e.json"; }
put '{"prompts": [{"text": "x"}], "models": ["nowhere"]}'; check 2 "1 of 1 models failed" run "$work/e.json" --out-dir "$work/o1" --no-index --quiet
grep -q '"status": "failed"' "$work/o1/output-nowhere.json" || bad "a failed model leaves a JSON with its status"
put '{"prompts": [], "models": ["x"]}'; check 2 "no prompts" run "$work/e.json" --out-dir "$work/o2"
put '{"prompts": [{"text": ""}]}'; check 2 "the prompt is empty" run "$work/e.json" --out-dir "$work/o2"
put '{"promts": [{"text": "a"}]}'; check 2 'unknown key "promts"' run "$work/e.json" --out-dir "$work/o2"
put '{"prompts": [{"text": "a"}]}'; check 2 "no models" run "$work/e.json" --out-dir "$work/o2"
put '{"prompts": [{"text": "a"}, {"id": "p0", "text": "b"}], "models": ["x"]}'; check 2 'share the key "p0.orig"' run "$work/e.json" --out-dir "$work/o2"
put '{"prompts": [{"ids": [1, -2]}], "models": ["x"]}'; check 2 "prompts.0.ids.1" run "$work/e.json" --out-dir "$work/o2"
put '{"prompts": [{"text": "a"}], "top_k": {"record": 50}}'; check 2 "top_k" run "$work/e.json" "$llama" --out-dir "$work/o2"
put '{not json'; check 2 "e.json" run "$work/e.json" --out-dir "$work/o2"
check 2 "no/such.json" run no/such.json
absent "$work/o2"

# --- what a user of a checkpoint should know is said once by every command, and stands in the documents
copy; sed -i 's/"tie_word_embeddings": *false/"tie_word_embeddings": true/' "$work/m/config.json"
told="m: config.json: tie_word_embeddings is true, but lm_head.weight is stored and differs from model.embed_tokens.weight: the stored one is used"
for c in lens trace; do check 0 "logitlens: warning: $told" "$L" $c "$work/m" "The capital"; done
check 0 "logitlens: warning: $told" "$L" dump "$work/m" "The capital" --out "$work/told.safetensors"
for c in show weights; do check 0 "logitlens: warning: $told" "$L" $c "$work/m"; done
check 0 "${told#m: }" "$L" show "$work/m" --json
[ ! -s "$work/stderr" ] || bad "show --json repeats its warnings on stderr"
check 0 "" "$L" lens "$work/m" --quiet --csv "The capital"
[ ! -s "$work/stderr" ] || bad "--quiet lets a warning through"
cp "$work/stdout" "$work/told.csv"
"$L" lens "$llama" --csv "The capital" >"$work/untied.csv"
same "$work/told.csv" "$work/untied.csv" # the stored head is the one that is used
put '{"prompts": [{"text": "The capital"}]}'
check 0 "logitlens: warning: $told" run "$work/e.json" "$work/m" --out-dir "$work/told" --no-index
grep -q "\"${told#m: }\"" "$work"/told/output-m.json || bad "the run's JSON does not hold the warning"

# --- GGUF through every command (the models lie outside the repository)
gguf=$source_dir/../shared/oracle/gguf
if [ -d "$gguf" ]; then
    check 0 "layer" "$L" lens "$gguf/llama_k_mixture.gguf" --ids 1,2,3
    check 0 "The boats" "$L" lens "$gguf/llama31_f16.gguf" "The boats"
    check 0 "add_bos_token" "$L" tokens "$gguf/gemma2_f16.gguf" "The boats"
    check 0 "stored as Q6_K, Q4_K" "$L" show "$gguf/llama_k_mixture.gguf" --tensors --plan
    check 0 "activations" "$L" dump "$gguf/qwen2_q8_0.gguf" --ids 1,2 --out "$work/q8.safetensors"
    check 0 "top-1 at the output differs" "$L" diff "$gguf/llama_f32.gguf" "$gguf/llama_q4_0.gguf" --ids 1,20,30,40,50
    put '{"prompts": [{"id": "g", "ids": [1, 2, 3], "answer_id": 4}]}'
    check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$gguf/llama_q4_0.gguf" --out-dir "$work/og" --no-index --quiet
    grep -q '"container": "gguf"' "$work/og/output-llama_q4_0.json" || bad "the container is not recorded"
    head -c 5000 "$gguf/llama_q4_0.gguf" >"$work/cut.gguf"; check 2 "cut.gguf" "$L" lens "$work/cut.gguf" --ids 1
fi

# --- query
check 0 "first-semantic-layer" "$L" query
check 2 "$work/none.sqlite" "$L" query models --index "$work/none.sqlite"
absent "$work/none.sqlite"
finish
