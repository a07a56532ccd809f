#!/usr/bin/env bash
# No length of a string literal is counted by hand in the program's source (see base/literal.h): calls that take bytes and their
# count, with a literal and a number beside it.
root=$2
call='(mem(cmp|cpy|mem|move)|strn(case)?cmp|strndup|ll_(vocab|trie|pattern|regex|words|gguf_pre|sha256|utf8|json_quote|buf_add|[a-z_]*model_kind|tokenizer_(id|encode))[a-z_]*)\('
found=$(grep -rnE "$call([^;\"]*[,(] *)?\"([^\"\\\\]|\\\\.)*\", *[1-9][0-9]*[,)]" "$root/src" "$root/lens" --include='*.[ch]' |
  grep -vF 'll_buf_add(&g.text, "", 1)') # the NUL that ends a cell
[ -z "$found" ] || {
  echo "lengths counted by hand; use LL_LIT, LL_IS, LL_BEGINS or LL_BYTES_ARE of base/literal.h:"
  echo "$found"
  exit 1
}
echo "no length of a literal is counted by hand"
