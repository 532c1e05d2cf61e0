#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed settings: what counts, and where it comes from.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1
unset TWEED_CONF

claim "without anything else the defaults count"
run settings
status 0
out_has "delay                250ms            default"
out_has "max_url_length       2083             default"
out_has "max_pages            none             default"

claim "each layer overrides the one before it"
printf '# slowly\ndelay = 2s\nmax_depth = 5\nmax_per_host@example.com = 1\n' >tweed.conf
TWEED_MAX_DEPTH=6 TWEED_MAX_PAGES=7 run settings -s max_pages=8
status 0
out_has "delay                2s               tweed.conf:2"
out_has "max_depth            6                TWEED_MAX_DEPTH"
out_has "max_pages            8                -s"
out_has "max_per_host@example.com 1                tweed.conf:4"

claim "one setting is explained"
run settings order
status 0
out_has "order                breadth-first    default"
out_has "Allowed: one of breadth-first, depth-first, best-first."
out_lacks "delay "
run settings max-per-host
out_has "max_per_host@example.com 1"

claim "machines get JSON"
run settings --json delay max_pages no_cookies proxy http_password order -s http_password=x
status 0
out_has '{"name":"delay","text":"2s","value":2,"from":"tweed.conf:2","help":"'
out_has '"name":"max_pages","text":"none","value":null,"from":"default"'
out_has '"name":"no_cookies","text":"no","value":false,'
out_has '"name":"order","text":"breadth-first","value":"breadth-first",'
out_has '"name":"proxy","text":"default","value":null,'
out_has '"name":"http_password","text":"(set)","value":"(set)","from":"-s"'

claim "a mistake is told with its place, and what is allowed"
printf 'delay = 2s\n\ndealy = 3s\n' >tweed.conf
run settings
status 2
err_is "tweed settings: tweed.conf:3: no setting 'dealy'; did you mean 'delay'?"
out_is_empty
printf 'memory = 1\n' >other.conf
run settings --conf other.conf
status 2
err_is "tweed settings: other.conf:1: memory: '1' is not a size from 1MiB to 1TiB (512KiB, 64MiB)"
TWEED_CONF=none.conf run settings
status 2
err_is "tweed settings: none.conf: No such file or directory"
rm tweed.conf
TWEED_DELAY=soon run settings
status 2
err_has "TWEED_DELAY: delay: 'soon' is not a time from 1ms to 1d"
TWEED_DEALY=1 run settings
status 2
err_has "TWEED_DEALY: no setting of that name; did you mean 'delay'?"
run settings -s delay
status 2
err_has "-s: 'delay' is not of the form NAME=VALUE"
run settings wool
status 2
err_has "no setting 'wool'"

end
