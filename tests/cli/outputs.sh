#!/usr/bin/env bash
# Where outputs go: devices, pipes, links and descriptors as well as files, whatever the command; and standard output that cannot be
# written is a failure of every command. Rows: "name of the option, command that takes it".
. "$(dirname "$0")/lib.inc"
L=$logitlens
cd "$work" || exit 1
ln -s "$llama" m
me=$(id -u)
plain() { "$L" depth m x --quiet "$@"; }
kind() { stat -L -c %F "$1"; }
said() { n_checks=$((n_checks + 1)); [ "$2" = "$3" ] || bad "$1: expected \"$3\", found \"$2\""; }

# --- every option that takes a FILE
cat >rows <<'END'
depth m x --quiet --out
depth m x --quiet --markdown
weights m --quiet --out
trace m x --quiet --out
diff m m x --quiet --csv
diff m m x --quiet --json
dump m x --hooks resid_post --out
END
while read -r row; do
    # shellcheck disable=SC2086
    {
        check 0 "" "$L" $row file
        [ -s file ] || bad "no output: $row"
        mkfifo pipe
        cat pipe >taken &
        check 0 "" "$L" $row pipe
        wait $!
        same file taken
        said "$row pipe" "$(kind pipe)" fifo
        mknod null c 1 3 2>/dev/null || ln -s /dev/null null
        check 0 "" "$L" $row null
        said "$row null" "$(kind null)" "character special file"
        check 1 "No space left on device" "$L" $row /dev/full
        said "$row /dev/full" "$(kind /dev/full)" "character special file"
        echo old >target; chmod 640 target; ln -s target link
        check 0 "" "$L" $row link
        same file target
        [ -L link ] || bad "the link is replaced: $row"
        said "mode: $row" "$(stat -c %a target)" 640
        ln -s later dangling
        check 0 "" "$L" $row dangling
        same file later
        [ -L dangling ] || bad "the dangling link is replaced: $row"
        "$L" $row >(cat >taken) >/dev/null 2>stderr </dev/null || bad "process substitution: $row: $(cat stderr)"
        for _ in $(seq 100); do cmp -s file taken && break; sleep 0.02; done
        same file taken
        "$L" $row /dev/fd/7 7>taken >/dev/null 2>stderr </dev/null || bad "/dev/fd/7: $row: $(cat stderr)"
        same file taken
        mkdir folder
        check 2 "found a folder" "$L" $row folder
        check 1 "cannot write" "$L" $row none/such
        check 1 "cannot write" "$L" $row /dev/fd/99
        ln -s loop loop
        check 1 "" "$L" $row loop
        rm -rf file pipe taken null target link later dangling folder loop
    }
done <rows
[ -z "$(ls | grep '[.]tmp')" ] || bad "temporary files left: $(ls)"

# --- standard output as a file, and by appending: nothing before it is lost
echo head >log
plain --out /dev/stdout >>log; head -1 log | grep -qx head || bad "--out /dev/stdout cuts a file that is appended to"
sed -n 2p log | grep -qx '{' || bad "--out /dev/stdout is not in the file"
check 0 "" plain --out a.json; check 0 "" plain --out b.json
said "mode of a new file" "$(stat -c %a a.json)" "$(printf %o $((0666 & ~$(umask))))"
same a.json b.json

# --- a socket
if command -v python3 >/dev/null; then
    python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(1); open("ready", "w"); c = s.accept()[0]; f = open("taken", "wb")
while (b := c.recv(65536)): f.write(b)' &
    for _ in $(seq 200); do [ -e ready ] && break; sleep 0.02; done
    check 0 "" plain --out sock; wait $!
    same a.json taken
    said socket "$(kind sock)" socket
fi

# --- owner: kept as root by rename, as another user by copying; a file that may not be written stays
if [ "$me" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid=65534 --regid=65534 --clear-groups "$L" --version >/dev/null 2>&1; then
    user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
    echo old >theirs; chown 65534:65534 theirs; chmod 604 theirs
    check 0 "" plain --out theirs
    said "owner kept by root" "$(stat -c '%u:%g %a' theirs)" "65534:65534 604"
    same a.json theirs
    chmod 755 .; mkdir open; chmod 777 open
    cp -rL m open/m; chmod -R a+rX open
    echo old >open/ours; chmod 666 open/ours
    echo old >open/closed; chmod 644 open/closed
    check 0 "" user "$L" depth open/m x --quiet --out open/ours
    said "owner kept by a user" "$(stat -c '%u %a' open/ours)" "0 666"
    same a.json open/ours
    check 1 "Permission denied" user "$L" depth open/m x --quiet --out open/closed
    said "a closed file" "$(cat open/closed)" old
    check 1 "cannot write" user "$L" depth open/m x --quiet --out here
    [ -z "$(ls open | grep '[.]tmp')" ] || bad "temporary files left: $(ls open)"
else
    echo "skipped: owners (needs root and setpriv)"
    echo old >closed; chmod 444 closed
    [ "$me" = 0 ] || check 1 "Permission denied" plain --out closed
fi

# --- the index is a file; folders of other commands
check 2 "expected a file" plain --index /dev/null
said "/dev/null" "$(kind /dev/null)" "character special file"
mkfifo pipe
check 2 "expected a file" timeout 20 "$L" depth m x --quiet --index pipe
check 2 "absent or empty" "$L" run "$source_dir/experiments/001_layers_and_logits/experiment.json" m --out-dir /dev/null --quiet --no-index

# --- standard output that takes nothing: exit 1, one line, for every command
printf '%s\n' --version version help "help run" "help tables" "show m" "show m --plan" "tokens m x" "lens m x" "lens m x --json" "dump m x --out d" \
    "depth m x" "weights m" "trace m x" "trace m x --json" "check m" "diff m m x" "diff m m x --csv -" "diff m m x --json -" "query --index none" >talkers
while read -r words; do
    # shellcheck disable=SC2086
    {
        check 1 "standard output" bash -c '"$0" "$@" >/dev/full' "$L" $words
        check 1 "standard output" bash -c '"$0" "$@" >&-' "$L" $words
        check 1 "standard output" bash -c 'trap "" PIPE; exec 5<>pipe 6>pipe 5>&-; exec "$0" "$@" >&6' "$L" $words # nobody reads
    }
done <talkers

# --- a limit on file sizes is a full disk, not a signal
check 1 "File too large" bash -c 'ulimit -f 1; "$@" --out big.json' x "$L" trace m x --quiet
absent big.json
check 1 "File too large" bash -c 'ulimit -f 1; exec "$@" >big.txt' x "$L" help tables
finish
