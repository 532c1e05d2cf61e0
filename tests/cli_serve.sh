#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed serve: a directory, an echo, and an orderly end.
. "${srcdir:-.}/tests/cli.sh"
mkdir "$work/site" "$work/site/sub"
echo '<p>hello' >"$work/site/index.html"
echo plain >"$work/site/sub/file.txt"
echo secret >"$work/secret"

start files "$tweed" serve --verbose --listen 127.0.0.1:0 "$work/site"
site=http://$address
files_pid=${pids##* }

claim "files are served"
[ "$line" = "tweed serve: $work/site at $site/" ] || { last=serve; : >"$work/out"; : >"$work/err"; wrong "said: $line"; }
run get "$site/"
out_is '<p>hello'
run get -i "$site/sub/file.txt"
out_has "Content-Type: text/plain"
out_has plain
run get "$site/nothing"
run get -f "$site/nothing"
status 1
err_has ": status: "

claim "nothing outside is"
run get --json "$site/..%2fsecret" "$site/sub/..%2f..%2fsecret" "$site/%2e%2e/secret"
out_lacks '"status":200'

claim "requests are logged on demand"
grep -q ' GET /sub/file.txt 200 ' "$work/files.err" || { last=log; wrong "$(cat "$work/files.err")"; }

claim "it ends in order when told"
kill -TERM "$files_pid"
wait "$files_pid"
got=$?
last="kill -TERM"
status 0

claim "the command line is checked"
run serve /nonexistent
status 1
err_has "tweed serve: /nonexistent: No such file or directory"
run serve "$work/secret"
status 1
err_has "Not a directory"
run serve a b
status 2
err_has "one directory only"
run serve --echo a
status 2
err_has "--echo serves no directory"
run serve --listen nonsense
status 1
err_has "tweed serve: nonsense: not an address and port to listen on"
run serve --listen 127.0.0.1:65536
status 1
run serve --listen host.example:0
status 1
run serve --nonsense
status 2
start echo "$tweed" serve --echo --listen 127.0.0.1:0
run serve --listen "$address"
status 1
err_has "tweed serve: $address: Address already in use"

claim "what is echoed is valid JSON for any bytes"
run get -H "$(printf 'X-Odd: \303\274\377"\134')" "http://$address/?\"<>"
status 0
out_has "$(printf '["X-Odd","\303\274\\u00ff\\"\\\\"]')"
end
