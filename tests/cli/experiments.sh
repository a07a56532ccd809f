#!/usr/bin/env bash
# Experiment files: every way to write one wrongly is one line that names the key, exit code 2, and no run folder; every
# key of experiments/README.md is accepted, null counts as absent, and a wrong config.json is told in the same manner.
. "$(dirname "$0")/lib.inc"
L=$logitlens

# --- bad ones: expected words <tab> file
while IFS=$'\t' read -r words text; do
    [ -n "$words" ] || continue
    printf '%b' "$text" >"$work/e.json"
    check 2 "$words" "$L" run "$work/e.json" "$llama" --out-dir "$work/bad" --no-index --quiet
done <<'ROWS'
unknown key "promts"	{"promts": [{"text": "a"}]}
expected one of name, description, models	{"Prompts": [{"text": "a"}]}
the document: expected an object {...}, found an array	[{"text": "a"}]
the document: expected an object {...}, found nothing	null
"text": expected each name once, found it twice	{"prompts": [{"text": "a", "text": "b"}]}
"norm": expected each name once	{"norm": "raw", "prompts": [{"text": "a"}], "norm": "final"}
byte order mark	\xef\xbb\xbf{"prompts": [{"text": "a"}]}
byte order mark	\xff\xfe{\x00}\x00
prompts: expected a list of 0..1048576 entries, found an object	{"prompts": {"text": "a"}}
prompts: expected a list of 0..1048576 entries, found "a"	{"prompts": "a"}
prompts.0: expected an object {...}, found "a"	{"prompts": ["a"]}
prompts.1: unknown key "promt"	{"prompts": [{"text": "a"}, {"text": "a", "promt": "b"}]}
unknown key "records": expected one of id, variant, text	{"prompts": [{"text": "a", "records": true}]}
prompts.0.text: expected a text, found 3	{"prompts": [{"text": 3}]}
prompts.0: expected "text" or "ids", found both	{"prompts": [{"text": "a", "ids": [1]}]}
prompts.0: expected "text" or "ids", found neither	{"prompts": [{"id": "x"}]}
prompts.0.answer: expected "answer_id"	{"prompts": [{"ids": [1], "answer": "Berlin"}]}
prompts.0: expected "answer" or "answer_id", found both	{"prompts": [{"text": "a", "answer": "b", "answer_id": 3}]}
prompts.0.answer: expected some text	{"prompts": [{"text": "a", "answer": ""}]}
the prompt is empty	{"prompts": [{"text": ""}]}
prompts.0.ids: expected a list of 1..1048576 entries, found an array of 0	{"prompts": [{"ids": []}]}
prompts.0.ids: expected a list of 1..1048576 entries, found 5	{"prompts": [{"ids": 5}]}
prompts.0.ids.1: expected an integer in 0..2147483647, found -2	{"prompts": [{"ids": [1, -2]}]}
prompts.0.ids.0: expected an integer in 0..2147483647, found 4294967296	{"prompts": [{"ids": [4294967296]}]}
prompts.0.ids.0: expected an integer in 0..2147483647, found 1.5	{"prompts": [{"ids": [1.5]}]}
prompts.0.answer_id: expected an integer in 0..2147483647, found -1	{"prompts": [{"ids": [1], "answer_id": -1}]}
prompts.0.answer_id: expected an integer in 0..2147483647, found 4294967299	{"prompts": [{"ids": [1], "answer_id": 4294967299}]}
prompts.0.answer_id: expected an integer in 0..2147483647, found "3"	{"prompts": [{"ids": [1], "answer_id": "3"}]}
prompts.0.fact_index: expected an integer in 0..2147483647, found -1	{"prompts": [{"text": "a", "fact_index": -1}]}
prompts.0.id: expected a text of 1..60 bytes, found ""	{"prompts": [{"text": "a", "id": ""}]}
prompts.0.variant: expected a variant's name of 1..60 bytes without dots, found "a.b"	{"prompts": [{"text": "a", "variant": "a.b"}]}
share the key "p0.orig"	{"prompts": [{"text": "a"}, {"id": "p0", "text": "b"}]}
name: expected a text of 1..200 bytes, found 7	{"name": 7, "prompts": [{"text": "a"}]}
models: expected a list of 0..10000 entries, found "x"	{"models": "x", "prompts": [{"text": "a"}]}
models.0: expected a text, found 1	{"models": [1], "prompts": [{"text": "a"}]}
models.0: expected a text, found an empty one	{"models": [""], "prompts": [{"text": "a"}]}
test_prompts.1: expected a text, found nothing	{"test_prompts": ["a", null], "prompts": [{"text": "a"}]}
important_words: expected a list of 0..1048576 entries, found "Berlin"	{"important_words": "Berlin", "prompts": [{"text": "a"}]}
temperatures: expected a list of 0..1000 entries, found 0.5	{"temperatures": 0.5, "prompts": [{"text": "a"}]}
temperatures.0: expected a number in 0.001..1000, found 0	{"temperatures": [0], "prompts": [{"text": "a"}]}
temperatures.0: expected a number in 0.001..1000, found	{"temperatures": [1e999], "prompts": [{"text": "a"}]}
not valid JSON	{"temperatures": [NaN], "prompts": [{"text": "a"}]}
last_position_only: expected true or false, found 1	{"last_position_only": 1, "prompts": [{"text": "a"}]}
top_k: expected an object {...}, found 5	{"top_k": 5, "prompts": [{"text": "a"}]}
top_k: unknown key "verbos": expected one of record, verbose	{"top_k": {"verbos": 5}, "prompts": [{"text": "a"}]}
top_k.record: expected an integer in 1..20, found 21	{"top_k": {"record": 21}, "prompts": [{"text": "a"}]}
top_k.record: expected an integer in 1..20, found 4294967301	{"top_k": {"record": 4294967301}, "prompts": [{"text": "a"}]}
top_k: expected 1 <= record <= verbose	{"top_k": {"record": 9, "verbose": 8}, "prompts": [{"text": "a"}]}
copy.threshold: expected a number in 0..1, found "high"	{"copy": {"threshold": "high"}, "prompts": [{"text": "a"}]}
copy.margin: expected a number in 0..1, found -0.1	{"copy": {"margin": -0.1}, "prompts": [{"text": "a"}]}
copy.rule: expected strict or legacy, found "loose"	{"copy": {"rule": "loose"}, "prompts": [{"text": "a"}]}
copy.rule: expected a text, found true	{"copy": {"rule": true}, "prompts": [{"text": "a"}]}
norm: expected final, next-ln1, post-ln2 or raw	{"norm": "last", "prompts": [{"text": "a"}]}
norm: expected a text, found 1	{"norm": 1, "prompts": [{"text": "a"}]}
ln_bias: expected keep or drop	{"ln_bias": "no", "prompts": [{"text": "a"}]}
facts.variants: expected an object {...}, found nothing	{"facts": {"items": [["a", "b"]]}}
facts.items: expected a list of 1..1048576 entries, found nothing	{"facts": {"variants": {"orig": "{country}"}}}
facts.variants: expected at least one	{"facts": {"variants": {}, "items": [["a", "b"]]}}
facts: unknown key "pairs"	{"facts": {"variants": {"orig": "{country}"}, "items": [["a", "b"]], "pairs": []}}
facts.items.1: expected a pair ["word", "answer"], found a list of 1	{"facts": {"variants": {"orig": "{country}"}, "items": [["a", "b"], ["a"]]}}
facts.items.0: expected a pair ["word", "answer"], found a list of 3	{"facts": {"variants": {"orig": "{country}"}, "items": [["a", "b", "c"]]}}
facts.items.0: expected a pair ["word", "answer"], found no list	{"facts": {"variants": {"orig": "{country}"}, "items": ["ab"]}}
facts.items.0.1: expected a text, found 3	{"facts": {"variants": {"orig": "{country}"}, "items": [["a", 3]]}}
facts.items.0.1: expected a text, found an empty one	{"facts": {"variants": {"orig": "{country}"}, "items": [["a", ""]]}}
facts.variants.orig: expected {country} once in the template, found it nowhere	{"facts": {"variants": {"orig": "of {land}"}, "items": [["a", "b"]]}}
facts.variants.orig: expected {country} once in the template, found it more than once	{"facts": {"variants": {"orig": "{country} {country}"}, "items": [["a", "b"]]}}
facts.variants.orig: expected a text, found an array	{"facts": {"variants": {"orig": []}, "items": [["a", "b"]]}}
without dots, found "a.b"	{"facts": {"variants": {"a.b": "{country}"}, "items": [["a", "b"]]}}
expected a variant's name of 1..60 bytes	{"facts": {"variants": {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg": "{country}"}, "items": [["a", "b"]]}}
prompts.0: expected "answer" or "answers", found both	{"prompts": [{"text": "a", "answer": "b", "answers": ["c"]}]}
prompts.0: expected "answers" or "answer_id", found both	{"prompts": [{"text": "a", "answers": ["b"], "answer_id": 3}]}
prompts.0.answers: expected a list of 1..15 entries, found an array of 0	{"prompts": [{"text": "a", "answers": []}]}
prompts.0.answers.1: expected a text, found an empty one	{"prompts": [{"text": "a", "answers": ["b", ""]}]}
prompts.0.role: expected probe or control, found "ctl"	{"prompts": [{"text": "a", "role": "ctl"}]}
prompts.0.control_of: expected none beside "role": "probe"	{"prompts": [{"text": "a", "role": "probe", "control_of": "p1.orig"}]}
control_of: expected the key of another prompt, found "p7.orig"	{"prompts": [{"text": "a", "control_of": "p7.orig"}]}
main: expected the key of a prompt such as "p0.orig", found "p1.orig"	{"prompts": [{"text": "a"}], "main": "p1.orig"}
head: expected model or bare, found "own"	{"prompts": [{"text": "a"}], "head": "own"}
site: expected resid_post, resid_mid, attn_out or mlp_out, found "resid_pre"	{"prompts": [{"text": "a"}], "site": "resid_pre"}
raw_lens: expected off, sample or full, found "on"	{"prompts": [{"text": "a"}], "raw_lens": "on"}
calibrate: expected true or false, found 1	{"prompts": [{"text": "a"}], "calibrate": 1}
positions: expected all or last, found "first"	{"prompts": [{"text": "a"}], "positions": "first"}
positions: expected the same as last_position_only says (last), found "all"	{"prompts": [{"text": "a"}], "positions": "all", "last_position_only": true}
tuned: expected an object {...}, found "dir"	{"prompts": [{"text": "a"}], "tuned": "dir"}
tuned.dir: expected a text of 1..4096 bytes, found nothing	{"prompts": [{"text": "a"}], "tuned": {"mode": "auto"}}
tuned.mode: expected off, auto or require, found "on"	{"prompts": [{"text": "a"}], "tuned": {"dir": "x", "mode": "on"}}
expected site resid_post or tuned mode off, found site mlp_out	{"prompts": [{"text": "a"}], "tuned": {"dir": "x"}, "site": "mlp_out"}
copy.thresholds.1: expected a number in 0..1, found 7	{"prompts": [{"text": "a"}], "copy": {"thresholds": [0.5, 7]}}
copy.soft.window_ks: expected integers in 1..64, found 1.5	{"prompts": [{"text": "a"}], "copy": {"soft": {"window_ks": [1.5]}}}
copy: expected at most 8 strict and 16 soft columns	{"prompts": [{"text": "a"}], "copy": {"soft": {"window_ks": [1,2,3,4,5,6,7,8], "extra_thresholds": [0.1, 0.2]}}}
copy.soft: unknown key "threshhold"	{"prompts": [{"text": "a"}], "copy": {"soft": {"threshhold": 1}}}
seed: expected an integer in 0..2147483647, found -1	{"prompts": [{"text": "a"}], "seed": -1}
prompts_from.0.file: expected a text of 1..4096 bytes, found nothing	{"prompts_from": [{"text": "q"}]}
prompts_from.0: unknown key "colour"	{"prompts_from": [{"file": "x.csv", "colour": "q"}]}
expected a name ending in .csv, .jsonl or .ndjson	{"prompts_from": [{"file": "x.txt"}]}
e.json: line 1: top_k.record	{"top_k": {"record": 0}, "prompts": [{"text": "a"}]}
e.json: line 3: copy.margin: expected a number in 0..1, found 2	{"prompts": [{"text": "a"}],\n "copy": {"threshold": 0.5,\n  "margin": 2}}
e.json: line 4: prompts.1.answer: expected some text	{"name": "x{[\\"", "models": [],\n "prompts": [\n  {"text": "a"},\n  {"text": "b", "answer": ""}]}
e.json: line 3: "id": expected each name once, found it twice	{"prompts": [{"text": "a"},\n {"text": "b",\n "id": "x",\n "id": "y"}]}
e.json: line 2: unknown key "nrom"	{"prompts": [{"text": "a"}],\n "nrom": "raw"}
e.json: line 3: prompts.0: unknown key "promt"	{"prompts": [\n {"text": "a",\n "promt": "b"}]}
e.json: line 1: no prompts	{\n "prompts": []}
no prompts	{"prompts": []}
no prompts	{}
ROWS
absent "$work/bad"

# --- a pattern that fits nothing matters unless models are named; what fits comes sorted
printf '%s' '{"models": ["nowhere-*"], "prompts": [{"text": "a"}]}' >"$work/e.json"
check 2 'e.json: line 1: models.0: expected at least one path that fits "nowhere-*", found none' "$L" run "$work/e.json" --out-dir "$work/bad" --no-index --quiet
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$llama" --out-dir "$work/named" --no-index --quiet
cp -r "$llama" "$work/m-b"; cp -r "$gemma" "$work/m-a"; cp -r "$llama" "$work/m[c"
printf '%s' '{"models": ["m[c", "m-?"], "prompts": [{"text": "a"}]}' >"$work/e.json"
check 0 "3 models, 0 failed" "$L" run "$work/e.json" --out-dir "$work/globbed" --no-index
grep -n "ok" "$work/stderr" | tr '\n' ' ' | grep -q 'm\[c.*m-a.*m-b' || bad "models in another order: $(cat "$work/stderr")"
rm -rf "$work"/m-? "$work"/m\[c

# --- good ones: every key once
cat >"$work/p.csv" <<'CSV'
q,kind,right,alt,nr
"The capital, of ""Germany"" is called",long,Berlin,,3
The city of,,,Paris|Rome,
CSV
printf '\xef\xbb\xbftext,id\r\nThe town of,w1\r\nThe city of,w2' >"$work/windows.csv"
cat >"$work/p.jsonl" <<'JSON'
{"text": "The capital", "id": 7, "answers": ["of", "city"], "more": [1]}

{"text": "The city", "variant": "b", "role": "control", "answer": "of", "fact": "f", "fact_index": 2}
JSON
cat >"$work/e.json" <<'JSON'
{"name": "all", "description": "every key", "models": ["nowhere/used"], "top_k": {"record": 3, "verbose": 7},
 "copy": {"rule": "legacy", "threshold": 0.5, "margin": 0, "thresholds": [0.9], "soft": {"threshold": 0.4, "window_ks": [2], "extra_thresholds": [0.2]}},
 "norm": "final", "ln_bias": "drop", "head": "bare", "site": "attn_out", "important_words": ["Berlin"], "main": "b.orig", "seed": 317,
 "facts": {"variants": {"orig": "The capital of {country} is called", "short": "{country}"}, "items": [["Germany", "Berlin"], ["France", "Paris"]]},
 "prompts": [{"id": "a", "variant": "x", "text": "The capital", "answers": ["of", "city of"], "fact": "f", "fact_index": 0},
             {"id": "b", "ids": [1, 2, 3], "answer_id": 0}, {"text": "The capital", "answer_id": 4, "role": "probe"}, {"ids": [5e0]},
             {"text": "The city", "answer": "of", "role": "control", "control_of": "a.x.0"}],
 "prompts_from": [{"file": "p.csv", "text": "q", "variant": "kind", "answer": "right", "answers": "alt", "answers_separator": "|", "fact_index": "nr"},
                  {"file": "p.jsonl", "format": "jsonl"}, {"file": "windows.csv"}],
 "test_prompts": ["The city of"], "temperatures": [0.1, 1, 1e2], "positions": "all", "last_position_only": false,
 "analysis": true, "raw_lens": "sample", "calibrate": false, "tuned": {"dir": "nowhere", "mode": "off"}, "answers_by_teacher_forcing": false}
JSON
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$llama" --out-dir "$work/good" --no-index --quiet
keys=$(grep -o '"pass_key": "[^"]*"' "$work/good/output-demo-llama.json" | cut -d'"' -f4 | tr '\n' ' ')
want="b.orig pos.orig.0 pos.short.0 pos.orig.1 pos.short.1 a.x.0 p2.orig p3.orig ctl.orig f0-0.long.3 f0-1.orig 7.orig f1-1.b.2 w1.orig w2.orig "
[ "$keys" = "$want" ] || bad "passes: $keys"
grep -q ',copy_collapse,copy_strict@0.5,copy_strict@0.9,copy_soft_k2@0.4,copy_soft_k2@0.2,entropy_collapse,' "$work/good/output-demo-llama-pure-next-token.csv" || bad "flag columns"
for s in '"seed": 317' '"lens_site": "attn_out"' '"lens_head": "bare"' '"prompt": "The capital, of \"Germany\" is called"' '"prompt": "The town of"'; do
    grep -qF "$s" "$work/good/output-demo-llama.json" || bad "not in the JSON: $s"
done
printf '%s' '{"prompts": [{"text": "The capital", "answer": null, "ids": null}], "top_k": null, "facts": null, "norm": null, "models": null, "temperatures": []}' >"$work/e.json"
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$llama" --out-dir "$work/nulls" --no-index --quiet
check 0 "2 models, 0 failed" "$L" run "$source_dir/experiments/001_layers_and_logits/experiment.json" --out-dir "$work/first" --no-index --quiet

# --- files of prompts: expected words <tab> file name <tab> content
while IFS=$'\t' read -r words file text; do
    [ -n "$words" ] || continue
    printf '%b' "$text" >"$work/$file"
    printf '{"prompts_from": [{"file": "%s", "answer": "right"}]}' "$file" >"$work/e.json"
    check 2 "$words" "$L" run "$work/e.json" "$llama" --out-dir "$work/bad" --no-index --quiet
done <<'ROWS'
x.csv: expected a column "text" (text), found none	x.csv	a,right\nb,c\n
x.csv: expected a column "right" (answer), found none	x.csv	text\nb\n
x.csv: data row 2: text: expected some text, found nothing	x.csv	text,right\na,b\n,c\n
x.csv: data row 1: fact_index: expected an integer in 0..2147483647, found "x"	x.csv	text,right,fact_index\na,b,x\n
x.csv: data row 1: role: expected probe or control, found "ctl"	x.csv	text,right,role\na,b,ctl\n
x.csv: data row 1: variant: expected a variant's name	x.csv	text,right,variant\na,b,c.d\n
x.csv: data row 1: answers: expected answers that are not empty	x.csv	text,right,answers\na,,b||c\n
x.csv: data row 1: answers: expected nothing beside an answer	x.csv	text,right,answers\na,b,c\n
x.csv: data row 2: expected 2 fields	x.csv	text,right\na,b\nc\n
expected at least one prompt in x.csv, found none	x.csv	text,right\n
x.jsonl: line 1, column	x.jsonl	{"text": }\n
line 2: x.jsonl: the document: expected an object	x.jsonl	{"text": "a"}\n[1]\n
x.jsonl: line 1: right: expected a text	x.jsonl	{"text": "a", "right": {}}\n
x.jsonl: expected a key "right" (answer) in some line, found none	x.jsonl	{"text": "a"}\n
x.jsonl: line 1: text: expected some text, found nothing	x.jsonl	{"right": "b"}\n
x.jsonl: line 1: answers: expected a list of 1..15 texts	x.jsonl	{"text": "a", "answers": "b"}\n
share the key "7.orig"	x.jsonl	{"text": "a", "id": 7}\n{"text": "b", "id": "7", "right": null}\n
ROWS
printf '{"prompts_from": [{"file": "gone.csv"}]}' >"$work/e.json"
check 2 "gone.csv" "$L" run "$work/e.json" "$llama" --out-dir "$work/bad" --no-index --quiet
absent "$work/bad"

# --- a thousand prompts from a file
{ echo text,answer; for i in $(seq 1000); do echo "The capital of number $i is,of"; done; } >"$work/many.csv"
printf '{"prompts_from": [{"file": "many.csv"}], "positions": "last", "analysis": false}' >"$work/e.json"
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$llama" --out-dir "$work/many" --no-index --quiet
[ "$(grep -c '' "$work/many/output-demo-llama-pure-next-token.csv")" = 9001 ] || bad "rows of a thousand prompts"
absent "$work/many/output-demo-llama-records.csv"

# --- the example in the reference is one that runs
sed -n '/^```json$/,/^```$/p' "$source_dir/experiments/README.md" | sed '1d;$d' >"$work/e.json"
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$gemma" --out-dir "$work/example" --no-index --quiet

# --- config.json: words <tab> sed command on the demo model's
while IFS=$'\t' read -r words edit; do
    rm -rf "$work/m"; cp -r "$llama" "$work/m"; chmod -R u+w "$work/m"
    sed -i "$edit" "$work/m/config.json"
    check 2 "$words" "$L" lens "$work/m" "x"
done <<'ROWS'
config.json: rope_theta: expected a number in 1..1e+12, found "10000"	s/"rope_theta": *[0-9.e]*/"rope_theta": "10000"/
config.json: tie_word_embeddings: expected true or false, found "false"	s/"tie_word_embeddings": *false/"tie_word_embeddings": "false"/
config.json: rope_scaling: expected an object {...}, found "linear"	s/{/{"rope_scaling": "linear",/
ROWS
finish
