#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/check.sh DIR [NAME...] - `make check` in the build folder DIR, told shortly.
#
# With NAME, only the tests whose name contains one of them. Shows the output of what failed,
# then a line "N passed, N failed" that counts single tests, not programs.
set -u
dir=$1
shift
cd "$dir" || exit 1
# The same place under the name that it was configured with: tools/build.sh may have gone there by a
# link, since the tools of autoconf take no path with a space.
cd "$(sed -n 's/^abs_builddir = //p' Makefile)" || exit 1
jobs=$(nproc 2>/dev/null || echo 2)
chosen=$#
tests=
for name; do
    found=$(make -s list-tests | grep -F -- "$name")
    [ -n "$found" ] || { echo "no test has '$name' in its name" >&2; exit 2; }
    tests="$tests $found"
done
if [ $# -gt 0 ]; then
    tests=$(printf '%s\n' $tests | sort -u | tr '\n' ' ')
else
    tests=$(make -s list-tests | tr '\n' ' ')
fi

# Chosen programs are built alone: all of them take minutes.
programs=
if [ $chosen -gt 0 ]; then
    source=$(sed -n 's/^srcdir = //p' Makefile)
    for test in $tests; do
        [ -f "$source/$test" ] || programs="$programs $test"
    done
    programs="check_PROGRAMS=$programs"
fi
make -k -j"$jobs" check TESTS="$tests" ${programs:+"$programs"} >check.log 2>&1
status=$?
logs=
passed=0
failed=0
for test in $tests; do
    base=${test%.sh}
    [ -f "$test.trs" ] && base=$test
    verdict=FAIL
    [ -f "$base.trs" ] && verdict=$(sed -n 's/^:global-test-result: //p' "$base.trs")
    # "100%: Checks: 12, Failures: 0, Errors: 0", one for each suite
    set -- $(awk '/^[0-9]+%: Checks: / { gsub(",", ""); n += $3; bad += $5 + $7 }
        END { print n + 0, bad + 0 }' "$base.log" 2>/dev/null || echo 0 0)
    total=$1
    bad=$2
    [ "$verdict" != SKIP ] || { echo "skipped: $test"; continue; }
    [ "$verdict" != PASS ] || grep '^skipped, ' "$base.log" | sort -u
    [ "$total" -gt 0 ] || total=1
    if [ "$verdict" != PASS ]; then
        [ "$bad" -gt 0 ] || bad=1
        [ "$bad" -le "$total" ] || total=$bad
        logs="$logs $base.log"
    fi
    passed=$((passed + total - bad))
    failed=$((failed + bad))
done
for log in $logs; do
    echo "--- $log"
    grep -v ':P:' "$log" 2>/dev/null | tail -n 40
done
if [ $status -ne 0 ] && [ $failed -eq 0 ]; then
    tail -n 30 check.log
    failed=1
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
