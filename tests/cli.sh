# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# cli.sh - what the shell tests of the command share; read by them with ".".
#
# run ARGUMENT... runs tweed; then status N, out_is TEXT, out_has TEXT, err_has TEXT, err_is TEXT
# say what must have come of it; batch TOOL QUESTION... asks a tool. claim TEXT names what is tested from there on.
set -u
LC_ALL=C
export LC_ALL
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
tweed=$PWD/tweed
server_program=$PWD/tests/cli_server
terminal_program=$PWD/tests/cli_terminal
manuals=$(cd "${srcdir:-.}/docs/man" && pwd)
work=$(mktemp -d) || exit 1
failed=0
claimed=
got=
pids=

finish()
{
    for pid in $pids; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

claim()
{
    claimed=$1
}

run()
{
    last="tweed $*"
    timeout 60 "$tweed" "$@" <"${input:-/dev/null}" >"$work/out" 2>"$work/err"
    got=$?
}

# batch TOOL QUESTION... - the answers to JSON questions, a line each.
batch()
{
    tool=$1
    shift
    printf '%s\n' "$@" >"$work/questions"
    input=$work/questions
    run "$tool" --batch
    input=
}

wrong()
{
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n  %s\n' "$claimed" "$last" "$1"
    head -c 600 "$work/out" | sed 's/^/  out: /'
    head -c 600 "$work/err" | sed 's/^/  err: /'
}

status()
{
    [ "$got" -eq "$1" ] || wrong "status $got, not $1"
}

# With a line's end added to TEXT.
out_is()
{
    printf '%s\n' "$1" | cmp -s - "$work/out" || wrong "not: $1"
}

err_is()
{
    printf '%s\n' "$1" | cmp -s - "$work/err" || wrong "not on standard error: $1"
}

# How many lines there are.
lines()
{
    [ "$(wc -l <"$work/out")" -eq "$1" ] || wrong "not $1 lines"
}

out_is_empty()
{
    [ ! -s "$work/out" ] || wrong "something on standard output"
}

err_is_empty()
{
    [ ! -s "$work/err" ] || wrong "something on standard error"
}

out_has()
{
    grep -qF -e "$1" "$work/out" || wrong "nowhere: $1"
}

out_lacks()
{
    ! grep -qF -e "$1" "$work/out" || wrong "there: $1"
}

err_has()
{
    grep -qF -e "$1" "$work/err" || wrong "nowhere on standard error: $1"
}

err_lacks()
{
    ! grep -qF -e "$1" "$work/err" || wrong "there on standard error: $1"
}

file_is()
{
    printf '%s\n' "$2" | cmp -s - "$1" || wrong "not in $1: $2"
}

# start NAME COMMAND... - in the background; its address goes to $address. Its standard output is
# read on descriptor 7.
start()
{
    name=$1
    shift
    mkfifo "$work/$name" || exit 1
    "$@" >"$work/$name" 2>"$work/$name.err" &
    pids="$pids $!"
    exec 7<"$work/$name"
    read -r line <&7 || { echo "$name did not start"; cat "$work/$name.err"; exit 1; }
    address=$(printf '%s\n' "$line" | sed -n 's/.*\(127\.0\.0\.1:[0-9]*\).*/\1/p')
}

end()
{
    [ "$failed" -eq 0 ] && exit 0
    echo "$failed claims failed"
    exit 1
}
