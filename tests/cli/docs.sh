#!/usr/bin/env bash
# docs/tables.md holds the program's own tables; README.md names only commands and files that exist. --update rewrites the tables.
. "$(dirname "$0")/lib.inc"
page=$source_dir/docs/tables.md
"$logitlens" help tables >"$work/tables"
sed -n '/^<!-- tables -->$/,/^<!-- end of tables -->$/p' "$page" | sed '1d;$d' >"$work/in-page"
if [ "${4:-}" = --update ]; then
    { sed '/^<!-- tables -->$/q' "$page"; cat "$work/tables"; echo "<!-- end of tables -->"; } >"$work/new" && cat "$work/new" >"$page"
    exit
fi
same "$work/tables" "$work/in-page"
for f in $(grep -oE '(experiments|tests|src|lens|prompts|output|docs)/[A-Za-z0-9_./-]+' "$source_dir/README.md" | sed 's/[.,:]*$//' | sort -u); do
    case $f in output/*) continue ;; esac
    n_checks=$((n_checks + 1))
    [ -e "$source_dir/$f" ] || bad "README.md names $f, which does not exist"
done
commands=$("$logitlens" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | tr '\n' '|')
for c in $(grep -oE "logitlens (${commands}help)\b" "$source_dir/README.md" | awk '{print $2}' | sort -u); do
    [ "$c" = help ] || check 0 "example:" "$logitlens" help "$c"
done
finish
