#!/usr/bin/env bash
# Evaluation prompts filled from a run, cut to a budget; evaluations held against the run.
. "$(dirname "$0")/lib.inc"
cd "$work" || exit 1
says() { n_checks=$((n_checks + 1)); grep -qF -e "$2" "$1" || bad "$1 lacks: $2"; }

cat > e.json <<'JSON'
{"models": ["demo-llama", "demo-gemma2"], "name": "two",
 "facts": {"variants": {"orig": "Give the city name only, plain text. The capital of {country} is called simply"}, "items": [["Germany", "Berlin"], ["France", "Paris"]]},
 "test_prompts": ["Berlin is the capital of"], "temperatures": [2.0]}
JSON
ln -s "$llama" "$gemma" .
"$logitlens" run e.json --out-dir run --no-index --quiet > /dev/null || bad "run"

# every model gets its prompt; the layer table, the prompt and the row ids stand in it, templates are filled
"$logitlens" prompt single run --quiet > said || bad "prompt single: $?"
for m in demo-llama demo-gemma2; do
  f=run/prompts/prompt-evaluation-$m.md
  says "$f" "of **$m** says"
  says "$f" '"pos.orig.0:L008:P'
  says "$f" "evaluation-$m.md"
  says "$f" "The capital of Germany is called simply"
  grep -q '{{' "$f" && bad "$f: unfilled"
  grep -q '## Control prompt' "$f" && bad "$f: section without data"
done
# a budget is kept, and what was cut is said in the text and on stderr; what is never cut is refused by name
"$logitlens" prompt single run --model demo-llama --max-tokens 7300 --out small > said 2> cut || bad "budget: $?"
size=$(wc -c < small/prompt-evaluation-demo-llama.md)
[ "$size" -le 21900 ] || bad "size $size above 3 x 7300"
[ "$size" -gt 15000 ] || bad "size $size: cut far too much"
says cut "lines left out"
says small/prompt-evaluation-demo-llama.md "lines left out to stay within the size budget"
"$logitlens" prompt single run --max-tokens 100 --print > /dev/null 2> err; [ $? -eq 2 ] || bad "tiny budget"
says err "--max-tokens: expected at least"
# cross and meta, with rows by SQL, scores with a source, evaluations with line numbers
printf 'model,benchmark,score,source\ndemo-llama,none,0.5,https://example.org\n' > scores.csv
{ echo "# Evaluation Report: demo-llama"; for i in 1 2 3 4 5; do echo "line $i"; done; } > run/evaluation-demo-llama.md
"$logitlens" prompt cross run --quiet --scores scores.csv --sql "select 6*7 as answer" --print > cross || bad "cross: $?"
says cross 'https://example.org'; says cross 'evaluation-demo-llama.md:3: line 2'; says cross '"demo-gemma2"'; grep -qx 42 cross || bad "sql rows"
"$logitlens" prompt meta run --quiet --print > meta || bad "meta: $?"
grep -q 'benchmark' meta && bad "meta has scores"
printf 'model,score\na,1\n' > bad.csv
"$logitlens" prompt cross run --quiet --scores bad.csv --print > /dev/null 2> err; [ $? -eq 2 ] || bad "scores without source"
printf 'a {{rows layers}} b {{#control}}\nx {{rows control}}{{/control}}\n{{rows nothing}}\n' > t.txt
"$logitlens" prompt single run --quiet --template t.txt --print > /dev/null 2> err; [ $? -eq 2 ] || bad "unknown block"
says err "template, line 3: unknown {{rows nothing}}"
"$logitlens" prompt many run 2> err; [ $? -eq 2 ] || bad "unknown kind"
"$logitlens" prompt single nowhere 2> err; [ $? -eq 2 ] || bad "no run"

# an evaluation whose figures are the data's passes; each wrong one is named with its line
pick() { "$logitlens" query --index q.sqlite --csv "select $1 from v_pure where model = 'demo-llama' and pass_key = 'pos.orig.0' and layer = $2" | tail -1; }
"$logitlens" index run --index q.sqlite --quiet > /dev/null
h5=$(printf '%.2f' "$(pick entropy_bits 5)"); h8=$(printf '%.4f' "$(pick entropy_bits 8)"); p8=$(printf '%.1f' "$(pick "100*prob1" 8)")
r8=$(pick row_id 8); r5=$(pick row_id 5); d=$(printf '%.2f' "$(echo "$(pick entropy_bits 5) $(pick entropy_bits 8)" | awk '{print $1 - $2}')")
cat > good.md <<MD
# Evaluation of demo-llama, 2026

1. Row 8 (\`$r8\`) says Berlin with $p8 % at $h8 bits; L_semantic is found in Qwen2.5-0.5B elsewhere.
2. From \`$r5\` to \`demo-llama/$r8\` the entropy falls by $d bits, from $h5.
3. The depth is known: \`json:model_stats.num_layers\` = 8. See arXiv:2303.08112.
MD
"$logitlens" prompt --check good.md --model demo-llama run --quiet > out || { bad "good evaluation refused"; cat out; }
says out " 0 not in the data"
grep -qE '^3 cited rows, 1 members of documents, [5-9] figures' out || bad "counts: $(tail -1 out)"
says out "held against demo-llama"
check 2 'expected a model of the run, found "nosuch"' "$logitlens" prompt --check good.md --model nosuch run --quiet
cat > bad.md <<MD
The row \`pos.orig.0:L099:P0001\` is invented.
At \`$r8\` the entropy is 77.25 bits and the layer 8.
Nobody measured 123456.789 anywhere.
\`json:diagnostics.L_nothing\` is no member.
\`demo-mistral/$r8\` is no model.
MD
"$logitlens" prompt --check bad.md --model demo-llama run --quiet > out 2> err; [ $? -eq 5 ] || bad "bad evaluation: exit"
says out "line 1: pos.orig.0:L099:P0001: no such row in the run"
says out "line 2: 77.25: not in the cited rows"
says out "line 3: 123456.789: not in the data of the run"
says out "line 4: diagnostics.L_nothing: no such member"
says out "line 5: demo-mistral/"
[ "$(wc -l < out)" -eq 6 ] || { bad "other lines"; cat out; }

# figures of the raw lens, of the other prompts and of the temperatures can be cited; depth, ranks, milestones, signs beyond ASCII
rawkl() { "$logitlens" query --index q.sqlite --csv "select $1 from v_rawlens where model = 'demo-llama' and pass_key = 'pos.orig.0' and layer = $2" | tail -1; }
k0=$(printf '%.3f' "$(rawkl kl_norm_vs_raw_bits 0)"); g6=$(printf '%.3f' "$(rawkl entropy_gap_bits 6)"); r0=$(pick row_id 0); r6=$(pick row_id 6); a0=$(pick answer_rank 0)
sem=$("$logitlens" query --index q.sqlite --csv "select L_semantic from v_milestones where model = 'demo-llama' and is_main and lens = 'norm'" | tail -1)
t=$(printf '%.2f' "$("$logitlens" query --index q.sqlite --csv "select t.entropy_bits from temperatures t join run_models m on m.id = t.run_model where m.stem = 'demo-llama'" | tail -1)")
[ "${g6#-}" != "$g6" ] || bad "the gap at row 6 is no negative number any more: $g6"
cat > good2.md <<MD
The raw lens is \`$r0\` $k0 bits away; the answer's rank is $a0 there.
The gap \`$r6\` is −${g6#-} bits.
L_semantic is $sem (\`json:diagnostics.L_semantic\`), at $((100 * sem / 8)) % of the depth.
At temperature 2.0 the entropy is ≈$t bits (\`json:temperature_exploration\`), \`json:test_prompts.0\` rank ≤ 5, rows 0–3.
MD
"$logitlens" prompt --check good2.md --model demo-llama run --quiet > out || { bad "second good evaluation refused"; cat out; }
grep -qE '^2 cited rows, 3 members' out || bad "counts: $(tail -1 out)"
cat > bad2.md <<MD
The answer's rank is $((a0 + 400)) at \`$r0\`.
The gap \`$r6\` is −7${g6#-} bits.
L_semantic is $((sem + 1)) (\`json:diagnostics.L_semantic\`).
At \`$r6\` the entropy is ≈77.5.
\`json:test_prompts.99\` says nothing.
The entropy is 77 bits (\`$r6\`).
MD
"$logitlens" prompt --check bad2.md --model demo-llama run --quiet > out 2> err; [ $? -eq 5 ] || bad "second bad evaluation: exit"
says out "line 1: $((a0 + 400)): not in"; says out "line 2: -7${g6#-}: not in"; says out "line 3: $((sem + 1)): not in"; says out "line 4: 77.5: not in"
says out "line 5: test_prompts.99: no such member"; says out "line 6: 77: not in"
# rows of imported runs have the row ids that --check looks up
if [ -d "$source_dir/../shared/data/runs/run-latest" ]; then
    cp -r "$source_dir/../shared/data/runs/run-latest" late; chmod -R u+w late
    "$logitlens" prompt single late --model Qwen3-8B --print --quiet > lateprompt || bad "prompt of an imported run"
    sed -n '/^## Raw lens/,/^## Tuned/p' lateprompt | grep -q '"pos.orig.0:L031:P0015"' || bad "row ids of the raw lens of an imported run"
    echo 'At `pos.orig.0:L031:P0015` the JS divergence is 99.5.' > late.md
    sed -n '/^## Raw lens/,/^## Tuned/p' lateprompt | grep '"pos.orig.0:L031:P0015"' | cut -d, -f12 | sed 's/.*/`pos.orig.0:L031:P0015` has &./' > late2.md
    "$logitlens" prompt --check late.md --model Qwen3-8B late --quiet > out 2> err; [ $? -eq 5 ] || bad "a wrong figure of the raw lens"
    "$logitlens" prompt --check late2.md --model Qwen3-8B late --quiet > out || { bad "a right figure of the raw lens"; cat late2.md out; }
fi
# evaluations are promised where there are some
grep -q 'that are attached' cross || bad "cross prompt does not name the evaluations"
rm run/evaluation-demo-llama.md; "$logitlens" prompt cross run --quiet --print > cross2 || bad "cross without evaluations: $?"
grep -q 'that are attached' cross2 && bad "cross prompt promises evaluations that are not there"
finish
