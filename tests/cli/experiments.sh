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
no prompts	{"prompts": []}
no prompts	{}
ROWS
absent "$work/bad"

# --- good ones: every key once
cat >"$work/e.json" <<'JSON'
{"name": "all", "description": "every key", "models": ["nowhere/used"], "top_k": {"record": 3, "verbose": 7},
 "copy": {"rule": "legacy", "threshold": 0.5, "margin": 0}, "norm": "final", "ln_bias": "drop", "important_words": ["Berlin"],
 "facts": {"variants": {"orig": "The capital of {country} is called", "short": "{country}"}, "items": [["Germany", "Berlin"], ["France", "Paris"]]},
 "prompts": [{"id": "a", "variant": "x", "text": "The capital", "answer": "of", "fact": "f", "fact_index": 0},
             {"id": "b", "ids": [1, 2, 3], "answer_id": 0}, {"text": "The capital", "answer_id": 4}, {"ids": [5e0]}],
 "test_prompts": ["The city of"], "temperatures": [0.1, 1, 1e2], "last_position_only": false}
JSON
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$llama" --out-dir "$work/good" --no-index --quiet
[ "$(grep -o '"pass_key"' "$work/good/output-demo-llama.json" | wc -l)" -ge 8 ] || bad "expected eight passes"
printf '%s' '{"prompts": [{"text": "The capital", "answer": null, "ids": null}], "top_k": null, "facts": null, "norm": null, "models": null, "temperatures": []}' >"$work/e.json"
check 0 "1 model, 0 failed" "$L" run "$work/e.json" "$llama" --out-dir "$work/nulls" --no-index --quiet
check 0 "2 models, 0 failed" "$L" run "$source_dir/experiments/001_layers_and_logits/experiment.json" --out-dir "$work/first" --no-index --quiet

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
