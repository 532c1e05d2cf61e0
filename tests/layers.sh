#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/layers.sh - tools/check-layers finds includes and symbols that point up, in a small house.
srcdir=${srcdir:-.}
command -v nm >/dev/null || exit 77
cc=$(./libtool --config | sed -n 's/^CC="\(.*\)"$/\1/p')
house=$(mktemp -d) || exit 99
trap 'rm -rf "$house"' EXIT
status=0

# Puts a file into the house, and its object into the build.
file() {
    mkdir -p "$house/$(dirname "$1")" "$house/build/$(dirname "$1")/.libs"
    cat >"$house/$1"
    case $1 in
    *.c) $cc -c -I "$house" -o "$house/build/$(dirname "$1")/.libs/$(basename "$1" .c).o" "$house/$1" ;;
    esac
}
check() {
    "$srcdir/tools/check-layers" --top "$house" "$house/build" 2>&1
}
# refuses CLAIM LINE: the check fails, and says the line and no other.
refuses() {
    said=$(check) && { echo "layers: does not fail: $1"; status=1; }
    [ "$said" = "$2" ] || { printf 'layers: %s: says\n%s\nand not\n%s\n' "$1" "$said" "$2"; status=1; }
}
passes() {
    said=$(check) || { printf 'layers: fails: %s\n%s\n' "$1" "$said"; status=1; }
}

mkdir -p "$house/include" "$house/cli" "$house/web"
file base/low.c <<'END'
int twi_low(void);
int twi_low(void) { return 1; }
END
file reactor/face.h <<'END'
int twi_face(void);
END
file reactor/inside.h <<'END'
int twi_inside(void);
END
file reactor/reactor.c <<'END'
#include "reactor/face.h"
#include "reactor/inside.h"
int twi_low(void);
int twi_face(void) { return twi_low(); }
int twi_inside(void) { return 2; }
END
file reactor/thread/thread.h <<'END'
int twi_thread(void);
END
file reactor/thread/thread.c <<'END'
#include "reactor/inside.h"
#include "reactor/thread/thread.h"
int twi_thread(void) { return twi_inside(); }
END
file defer/deferred.c <<'END'
int twi_low(void);
int twi_deferred(void);
int twi_deferred(void) { return twi_low(); }
END
file net/connect/connect.c <<'END'
#include "reactor/face.h"
int twi_connect(void);
int twi_connect(void) { return twi_face(); }
END
passes "all look down"

file base/low.c <<'END'
int twi_deferred(void);
int twi_low(void);
int twi_low(void) { return twi_deferred(); }
END
refuses "a symbol of a folder above" \
    "base/low.c: looks up to defer/deferred.c: twi_deferred"
file base/low.c <<'END'
int twi_low(void);
int twi_low(void) { return 1; }
END

file reactor/up.c <<'END'
int twi_thread(void);
int twi_up(void);
int twi_up(void) { return twi_thread(); }
END
refuses "a symbol of a room above" \
    "reactor/up.c: looks up to reactor/thread/thread.c: twi_thread"

file reactor/up.c <<'END'
#include "reactor/thread/thread.h"
END
refuses "an include of a room above" \
    "reactor/up.c:1: looks up to reactor/thread/: reactor/thread/thread.h"

file reactor/up.c <<'END'
int twi_connect(void);
int (*twi_pointer)(void) = twi_connect;
END
refuses "a pointer to what is above" \
    "reactor/up.c: looks up to net/connect/connect.c: twi_connect"
rm "$house/reactor/up.c"
passes "an object whose source has gone"

file reactor/process/beside.c <<'END'
#include "reactor/thread/thread.h"
END
refuses "a room beside" \
    "reactor/process/beside.c:1: looks up to reactor/thread/: reactor/thread/thread.h"
rm "$house/reactor/process/beside.c"

file net/connect/rude.c <<'END'
#include "reactor/inside.h"
END
refuses "a private header that is no face" \
    "net/connect/rude.c:1: no face of reactor/: reactor/inside.h"
rm "$house/net/connect/rude.c"

file net/nowhere/lost.c <<'END'
int twi_lost;
END
refuses "a room that is not in the table" \
    "net/nowhere/lost.c: which room is this? Say it in tools/check-layers"
exit $status
