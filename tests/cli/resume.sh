#!/usr/bin/env bash
# A sweep killed at many moments and gone on with ends byte for byte as one that was never killed, and repeats nothing whole;
# verify replays a run; shards make up the whole.
. "$(dirname "$0")/lib.inc"
L=$logitlens
cd "$work" || exit 1
ln -s "$llama" "$gemma" .
{
    echo '{"name": "kill", "models": ["demo-llama", "absent", "demo-gemma2"], "calibrate": true, "facts": {"variants": {"orig": "Give the city name only, plain text. The capital of {country} is called simply", "short": "The capital of {country} is"},'
    echo ' "items": [["Germany", "Berlin"], ["France", "Paris"], ["Italy", "Rome"], ["Japan", "Tokyo"], ["Canada", "Ottawa"], ["Spain", "Madrid"]]},'
    echo ' "test_prompts": ["Berlin is the capital of"], "temperatures": [0.1, 2.0]}'
} >e.json
outputs() { (cd "$1" && sha256sum output-* manifest.json); }

check 2 "absent" "$L" run e.json --out-dir whole --no-index
outputs whole >whole.sums

# --- kill -9 at many moments: no folder under the final name until a run ends; then the same bytes
kills=0
for ms in $(seq 10 6 900); do
    "$L" run e.json --out-dir "killed" --no-index --resume --quiet >log 2>&1 &
    pid=$!
    sleep "$(awk "BEGIN { print $ms / 1000 }")"
    if kill -9 $pid 2>/dev/null; then
        kills=$((kills + 1))
        wait $pid 2>/dev/null
        [ -d killed ] && { [ -z "$(ls -A killed | grep -v '^[.]')" ] || outputs killed | cmp -s - whole.sums || bad "half a run under the final name after $ms ms"; }
    else
        wait $pid
    fi
    [ -d killed ] && break
done
[ -d killed ] || check 2 "absent" "$L" run e.json --out-dir killed --no-index --resume
n_checks=$((n_checks + 1))
outputs killed | cmp -s - whole.sums || bad "after $kills kills the files differ: $(outputs killed | diff - whole.sums | head -4)"
[ "$kills" -ge 3 ] || bad "only $kills kills before the run was through"
[ -z "$(ls -d killed.partial* 2>/dev/null)" ] || bad "partial folders left: $(ls -d killed.partial*)"
[ -z "$(ls -A killed | grep -E 'journal|done|unfinished|tmp')" ] || bad "left in the folder: $(ls -A killed)"

# --- a kill with results in the journal is kept, named by the next run, and repeats nothing whole
"$L" run e.json --out-dir part --no-index --quiet >log 2>&1 &
pid=$!
for _ in $(seq 400); do
    [ -n "$(find part.partial -name '.journal-0' -size +20k 2>/dev/null)" ] && break
    sleep 0.005
done
kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
if [ -d part.partial ]; then
    before=$(stat -c %i part.partial/.journal-0 2>/dev/null)
    check 2 "going on with an interrupted run" "$L" run e.json --out-dir part --no-index --resume
    outputs part | cmp -s - whole.sums || bad "gone on with, the files differ"
    [ -n "$before" ] || echo "note: the model was through before the kill"
fi
# another experiment's leftovers are not taken up
sed 's/"The capital of {country} is"/"The capital of {country} is called"/' e.json >other.json
mkdir -p q; "$L" run e.json --out-dir q/x --no-index --quiet >log 2>&1 & pid=$!
for _ in $(seq 400); do [ -n "$(find q/x.partial -name '.journal-0' -size +20k 2>/dev/null)" ] && break; sleep 0.005; done
kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
[ -d q/x.partial ] && check 2 "beginning anew" "$L" run other.json --out-dir q/x --no-index --resume

# --- a harmed journal is swept again from there
"$L" run e.json --out-dir h --no-index --quiet >log 2>&1 & pid=$!
for _ in $(seq 400); do [ -n "$(find h.partial -name '.journal-0' -size +60k 2>/dev/null)" ] && break; sleep 0.005; done
kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
if [ -f h.partial/.journal-0 ]; then
    printf 'xxxx' | dd of=h.partial/.journal-0 bs=1 seek=30000 conv=notrunc 2>/dev/null
    check 2 "" "$L" run e.json --out-dir h --no-index --resume
    outputs h | cmp -s - whole.sums || bad "after a harmed journal the files differ"
fi

# --- Ctrl-C keeps what is whole
"$L" run e.json --out-dir c --no-index >log 2>&1 & pid=$!
for _ in $(seq 400); do [ -n "$(find c.partial -name '.journal-0' -size +20k 2>/dev/null)" ] && break; sleep 0.005; done
kill -TERM $pid 2>/dev/null; wait $pid 2>/dev/null
if [ -d c.partial ]; then
    grep -q -e "--resume goes on" log || bad "no word about --resume: $(cat log)"
    check 2 "" "$L" run e.json --out-dir c --no-index --resume --quiet
    outputs c | cmp -s - whole.sums || bad "after an interrupt the files differ"
fi

# --- verify: files and replay; a changed byte is named
sed 's/, "absent"//' e.json >two.json
check 0 "2 models, 0 failed" "$L" run two.json --out-dir two --no-index --quiet
check 0 "0 differ" "$L" verify two --quiet
check 0 "0 differ" "$L" verify two --files-only
(cd /; check 0 "0 differ" "$L" verify "$work/two" --quiet --threads 1)
# an experiment of the folder one stands in has the file's name, not the folder's: the replay, too
echo '{"prompts": [{"text": "The capital"}]}' >"$work/bare.json"
(cd "$work" && check 0 "" "$L" run bare.json "$llama" --out-dir bare --no-index)
check 0 "0 differ" "$L" verify "$work/bare"
# also when a model has failed, for the same reason; and a reason does not depend on how a path was spelled
mkdir -p lens/demo-llama
sed 's/"name"/"tuned": {"dir": "lens", "mode": "auto"}, "name"/' two.json >lensless.json
sed 's/"auto"/"require"/' lensless.json >required.json
check 0 "" "$L" run lensless.json --out-dir lensless --no-index --quiet
check 0 "0 differ" "$L" verify lensless --quiet
check 0 "" "$L" run "$work/lensless.json" --out-dir spelled --no-index --quiet
for f in lensless/output-*; do same "$f" "spelled/$(basename "$f")"; done
check 2 "1 of 3 models failed" "$L" run e.json --out-dir failing --no-index --quiet
check 0 "0 differ" "$L" verify failing --quiet
check 2 "lens" "$L" run required.json --out-dir required --no-index --quiet
check 0 "0 differ" "$L" verify required --quiet
ln -s "$llama" passing; check 0 "" "$L" run two.json passing --out-dir moved --no-index --quiet
rm passing; check 2 "passing: no such file" "$L" verify moved --quiet
sed -i 's/,Berlin,/,Bonn,/;s/Berlin/Bonnnn/' two/output-demo-llama-answers.csv
check 5 "output-demo-llama-answers.csv: expected" "$L" verify two --files-only
rm two/output-demo-llama.json
check 5 "no such file" "$L" verify two --files-only
check 2 "manifest.json" "$L" verify nowhere
check 2 "expected a run folder" "$L" verify

# --- shards
check 0 "1 model, 0 failed" "$L" run two.json --out-dir s1 --no-index --quiet --shard 1/2
check 0 "1 model, 0 failed" "$L" run two.json --out-dir s2 --no-index --quiet --shard 2/2
check 0 "" "$L" run two.json --out-dir all --no-index --quiet
for f in s1/output-* s2/output-*; do same "$f" "all/$(basename "$f")"; done
[ "$(ls s1/output-* s2/output-* | wc -l)" = "$(ls all/output-* | wc -l)" ] || bad "shards do not make up the whole"
check 2 "--shard: expected I/N" "$L" run two.json --shard 3/2
check 0 "bit for bit" "$L" run "$work/two.json" --self-test
echo "$kills kills"; finish
