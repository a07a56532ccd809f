#!/usr/bin/env bash
# Checkpoints as they are found in the wild: what stands where a file should be, names, adapters, tensors that nobody reads, files
# that change while they are in use. One line, the right exit code, no waiting; notes where the model opens nevertheless.
. "$(dirname "$0")/lib.inc"
L="timeout 60 $logitlens"
m=$work/m
fresh() { rm -rf "$m"; cp -r "$llama" "$m"; chmod -R u+w "$m"; }

# respell FILE PROGRAM: the header of a safetensors file through a Python program (h: its tensors, extra: bytes to append)
respell() {
    python3 - "$1" "$2" <<'PY'
import json, struct, sys
path, program = sys.argv[1:3]
b = open(path, "rb").read()
n = struct.unpack("<Q", b[:8])[0]
h, data = json.loads(b[8:8 + n]), b[8 + n:]
def add(name, dtype="F32", shape=(0,), size=0):
    global data
    h[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + size]}
    data += bytes(size)
def rename(f):
    global h
    h = {k if k == "__metadata__" else f(k): v for k, v in h.items()}
exec(program)
t = json.dumps(h).encode()
open(path, "wb").write(struct.pack("<Q", len(t)) + t + data)
PY
}

# --- what stands where a file should be: every command that opens a model, without waiting
for f in config.json model.safetensors tokenizer.json tokenizer_config.json; do
    fresh; rm -f "$m/$f"; mkfifo "$m/$f"; check 2 "$f: expected a regular file, found a FIFO" $L lens "$m" x
    case $f in token*) check 2 "FIFO" $L tokens "$m" x ;; esac
    rm "$m/$f"; ln -s ../blobs/0 "$m/$f"; check 2 "$f: expected a regular file, found a link to ../blobs/0, where nothing is" $L lens "$m" x
    rm "$m/$f"; ln -s "$f" "$m/$f"; check 2 "$f: expected a regular file, found a link to $f, which leads back to itself" $L lens "$m" x
    rm "$m/$f"; mkdir "$m/$f"; check 2 "$f: expected a regular file, found a folder" $L lens "$m" x
    rmdir "$m/$f"; printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n' >"$m/$f"
    check 2 "$f: expected the file itself, found a git-lfs pointer" $L lens "$m" x
done
fresh
mkfifo "$work/pipe"; check 2 "pipe: expected a regular file, found a FIFO" $L lens "$work/pipe" x
check 2 "/dev/zero: expected a regular file, found a device" $L lens /dev/zero x
ln -s nowhere "$work/link"; check 2 "link: expected a regular file, found a link to nowhere" $L lens "$work/link" x

# --- names: the same answer under each, by every command that reads a model
$L lens "$m" --json --ids 1,2,3 --quiet >"$work/plain.json" || bad "the plain model"
bits() { sed -n 's/.*"entropy_bits": *\([0-9.]*\).*/\1/p' "$1" | tail -1; }
spell() {
    fresh; respell "$m/model.safetensors" "rename(lambda k: $1)"
    check 0 "" $L lens "$m" --json --ids 1,2,3 --quiet
    [ "$(bits "$work/stdout")" = "$(bits "$work/plain.json")" ] || bad "another answer under $1"
    for c in show weights; do check 0 "" $L $c "$m"; done
    check 0 "" $L diff "$m" "$llama" --ids 1,2,3
    check 0 "" $L dump "$m" --ids 1,2,3 --out "$work/d.safetensors"
    check 0 "" $L drift "$llama" "$work/d.safetensors" --ids 1,2,3
}
spell 'k.removeprefix("model.")'
spell '"base_model.model." + k.replace("q_proj.", "q_proj.base_layer.")'
fresh; respell "$m/model.safetensors" 'rename(lambda k: k.replace("embed_tokens", "tok_embeddings"))'
check 2 "tensor model.embed_tokens.weight is missing; there are" $L lens "$m" x

# --- what the pass does not read
fresh; respell "$m/model.safetensors" 'add("model.layers.3.self_attn.rotary_emb.inv_freq", "F32", [4], 16); add("model.layers.0.self_attn.f4", "F4", [2], 1); add("model.layers.1.self_attn.f4", "F4", [2], 1)'
check 0 "warning: m: 2 tensors that the pass does not read: model.layers.N.self_attn.f4 (2)" $L lens "$m" x
grep -q inv_freq "$work/stderr" && bad "rotary frequencies are no news"
check 0 "warning: m: 2 tensors that the pass does not read" $L show "$m"
check 0 "F4" $L show "$m" --tensors
check 0 "" $L weights "$m"
fresh; respell "$m/model.safetensors" 'add("model.layers.0.self_attn.q_proj.lora_A.default.weight", "F32", [1], 4)'
check 0 "1 tensor of an adapter is not applied" $L lens "$m" x
fresh; sed -i 's/"num_hidden_layers": *8/"num_hidden_layers": 6/' "$m/config.json"
check 0 "the settings ask for 6 layers, but tensors of 2 more are stored" $L lens "$m" x
check 0 "the settings ask for 6 layers" $L show "$m"
fresh; respell "$m/model.safetensors" 'h["model.norm.weight"]["dtype"] = "I4"'
check 3 "model.norm.weight: stored as I4" $L lens "$m" x
check 3 "model.norm.weight: stored as I4" $L show "$m"
fresh; check 0 "" $L lens "$m" x; grep -q warning "$work/stderr" && bad "a plain model has no warnings"

# --- a tied head that is stored all the same: its values count, not the type they lie in
twin='E = h["model.embed_tokens.weight"]; raw = data[E["data_offsets"][0]:E["data_offsets"][1]]; f = bytearray(2 * len(raw)); f[2::4] = raw[0::2]; f[3::4] = raw[1::2]
add("lm_head.weight", "F32", E["shape"], len(f)); data = data[:-len(f)] + bytes(f)'
rm -rf "$m"; cp -r "$gemma" "$m"; chmod -R u+w "$m"; respell "$m/model.safetensors" "$twin"
check 0 "" $L lens "$m" x; grep -q warning "$work/stderr" && bad "a head of the embedding's values in another type is no other head"
rm -rf "$m"; cp -r "$gemma" "$m"; chmod -R u+w "$m"; respell "$m/model.safetensors" "f = bytes(0); $twin; data = data[:-1] + bytes([data[-1] ^ 1])"
check 0 "lm_head.weight is stored and differs from model.embed_tokens.weight: the stored one is used" $L lens "$m" x

# --- control bytes in names of folders and tensors reach neither tables nor the names of files
fresh; evil=$work/$(printf 'e\033[31m\nv\302\2332J\377il\342\200\256x')
mv "$m" "$evil"; respell "$evil/model.safetensors" 'add("model.layers.0.\x1b[2J\n", "F32", [1], 4)'
raw() { ! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$work/stdout" "$work/stderr" || bad "control bytes: $*"; }
for c in "show --tensors" weights "lens --ids 1,2" "trace --ids 1,2" "depth --ids 1,2" "tokens x"; do
    set -- $c
    check 0 "" $L $1 "$evil" "${@:2}"; raw "$c"
done
check 0 "e_[31m_v_2J_il_x" $L show "$evil"
echo '{"prompts": [{"text": "The capital"}]}' >"$work/e.json"
check 0 "" $L run "$work/e.json" "$evil" --out-dir "$work/o" --no-index; raw run
[ -s "$work/o/output-e_[31m_v_2J_il_x.json" ] || bad "$(ls "$work/o")"
rm "$evil/config.json"; check 2 "1 of 1 models failed" $L run "$work/e.json" "$evil" --out-dir "$work/o2" --no-index; raw failed run

# --- adapters
fresh; echo '{"peft_type": "LORA", "base_model_name_or_path": "org/base"}' >"$m/adapter_config.json"
check 0 "an adapter (adapter_config.json) lies beside the model" $L lens "$m" x
mv "$m/model.safetensors" "$m/adapter_model.safetensors"
for c in lens show weights; do check 3 "a LoRA adapter (adapter_config.json), not a whole model: merge it into its base model org/base" $L $c "$m"; done

# the same as GGUF: alone, under any name, beside a model (no model of its own, so that the folder still names one)
python3 - "$work" <<'PY'
import struct, sys
def text(s): return struct.pack("<Q", len(s)) + s.encode()
def gguf(path, pairs):
    body = b"".join(text(k) + struct.pack("<I", 8) + text(v) for k, v in pairs)
    body = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body
    open(sys.argv[1] + "/" + path, "wb").write(body + bytes(-len(body) % 32))
gguf("lora.gguf", [("general.architecture", "llama"), ("general.type", "adapter"), ("adapter.type", "lora"), ("general.base_model.0.name", "Base\x1b[31m 8B")])
gguf("blob", [("general.architecture", "llama"), ("adapter.type", "lora")])
PY
for f in lora.gguf blob; do
    for c in lens show weights; do check 3 "$f: a LoRA adapter (general.type adapter), not a whole model" $L $c "$work/$f"; raw adapter; done
done
check 3 "merge it into its base model Base [31m 8B first" $L show "$work/lora.gguf"
fresh; cp "$work/lora.gguf" "$m"
check 0 "an adapter (lora.gguf) lies beside the model" $L lens "$m" x
[ "$(grep -c adapter "$work/stderr")" = 1 ] || bad "an adapter is mentioned once"
mkdir "$work/only"; cp "$work/lora.gguf" "$work/only"; check 3 "lora.gguf: a LoRA adapter" $L lens "$work/only" --ids 1
cp "$source_dir/tests/fixtures/gguf/small.gguf" "$work/only/a.gguf"; check 2 "a.gguf: " $L show "$work/only"
mv "$work/only/a.gguf" "$work/only/z.gguf"; check 2 "z.gguf: " $L show "$work/only"
cp "$work/only/z.gguf" "$work/only/y.gguf"; check 2 "2 .gguf models; name one of them, such as y.gguf" $L show "$work/only"

# --- dimensions that do not go together: one line, at opening, in every command
wrong() { # CODE TEXT KEY VALUE
    fresh; sed -i "s/\"$3\": *[^,]*/\"$3\": $4/" "$m/config.json"
    for c in "lens --ids 1" show weights; do set -- "$1" "$2" "$3" "$4" $c; check "$1" "$2" $L "$5" "$m" "${@:6}"; done
}
wrong 3 "head_dim: heads of at most 1024 values are supported, found 1026" head_dim 1026
wrong 2 "head_dim: expected an even number for rotary positions, found 15" head_dim 15
wrong 2 "num_key_value_heads: expected a divisor of num_attention_heads 8, found 3" num_key_value_heads 3
wrong 2 "num_hidden_layers: expected an integer in 1..4096, found 0" num_hidden_layers 0
wrong 2 "num_hidden_layers: expected an integer in 1..4096, found -1" num_hidden_layers -1
wrong 2 "vocab_size: expected an integer in 1..16777216, found 0" vocab_size 0
fresh; sed -i 's/"vocab_size": *[^,}]*/"vocab_size": 1566/' "$m/config.json"
for c in "lens --ids 1" show; do set -- $c; check 2 "model.embed_tokens.weight: expected shape [1566, 128], found [1567, 128]" $L $1 "$m" "${@:2}"; done
check 5 "1 of 6 criteria failed" $L weights "$m"

# --- a file that changes while it is in use: cut (many pages, or a few bytes of the last one) or written to
change() {
    fresh
    (sleep 1; eval "$1"; echo The capital) | $L "${@:3}" >"$work/stdout" 2>"$work/stderr"
    [ "${PIPESTATUS[1]}" = 1 ] && grep -q "model.safetensors: $2" "$work/stderr" || bad "$1: $(cat "$work/stderr")"
    n_checks=$((n_checks + 1))
}
change 'truncate -s 30000 "$m/model.safetensors"' "cannot be read any more: cut short" lens "$m"
change 'truncate -s -40 "$m/model.safetensors"' "changed while it was in use: [0-9]* bytes when opened" lens "$m"
change 'printf x | dd of="$m/model.safetensors" bs=1 seek=200000 conv=notrunc status=none' "changed while it was in use" lens "$m"
# several threads meet the end of a cut file together: one line, and the name as it can be shown
fresh; evil=$work/$(printf 'e\033[31mv')
for i in 1 2 3 4 5 6; do
    rm -rf "$evil"; cp -r "$llama" "$evil"; chmod -R u+w "$evil"
    (sleep 1; truncate -s 30000 "$evil/model.safetensors"; echo The capital of Germany is) | $L lens "$evil" --threads 4 >"$work/stdout" 2>"$work/stderr"
    [ "${PIPESTATUS[1]}" = 1 ] && [ "$(grep -c 'e \[31mv/model.safetensors: cannot be read any more' "$work/stderr")" = 1 ] || bad "cut below threads: $(cat -v "$work/stderr")"
    n_checks=$((n_checks + 1))
done

finish
