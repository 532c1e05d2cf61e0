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
status 22
err_has ": status: "

claim "names that begin with a dot are not there"
echo dot >"$work/site/sub/.dot"
run get -f "$site/sub/.dot"
status 22
run get "$site/sub/"
out_has './file.txt"'
out_lacks .dot

claim "nothing outside is"
run get --json "$site/..%2fsecret" "$site/sub/..%2f..%2fsecret" "$site/%2e%2e/secret"
out_lacks '"status":200'

claim "requests are logged on demand"
grep -Eq '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} [+-][0-9]{4} (127\.0\.0\.1:[0-9]+|-) GET /sub/file\.txt 200 6$' "$work/files.err" || { last=log; wrong "$(cat "$work/files.err")"; }

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
run serve --echo --hidden
status 2
run serve -l
status 2
err_has "--listen wants a value: ADDR:PORT"
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

claim "help tells the options"
run serve --help
status 0
out_has "usage: tweed serve [OPTION...] [DIR]"
out_has "--hidden"
cp "$work/out" "$work/help"
run help serve
status 0
cmp -s "$work/help" "$work/out" || wrong "not as serve --help"
run help nonsense
status 2
err_has "unknown command 'nonsense'"
run help get serve
status 2

claim "CONNECT makes no tunnel"
run get --proxy "http://$address" https://host.example/
err_has 501

claim "what is echoed is valid JSON for any bytes"
run get -H "$(printf 'X-Odd: \303\274\377"\134')" "http://$address/?\"<>"
status 0
out_has "$(printf '["X-Odd","\303\274\\u00ff\\"\\\\"]')"

claim "hidden files are served when asked for"
start hidden "$tweed" serve --hidden --listen 127.0.0.1:0 "$work/site"
run get "http://$address/sub/.dot"
out_is dot
run get "http://$address/sub/"
out_has './.dot"'

claim "it ends when it cannot say where it is"
timeout 20 "$tweed" serve --listen 127.0.0.1:0 "$work/site" >&- 2>"$work/err"
got=$?
last="tweed serve >&-"
status 1
end
