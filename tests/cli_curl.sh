#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed get and curl: each of curl's options is one of ours, or told among the differences.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1
LC_ALL=C
command -v curl >/dev/null || { echo "no curl here"; exit 77; }
curl --help all | sed -n 's/^ *\(-.,\)\{0,1\} *--\([a-z0-9.-]*\).*/\2/p' | sort -u >curl
[ "$(wc -l <curl)" -gt 200 ] || { echo "curl's list of options cannot be read"; exit 77; }

run get --help
sed -n 's/^  \(-.,\|   \) --\([a-z0-9.-]*\).*/\2/p' "$work/out" | sort -u >ours
# What man says between "Options of curl that are not there" and its end, a word each.
sed 's/\\//g' "$manuals/tweed-get.1" |
    sed -n '/^\.SS Options of curl that are not there/,/^\.S/p' |
    tr -s ' ,' '\n\n' | sed -n 's/^--\([a-z0-9.-]*[a-z0-9]\)$/\1/p' | sort -u >differences

claim "each option of curl is supported or named as a difference"
last="man tweed-get"
sort -u ours differences >known
# "--no-NAME" of a switch of ours is one too.
sed 's/^/no-/' ours | sort -u - known >all
comm -23 curl all >missing
[ ! -s missing ] || wrong "neither supported nor named: $(tr '\n' ' ' <missing)"

claim "no option is named as a difference that is supported"
comm -12 ours differences >both
[ ! -s both ] || wrong "supported and named: $(tr '\n' ' ' <both)"
end
