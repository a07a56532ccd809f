#!/usr/bin/env bash
# docs/tables.md holds the program's own tables (--update rewrites them); README, NOTES and the pages of docs/ name
# only commands, options, files and sections that exist; comments in the code name sections that exist; the SQL of
# docs/index.md gives what is printed there.
. "$(dirname "$0")/lib.inc"
page=$source_dir/docs/tables.md
"$logitlens" help tables >"$work/tables"
sed -n '/^<!-- tables -->$/,/^<!-- end of tables -->$/p' "$page" | sed '1d;$d' >"$work/in-page"
if [ "${4:-}" = --update ]; then
    { sed '/^<!-- tables -->$/q' "$page"; cat "$work/tables"; echo "<!-- end of tables -->"; } >"$work/new"
    cat "$work/new" >"$page"
    exit
fi
same "$work/tables" "$work/in-page"

cd "$source_dir"
pages="README.md NOTES.md experiments/README.md docs/experiment.md docs/diagnostics.md docs/index.md docs/engine.md
    docs/contributing.md"

# Files. NAME and * stand for many.
for p in $pages; do
    for f in $(grep -oE '\b(experiments|tests|src|lens|prompts|docs|cmake)/[A-Za-z0-9_./*-]+' "$p" |
        sed 's/[.,:]*$//' | sort -u); do
        case $f in *NAME* | *\**) continue ;; esac
        n_checks=$((n_checks + 1))
        [ -e "$f" ] || bad "$p names $f, which does not exist"
    done
done

# Commands ("logitlens runs ..." is prose), and options of any command. The other options belong to this script,
# sqlite3, cmake, sbatch and the benches.
commands=$("$logitlens" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for c in $commands; do "$logitlens" help "$c"; done >"$work/help"
for p in $pages; do
    for c in $(grep -ohE '\blogitlens [a-z]+' "$p" | awk '{print $2}' | sort -u); do
        n_checks=$((n_checks + 1))
        case $c in help | runs) continue ;; esac
        grep -qx "$c" <<<"$commands" || bad "$p names the command $c"
    done
    for o in $(grep -ohE '(^|[^-[:alnum:]])--[a-z][a-z0-9-]+' "$p" | sed 's/^[^-]*//' | sort -u); do
        case $o in --update | --import | --build | --array | --analysis) continue ;; esac
        n_checks=$((n_checks + 1))
        grep -qE -e "(^|[^-[:alnum:]])$o([^-[:alnum:]]|\$)" "$work/help" || bad "$p names the option $o"
    done
done
for c in $(grep -oE "logitlens [a-z]+" README.md | awk '{print $2}' | sort -u); do
    ! grep -qx "$c" <<<"$commands" || check 0 "example:" "$logitlens" help "$c"
done

# Links between pages: the file, and the heading of its anchor (made as GitHub makes it).
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }
for p in $pages docs/tables.md; do
    for l in $(grep -oE '\]\([^)# ]*(#[^) ]*)?\)' "$p" | sed 's/^](//; s/)$//' | grep -vE '^[a-z]+:' | sort -u); do
        n_checks=$((n_checks + 1))
        file=$(dirname "$p")/${l%%#*}
        [ -n "${l%%#*}" ] || file=$p
        if [ ! -e "$file" ]; then
            bad "$p links to $l, which does not exist"
        elif [ "$l" != "${l#*#}" ] && ! anchors "$file" | grep -qx -e "${l#*#}"; then
            bad "$p links to $l: no such heading"
        fi
    done
done

# Sections that comments name: "docs/experiment.md 5.2", "docs/diagnostics.md 3".
grep -rhoE 'docs/[a-z]+\.md [0-9]+(\.[0-9]+)?' src lens tests | sort -u >"$work/named" || true
while read -r file section; do
    n_checks=$((n_checks + 1))
    grep -qE "^##+ ${section//./\\.}\.? " "$file" || bad "a comment names $file $section: no such section"
done <"$work/named"

# The worked examples of docs/index.md: each block of SQL, then the block that it prints.
"$logitlens" run experiments/001_layers_and_logits/experiment.json --root "$work/out" --quiet >/dev/null 2>&1 ||
    bad "the run for the examples failed"
awk -v dir="$work" '
    /^```sql$/ {n++; to = dir "/sql." n; next}
    /^```$/ && to == dir "/sql." n {close(to); to = ""; due = 1; next}
    /^```$/ && due {to = dir "/printed." n; due = 0; next}
    /^```$/ {close(to); to = ""; next}
    to {print >to}' docs/index.md
for q in "$work"/sql.*; do
    "$logitlens" query --index "$work/out/index.sqlite" "$(cat "$q")" >"$work/answer" 2>&1 || true
    n_checks=$((n_checks + 1))
    cmp -s "$work/answer" "${q%/*}/printed.${q##*.}" ||
        bad "docs/index.md: another answer to: $(head -c 120 "$q")"
done
[ -e "$work/sql.12" ] || bad "docs/index.md: expected a dozen examples"
finish
