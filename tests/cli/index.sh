#!/usr/bin/env bash
# The index from outside: exit codes, several folders at once, and kill -9 at any moment of an import.
. "$(dirname "$0")/lib.inc"
L=$logitlens
command -v python3 >/dev/null || { echo "python3 is not there"; exit 77; }
python3 "$source_dir/tests/bench/make_sweep.py" "$work/one" --models 1 --prompts 2 --rows 5 --positions 4
python3 "$source_dir/tests/bench/make_sweep.py" "$work/two" --models 4 --prompts 12 --rows 20 --positions 12 --seed 2
python3 "$source_dir/tests/bench/make_sweep.py" "$work/three" --models 4 --prompts 12 --rows 20 --positions 12 --seed 3
rm "$work"/t*/timestamp-*
echo "Experiment started: 2026-01-02 03:05:00" >"$work/two/timestamp-20260102-0305"
cp "$work/two/timestamp-20260102-0305" "$work/three" # the same run: its files changed

# --- a broken file does not keep the others out, nor the other folders
check 0 "1 models" "$L" index "$work/one" --index "$work/i.sqlite"
cp -r "$work/one" "$work/bad"
sed -i '7s/[0-9]\.[0-9]/x.y/' "$work/bad/output-Made-0-records.csv"
check 2 "data row 6" "$L" index "$work/bad" --index "$work/b.sqlite" --quiet
check 2 "1 broken or missing" "$L" index "$work/bad" "$work/two" "$work/nothing" --index "$work/b.sqlite"
check 2 "data row 6" "$L" index "$work/bad" --index "$work/b.sqlite"
query() { "$L" query --index "$1" --csv "$2" | tail -n +2; }
[ "$(query "$work/b.sqlite" "select (select count(*) from records), (select count(*) from pure), (select count(*) from rawlens)")" = "$((4 * 12 * 20 * 12)),$((10 + 4 * 12 * 20)),$((10 + 4 * 12 * 20))" ] || bad "rows beside a broken file"
check 0 "output-Made-0-records.csv" "$L" query --index "$work/b.sqlite" problems

# --- a shuffled header (with its columns) is no matter; a header shuffled alone is told
python3 - "$work/one/output-Made-0-pure-next-token.csv" "$work/swapped" <<'EOF'
import csv, random, sys
rows = list(csv.reader(open(sys.argv[1], newline="")))
order = random.Random(7).sample(range(len(rows[0])), len(rows[0]))
csv.writer(open(sys.argv[2], "w", newline=""), lineterminator="\n").writerows([r[i] for i in order] for r in rows)
EOF
mkdir "$work/moved"; cp "$work/one"/* "$work/moved"; cp "$work/swapped" "$work/moved/output-Made-0-pure-next-token.csv"
check 0 "" "$L" index "$work/moved" --index "$work/m.sqlite"
[ "$(query "$work/m.sqlite" "select layer, pos, entropy_bits, p_answer from v_pure")" = "$(query "$work/i.sqlite" "select layer, pos, entropy_bits, p_answer from v_pure")" ] || bad "columns in another order"
{ head -1 "$work/swapped"; tail -n +2 "$work/one/output-Made-0-pure-next-token.csv"; } >"$work/moved/output-Made-0-pure-next-token.csv"
check 2 "output-Made-0-pure-next-token.csv: data row" "$L" index "$work/moved" --index "$work/m.sqlite"

# --- what is read back is what the files say, to the last bit
"$L" query --index "$work/i.sqlite" --csv "select * from v_records" >"$work/records.csv"
"$L" query --index "$work/i.sqlite" --csv "select * from v_pure" >"$work/pure.csv"
"$L" query --index "$work/i.sqlite" --csv "select * from v_rawlens" >"$work/rawlens.csv"
"$L" query --index "$work/i.sqlite" --csv "select v.pass_key || printf(':L%03d:P%04d', t.layer, t.pos) as row_id, rank, token, prob, token_id from topk t join v_passes v on v.pass = t.pass" >"$work/topk.csv"
python3 - "$work" <<'EOF' || bad "values read back differ from the files"
import csv, sys
work, bad = sys.argv[1], 0
read = lambda path: list(csv.DictReader(open(path, newline="")))
def same(a, b):
    if a == b or (a, b) in (("True", "1"), ("False", "0")):
        return True
    try:
        return float(a) == float(b)
    except ValueError:
        return False
for kind, suffix, least in (("records", "records", 15), ("pure", "pure-next-token", 45), ("rawlens", "pure-next-token-rawlens", 20)):
    files = read(f"{work}/one/output-Made-0-{suffix}.csv")
    got = {r.get("row_id") or f"{r['pass_key']}:L{int(r['layer']):03d}:P0003": r for r in read(f"{work}/{kind}.csv")}
    columns = [c for c in files[0] if c in next(iter(got.values()))]
    bad += len(columns) < least or len(got) != len(files)
    bad += sum(not same(r[c], got[r["row_id"]][c]) for r in files for c in columns)
top = {(r["row_id"], int(r["rank"])): r for r in read(f"{work}/topk.csv")}
for r in read(f"{work}/one/output-Made-0-records.csv"):
    ids = r["top_ids"].split()
    for k, i in enumerate(ids, 1):
        t = top.pop((r["row_id"], k))
        bad += t["token"] != r[f"top{k}"] or float(t["prob"]) != float(r[f"prob{k}"]) or t["token_id"] != i
sys.exit(bad + len(top) > 0)
EOF

# --- kill -9: what was there is there, nothing of the new is, and a later import comes to the same
state() { query "$1" "select sum(entropy_bits), count(*), (select sum(p_answer) from pure), (select count(*) from files), (select count(*) from rawlens), (select count(distinct text) from tokens t join records r on r.tok1 = t.id) from records"; }
cp "$work/i.sqlite" "$work/whole.sqlite"
check 0 "" "$L" index "$work/two" --index "$work/whole.sqlite" --quiet
cp "$work/whole.sqlite" "$work/k.sqlite"
old=$(state "$work/k.sqlite")
check 0 "" "$L" index "$work/three" --index "$work/whole.sqlite" --quiet
new=$(state "$work/whole.sqlite")
[ "$old" != "$new" ] || bad "the two states do not differ"
n_old=0 n_new=0
for ms in 5 15 30 50 80 120 170 230 300 400 550 700 900; do
    "$L" index "$work/three" --index "$work/k.sqlite" --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "$(printf '0.%03d' $ms)"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    case $(state "$work/k.sqlite") in
    "$old") n_old=$((n_old + 1)) ;;
    "$new") n_new=$((n_new + 1)); break ;;
    *) bad "half an import after $ms ms" ;;
    esac
done
[ $n_old -gt 0 ] || bad "no import was killed on its way"
check 0 "" "$L" index "$work/three" --index "$work/k.sqlite" --quiet
[ "$(state "$work/k.sqlite")" = "$new" ] || bad "the import after the kills"

finish
