#!/usr/bin/env bash
# Interventions and attribution from the command line: every output names what was active; files made by dump; bad input.
. "$(dirname "$0")/lib.inc"
L=$logitlens

# --- lens --intervene
check 0 "intervention skip:3" "$L" lens "$llama" --answer Berlin --intervene skip:3 "$main_prompt"
check 0 '"zero:attn_out"' "$L" lens "$llama" --json --intervene zero:attn_out "x"
check 0 '"last_row_equals_model": true' "$L" lens "$gemma" --json --intervene mean:blocks.3.hook_mlp_out --intervene swap:1,2 "The capital of Germany"
check 0 ',zero:blocks.2.attn.hook_z[1]; skip:0' "$L" lens "$llama" --csv --intervene "zero:blocks.2.attn.hook_z[1]" --intervene skip:0 "x y"
check 0 "Berlin" "$L" lens "$llama" --json --intervene "patch:blocks.7.hook_resid_post@pos=-1=$main_prompt" "Hello there"
check 0 '"interventions": []' "$L" lens "$llama" --json "x"

# a dump is a source: all positions of the last residual give the other prompt's output
check 0 "activations" "$L" dump "$llama" --ids 5,6,7,8 --out "$work/d.safetensors"
check 0 "" "$L" lens "$llama" --csv --top 5 --ids 5,6,7,8
grep '^8,' "$work/stdout" | cut -d, -f1-10 >"$work/want"
check 0 "" "$L" lens "$llama" --csv --top 5 --ids 1,2,3,4 --intervene "patch:blocks.7.hook_resid_post=$work/d.safetensors"
grep '^8,' "$work/stdout" | cut -d, -f1-10 >"$work/got"
[ -s "$work/got" ] || bad "no rows"
same "$work/want" "$work/got"
check 0 "" "$L" lens "$llama" --csv --top 5 --ids 1,2,3,4 --intervene "patch:blocks.7.hook_resid_post=ids:5,6,7,8"
grep '^8,' "$work/stdout" | cut -d, -f1-10 >"$work/got"
same "$work/want" "$work/got"

# pushed by nothing, swapped back: the same bytes (but for the column that says so)
"$L" lens "$gemma" --csv "The capital of Germany" | cut -d, -f1-10 >"$work/want"
"$L" lens "$gemma" --csv "The capital of Germany" --intervene "steer:blocks.4.hook_resid_post=diff:Germany|France*0" --intervene swap:1,5 --intervene swap:5,1 | cut -d, -f1-10 >"$work/got"
same "$work/want" "$work/got"
"$L" lens "$gemma" --csv "The capital of Germany" --intervene "steer:blocks.4.hook_resid_post=diff:Germany|France*3" | cut -d, -f1-10 >"$work/got"
cmp -s "$work/want" "$work/got" && bad "steering changes nothing"

# --- bad input
check 2 "expected zero:" "$L" lens "$llama" --intervene nope:1 "x"
check 2 "unknown point" "$L" lens "$llama" --intervene zero:blocks.1.hook_zz "x"
check 2 "block: expected 0..7, found 8" "$L" lens "$llama" --intervene skip:8 "x"
check 2 "expected 0..7, found 8" "$L" lens "$llama" --intervene "zero:blocks.0.attn.hook_z[8]" "x"
check 2 "position: expected -3..2" "$L" lens "$llama" --intervene zero:attn_out@pos=3 --ids 1,2,3
check 2 "the source has 2 positions, the prompt 3" "$L" lens "$llama" --intervene patch:blocks.0.hook_attn_out=ids:4,5 --ids 1,2,3
check 2 "after the last residual" "$L" lens "$llama" --intervene zero:logits "x"
check 2 "No such file" "$L" lens "$llama" --intervene steer:blocks.0.hook_attn_out=/no/such.bin "x"
check 2 "expected 0..1566, found 99999" "$L" lens "$llama" --intervene steer:blocks.0.hook_attn_out=ids:99999 "x"
check 2 "expected diff:PROMPT|PROMPT" "$L" lens "$llama" --intervene "steer:blocks.0.hook_attn_out=diff:a|*2" "x"
head -c 100 "$work/d.safetensors" >"$work/broken.safetensors"
check 2 "broken.safetensors" "$L" lens "$llama" --intervene "patch:blocks.7.hook_resid_post=$work/broken.safetensors" --ids 1,2,3,4
printf '\003\000\000\000abcd' >"$work/short.bin"
check 2 "4 bytes of count" "$L" lens "$llama" --intervene "steer:blocks.0.hook_attn_out=$work/short.bin" "x"

# --- attribution
check 0 "who speaks for \" Berlin\"" "$L" lens "$llama" --answer Berlin --attribution "$main_prompt"
check 0 "rather than" "$L" lens "$llama" --answer Berlin --attribution --against-id 5 "$main_prompt"
check 0 "after the soft cap" "$L" lens "$gemma" --attribution "The capital of"
check 0 "written by interventions" "$L" lens "$gemma" --attribution --intervene skip:2 "The capital of"
check 0 '"head_residue"' "$L" lens "$gemma" --attribution --json "The capital of"
check 0 "part,layer,head,share,interventions" "$L" lens "$llama" --answer Berlin --attribution --csv "$main_prompt"
awk -F, '$1 == "embed" || $1 == "attn" || $1 == "mlp" || $1 == "bias" { s += $4 } $1 == "logit" { l = $4 } $1 == "residue" { r = $4 }
         END { d = l - s - r; exit !(d * d < 1e-12 && r * r < 1e-10 && l > 5) }' "$work/stdout" || bad "the shares do not close on the logit"
check 2 "--attribution with it" "$L" lens "$llama" --against-id 5 "x"
check 2 "token id: expected 0..1566" "$L" lens "$llama" --attribution --against-id 9999 "x"
finish
