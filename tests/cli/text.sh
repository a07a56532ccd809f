#!/usr/bin/env bash
# text.sh - what goes into a prompt and what is followed after it: positions, ends of text, answers, columns of prompt files.
. "$(dirname "$0")/lib.inc"
shared=$source_dir/../shared

# one position inside the whole prompt: a longrope model whose later tokens turn the earlier rows (transformers 5.24, float64)
longrope=$shared/oracle/models/phi3_longrope
if [ -d "$longrope" ]; then
    ids=7,38,69,100,131,162,193,224,255,286,317,348,27,58,89,120,151,182,213,244,275,306,337,16
    check 0 '"entropy_bits": 5.24234' "$logitlens" lens "$longrope" --ids $ids --pos 14 --json
    check 0 '"logit": 7.1901' "$logitlens" lens "$longrope" --ids $ids --pos 14 --json --attribution
    check 0 '"entropy_bits": 5.0267' "$logitlens" lens "$longrope" --ids "${ids%,120*}" --json
else
    echo "no shared folder: longrope left out"
fi

# piped FILE COMMAND...: the command with this standard input; what it says on both
piped() {
    local in=$1
    shift
    n_checks=$((n_checks + 1))
    "$@" <"$in" >"$work/stdout" 2>"$work/stderr" || bad "exit code $?: $* ($(head -c 300 "$work/stderr"))"
}
says() { n_checks=$((n_checks + 1)); grep -qF -e "$1" "$work/stdout" "$work/stderr" || bad "\"$1\" not said: $(head -c 400 "$work/stdout" "$work/stderr")"; }
silent() { n_checks=$((n_checks + 1)); [ ! -s "$work/stderr" ] || bad "expected nothing on stderr, found: $(cat "$work/stderr")"; }
ids_are() { n_checks=$((n_checks + 1)); grep -qF "\"ids\": [$1]" "$work/stdout" || bad "expected ids $1, found $(grep '"ids"' "$work/stdout")"; }

# --- ends of text: ids by the tokenizers library for the same bytes
printf 'The\ncapital\n' >"$work/unix"
printf 'The\r\ncapital\r\n' >"$work/windows"
printf '\xef\xbb\xbfThe capital' >"$work/marked"
printf '\xff\xfeT\0' >"$work/utf16"
printf 'The capital' >"$work/plain"
for input in unix windows; do
    piped "$work/$input" "$logitlens" tokens "$gemma" --json
    ids_are "2, 521, 14, 326, 367, 372"
    says "left out the final line end (--exact keeps every byte)"
done
says "read 2 CRLF as line ends"
piped "$work/unix" "$logitlens" tokens "$llama" --json --exact
ids_are "1565, 422, 198, 66, 268, 273, 198"
silent
piped "$work/windows" "$logitlens" tokens "$llama" --json --exact
ids_are "1565, 422, 201, 198, 66, 268, 273, 201, 198"
piped "$work/marked" "$logitlens" tokens "$llama" --json
ids_are "1565, 422, 274"
says "standard input: left out the byte order mark"
piped "$work/marked" "$logitlens" tokens "$llama" --json --exact
ids_are "1565, 171, 119, 123, 422, 274"
silent
piped "$work/plain" "$logitlens" tokens "$llama" --json
silent
piped "$work/unix" "$logitlens" tokens "$llama" --json --quiet
silent
n_checks=$((n_checks + 1))
"$logitlens" lens "$llama" <"$work/utf16" >/dev/null 2>"$work/stderr"
[ $? = 2 ] && grep -q "expected UTF-8, found UTF-16" "$work/stderr" || bad "UTF-16: $(cat "$work/stderr")"

# every command that reads a text
piped "$work/unix" "$logitlens" lens "$llama" --json --top 1
ids_are "1565, 422, 198, 66, 268, 273"
says "final line end"
piped "$work/unix" "$logitlens" lens "$llama" --json --top 1 --exact
ids_are "1565, 422, 198, 66, 268, 273, 198"
silent
piped "$work/unix" "$logitlens" lens "$llama" --quiet
silent
for command in "dump $llama --out $work/acts.safetensors" "trace $llama" "depth $llama" "check $llama - --parts arms" "diff $llama $llama -"; do
    piped "$work/unix" "$logitlens" $command
    says "standard input: left out the final line end"
    piped "$work/unix" "$logitlens" $command --exact
    n_checks=$((n_checks + 1))
    ! grep -q "note:" "$work/stderr" || bad "--exact: $command: $(cat "$work/stderr")"
done
piped "$work/unix" "$logitlens" drift "$llama" "$work/acts.safetensors" - --exact # made with it
n_checks=$((n_checks + 1))
! "$logitlens" drift "$llama" "$work/acts.safetensors" - <"$work/unix" >/dev/null 2>"$work/stderr" && grep -q "final line end" "$work/stderr" || bad "drift reads other ids"

# files of prompts, a line each; text that is fitted on keeps its own line ends
printf '\xef\xbb\xbfThe capital\r\nThe city\r\n' >"$work/prompts.txt"
printf 'The capital\nThe city\n' >"$work/same.txt"
check 0 "prompts.txt: left out the byte order mark, read 2 CRLF as line ends" "$logitlens" diff "$llama" "$llama" --prompts "$work/prompts.txt" --csv "$work/a.csv"
check 0 "" "$logitlens" diff "$llama" "$llama" --prompts "$work/same.txt" --csv "$work/b.csv"
n_checks=$((n_checks + 1))
[ ! -s "$work/stderr" ] || bad "a plain file of prompts is no news: $(cat "$work/stderr")"
cut -d, -f4- "$work/a.csv" >"$work/a.cut"; cut -d, -f4- "$work/b.csv" >"$work/b.cut"
same "$work/a.cut" "$work/b.cut"
yes 'The capital of Germany is called Berlin.' | head -200 >"$work/corpus.txt"
sed 's/$/\r/' "$work/corpus.txt" >"$work/corpus_windows.txt"
check 0 "" "$logitlens" tune "$llama" "$work/corpus.txt" --seq 32 --json
cp "$work/stdout" "$work/fit.json"
check 0 "corpus_windows.txt: read 200 CRLF as line ends (--exact" "$logitlens" tune "$llama" "$work/corpus_windows.txt" --seq 32 --json
grep '"kl_' "$work/fit.json" >"$work/fit.kl"; grep '"kl_' "$work/stdout" >"$work/windows.kl"
same "$work/fit.kl" "$work/windows.kl"

# --- two start tokens
check 0 "two start tokens: the prompt spells <bos> and the tokenizer adds one: the ids begin 2, 2" "$logitlens" lens "$gemma" "<bos>The"
for command in "tokens $gemma" "depth $gemma" "trace $gemma" "dump $gemma --out $work/acts.safetensors" "check $gemma --parts arms" "diff $gemma $gemma" "lens $gemma x --intervene patch:blocks.1.hook_resid_post@pos=0="; do
    case $command in *=) check 0 "the ids begin 2, 2" "$logitlens" ${command}"<bos>x" ;; *) check 0 "the ids begin 2, 2" "$logitlens" $command "<bos>The" ;; esac
done
check 0 "" "$logitlens" lens "$gemma" "<bos>The" --quiet
silent
check 0 "" "$logitlens" lens "$gemma" "The<bos>"
silent
check 0 "" "$logitlens" tokens "$gemma" "<bos>The" --no-bos
silent
printf '{"models": ["%s"], "analysis": false, "prompts": [{"text": "<bos>The"}, {"id": "b", "text": "The"}, {"id": "c", "text": "<bos>"}]}' "$gemma" >"$work/twice.json"
check 0 "2 of 3 prompts spell <bos>" "$logitlens" run "$work/twice.json" --out-dir "$work/twice" --no-index

# --- answers: where a space belongs, and the other spelling; ids by the tokenizers library
spelled() { # MODEL TEXT ANSWER SPELLING IDS OTHER_IDS
    check 0 "{\"text\": \"$3\", \"spelling\": \"$4\"" "$logitlens" tokens "$1" "$2" --answer "$3" --json
    ids_are "$5"
    [ -z "$6" ] || ids_are "$6"
}
spelled "$llama" "The capital is" Berlin with_space 719 1508
spelled "$llama" "The capital is"$'\n' Berlin no_space 1508 719
spelled "$llama" "x[" Berlin no_space 1508 719
spelled "$llama" "The capital is " Berlin no_space 1508 719
spelled "$llama" "東京" 大学 no_space "161, 97, 100, 161, 255, 99" ""
spelled "$llama" "The<|end_of_text|>" Berlin no_space 1508 719
spelled "$llama" "The capital is" " Berlin" with_space 719 1508
spelled "$gemma" "The capital is" Berlin with_space 817 1606
spelled "$gemma" "The capital is"$'\n' Berlin no_space 1606 817
spelled "$gemma" "x[" Berlin no_space 1606 817
spelled "$gemma" "The capital is " Berlin no_space 1606 817
check 0 '"spelling": "exact"' "$logitlens" tokens "$llama" "The capital is" --answer Berlin --json --exact
ids_are 1508
n_checks=$((n_checks + 1))
[ "$(grep -c '"spelling"' "$work/stdout")" = 1 ] || bad "--exact: one spelling"

# lens follows them: the same rank and p as by id, in table, JSON and CSV
value() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))" "$work/stdout" "$1"; }
check 0 "" "$logitlens" lens "$llama" "$main_prompt" --answer-id 1508 --json
other=$(value 'd["layers"][5]["answer_rank"], d["layers"][5]["p_answer"]')
check 0 "" "$logitlens" lens "$llama" "$main_prompt" --answer Berlin --json
n_checks=$((n_checks + 2))
[ "$(value '[(a["spelling"], a["is_followed"], a["ids"]) for a in d["answers"]]')" = "[('with_space', True, [719]), ('no_space', False, [1508])]" ] || bad "answers of lens --json: $(value 'd["answers"]')"
[ "$(value 'd["layers"][5]["answers"][1]["rank"], d["layers"][5]["answers"][1]["p"]')" = "$other" ] || bad "the other spelling is not what --answer-id says: $other"
check 0 'without the space it would be "Berlin": rank ' "$logitlens" lens "$llama" "$main_prompt" --answer Berlin
check 0 'answer "Berlin"' "$logitlens" lens "$llama" "$main_prompt" --answer Berlin --exact
check 0 "all answers: rank and probability" "$logitlens" lens "$llama" "$main_prompt" --answer Berlin --answer Paris --answer Rome --answer Bern --answer Oslo --answer-id 5
for a in Berlin Paris Rome Bern Oslo; do says "answer \" $a"; done
n_checks=$((n_checks + 1))
awk '{ gsub(/[^ -~]/, "x") } length($0) > 160 { exit 1 }' "$work/stdout" || bad "several answers: lines too wide"
check 0 ",interventions,answer_2,spelling_2,answer_id_2,answer_rank_2,p_answer_2,answer_3," "$logitlens" lens "$llama" "$main_prompt" --answer Berlin --answer Paris --csv
n_checks=$((n_checks + 1))
[ "$(awk -F, 'NR == 1 { n = NF } END { print n, NF }' "$work/stdout")" = "27 27" ] || bad "columns of lens --csv: $(head -2 "$work/stdout")"
check 2 "expected at most 16 answers, found 17" "$logitlens" lens "$llama" x $(for i in $(seq 17); do echo --answer a$i; done)
check 2 "expected some text" "$logitlens" lens "$llama" x --answer ""
check 2 "answer id: expected 0..1566" "$logitlens" lens "$llama" x --answer-id 3 --answer-id 1567
# at an earlier position: behind what stands there
check 0 '"spelling": "no_space", "reason": null, "is_followed": true, "ids": [1508]' "$logitlens" lens "$llama" "x[Berlin is" --pos 2 --answer Berlin --json
check 0 '"spelling": "no_space", "reason": null, "is_followed": true, "ids": [1606]' "$logitlens" lens "$gemma" "x[Berlin is" --pos 2 --answer Berlin --json
check 0 '"spelling": "with_space", "reason": null, "is_followed": true, "ids": [817]' "$logitlens" lens "$gemma" "x[Berlin is" --pos 3 --answer Berlin --json

# run goes by the same rule
cat >"$work/asks.json" <<EOF
{"models": ["$llama"], "analysis": false, "prompts": [{"text": "x[", "answer": "Berlin"}, {"id": "s", "text": "The capital is", "answers": ["Berlin", "Paris"]},
 {"id": "n", "text": "The capital is\n", "answer": "Berlin"}]}
EOF
check 0 "" "$logitlens" run "$work/asks.json" --out-dir "$work/asks" --no-index
sed 's/"analysis"/"answers_exact": true, "analysis"/' "$work/asks.json" >"$work/exact.json"
check 0 "" "$logitlens" run "$work/exact.json" --out-dir "$work/exact" --no-index
spellings() { python3 -c "
import json, sys
print([(p['gold_answer']['variant'], p['gold_answer']['answer_ids']) for p in json.load(open(sys.argv[1]))['passes']])" "$1/output-demo-llama.json"; }
n_checks=$((n_checks + 3))
[ "$(spellings "$work/asks")" = "[('no_space', [1508]), ('with_space', [719]), ('no_space', [1508])]" ] || bad "spellings of run: $(spellings "$work/asks")"
[ "$(spellings "$work/exact")" = "[('exact', [1508]), ('exact', [1508]), ('exact', [1508])]" ] || bad "answers_exact: $(spellings "$work/exact")"
[ "$(grep -c '^,,s,orig,0,[01],' "$work/asks/output-demo-llama-answers.csv")" = 2 ] || bad "two accepted answers"

# --- columns of prompt files: a slip is refused by name, another column is said
cat >"$work/columns.json" <<EOF
{"models": ["$llama"], "analysis": false, "prompts_from": [{"file": "FILE"}]}
EOF
refused() { # FILE CONTENT WHAT IS SAID
    printf "$2" >"$work/$1"
    sed "s/FILE/$1/" "$work/columns.json" >"$work/c.json"
    check 2 "$3" "$logitlens" run "$work/c.json" --out-dir "$work/c" --no-index --quiet
}
known="expected id, variant, text, answer, answers, fact, fact_index, role, found what may be meant for"
refused a.csv 'text,anwser\nx,y\n' "a.csv: column \"anwser\": $known answer"
refused a.csv 'text,Answer\nx,y\n' "column \"Answer\": $known answer"
refused a.csv 'text, answer\nx,y\n' "column \" answer\": $known answer"
refused a.csv 'text,answer,fact-index\nx,y,1\n' "column \"fact-index\": $known fact_index"
refused a.csv 'text,answer,varient\nx,y,1\n' "column \"varient\": $known variant"
refused a.csv 'txt,answer\nx,y\n' "column \"txt\": $known text"
refused a.csv 'text,ID\nx,y\n' "column \"ID\": $known id"
refused a.csv 'text,roles\nx,probe\n' "column \"roles\": $known role"
refused a.csv 'prompt,answer\nx,y\n' 'expected a column "text"'
refused a.jsonl '{"text": "x", "answer": "y"}\n{"text": "x", "anser": "y"}\n' "line 2: a.jsonl: key \"anser\": $known answer"
refused a.jsonl '{"text": "x", "Answers": ["y"]}\n' "line 1: a.jsonl: key \"Answers\": $known answers"
refused a.csv '\xff\xfet\0e\0' "a.csv: expected UTF-8, found UTF-16"
accepted() { # FILE CONTENT NOTE
    printf "$2" >"$work/$1"
    sed "s/FILE/$1/" "$work/columns.json" >"$work/c.json"
    check 0 "$3" "$logitlens" run "$work/c.json" --out-dir "$work/c" --no-index
    rm -rf "$work/c"
}
accepted a.csv 'text,answer,source,idx,answer2\nx,y,z,1,w\n' "a.csv: columns not read: source, idx, answer2"
accepted a.jsonl '{"text": "x", "more": 1}\n{"text": "y", "id": "b", "more": 1, "rule": 2}\n' "a.jsonl: keys not read: more, rule"
accepted a.csv '\xef\xbb\xbftext,id\r\nx,w1\r\n' "a.csv: left out the byte order mark"
accepted a.jsonl '\xef\xbb\xbf{"text": "x"}\r\n' "a.jsonl: left out the byte order mark"
printf 'text,answer\nThe capital,x\n"The city\nof",y\n' >"$work/two.csv"
check 0 '"prompts_from": "two.csv"' "$logitlens" diff "$llama" "$llama" --prompts "$work/two.csv" --json -
says "The city\\nof"
printf 'text,anwser\nx,y\n' >"$work/slip.csv"
check 2 'column "anwser"' "$logitlens" diff "$llama" "$llama" --prompts "$work/slip.csv"

finish
