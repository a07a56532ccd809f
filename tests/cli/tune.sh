#!/usr/bin/env bash
# A tuned lens from text to table: fitted on a part of the demo models' kind of text, better than the plain lens on the rest at every inner
# row, written whole, read back, refused where it does not belong.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to write the text with"; exit 77; }
L=$logitlens
text=$work/text.txt
(cd "$source_dir/experiments/demo_models" && PYTHONDONTWRITEBYTECODE=1 python3 -c '
import make_text, sys
sys.stdout.writelines(t + "\n" for t in make_text.documents(150, 20))') >"$text" || bad "no text"

# KL of every inner row: lens and tuned; prints the rows where tuned is not lower, and the number of rows.
compare() { awk '/"layer":/ { gsub(/[{},]/, " "); lens = $4; tuned = $6; n++; if (tuned + 0 >= lens + 0) print "row", $2, lens, tuned } END { print n, "rows" }' "$1"; }

for m in llama gemma; do
    model=${!m}
    check 0 '"skip_layers_sanity"' "$L" tune "$model" "$text" --seq 64 --held-out 0.15 --out "$work/$m" --json --quiet
    [ "$(compare "$work/stdout")" = "8 rows" ] || bad "$m: KL not lower at every inner row: $(compare "$work/stdout")"
    [ -s "$work/$m/config.json" ] && [ -s "$work/$m/params.pt" ] || bad "$m: files missing"
    [ "$(ls -A "$work/$m" | wc -l)" = 2 ] || bad "$m: more than two files"
    check 0 "tuned final lens" "$L" lens "$model" --lens "tuned:$work/$m" --answer Berlin "$main_prompt"
    check 0 '"tuned_lens": "'$m'"' "$L" lens "$model" --lens "tuned:$work/$m" --json "The capital"
    grep -q "$work" "$work/stdout" && bad "a machine path in the JSON"
done

# other threads and another vector unit: the same file (plain C would take a minute)
isa=$(grep -qw avx2 /proc/cpuinfo 2>/dev/null && echo avx2)
check 0 "KL is lower at 8 of 8 inner layers" env ${isa:+LL_ENGINE_ISA=$isa} "$L" tune "$llama" "$text" --seq 64 --held-out 0.15 --out "$work/again" --threads 3
same "$work/llama/params.pt" "$work/again/params.pt"
same "$work/llama/config.json" "$work/again/config.json"

# row n is the model's own in both lenses, inner rows are not
"$L" lens "$llama" --csv --top 1 "$main_prompt" >"$work/plain.csv"
"$L" lens "$llama" --csv --top 1 --lens "tuned:$work/llama" "$main_prompt" >"$work/tuned.csv"
[ "$(tail -1 "$work/plain.csv")" = "$(tail -1 "$work/tuned.csv")" ] || bad "row n differs"
[ "$(sed -n 4p "$work/plain.csv")" != "$(sed -n 4p "$work/tuned.csv")" ] || bad "row 2 is not translated"

# what is refused
check 0 "fitted to another checkpoint" "$L" lens "$llama" --lens "tuned:$work/gemma" "hi"
check 2 "absent or empty" "$L" tune "$llama" "$text" --out "$work/llama"
check 2 "expected norm, raw or tuned:DIR" "$L" lens "$llama" --lens tuned: "hi"
check 2 "expected the folder of a tuned lens" "$L" lens "$llama" --lens "tuned:$work/none" "hi"
check 2 "found one for 2 layers of width 4" "$L" lens "$llama" --lens "tuned:$source_dir/tests/fixtures/tuned/ordered" "hi"
mkdir "$work/evil" && cp "$source_dir/tests/fixtures/tuned/bad/evil.pt" "$work/evil/params.pt" && cp "$work/llama/config.json" "$work/evil/"
check 3 "refused the name \"posix.system\"" "$L" lens "$llama" --lens "tuned:$work/evil" "hi"
check 2 "expected a model and files" "$L" tune "$llama"
check 2 "No such file" "$L" tune "$llama" "$work/nothing.txt"
check 2 "at least one window held out" "$L" tune "$llama" "$text" --tokens 100 --seq 64 --held-out 0.1
check 2 "at least 16 tokens" "$L" tune "$llama" "$text" --tokens 30 --seq 8 --held-out 0.7
check 2 "--ridge" "$L" tune "$llama" "$text" --ridge 0
n_checks=$((n_checks + 1)); [ -z "$(ls -d "$work"/*.partial* 2>/dev/null)" ] || bad "a partial folder was left"

# torch reads what was written
py=${LL_TORCH_PYTHON:-python3}
if "$py" -c "import torch" 2>/dev/null; then
    check 0 "OrderedDict 16 True" "$py" -c '
import sys, torch
s = torch.load(sys.argv[1], weights_only=True)
print(type(s).__name__, len(s), s["7.weight"].shape == (128, 128) and s["7.bias"].isfinite().all().item())' "$work/llama/params.pt"
else
    echo "torch is not there: its reading of params.pt is not tried"
fi
finish
