#!/usr/bin/env bash
# A run that is killed, changed in one thing and gone on with gives the bytes of one that was never killed, for every option and
# every input that shapes a byte; what shapes none leaves what was kept in use. The rows are held against `logitlens help run` and
# against the keys of an experiment file, so that an option without a row fails here.
. "$(dirname "$0")/lib.inc"
L=$logitlens
fault=$3/tests/fault_files.so
cd "$work" || exit 1
LD_PRELOAD=$fault COUNT_FILE=n "$L" --version >/dev/null 2>&1; [ -s n ] || { echo "skipped: $fault cannot be preloaded"; exit 77; }

# --- inputs: what is there before each case
mkdir pristine
cp -rL "$llama" "$gemma" pristine
chmod -R u+w pristine
cat >pristine/e.json <<'END'
{"name": "changes", "models": ["demo-llama", "demo-gemma2"],
 "prompts": [{"id": "a", "variant": "orig", "text": "The capital of Germany is", "answer": "Berlin"},
             {"id": "b", "variant": "orig", "text": "The capital of France is", "answers": ["Paris", "the"], "fact": "France", "fact_index": 1},
             {"id": "c", "ids": [5, 6, 7, 8], "answer_id": 9},
             {"id": "d", "text": "The capital of Italy is", "answer": "Rome", "role": "control", "control_of": "a.orig"}],
 "prompts_from": [{"file": "p.csv", "answer": "answer", "answers_separator": "|"}],
 "facts": {"variants": {"short": "The capital of {country} is"}, "items": [["Spain", "Madrid"]]},
 "main": "a.orig", "test_prompts": ["Berlin is the"], "temperatures": [0.5], "important_words": ["Berlin"],
 "top_k": {"record": 4, "verbose": 8}, "copy": {"rule": "strict", "threshold": 0.9, "margin": 0.1, "thresholds": [0.7], "soft": {"threshold": 0.4, "window_ks": [1, 2], "extra_thresholds": [0.3]}},
 "norm": "final", "ln_bias": "keep", "head": "model", "site": "resid_post", "raw_lens": "sample", "calibrate": true, "tuned": {"dir": "lens", "mode": "auto"},
 "repeat_forward": "auto", "analysis": true, "answers_by_teacher_forcing": true, "seed": 7, "positions": "all", "interventions": []}
END
printf 'id,variant,text,answer,other\np,orig,Hello there,x,The capital of Japan is\nq,orig,The capital of Canada is,Ottawa,Hello\n' >pristine/p.csv
sed 's/Ottawa/Toronto/' pristine/p.csv >pristine/p2.csv
for _ in $(seq 30); do echo "Berlin is the capital of Germany. Paris is the capital of France, and Rome of Italy; $RANDOM."; done >text
mkdir pristine/lens
for r in 0.001 0.5; do "$L" tune "$llama" text --seq 64 --ridge $r --out pristine/lens-$r --quiet >/dev/null 2>stderr || bad "tune: $(cat stderr)"; done
cp -r pristine/lens-0.001 pristine/lens/demo-llama
mkdir pristine/other; cp -r pristine/lens-0.5 pristine/other/demo-llama
"$L" dump "$llama" --ids 5,6,7,8 --hooks blocks.2.hook_resid_post --out pristine/d2.safetensors >/dev/null
"$L" dump "$llama" --ids 8,7,6,5 --hooks blocks.2.hook_resid_post --out pristine/d3.safetensors >/dev/null

outputs() { (cd "$1" && ls | grep -vE '^(timestamp-|run.log|evaluation-)' | xargs sha256sum); }
go() { "$L" run e.json --out-dir "$@" --no-index --threads 1 --quiet >out 2>err; }
n_cases=0 moments=(45 80 97) # per cent of the calls that change files: in the first model, in the second, behind both
declare -A seen
counted=none # the options that n and old.sums are of

# change NAME EFFECT "options before" "options after" [command that changes an input]
#   EFFECT shapes: the bytes are others, so nothing old may stay;  same: they need not be;  kept: nothing of what was kept is thrown away
#   fails: a model fails then, so that nothing of it may stay
change() {
    local name=$1 effect=$2 before=$3 after=$4 command=${5:-:} part
    seen[$name]=1
    n_cases=$((n_cases + 1))
    for part in ${parts:-${moments[n_cases % 3]}}; do
        rm -rf case; cp -a pristine case
        (
            cd case || exit 1
            # shellcheck disable=SC2086
            {
                if [ "$before" != "$counted" ]; then COUNT_FILE=../n LD_PRELOAD=$fault go whole $before; outputs whole >../old.sums; fi
                KILL_AT=$(($(cat ../n) * part / 100)) LD_PRELOAD=$fault go k $before
            } 2>/dev/null
            [ -d k.partial ] && [ ! -d k ] || echo "not killed at $part%: $(cat err)"
            rm -rf whole
            eval "$command"
            # shellcheck disable=SC2086
            {
                go whole $after || [ "$effect" = fails ] || echo "the changed run fails: $(cat err)"
                outputs whole >../new.sums
                "$L" run e.json --out-dir k --no-index --threads 1 --resume $after >out 2>../told || [ "$effect" = fails ] || echo "going on fails: $(tail -1 ../told)"
            }
            outputs k | diff - ../new.sums | head -4
            ls -A k | grep -E 'journal|done|unfinished|tmp'
            if [ "$effect" = kept ]; then
                grep -q "going on" ../told && ! grep -q "computed anew" ../told || echo "what was kept is thrown away: $(cat ../told)"
                ls -d k.partial* 2>/dev/null
            elif [ "$effect" != fails ]; then
                grep -qE "set aside" ../told || echo "nothing is said: $(cat ../told)"
            fi
        ) >problems 2>&1
        counted=$before
        n_checks=$((n_checks + 1))
        [ -s problems ] && bad "$name, killed at $part%: $(cat problems)"
        [ "$effect" != shapes ] || ! cmp -s old.sums new.sums || bad "$name: the change shapes no byte: choose another"
    done
}
edit() { sed -i "$@"; }
# in_place FILE NEW: other bytes in the same file, its size (where NEW has it) and times as before
in_place() { touch -r "$1" t; cat "$2" >"$1"; touch -r t "$1"; rm t; }
key() { change "key $1" "$2" "" "" "edit '$3' e.json"; cmp -s case/e.json pristine/e.json && bad "key $1: the row does not change the file"; }

# --- options
change --norm shapes "" "--norm raw"
change --ln-bias shapes "" "--ln-bias drop"
change --head shapes "" "--head bare"
change --site shapes "--tuned off" "--tuned off --site mlp_out"
change --raw-lens shapes "" "--raw-lens off"
change --tuned shapes "" "--tuned other --tuned-mode auto"
change --tuned-mode shapes "" "--tuned-mode off"
change --repeat-forward shapes "" "--repeat-forward always"
change --intervene shapes "--intervene zero:blocks.3.hook_attn_out" "--intervene zero:blocks.3.hook_mlp_out"
change --copy-rule shapes "" "--copy-rule legacy"
change --copy-threshold shapes "" "--copy-threshold 0.5"
change --copy-margin shapes "" "--copy-margin 0.2"
change --copy-thresh-list shapes "" "--copy-thresh-list 0.6"
change --copy-soft-thresh shapes "" "--copy-soft-thresh 0.2"
change --copy-soft-window-ks shapes "" "--copy-soft-window-ks 1"
change --copy-soft-thresh-list shapes "" "--copy-soft-thresh-list 0.2"
change --capacity same "" "--capacity cpu=1GiB"
change --no-norm-lens shapes "" "--no-norm-lens"
change --residual-cache shapes "" "--residual-cache compute"
change --prism shapes "" "--prism off"
change --last-position-only shapes "" "--last-position-only"
change --no-analysis shapes "" "--no-analysis"
change --no-calibrate shapes "" "--no-calibrate"
change --keep-residuals shapes "" "--keep-residuals"
change "--keep-residuals dropped" shapes "--keep-residuals" ""
change --shard shapes "" "--shard 1/2"
# these shape nothing
change --device kept "" "--device cpu"
change --fp32-unembed kept "" "--fp32-unembed"
change --prism-dir kept "" "--prism-dir nowhere"
change --threads kept "" "--threads 2"
change --index kept "" "--index ix.sqlite"
change --root kept "" "--root elsewhere"
change environment shapes "" "" "export LOGOS_RAW_LENS=full"
# where and how it is said, and what this script gives itself
for o in --out-dir --no-index --quiet --resume --self-test; do seen[$o]=1; done
for o in $("$L" help run | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p'); do
    n_checks=$((n_checks + 1))
    [ -n "${seen[$o]:-}" ] || bad "option $o of run: no row here says whether it shapes a byte"
done

# --- keys of the experiment
key name shapes 's/"changes"/"other"/'
key description same 's/"name"/"description": "x", "name"/'
key models shapes 's/, "demo-gemma2"\]/]/'
key prompts shapes '/"id": "c"/d'
key id shapes 's/"id": "b"/"id": "bb"/'
key variant shapes 's/"id": "b", "variant": "orig"/"id": "b", "variant": "v"/'
key text shapes 's/The capital of France is"/The capital of France was"/'
key answer shapes 's/"answer": "Berlin"/"answer": "Bonn"/'
key answers shapes 's/\["Paris", "the"\]/["Paris", "a"]/'
key ids shapes 's/\[5, 6, 7, 8\]/[5, 6, 7, 10]/'
key answer_id shapes 's/"answer_id": 9/"answer_id": 10/'
key fact shapes 's/"fact": "France"/"fact": "Gaul"/'
key fact_index shapes 's/"fact_index": 1/"fact_index": 2/'
key role shapes 's/"role": "control", "control_of": "a.orig"/"role": "probe"/'
key control_of shapes 's/"control_of": "a.orig"/"control_of": "b.orig.1"/'
key prompts_from shapes '/"prompts_from"/d'
key file shapes 's/"file": "p.csv"/"file": "p2.csv"/'
key format same 's/"file": "p.csv"/"file": "p.csv", "format": "csv"/'
key answers_separator same 's/"answers_separator": "|"/"answers_separator": ";"/'
key facts shapes '/"facts"/d'
key variants shapes 's/"short": "The capital of {country} is"/"short": "{country}: "/'
key items shapes 's/\["Spain", "Madrid"\]/["Spain", "Toledo"]/'
key main shapes 's/"main": "a.orig"/"main": "b.orig.1"/'
key test_prompts shapes 's/Berlin is the"/Paris is the"/'
key temperatures shapes 's/\[0.5\]/[0.6]/'
key important_words shapes 's/"important_words": \["Berlin"\]/"important_words": ["Paris", "the"]/'
key top_k shapes 's/"top_k": {"record": 4, "verbose": 8}/"top_k": {"verbose": 9}/'
key record shapes 's/"record": 4/"record": 5/'
key verbose shapes 's/"verbose": 8/"verbose": 9/'
key copy shapes 's/"copy": {.*}}/"copy": {}/'
key rule shapes 's/"rule": "strict"/"rule": "legacy"/'
key threshold shapes 's/"threshold": 0.9/"threshold": 0.8/'
key margin shapes 's/"margin": 0.1/"margin": 0.2/'
key thresholds shapes 's/"thresholds": \[0.7\]/"thresholds": [0.6]/'
key soft shapes 's/"threshold": 0.4/"threshold": 0.5/'
key window_ks shapes 's/"window_ks": \[1, 2\]/"window_ks": [1]/'
key extra_thresholds shapes 's/"extra_thresholds": \[0.3\]/"extra_thresholds": [0.2]/'
key norm shapes 's/"norm": "final"/"norm": "next-ln1"/'
key ln_bias shapes 's/"ln_bias": "keep"/"ln_bias": "drop"/'
key head shapes 's/"head": "model"/"head": "bare"/'
key site shapes 's/"site": "resid_post"/"site": "attn_out"/;s/"mode": "auto"/"mode": "off"/'
key raw_lens shapes 's/"raw_lens": "sample"/"raw_lens": "full"/'
key calibrate shapes 's/"calibrate": true/"calibrate": false/'
key tuned shapes 's/"tuned": {[^}]*},//'
key dir shapes 's/"dir": "lens"/"dir": "other"/'
key mode shapes 's/"mode": "auto"/"mode": "off"/'
key repeat_forward shapes 's/"repeat_forward": "auto"/"repeat_forward": "off"/'
key analysis shapes 's/"analysis": true/"analysis": false/'
key answers_by_teacher_forcing shapes 's/"answers_by_teacher_forcing": true/"answers_by_teacher_forcing": false/'
key answers_exact shapes 's/"seed": 7/"answers_exact": true, "seed": 7/'
key seed shapes 's/"seed": 7/"seed": 8/'
key positions shapes 's/"positions": "all"/"positions": "last"/'
key last_position_only shapes 's/"positions": "all"/"last_position_only": true/'
key interventions shapes 's/"interventions": \[\]/"interventions": ["skip:3"]/'
for k in $(grep -ho '{"[a-z_]*", LL_SET' "$source_dir"/src/session/experiment*.c 2>/dev/null | sed 's/{"//;s/",.*//' | sort -u); do
    n_checks=$((n_checks + 1))
    [ -n "${seen[key $k]:-}" ] || bad "key $k of an experiment: no row here"
done

# --- files
parts="45 97"
change "labels in a file of prompts" shapes "" "" "edit s/Ottawa/Toronto/ p.csv"
change "lens by content" shapes "" "" "in_place lens/demo-llama/params.pt ../pristine/lens-0.5/params.pt"
change "lens gone" shapes "" "" "rm -r lens/demo-llama"
parts=45 change "lens moved" kept "--tuned lens --tuned-mode auto" "--tuned lens2 --tuned-mode auto" "mv lens lens2"
change "lens of the same bytes" kept "" "" "cp -r lens l; rm -r lens; mv l lens"
patch="--intervene patch:blocks.2.hook_resid_post@pos=0=d.safetensors"
cp pristine/d2.safetensors pristine/d.safetensors
change "source of an intervention" shapes "$patch" "$patch" "in_place d.safetensors d3.safetensors"
parts=45 change "prompt of an intervention" shapes "--intervene patch:blocks.2.hook_resid_post@pos=0=Hello" "--intervene patch:blocks.2.hook_resid_post@pos=0=Bye"
# rows of the unembedding, outside of what the identity samples; size and times as before
weights=demo-llama/model.safetensors
change "unembedding altered" shapes "" "" "touch -r $weights t; dd if=$weights of=$weights bs=1 skip=40000 seek=20000 count=2000 conv=notrunc 2>/dev/null; touch -r t $weights"
change "unembedding altered, other inode" shapes "" "" "cp -p $weights w; dd if=w of=w bs=1 skip=40000 seek=20000 count=2000 conv=notrunc 2>/dev/null; touch -r $weights w; mv w $weights"
change "settings of the checkpoint" shapes "" "" "edit 's/\"rms_norm_eps\": *[0-9.e-]*/\"rms_norm_eps\": 0.01/' demo-llama/config.json"
parts=97 change "settings, times as before" shapes "" "" "sed 's/\"rms_norm_eps\": *[0-9.e-]*/\"rms_norm_eps\": 0.01/' demo-llama/config.json >c; in_place demo-llama/config.json c"
parts=97 change "a link that leads elsewhere now" shapes "" "" "cp -r demo-llama m; edit 's/\"rms_norm_eps\": *[0-9.e-]*/\"rms_norm_eps\": 0.01/' m/config.json; rm -r demo-llama; ln -s m demo-llama"
change "how text is cut" shapes "" "" "edit 's/\"add_prefix_space\": *false/\"add_prefix_space\": true/' demo-llama/tokenizer.json"
change "settings of the tokenizer" same "" "" "edit 's/\"add_bos_token\": *true/\"add_bos_token\": false/' demo-llama/tokenizer_config.json"
parts=45 change "a document that was not there" same "" "" "echo '{}' >demo-llama/added_tokens.json"
parts=97 change "models in another order" shapes "" "" "edit 's/\"demo-llama\", \"demo-gemma2\"/\"demo-gemma2\", \"demo-llama\"/' e.json"
parts=97 change "one model more" shapes "" "" "cp -r demo-llama third; edit 's/\"demo-gemma2\"]/\"demo-gemma2\", \"third\"]/' e.json"
parts=97 change "the other shard" shapes "--shard 1/2" "--shard 2/2"
change "layout of the experiment" kept "" "" "edit 's/, /,   /g; s/: /:/g' e.json; echo >>e.json"
change "a model that fails now" fails "" "" "echo x >demo-llama/config.json"
parts=97 change "the other model" shapes "" "" "edit 's/\"rms_norm_eps\": *[0-9.e-]*/\"rms_norm_eps\": 0.01/' demo-gemma2/config.json"
parts="80 97" change "a whole file harmed" same "" "" 'f=$(ls k.partial/output-demo-llama-records.csv) && sed -i s/Berlin/Bonnnn/ "$f"'
change "files of nobody" kept "" "" "echo x >k.partial/output-alien.csv; echo x >k.partial/.done-0.tmp123; echo x >k.partial/demo-llama_99_resid.bin"
change "nothing" kept "" ""
echo "$n_cases cases"; finish
