#!/usr/bin/env bash
# What must never hang, and what must never reach a terminal: pipes where a file is expected, little address space, queries without an
# end, a limit on file sizes, and control bytes in names, tokens, tables and messages. Caught: a read that waits for ever, an escape that runs.
. "$(dirname "$0")/lib.inc"
L=$logitlens
esc=$(printf '\033')

# soon CODE TEXT COMMAND...: like check, and within 20 seconds (124: it was still running)
soon() { local code=$1 text=$2; shift 2; check "$code" "$text" timeout 20 "$@"; }
# calm: no control byte but line ends and tabs in what the last check printed
calm() {
    n_checks=$((n_checks + 1))
    if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$work/stdout" "$work/stderr"; then bad "control bytes in the output of: $*"; fi
}

# --- a run to ask about
printf '{"name": "tiny", "models": ["%s"], "prompts": [{"id": "a", "text": "The capital of Germany is", "answer": "Berlin"}]}' "$llama" >"$work/tiny.json"
check 0 "" "$L" run "$work/tiny.json" --root "$work/root" --quiet
run=$work/root/run-latest index=$work/root/index.sqlite
mkfifo "$work/pipe" "$work/pipe.gguf" "$work/pipe.json" "$work/pipe.safetensors" "$work/pipe.npz"

# --- a pipe by name where a file is expected: refused at once
soon 2 "found a FIFO" "$L" run "$work/pipe.json" --root "$work/r2"
soon 2 "FIFO" "$L" lens "$work/pipe.gguf" x
soon 2 "FIFO" "$L" lens "$work/pipe.safetensors" x
soon 2 "FIFO" "$L" lens "$work/pipe" x
soon 2 "" "$L" lens "$llama" --lens "tuned:$work/pipe" x
soon 2 "" "$L" drift "$llama" "$work/pipe.npz" x
soon 2 "" "$L" drift "$llama" "$work/pipe" x
soon 2 "FIFO" "$L" index "$work/pipe.json" --index "$work/i.sqlite"
soon 2 "" "$L" query --index "$work/pipe" tables
soon 2 "FIFO" "$L" prompt --check "$work/pipe" "$run"
soon 2 "FIFO" "$L" prompt single "$run" --print --template "$work/pipe"
soon 2 "FIFO" "$L" prompt cross "$run" --print --scores "$work/pipe"
soon 2 "FIFO" "$L" tune "$llama" "$work/pipe" --out "$work/t"
soon 2 "FIFO" "$L" trace "$llama" x --intervene "patch:blocks.1.hook_attn_out=$work/pipe.safetensors"
mkdir "$work/odd"; cp "$llama/config.json" "$work/odd/"; mkfifo "$work/odd/model.safetensors"
soon 2 "expected" "$L" lens "$work/odd" x
cp -r "$run/." "$work/copy"; rm "$work/copy"/output-*-records.csv; mkfifo "$work/copy/output-demo-llama-records.csv"
soon 2 "" "$L" index "$work/copy" --index "$work/i.sqlite" --quiet
soon 2 "" "$L" verify "$work/copy" --files-only
rm -rf "$work/copy"

# --- a stream that the caller opened is read
echo "nothing cited here" >"$work/answer.md"
check 0 "0 cited rows" bash -c "\"$L\" prompt --check /dev/stdin \"$run\" <\"$work/answer.md\""
check 0 "0 cited rows" bash -c "cat \"$work/answer.md\" | \"$L\" prompt --check /dev/stdin \"$run\""
check 0 "0 cited rows" bash -c "\"$L\" prompt --check <(cat \"$work/answer.md\") \"$run\""
check 0 "1 model" bash -c "\"$L\" run <(cat \"$work/tiny.json\") --root \"$work/r3\" --quiet"

# --- little address space: one line or the result, never a hang
for kb in 12000 16000 20000 40000 100000; do
    for c in "lens $llama x" "tokens $llama x" "show $llama" "weights $llama" "query --index $index tables" "check $llama --ids 1,2" "run $work/tiny.json --root $work/r4 --quiet" \
        "trace $llama x" "depth $llama x" "index $run --index $work/i4.sqlite" "dump $llama x --hooks resid_post --out $work/d4" "--version"; do
        n_checks=$((n_checks + 1)) got=0
        timeout 20 bash -c "ulimit -v $kb; exec \"$L\" $c" >"$work/stdout" 2>"$work/stderr" </dev/null || got=$?
        case $got in
        0) ;;
        1 | 4) [ "$(grep -c '^logitlens: ' "$work/stderr")" = 1 ] || [ ! -s "$work/stdout" -a "$kb" -le 12000 ] || bad "ulimit -v $kb: $c: $(head -c 300 "$work/stderr")" ;;
        127) [ "$kb" -le 12000 ] || bad "ulimit -v $kb: $c: does not start: $(head -c 300 "$work/stderr")" ;; # the loader itself has no room
        *) bad "ulimit -v $kb: $c: exit code $got: $(head -c 300 "$work/stderr")" ;;
        esac
    done
done
for i in 1 2 3 4 5 6 7 8 9; do cat "$source_dir/README.md"; done >"$work/text.txt"
n_checks=$((n_checks + 1)) got=0
timeout 60 bash -c "ulimit -v 100000; exec \"$L\" tune \"$llama\" \"$work/text.txt\" --out \"$work/t5\" --tokens 4000 --seq 64 --quiet" >"$work/stdout" 2>"$work/stderr" || got=$?
[ "$got" = 1 ] && grep -q "out of memory" "$work/stderr" || bad "tune without room for its solver: exit code $got: $(head -c 300 "$work/stderr")"

# --- no thread of another library beside a command
n_checks=$((n_checks + 1))
if ldd "$L" 2>/dev/null | grep -qi blas; then bad "the program is linked to a BLAS, which starts its threads with every command"; fi

# --- queries without an end, and results without a bound
soon 1 "limit" "$L" query --index "$index" --limit 1 "with recursive t(x) as (select 1 union all select x+1 from t) select count(*) from t"
soon 1 "limit" "$L" query --index "$index" --limit 1 "select replace(printf('%.*c', 30000000, 'x'), printf('%.*c', 1000000, 'x') || 'y', 'z')"
n_checks=$((n_checks + 1))
timeout 20 "$L" query --index "$index" --limit 1 "select randomblob(60000000)" >/dev/null 2>"$work/stderr"; got=$?
[ "$got" -le 1 ] || bad "select randomblob: exit code $got: $(cat "$work/stderr")"
soon 2 "narrow" "$L" query --index "$index" "select zeroblob(700000000)"
soon 2 "narrow" "$L" query --index "$index" "with recursive t(x) as (select 1 union all select x+1 from t limit 40) select hex(zeroblob(30000000)) from t" --csv

# --- a limit on file sizes is a full disk
mkdir "$work/small"
check 1 "write failed" bash -c "trap '' XFSZ; trap - XFSZ; ulimit -f 8; exec \"$L\" dump \"$llama\" \"The capital of\" --hooks all --out \"$work/small/x.safetensors\""
[ -z "$(ls "$work/small")" ] || bad "half a file is left: $(ls "$work/small")"
check 1 "" bash -c "ulimit -f 8; exec \"$L\" run \"$work/tiny.json\" --root \"$work/small/root\" --quiet"
absent "$work/small/root/run-latest"
check 1 "standard output" bash -c "\"$L\" --version >/dev/full"
check 1 "standard output" bash -c "\"$L\" help tables >/dev/full"
check 1 "standard output" bash -c "\"$L\" --version >&-"
check 1 "standard output" bash -c "\"$L\" dump \"$llama\" x --hooks resid_post --out \"$work/d.safetensors\" >/dev/full"

# --- control bytes in names and text
name=$work/$(printf 'a\033[31mb\nc\tname\302\233')
cp -r "$llama" "$name"
check 0 "" "$L" show "$name"; calm show
check 0 "" "$L" lens "$name" --answer Berlin "$(printf 'The \033[31mcapital\n\tof')"; calm lens
[ "$(wc -l <"$work/stdout")" -lt 24 ] || bad "a line end in a name breaks the table of lens"
check 0 "" "$L" tokens "$name" "$(printf 'The \033[31mcapital\n\tof')" --answer "$(printf 'B\033[1m')"; calm tokens
check 0 "" "$L" weights "$name"; calm weights
check 0 "" "$L" trace "$name" "$(printf 'a\033[31m')"; calm trace
check 0 "" "$L" depth "$name" "$(printf 'a\033[31m')"; calm depth
check 0 "" "$L" diff "$name" "$name" "$(printf 'a\033[31m')"; calm diff
check 2 "" "$L" lens "$name/none" x; calm "a message"
check 2 "" "$L" "$(printf 'odd\033[31m')"; calm "a command's name"
check 0 "" "$L" run "$work/tiny.json" "$name" --root "$work/$(printf 'r\033[31m\nx')"; calm run
[ "$(wc -l <"$work/stdout")" = 1 ] || bad "a line end in --root breaks the line of run"
root=$work/$(printf 'r\033[31m\nx')
check 0 "" "$L" verify "$root/run-latest" --files-only; calm verify
[ "$(wc -l <"$work/stdout")" = 1 ] || bad "a line end in --root breaks the line of verify"
check 0 "" "$L" index "$root/run-latest" --index "$work/i6.sqlite"; calm index
check 0 "" "$L" query --index "$work/i6.sqlite" "select char(27) || '[31m' || char(10) || char(155) as \"a$esc[1m\""; calm query
check 0 "" "$L" query --index "$work/i6.sqlite" runs; calm "query runs"
check 0 "" "$L" prompt single "$root/run-latest" --print; calm "prompt --print"
# data: a pipe gets the bytes, a terminal gets signs for them
check 0 "$esc[31m" "$L" query --index "$work/i6.sqlite" "select char(27) || '[31m' as x" --csv
check 0 '\u001b[31m' "$L" query --index "$work/i6.sqlite" "select char(27) || '[31m' as x" --json
if command -v script >/dev/null; then
    check 0 "[31m" script -qec "'$L' query --index '$work/i6.sqlite' \"select char(27) || '[31m' as x\" --csv" /dev/null
    ! grep -q "$esc\[31m" "$work/stdout" || bad "query --csv writes an escape to a terminal"
fi
finish
