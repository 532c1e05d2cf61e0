#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed get --cache: answers are used again by the next process.
. "${srcdir:-.}/tests/cli.sh"
start server "$server_program"
server=http://$address
cd "$work" || exit 1

claim "an answer is kept, and the next process uses it"
run get -v --cache kept "$server/kept/60"
status 0
out_is "made 1"
err_has "* cache: miss"
run get -v --cache kept "$server/kept/60"
status 0
out_is "made 1"
err_has "* cache: hit"
err_has "< Age: "
err_lacks "> GET"
[ "$(stat -c %a kept)" = 700 ] || wrong "others may read it"

claim "files get the same"
run get --cache kept -o file "$server/kept/60"
status 0
file_is file "made 1"

claim "a stale answer is validated"
run get --cache kept "$server/kept/0"
out_is "made 2"
run get -v --cache kept "$server/kept/0"
out_is "made 2"
err_has "> If-None-Match: \"kept\""
err_has "* cache: revalidated"

claim "modes are those of fetch()"
run get -v --cache kept --cache-mode force-cache "$server/kept/0"
out_is "made 2"
err_has "* cache: stale"
run get --cache kept --cache-mode only-if-cached "$server/kept/0"
out_is "made 2"
run get --cache kept --cache-mode only-if-cached "$server/kept/1"
status 22
err_has "cache"
run get -v --cache kept --cache-mode no-cache "$server/kept/60"
out_is "made 1"
err_has "* cache: revalidated"
run get -v --cache kept --cache-mode no-store "$server/kept/60"
out_is "made 3"
err_has "> Cache-Control: no-cache"
run get --cache kept "$server/kept/60"
out_is "made 1"
run get --cache kept --cache-mode reload "$server/kept/60"
out_is "made 4"
run get --cache kept "$server/kept/60"
out_is "made 4"
run get --cache-mode reload -v "$server/kept/60"
out_is "made 5"
err_has "> Pragma: no-cache"
err_lacks "* cache"

claim "JSON tells it too"
run get --json --cache kept "$server/kept/60"
out_has '"cache":"hit"'
run get --json "$server/kept/60"
out_has '"cache":null'

claim "POST goes through, and invalidates"
run get --cache kept -d x "$server/kept/60"
status 0
out_is "made 7"
run get --cache kept "$server/kept/60"
out_is "made 8"

claim "many at once"
run get --cache kept "$server/kept/60" "$server/kept/60" "$server/file/x"
status 0

claim "damage is a miss"
for file in kept/??/*; do
    echo garbage >"$file"
done
run get -v --cache kept "$server/kept/60"
status 0
err_has "* cache: miss"

claim "a folder that is none and a mode that is none are refused"
run get --cache /dev/null "$server/kept/60"
status 1
err_has "--cache: /dev/null: Not a directory"
run get --cache-mode sometimes "$server/kept/60"
status 2
err_has "a mode of fetch()"
end
