#!/usr/bin/env bash
# `run`: switches under the original's names, and its environment variables.
. "$(dirname "$0")/lib.inc"
command -v python3 >/dev/null || { echo "no python3 to read the tables with"; exit 77; }
L=$logitlens
e=$source_dir/experiments/001_layers_and_logits/experiment.json
out() { echo "$work/$1/output-demo-$2"; }
tables() { (cd "$1" && sha256sum ./*.csv); }
run() { local dir=$1; shift; check 0 "" "$L" run "$e" "$llama" --out-dir "$work/$dir" --quiet --no-index "$@"; }

run plain
run switches --device cpu --fp32-unembed --residual-cache compute --prism auto --prism-dir nowhere --tuned auto
tables "$work/plain" >"$work/a"; tables "$work/switches" >"$work/b"; same "$work/a" "$work/b"
for s in '"residual_cache": "compute"' '"device": "cpu"' '"fp32_unembed": "true"' '"prism": "auto"' '"repeat_forward": "auto"'; do grep -qF "$s" "$(out switches llama).json" || bad "not recorded: $s"; done
run off --no-norm-lens --prism off --tuned off --repeat-forward off
run raw --norm raw
same "$(out off llama)-records.csv" "$(out raw llama)-records.csv"
for s in '"use_norm_lens": false' '"prism": "off"' '"mode": "off"'; do grep -qF "$s" "$(out off llama).json" || bad "not recorded: $s"; done
for d in cuda mps; do
    check 4 "computes on the CPU" "$L" run "$e" "$llama" --out-dir "$work/bad" --device $d
    check 4 "computes on the CPU" "$L" lens "$llama" --device $d x
done
check 3 "Prism" "$L" run "$e" "$llama" --out-dir "$work/bad" --prism on
check 2 "--prism-dir" "$L" run "$e" "$llama" --out-dir "$work/bad" --prism off --prism-dir x
check 2 "--no-norm-lens" "$L" run "$e" "$llama" --out-dir "$work/bad" --no-norm-lens --norm final
check 2 "--tuned auto" "$L" run "$e" "$llama" --out-dir "$work/bad" --tuned auto --tuned-mode off
check 2 "expected a folder" "$L" run "$e" "$llama" --out-dir "$work/bad" --tuned require
check 2 "repeat_forward: always: expected analysis" "$L" run "$e" "$llama" --out-dir "$work/bad" --repeat-forward always --no-analysis
check 2 "capacity" "$L" run "$e" "$llama" --out-dir "$work/bad" --capacity cpu=lots
check 2 "--no-norm-lens" "$L" lens "$llama" --no-norm-lens --norm next-ln1 x
check 0 "" "$L" lens "$llama" --no-norm-lens --device cpu --fp32-unembed --csv "x y"; cp "$work/stdout" "$work/a"
check 0 "" "$L" lens "$llama" --lens raw --csv "x y"; same "$work/stdout" "$work/a"

# the environment counts where no option does, and verify needs no environment
LOGOS_RAW_LENS=sample LOGOS_REPEAT_FORWARD=off run env
grep -qF '"raw_lens": "sample"' "$(out env llama).json" || bad "LOGOS_RAW_LENS"
grep -qF '"repeat_forward": "off"' "$(out env llama).json" || bad "LOGOS_REPEAT_FORWARD"
check 0 "0 differ" "$L" verify "$work/env"
LOGOS_RAW_LENS=full check 0 "0 differ" "$L" verify "$work/env"
LOGOS_RAW_LENS=off run env_option --raw-lens sample
grep -qF '"raw_lens": "sample"' "$(out env_option llama).json" || bad "the option against LOGOS_RAW_LENS"
LOGOS_RAW_LENS=some check 2 "LOGOS_RAW_LENS: expected one of off|sample|full" "$L" run "$e" "$llama" --out-dir "$work/bad"
absent "$work/bad"
finish
