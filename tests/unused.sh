#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/unused.sh - a result that is dropped where that leaks is a warning of the compiler's; where
# it is not, it is none. Every function that returns a Deferred counts, unless it lends it.
set -u
srcdir=${srcdir:-.}
cc=$(./libtool --config | sed -n 's/^CC="\(.*\)"$/\1/p')
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
status=0

# drops NAME <CALLS: compiles a function with these calls, one a line from line 6 on; the lines that
# were warned of go to $work/NAME.warned.
drops() {
    cat - >"$work/$1.calls"
    {
        echo '#include <tweed/tweed.h>'
        echo 'tw_value body(void *arg);'
        echo 'void drop(tw_deferred *d, tw_value v, void *p);'
        echo 'void drop(tw_deferred *d, tw_value v, void *p)'
        echo '{ (void)d, (void)v, (void)p;'
        sed 's/$/;/' "$work/$1.calls"
        echo '}'
    } >"$work/$1.c"
    $cc -std=c11 -Wunused-result -I"$srcdir/include" -Iinclude -c -o "$work/$1.o" \
        "$work/$1.c" 2>"$work/$1.log" || { cat "$work/$1.log"; exit 1; }
    sed -n "s/^[^:]*$1\.c:\([0-9]*\):.*unused-result.*/\1/p; s/^[^:]*$1\.c:\([0-9]*\):.*note: in expansion.*/\1/p" \
        "$work/$1.log" | sort -un >"$work/$1.warned"
}

drops leaks <<'END'
tw_promise(&d, NULL, NULL)
tw_deferred_new(NULL, NULL, NULL)
tw_succeed(tw_none())
tw_maybe_deferred(v)
tw_shield(d)
tw_wait(d)
tw_gather(&d, 1)
tw_inline_callbacks(body, p)
tw_defer_later(NULL, 1, NULL, NULL)
tw_lock_acquire(p)
tw_queue_get(p)
tw_get_page("http://a.example/")
tw_block_on(d)
tw_deferred_take_result(d)
tw_retain(v)
tw_fail(&tw_error, "why")
tw_bytes("x", 1)
tw_list(0)
tw_lock_new()
tw_clock_virtual_new()
END
number=5
while read -r call; do
    number=$((number + 1))
    grep -qx $number "$work/leaks.warned" || { echo "dropped without a warning: $call"; status=1; }
done <"$work/leaks.calls"

drops fine <<'END'
tw_add_callback(d, NULL, NULL)
tw_add_errback(d, tw_log_failure, NULL)
tw_fire(&d, v)
tw_cancel(d)
tw_await(d)
tw_sleep(1)
tw_list_at(v, 0)
tw_call_later(1, NULL, NULL)
tw_deferred_ref(d)
END
[ ! -s "$work/fine.log" ] || { echo "dropped with a warning:"; cat "$work/fine.log"; status=1; }

missing=$(grep -n '^TW_API tw_deferred \*' "$srcdir"/include/tweed/*.h |
    grep -Ev 'tw_deferred_(ref|waiting_on)\(|tw_inline_callbacks_current\(')
if [ -n "$missing" ]; then
    echo "without TW_MUST_USE:"
    echo "$missing"
    status=1
fi
exit $status
