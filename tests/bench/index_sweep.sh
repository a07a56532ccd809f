#!/usr/bin/env bash
# Not a test: import of a large made sweep (make_sweep.py) and every named query, timed; size beside the CSV files'.
#   index_sweep.sh LOGITLENS [FOLDER]      FOLDER is made when absent (350 MB); default: a temporary one
set -e
L=$1 dir=${2:-$(mktemp -d)/sweep}
here=$(dirname "$0")
[ -d "$dir" ] || python3 "$here/make_sweep.py" "$dir"
index=$(mktemp -d)/index.sqlite
trap 'rm -rf "$(dirname "$index")"; [ -n "$2" ] || rm -rf "$(dirname "$dir")"' EXIT
now() { date +%s.%N; }
t=$(now); "$L" index "$dir" --index "$index"
printf 'import %.1f s\n' "$(echo "$(now) - $t" | bc)"
csv=$(cat "$dir"/*.csv | wc -c) size=$(wc -c <"$index")
printf 'index %d bytes, CSV files %d bytes, share %.3f\n' "$size" "$csv" "$(echo "scale=5; $size / $csv" | bc)"
"$L" query | awk '{print $1}' | while read -r q; do
    t=$(now); rows=$("$L" query --csv --index "$index" "$q" | wc -l); one=$(echo "$(now) - $t" | bc)
    t=$(now); all=$("$L" query --csv --index "$index" "$q pass=all" 2>/dev/null | wc -l); every=$(echo "$(now) - $t" | bc)
    printf '%-24s %7d rows %.3f s' "$q" $((rows - 1)) "$one"
    [ "$all" -gt 0 ] && printf '   pass=all %7d rows %.3f s' $((all - 1)) "$every"
    printf '\n'
done
