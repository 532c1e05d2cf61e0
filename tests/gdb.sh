#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/gdb.sh - the gdb script finds coroutines, and their back-traces begin and end well.
srcdir=${srcdir:-.}
command -v gdb >/dev/null || exit 77
out=$(mktemp) || exit 99
trap 'rm -f "$out"' EXIT
DEBUGINFOD_URLS= timeout 50 ./libtool --mode=execute gdb -nx -batch -ex 'set confirm off' -ex "source $srcdir/tools/gdb.py" \
    -ex 'break bottom' -ex run -ex 'info tw-coroutines' -ex 'tw-backtrace 1' -ex 'tw-backtrace 101' \
    -ex 'backtrace' -ex continue tests/check_switch >"$out" 2>&1
# Not allowed to trace here, or built without debugging information or with a sanitizer.
grep -qE "ptrace|Operation not permitted|not defined|No symbol|Cannot find thread-local|LeakSanitizer" "$out" && exit 77
status=0
wants() {
    grep -qE -- "$1" "$out" || { echo "gdb: no line like: $1"; status=1; }
}
wants '^101 coroutines$'
wants '^   1  thread 1  waiting    -  made at .*check_switch.c:[0-9]+$'
wants '^ 101  thread 1  running    -  made at '
wants '^#[0-9]+ .*tw_yield_from '
wants '^#[0-9]+ .*deeper '
wants '^#[0-9]+ .*bottom '
wants 'exited normally'
if grep -qi 'corrupt stack' "$out"; then
    echo "gdb: a back-trace does not end"
    status=1
fi
[ $status -eq 0 ] || cat "$out"
exit $status
