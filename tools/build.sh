#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/build.sh [DIR [CONFIGURE-OPTION...]] - configure and make in DIR (default: build), quietly.
#
# Runs autoreconf and configure only when they are due. TARGETS: what to make (default: all).
# The log is DIR/build.log; its end is shown when something fails. Autotools refuse a path with a
# space or another character that a shell reads; then all is built through a link without them.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=${1:-build}
[ $# -eq 0 ] || shift
jobs=$(nproc 2>/dev/null || echo 2)
top=$(pwd -P)
case $top in
*[!A-Za-z0-9_@%+=:,./-]*)
    link=/tmp/tweed-$(id -u)-$(printf %s "$top" | cksum | tr ' ' -)
    [ -L "$link" ] || ln -s "$top" "$link" || exit 1
    if [ "$(stat -c %u "$link")" != "$(id -u)" ] || [ "$(readlink "$link")" != "$top" ]; then
        echo "build: $link is in the way of a link to $top" >&2
        exit 1
    fi
    top=$link
    cd "$top" || exit 1
    ;;
esac
mkdir -p "$dir" || exit 1
log=$(cd "$dir" && pwd)/build.log
: >"$log"

step() {
    what=$1
    shift
    "$@" >>"$log" 2>&1 && return
    status=$?
    tail -n 40 "$log" >&2
    echo "build: $what failed (the whole log: $log)" >&2
    exit $status
}

if [ ! -f configure ]; then
    echo "build: autoreconf"
    step autoreconf autoreconf -fi
fi
options="$top $*"
if [ ! -f "$dir/config.status" ] || [ "$options" != "$(cat "$dir/configured-as" 2>/dev/null)" ]; then
    echo "build: configure $*"
    cd "$dir" || exit 1
    step configure "$top/configure" "$@"
    cd "$top" || exit 1
    echo "$options" >"$dir/configured-as"
fi
echo "build: make in $dir"
cd "$dir" || exit 1
for target in ${TARGETS:-all}; do # one after the other: "all" is a make of its own
    step make make -j"$jobs" "$target"
done
