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

finish
