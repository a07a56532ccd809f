#!/usr/bin/env bash
# A run is killed at every call that changes a file, and each such call fails in turn (disk full): what has the final name is whole,
# a failure is said with one line and exit 1, and going on gives the bytes of an undisturbed run, leaves nothing over and fills the
# index. LL_FAULT_STEP=1 takes every call where the default takes some.
. "$(dirname "$0")/lib.inc"
L=$logitlens
fault=$3/tests/fault_files.so
cd "$work" || exit 1
LD_PRELOAD=$fault COUNT_FILE=n "$L" --version >/dev/null 2>&1; [ -s n ] || { echo "skipped: $fault cannot be preloaded"; exit 77; }
ln -s "$source_dir/tests/fixtures/models/qwen2_tied" one
ln -s "$source_dir/tests/fixtures/models/gpt2_conv1d" two
echo '{"name": "faults", "models": ["one", "two"], "last_position_only": true, "raw_lens": "sample", "prompts": [{"id": "a", "ids": [1, 2, 3], "answer_id": 4}, {"id": "b", "ids": [3, 2]}]}' >e.json
outputs() { (cd "$1" && ls | grep -vE '^(timestamp-|run.log|evaluation-)' | xargs sha256sum); }
run=("$L" run e.json --threads 1 --quiet --keep-residuals)
check 0 "2 models, 0 failed" "${run[@]}" --out-dir whole --index whole.sqlite
outputs whole >whole.sums
[ "$(ls whole/*_resid.bin | wc -l)" -gt 2 ] || bad "no residuals are kept"
COUNT_FILE=n LD_PRELOAD=$fault "${run[@]}" --out-dir counted --index counted.sqlite >/dev/null; with_index=$(cat n)
COUNT_FILE=n LD_PRELOAD=$fault "${run[@]}" --out-dir counted2 --no-index >/dev/null; without=$(cat n)
files=$(ls whole/output-* | wc -l)

left() { ls -A k | grep -E 'journal|done|unfinished|tmp'; ls -d k.partial* ./*.tmp* 2>/dev/null; }
is_whole() { outputs k 2>/dev/null | cmp -s - whole.sums; }
n_told=0

# one MODE NUMBER: disturbed at that call, then gone on with
one() {
    local rc=0 more
    n_checks=$((n_checks + 1))
    rm -rf k k.partial* ix.sqlite* ./*.tmp*
    env "$1=$2" LD_PRELOAD="$fault" "${run[@]}" --out-dir k --index ix.sqlite --resume >out 2>err </dev/null || rc=$?
    [ ! -d k ] || is_whole || bad "$1=$2: half a run under the final name (exit $rc)"
    if [ "$1" != KILL_AT ]; then
        case $rc in
        0) is_whole || bad "$1=$2: exit 0 without a whole run" ;;
        1) [ "$(grep -c '^logitlens: ' err)" = 1 ] || bad "$1=$2: expected one line: $(cat err)"; n_told=$((n_told + 1)) ;;
        *) bad "$1=$2: exit $rc: $(cat err)" ;;
        esac
    fi
    if [ "$rc" != 0 ]; then
        "${run[@]}" --out-dir k --index ix.sqlite --resume >out 2>err2 </dev/null || bad "$1=$2: going on after exit $rc ($(tail -1 err)) fails: $(cat err2)"
        more=$(left); [ -z "$more" ] || bad "$1=$2: left over: $more"
    fi
    is_whole || bad "$1=$2: the files differ: $(outputs k | diff - whole.sums | head -3)"
    "$L" index k --index ix.sqlite --quiet >out 2>&1 || bad "$1=$2: the index: $(cat out)"
    grep -qF "0 files ($files unchanged), 0 rows" out || bad "$1=$2: the index is not filled: $(cat out)"
}
{
    for n in $(seq 0 "${LL_FAULT_STEP:-5}" "$without"); do one KILL_AT "$n"; done
    for n in $(seq 0 "${LL_FAULT_STEP:-7}" "$without"); do one FAIL_AT "$n"; done
    for n in $(seq "$((without - 12))" "$without"); do one KILL_AT "$n"; one FAIL_AT "$n"; done
    for n in $(seq 1 "${LL_FAULT_STEP:-29}" "$without"); do one FAIL_FROM "$n"; done
    for n in $(seq "$without" "${LL_FAULT_STEP:-37}" "$with_index"); do one KILL_AT "$n"; one FAIL_AT "$n"; done
    for n in $(seq "$((with_index - 12))" "$with_index"); do one KILL_AT "$n"; one FAIL_AT "$n"; done
} 2>/dev/null >problems
cat problems; n_bad=$(grep -c '^FAIL' problems)
[ "$n_told" -gt 20 ] || bad "only $n_told failures were told: does the preload work?"

# --- a file-size limit is a disk that is full
rm -rf k*
check 1 "File too large" bash -c 'ulimit -f 2; exec "$@"' x "${run[@]}" --out-dir k --no-index
absent k
check 0 "" "${run[@]}" --out-dir k --no-index --resume
is_whole || bad "after a file-size limit the files differ"

# --- a run killed as early as can be leaves an empty folder: it goes, and is nobody's run
rm -rf k*; mkdir k.partial k.partial-7 k.partials kk.partial
check 0 "" "${run[@]}" --out-dir k --no-index --resume
absent k.partial; absent k.partial-7
[ -d k.partials ] && [ -d kk.partial ] || bad "folders of other names went"
rmdir k.partials kk.partial

# --- another run's leftovers: named, left alone, gone when their own run is through
killed() { KILL_AT=$((without * 9 / 10)) LD_PRELOAD=$fault "${run[@]}" --no-index "$@" >/dev/null 2>&1; }
rm -rf k*; killed --out-dir k 2>/dev/null
check 0 "k.partial: what interrupted runs of something else left there is set aside" "$L" run e.json --keep-residuals --no-index --out-dir k --no-analysis --resume
[ -d k.partial ] || bad "another run's results are gone"
rm -rf k
check 0 "set aside" "$L" run e.json --no-index --out-dir k
rm -rf k
check 0 "going on" "$L" run e.json --keep-residuals --no-index --out-dir k --resume
is_whole || bad "going on beside another run: the files differ"
[ -z "$(left)" ] || bad "left over: $(left)"
# an out-dir whose name only looks like a partial folder of another
rm -rf k*; killed --out-dir k.partial2 2>/dev/null
check 0 "no interrupted run of this" "$L" run e.json --keep-residuals --no-index --out-dir k --resume
[ -d k.partial2.partial ] || bad "a partial folder of another out-dir was taken"
rm -rf k*

# --- run-latest stays until a run has at least one good model
check 0 "" "${run[@]}" --root r --no-index
before=$(ls -id r/run-latest)
kept() { n_checks=$((n_checks + 1)); [ "$(ls -id r/run-latest)" = "$before" ] && [ "$(ls -A r)" = run-latest ] || bad "run-latest was moved, or something is left: $1: $(ls -A r)"; }
try() { local code=$1 text=$2; shift 2; check "$code" "$text" "$@"; kept "$*"; }
r=("$L" run e.json --root r --no-index --quiet)
try 2 "run-latest stays" "${r[@]}" nowhere/model
try 2 "run-latest stays" "${r[@]}" nowhere some-org/some-name
try 4 "run-latest stays" "${r[@]}" --capacity cpu=1KiB
try 2 "tuned: missing: expected a folder" "${r[@]}" --tuned missing
try 2 "missing.bin" "${r[@]}" --intervene patch:blocks.1.hook_resid_post=missing.bin
try 2 "missing.safetensors" "${r[@]}" --intervene 'steer:blocks.1.hook_resid_post=missing.safetensors*2'
try 2 "" "$L" run missing.json --root r --no-index --quiet
sed 's/"prompts": /"prompts_from": [{"file": "missing.csv"}], "prompts": /' e.json >m.json
try 2 "missing.csv" "$L" run m.json --root r --no-index --quiet
echo text >not.sqlite; mkdir sub
try 2 "not.sqlite: expected a logitlens index" "$L" run e.json --root r --quiet --index not.sqlite
try 2 "expected a file" "$L" run e.json --root r --quiet --index sub
try 1 "cannot write" "$L" run e.json --root r --quiet --index none/ix.sqlite
try 0 "" "${r[@]}" --shard 9/9
check 2 "e.json: expected a folder, found something else" "$L" run e.json --root e.json --no-index --quiet
check 2 "1 of 2 models failed" "${r[@]}" one nowhere
[ "$(ls -id r/run-latest)" != "$before" ] || bad "a run with a good model is not published"
finish
