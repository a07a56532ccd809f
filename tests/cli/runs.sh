#!/usr/bin/env bash
# Runs as a whole: the same bytes twice, with any number of threads and any vector unit; rotation; nothing half-written; the
# index follows the files; records and pure rows agree.
. "$(dirname "$0")/lib.inc"
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json

check 0 "2 models, 0 failed" "$L" run "$e" --root "$work/a" --quiet
check 0 "2 models, 0 failed" "$L" run "$e" --root "$work/b" --quiet --threads 1
for f in "$work"/a/run-latest/output-*; do same "$f" "$work/b/run-latest/$(basename "$f")"; done
for isa in plain avx2; do
    if LL_ENGINE_ISA=$isa "$L" lens "$llama" --ids 1 --quiet >/dev/null 2>&1; then
        check 0 "" env LL_ENGINE_ISA=$isa "$L" run "$e" --out-dir "$work/$isa" --quiet --no-index
        for f in "$work"/a/run-latest/output-*; do same "$f" "$work/$isa/$(basename "$f")"; done
    fi
done

# --- shapes: passes x (n + 1) x positions
records=$work/a/run-latest/output-demo-llama-records.csv
pure=$work/a/run-latest/output-demo-llama-pure-next-token.csv
[ "$(head -1 "$records" | cut -d, -f1-6)" = "fact_key,fact_index,prompt_id,prompt_variant,layer,pos" ] || bad "first columns of records"
[ "$(head -1 "$records" | tr , '\n' | sed -n 50p)" = rest_mass ] || bad "column 50 of records"
[ "$(head -1 "$pure" | tr , '\n' | sed -n 51,52p | tr '\n' ' ')" = "copy_collapse copy_strict@0.95 " ] || bad "columns 51 and 52 of pure"
[ "$(head -1 "$pure" | tr , '\n' | sed -n 85p)" = answer_vs_top1_gap ] || bad "column 85 of pure"
[ "$(grep -c '' "$pure")" = $((11 * 9 + 1)) ] || bad "rows of pure: $(grep -c '' "$pure")"
grep -rlE --exclude=.command "$work|$source_dir" "$work/a/run-latest/" && bad "an output holds a machine path"

head -1 "$work/a/run-latest/evaluation-demo-llama.md" | grep -qx "# Evaluation Report: demo-llama" || bad "no stub for evaluations"

# --- the index
query() { "$L" query --index "$work/a/index.sqlite" --csv "$1" | tail -n +2; }
[ "$(query "select count(*) from models")" = 2 ] || bad "models in the index"
[ "$(query "select count(*) from pure")" = $((2 * 11 * 9)) ] || bad "pure rows in the index"
# identities: last position of records = pure row; entropy within 0..log2 V
[ "$(query "select count(*) from v_pure p join v_records r on r.row_id = p.row_id and r.model = p.model where abs(r.entropy_bits - p.entropy_bits) > 0")" = 0 ] || bad "records and pure rows disagree"
[ "$(query "select count(*) from v_pure p join v_records r on r.row_id = p.row_id and r.model = p.model")" = $((2 * 11 * 9)) ] || bad "pure rows without their record"
[ "$(query "select count(*) from v_pure where layer = 8 and kl_to_final_bits <> 0")" = 0 ] || bad "the last row is not the model's output"
[ "$(query "select count(*) from v_pure where entropy_bits < 0 or entropy_bits > 10.7")" = 0 ] || bad "entropy out of range"
cp "$work/a/index.sqlite" "$work/before.sqlite"
check 0 "unchanged" "$L" index "$work/a/run-latest" --index "$work/a/index.sqlite"
[ "$(query "select count(*) from pure")" = $((2 * 11 * 9)) ] || bad "a second import changed the index"
check 0 "" "$L" index "$work/a/run-latest" --index "$work/rebuilt.sqlite" --quiet
for t in runs models passes pure records; do
    [ "$(query "select count(*) from $t")" = "$("$L" query --index "$work/rebuilt.sqlite" --csv "select count(*) from $t" | tail -n +2)" ] || bad "rebuilt index differs in $t"
done
check 2 "" "$L" query --index "$work/a/index.sqlite" "delete from runs"
for q in $("$L" query | awk '{print $1}'); do check 0 "" "$L" query --index "$work/a/index.sqlite" "$q"; done

# --- rotation, and refusing to overwrite
check 0 "" "$L" run "$e" "$llama" --root "$work/a" --quiet
[ "$(ls -d "$work"/a/run-2* | wc -l)" = 1 ] || bad "the older run was not rotated"
[ "$(query "select count(*) from runs")" = 2 ] || bad "runs in the index after a second run"
mkdir "$work/full"; echo keep >"$work/full/mine"
check 2 "" "$L" run "$e" "$llama" --out-dir "$work/full" --quiet --no-index
[ "$(cat "$work/full/mine")" = keep ] || bad "--out-dir overwrote a file"

# --- nothing half-written: a file size limit stands in for a full disk; a file in the way for a read-only folder
( trap '' XFSZ; ulimit -f 100; "$L" run "$e" --root "$work/small" --quiet >"$work/o" 2>&1 ) && bad "a full disk went unnoticed"
[ "$(wc -l <"$work/o")" = 1 ] || bad "full disk: expected one line, found: $(cat "$work/o")"
absent "$work/small/run-latest"
check 0 "2 models, 0 failed" "$L" run "$e" --root "$work/small" --quiet --resume # what was whole was kept
for f in "$work"/a/run-latest/output-*; do same "$f" "$work/small/run-latest/$(basename "$f")"; done
ls -A "$work/small" | grep -q partial && bad "a partial folder was left by a run that went through"
: >"$work/file"
check 1 "" "$L" run "$e" --root "$work/file/out" --quiet

# --- killed at some moment: nothing that looks finished
for ms in 20 60 120 200; do
    "$L" run "$e" --root "$work/killed" --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "0.$(printf %03d $ms)"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    if [ -d "$work/killed/run-latest" ]; then ls "$work/killed/run-latest/output-demo-gemma2.json" >/dev/null 2>&1 || bad "an unfinished run looks finished"; fi
done
check 0 "" "$L" run "$e" --root "$work/killed" --quiet
for f in "$work"/b/run-latest/output-*; do same "$f" "$work/killed/run-latest/$(basename "$f")"; done

# --- a failed model's file holds no machine path
cp -r "$llama" "$work/broken"; rm "$work/broken/config.json"
check 2 "3 of 3 models failed" "$L" run "$e" "$work/broken" "$work/nowhere/x" some-org/some-name --out-dir "$work/failed" --no-index --quiet
grep -rlE "$work|$source_dir|\.cache" "$work"/failed/output-*.json && bad "a failed model's JSON holds a machine path"
grep -q '"model": "some-org/some-name"' "$work/failed/output-some-name.json" || bad "the hub name of a failed model is lost"

# --- token ids without any tokenizer
cp -r "$llama" "$work/bare"; rm "$work"/bare/tokenizer*
printf '{"prompts": [{"id": "w", "ids": [5, 6, 7], "answer_id": 8}], "top_k": {"record": 20, "verbose": 20}}' >"$work/ids.json"
check 0 "" "$L" run "$work/ids.json" "$work/bare" --out-dir "$work/bare-out" --no-index --quiet
grep -q "<id 5>" "$work/bare-out/output-bare-records.csv" || bad "ids without text"
# --- two runs at once: both are indexed; a failed write is a failure
for i in 1 2 3 4 5 6; do
    "$L" run "$e" "$llama" --root "$work/two$i" --quiet >/dev/null 2>&1 & first=$!
    "$L" run "$e" "$llama" --root "$work/two$i" --quiet >/dev/null 2>&1 || bad "two runs at once: the second failed"
    wait $first || bad "two runs at once: the first failed"
    [ "$("$L" query --index "$work/two$i/index.sqlite" --csv "select count(*) from runs" | tail -n +2)" = 2 ] || bad "two runs at once: one is not in the index"
done
"$L" run "$e" "$llama" --root "$work/fullout" --quiet >/dev/full 2>/dev/null; [ $? = 1 ] || bad "a full standard output went unnoticed"
# --- runs of one minute: the index names each folder as the rotation does
for i in 1 2 3 4; do check 0 "" "$L" run "$e" "$llama" --root "$work/minute" --quiet --last-position-only; done
[ "$("$L" query runs --csv --index "$work/minute/index.sqlite" | tail -n +2 | cut -d, -f4 | sort)" = "$(cd "$work/minute" && ls -d run-* | sort)" ] || bad "folders in the index: $("$L" query runs --csv --index "$work/minute/index.sqlite")"
finish
