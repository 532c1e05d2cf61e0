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

# log_has FILE REGEX - a whole line behind its time; waits for it.
log_has()
{
    last="the log"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -Eq "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} [+-][0-9]{4} $2\$" "$1" && return
        sleep 0.5
    done
    wrong "not in the log: $2; but: $(cat "$1")"
}

claim "requests are logged on demand: client, what was asked, what was sent"
log_has "$work/files.err" '127\.0\.0\.1:[0-9]+ GET / 200 9'
log_has "$work/files.err" '127\.0\.0\.1:[0-9]+ GET /sub/file\.txt 200 6'
log_has "$work/files.err" '127\.0\.0\.1:[0-9]+ GET /nothing 404 [1-9][0-9]*'
run get -I "$site/sub/file.txt"
log_has "$work/files.err" '127\.0\.0\.1:[0-9]+ HEAD /sub/file\.txt 200 0'

claim "an answer that did not go out whole is logged as cut, with what went"
truncate -s 64M "$work/site/big"
"$tweed" get "$site/big" 2>"$work/err" | head -c 5 >"$work/out"
log_has "$work/files.err" '127\.0\.0\.1:[0-9]+ GET /big 200 [0-9]{1,8} cut'
! grep -q 'GET /big 200 67108864' "$work/files.err" || wrong "all of it was sent"

claim "the log names the zone of a link-local address"
cat >"$work/linklocal" <<'SCRIPT'
ip link set lo up && ip addr add fe80::1/64 dev lo nodad || exit 77
mkfifo said
"$1" serve -v -l '[fe80::1%lo]:8080' site >said 2>zone.err &
read -r line <said
"$1" get --resolve 'a.example:8080:fe80::1%lo' http://a.example:8080/sub/file.txt
kill $!
wait $!
SCRIPT
(cd "$work" && timeout 60 unshare -rn sh linklocal "$tweed") >"$work/out" 2>"$work/err"
if [ $? -eq 0 ]; then
    out_is plain
    log_has "$work/zone.err" '\[fe80::1%lo\]:[0-9]+ GET /sub/file\.txt 200 6'
else
    echo "skipped, no network of its own: $claimed"
fi

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
