#!/usr/bin/env bash
# Memory that runs out, in every command: one allocation fails (or all from it on), and the run says so in one line or gives what an
# undisturbed run gives (tests/faults). A sample; `sweep.py --every` takes all allocations. Caught: text missing in a result with exit code 0.
. "$(dirname "$0")/lib.inc"
L=$logitlens build=$3
library=$build/tests/out_of_memory.so
[ -f "$library" ] || { echo "skipped: no $library (a sanitizer build has its own allocator)"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
tiny=$source_dir/tests/fixtures/models/qwen3_tied
text="The capital of Germany is called simply"

printf '{"name": "tiny", "models": ["%s"], "prompts": [{"id": "a", "text": "%s", "answer": "Berlin"}]}' "$llama" "$text" >"$work/tiny.json"
check 0 "" "$L" run "$work/tiny.json" --threads 1 --root "$work/root" --quiet
check 0 "" "$L" dump "$llama" "$text" --hooks resid_post --out "$work/ref.safetensors" --threads 1
for i in 1 2 3 4 5 6 7 8 9; do cat "$source_dir/README.md"; done >"$work/text.txt"

# sweep POINTS OPTION... -- ARGUMENTS of logitlens
sweep() {
    local points=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    n_checks=$((n_checks + 1))
    python3 "$source_dir/tests/faults/sweep.py" --points "$points" "${options[@]}" "$library" -- "$L" "$@" || bad "memory runs out: logitlens $*"
}
sweep 24 -- lens "$llama" --threads 1 --answer Berlin "$text"
sweep 24 -- lens "$llama" --threads 1 --json --answer Berlin "$text"
sweep 12 --sticky -- lens "$llama" --threads 1 --csv "$text"
sweep 40 -- tokens "$llama" "$text" --answer Berlin
sweep 12 -- show "$llama" --plan
sweep 16 -- run "$work/tiny.json" --threads 1 --root {out}/o --quiet
sweep 8 -- diff "$llama" "$llama" "$text" --threads 1 --csv {out}/d.csv --json {out}/d.json
sweep 12 -- index "{copy:$work/root}/run-latest" --index {out}/i.sqlite --quiet
sweep 12 -- query --index "$work/root/index.sqlite" "select * from v_pure" --csv
sweep 8 -- prompt single "$work/root/run-latest" --print
sweep 12 -- weights "$llama" --threads 1
sweep 12 -- trace "$llama" "$text" --threads 1 --sweep --massive
sweep 8 -- drift "$llama" "$work/ref.safetensors" "$text" --threads 1
sweep 8 -- depth "$llama" --threads 1 --layers 0,n "$text"
sweep 8 -- check "$tiny" --ids 1,2 --threads 1
sweep 12 -- dump "$llama" "$text" --hooks resid_post --out {out}/x.safetensors --threads 1
sweep 6 -- tune "$llama" "$work/text.txt" --out {out}/t --threads 1 --tokens 2000 --seq 32 --quiet
finish
