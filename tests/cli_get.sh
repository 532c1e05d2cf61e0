#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed get: what its options do, by what a server sees and what is written.
. "${srcdir:-.}/tests/cli.sh"
start echo "$tweed" serve --echo --listen 127.0.0.1:0
echo=http://$address
exec 8<&7
start server "$server_program"
server=http://$address
cd "$work" || exit 1

# sees FIELD VALUE - the echo saw this header field; lacks FIELD - it did not.
sees()
{
    out_has "[\"$1\",\"$2\"]"
}
lacks()
{
    out_lacks "[\"$1\","
}

claim "a page is written to standard output"
run get "$server/file/x"
status 0
out_is "/file/x"
err_is_empty
run get "${server#http://}/file/x"
out_is "/file/x"

claim "several come in the order of the URLs, however they arrive"
run get "$server/late" "$server/big/600000" "$server/go" "$server/file/z"
status 0
{ echo late; head -c 600000 /dev/zero | tr '\0' x; echo go; echo /file/z; } >expected
cmp -s expected "$work/out" || wrong "another order"
err_has "tweed get: 4 of 4 fetched, 0 failed, "

claim "requests are as asked"
run get "$echo/a?b=c"
out_has '"method":"GET","path":"/a?b=c"'
sees Accept '*/*'
out_has '"body_len":0'
run get -X DELETE "$echo/"
out_has '"method":"DELETE"'
run get -I "$echo/"
out_has "HTTP/1.1 200 OK"
run get -H 'X-One: 1' -H 'x-two:2' -H 'X-Empty;' "$echo/"
sees X-One 1
sees x-two 2
sees X-Empty ''
run get -H 'Accept:' -H 'User-Agent:' "$echo/"
lacks Accept
lacks User-Agent
run get -H 'Accept: text/html' -A loom/1 -e http://from/ "$echo/"
sees Accept text/html
sees User-Agent loom/1
sees Referer http://from/
run get -A '' "$echo/"
lacks User-Agent
run get -A loom/1 -H User-Agent: "$echo/"
lacks User-Agent
run get -e '' "$echo/"
lacks Referer
printf 'X-File: 1\r\n\nX-More: 2\n' >fields
run get -H @fields "$echo/"
sees X-File 1
sees X-More 2
run get -u 'ali:open sesame' "$echo/"
sees Authorization 'Basic YWxpOm9wZW4gc2VzYW1l'
run get -u ali: "$echo/"
sees Authorization 'Basic YWxpOg=='
run get -r 5-9 "$echo/"
sees Range bytes=5-9
run get -H 'Host: other.example' "$echo/"
sees Host other.example
run get --http1.0 "$echo/"
status 0
run get --no-compressed "$echo/"
lacks Accept-Encoding
run get --compressed "$echo/"
out_has '["Accept-Encoding","gzip'

claim "bodies are sent"
run get -d a=1 -d b=2 "$echo/"
out_has '"method":"POST"'
sees Content-Type application/x-www-form-urlencoded
sees Content-Length 7
out_has '"body":"YT0xJmI9Mg=="'
printf 'a\r\nb\n' >data
run get -d @data "$echo/"
out_has '"body":"YWI="'
run get --data-binary @data "$echo/"
out_has '"body":"YQ0KYgo="'
run get --data-raw @data "$echo/"
out_has '"body":"QGRhdGE="'
input=data run get -d @- "$echo/"
out_has '"body":"YWI="'
run get -d '' "$echo/"
out_has '"method":"POST"'
out_has '"body_len":0'
run get -d '{}' -H 'Content-Type: application/json' -X PUT "$echo/"
out_has '"method":"PUT"'
sees Content-Type application/json
run get -d x -H 'Content-Type:' "$echo/"
lacks Content-Type
run get -T data "$echo/up/"
out_has '"method":"PUT","path":"/up/data"'
out_has '"body":"YQ0KYgo="'
input=data run get -T - "$echo/up"
out_has '"path":"/up"'
out_has '"body":"YQ0KYgo="'
sees Transfer-Encoding chunked
input=data run get -T . "$echo/up/"
out_has '"path":"/up/"'
out_has '"body":"YQ0KYgo="'
run get -T data "$echo"
out_has '"path":"/data"'
run get -T data "$echo/up/?q=/#f"
out_has '"path":"/up/data?q=/"'
run get -T data "$echo/up?q=/"
out_has '"path":"/up?q=/"'
run get -T data -H 'Transfer-Encoding: chunked' "$echo/"
sees Transfer-Encoding chunked
out_has '"body":"YQ0KYgo="'
run get -d hello -H 'Transfer-Encoding: chunked' "$echo/"
out_has '"method":"POST"'
sees Transfer-Encoding chunked
lacks Content-Length
out_has '"body":"aGVsbG8="'
run get -d '' -H 'Transfer-Encoding: chunked' "$echo/"
sees Transfer-Encoding chunked
out_has '"body_len":0'
run get -T '' "$echo/"
out_has '"method":"GET"'
run get -T nothing-here "$echo/"
status 26
err_has ": other: -T nothing-here: No such file or directory"
head -c 2000000 /dev/zero >large
run get -T large "$echo/"
out_has '"body_len":2000000'
out_lacks '"body":'

claim "redirects"
run get "$server/hop/3"
out_is arrived
run get --no-location -i "$server/hop/3"
status 0
out_has "302 Found"
out_has elsewhere
run get -i "$server/hop/2"
[ "$(grep -c '^HTTP/1.1 ' "$work/out")" -eq 3 ] || wrong "not three heads"
run get --max-redirs 2 "$server/hop/2"
status 0
run get --max-redirs 1 "$server/hop/2"
status 47
err_has ": redirect: "
run get --max-redirs 0 "$server/hop/1"
status 47
run get --max-redirs -1 "$server/hop/30"
out_is arrived

claim "cookies"
run get -b 'a=1; b=2' "$echo/"
sees Cookie 'a=1; b=2'
run get -b a=1 -b b=2 "$echo/"
sees Cookie 'a=1; b=2'
run get -b a=1 -H 'Cookie: b=2' "$echo/"
sees Cookie b=2
out_lacks a=1
run get "$server/cookie/set"
out_is none
run get -b '' --cookie-jar jar "$server/cookie/set"
out_is colour=red
grep -q "^127.0.0.1	FALSE	/	FALSE	0	colour	red$" jar || wrong "jar: $(cat jar)"
run get -b jar "$server/cookie/show"
out_is colour=red
run get -b jar --cookie-jar - "$server/cookie/show"
out_has colour=red
out_has "127.0.0.1	FALSE	/	FALSE	0	colour	red"
[ ! -e ./- ] || wrong "a file named -"
input=jar run get -b - "$server/cookie/show"
out_is colour=red
run get -b jar -b more=1 "$echo/"
sees Cookie 'colour=red; more=1'
run get -b '' -b more=1 "$server/cookie/set"
out_is 'colour=red; more=1'
run get -b no-such-jar "$server/cookie/show"
out_is none
echo nonsense >bad-jar
printf '127.0.0.1\tFALSE\t/\tFALSE\t\tsession\t1\n127.0.0.1\tFALSE\t/\tFALSE\t0\tgood\t1\n' >>bad-jar
run get -b bad-jar "$server/cookie/show"
status 0
out_is good=1
err_has "bad-jar:1: not a line of a cookie file; 2 such passed over"
run get --cookie-jar /nonexistent/jar "$server/hop/0"
status 1
err_has "--cookie-jar: /nonexistent/jar: No such file or directory"

claim "errors have a word and a line"
run get "$server/status/404"
status 0
out_is "status 404"
run get -f "$server/status/404"
status 22
out_is_empty
err_has "tweed get: $server/status/404: status: "
run get -f "$server/status/302"
status 0
run get http://127.0.0.1:1/
status 7
err_has "tweed get: http://127.0.0.1:1/: connect: "
run get http://127.0.0.1:99999/
status 3
err_has ": url: "
run get ftp://127.0.0.1/
status 1
err_has ": url: "
run get 'http://127.0.0.1:1/a b'
status 3
err_has ": url: "
run get "$server/part"
status 18
err_has ": partial: "
out_has four
run get --max-filesize 99 "$server/big/100"
status 63
err_has ": toolarge: "
run get --max-filesize 100 "$server/big/100"
status 0
run get -m 0.2 "$server/never"
status 28
err_has ": timeout: "
read -r line <&7
run get -m 2e-1 "$server/never"
status 28
err_has ": timeout: "
read -r line <&7
for seconds in 1e 0x10 -1 ' 5' inf nan 1e400 ''; do
    run get -m "$seconds" "$server/hop/0"
    status 2
done
run get --connect-timeout 0 -m 0 "$server/hop/0"
status 0
run get -s http://127.0.0.1:1/
status 7
err_is_empty
run get -sS http://127.0.0.1:1/
err_has ": connect: "
run get -sS http://user:secret@127.0.0.1:1/
err_has "tweed get: http://127.0.0.1:1/: connect: "
for url in http:/u:secret@127.0.0.1:1/ http:///u:secret@127.0.0.1:1/ \
    'http:\\u:secret@127.0.0.1:1/' 'HTTP:/\/u:secret@127.0.0.1:1/' u:secret@127.0.0.1:1//y \
    http://u:a/secret@127.0.0.1:1/ 'http://u:a?secret@h/' 'http://u:a#secret@h/' \
    'http:/ /u:secret@h/' ftp://u:secret@h/ http://u:secret@h:99999/ http://u:x@secret@127.1:1/
do
    run get --json -v -O "$url"
    out_lacks secret
    err_lacks secret
    run get --json -v "$url"
    [ "$got" -eq 7 ] || [ "$got" -eq 3 ] || [ "$got" -eq 1 ] || status 7
    out_lacks secret
    err_lacks secret
done
run get -sS 'user:secret@127.0.0.1:1/?to=http://x/'
err_has "tweed get: 127.0.0.1:1/?to=http://x/: connect: "
run get --proxy http://127.0.0.1:1 "$server/hop/0"
status 7
run get --proxy http://127.0.0.1:1 --noproxy 127.0.0.1 "$server/hop/0"
status 0
http_proxy=$address
export http_proxy
run get -v -U ali:sesame http://loom.example/file/x
err_has "> Proxy-Authorization: ..."
unset http_proxy

claim "nobody's bytes steer the terminal"
escape=$(printf '\033[2J\302\2332J\177')
run get -sS "http://127.0.0.1:1/$escape"
status 3
err_has 'http://127.0.0.1:1/?[2J??2J?: url: '
run get -v -H "X-Escape: $escape" "$server/hop/0"
status 0
err_has '> X-Escape: ?[2J??2J?'

claim "one that fails stops no other"
run get "$server/file/a" http://127.0.0.1:1/ "$server/file/b"
status 7
out_is "/file/a
/file/b"
err_has "tweed get: 2 of 3 fetched, 1 failed, "

claim "few descriptors are fewer at once, and no failure"
mkdir "$work/many"
echo body >"$work/many/body"
for n in $(seq 150); do
    printf 'url = "%s/file/%s"\noutput = "%s/many/%s"\n' "$server" "$n" "$work" "$n"
done >"$work/many.conf"
for n in $(seq 50); do
    printf 'url = "%s/"\nupload-file = "%s/many/body"\noutput = "%s/many/up%s"\n' "$echo" "$work" \
        "$work" "$n"
done >"$work/uploads.conf"
for conf in many uploads; do
    last="tweed get -c 1000 -K $conf.conf, 24 descriptors"
    (ulimit -n 24 && timeout 60 "$tweed" get -s -S -c 1000 -K "$work/$conf.conf") 7<&- >"$work/out" 2>"$work/err"
    got=$?
    status 0
    err_is_empty
done
file_is "$work/many/150" /file/150
last="so many files"
[ "$(find "$work/many" -type f | wc -l)" -eq 201 ] || wrong "not all are there"
(ulimit -n 24 && timeout 60 "$tweed" get -s -S -c 1000 "$server"/big/300000 "$server"/big/300000 \
    "$server"/big/300000 "$server"/big/300000 "$server"/big/300000 "$server"/big/300000 \
    "$server"/big/300000 "$server"/big/300000 "$server"/big/300000 "$server"/big/300000 \
    "$server"/big/300000 "$server"/big/300000 "$server"/big/300000 "$server"/big/300000 \
    "$server"/big/300000 "$server"/big/300000) 7<&- >"$work/out" 2>"$work/err"
got=$?
status 0
[ "$(wc -c <"$work/out")" -eq 4800000 ] || wrong "not all of it"

claim "tries again"
run get -s --retry 2 "$server/flaky"
status 0
out_is "at last"
run get -sS -f --retry 1 "$server/flaky"
status 22
err_has ": status: "
run get "$server/flaky"
out_is "at last"
run get -sS --retry 1 --retry-delay 0 --retry-connrefused http://127.0.0.1:1/
status 7
run get --json --retry 3 --retry-delay 0 --retry-all-errors http://127.0.0.1:1/
out_has '"tries":4'

claim "Retry-After is kept to, or there is no other try"
run get --retry 1 --retry-max-time 2 "$server/after/30"
status 0
out_is busy
err_is_empty
run get "$server/after/0"
out_is "at last"
run get --retry 1 "$server/after/date"
out_is "at last"
err_has "will try again in "
delay=$(sed -n 's/.*will try again in \([0-9]*\).*/\1/p' "$work/err")
[ "$delay" -ge 1 ] && [ "$delay" -le 2 ] || wrong "a date in two seconds is $delay s away"

claim "the first URL that failed tells the exit status"
run get -f "$server/file/a" "$server/status/404" http://127.0.0.1:1/
status 22
run get -f http://127.0.0.1:1/ "$server/status/404"
status 7
run get "$server/away"
status 1
err_has ": url: neither http nor https: ftp://loom.example/"
run get --max-redirs 0 "$server/hop/1"
err_has ": redirect: too many redirects: /hop/0"

claim "files"
run get -o named "$server/file/1"
status 0
out_is_empty
file_is named /file/1
run get -o one -o two "$server/file/1" "$server/file/2" "$server/file/3"
file_is one /file/1
file_is two /file/2
out_is /file/3
run get -O "$server/file/a%20b?q" "$server/file/c"
file_is a%20b "/file/a b"
file_is c /file/c
run get -O "${server#http://}/file/e?to=http://x/y"
file_is e /file/e
mkdir dir
run get --output-dir dir -O "$server/file/d"
file_is dir/d /file/d
run get -O "$server/file/f%c3%bc" "$server/file/gü"
file_is f%c3%bc "/file/fü"
file_is gü "/file/gü"
run get -O "$server/file/%2e%2e"
status 23
run get --create-dirs -o new/er/f "$server/file/f"
file_is new/er/f /file/f
run get -o none/f "$server/file/f"
status 23
err_has ": other: none/f: No such file or directory"
run get -O -o - "$server/file/g" "$server/file/h"
file_is g /file/g
out_is /file/h
run get -O "$server/"
status 23
err_has "no file name in it for -O"
run get -O "$server/file/same" "$server/hop/same"
status 2
err_has "two URLs would be written to same"
run get -o empty "$server/big/0"
status 0
[ -f empty ] || wrong "no empty file"

claim "headers come first"
run get -i "$server/file/x"
head -n 1 "$work/out" | grep -q '^HTTP/1.1 200 OK' || wrong "no status line first"
out_has "/file/x"
run get -I "$server/big/10"
out_has "Content-Length: 10"
out_lacks xxx
run get -I -X GET "$server/big/10"
out_lacks xxx
run get -f -I "$server/status/404"
status 22
out_has "HTTP/1.1 404 "
run get -f -i "$server/status/404" "$server/file/x"
out_has "HTTP/1.1 404 "
out_lacks "status 404"
out_has "/file/x"
run get -i --max-redirs 0 "$server/hop/1"
status 47
out_has "HTTP/1.1 302 "

claim "verbose tells both sides"
run get -v -H 'X: y' -u a:b "$server/file/x"
out_is /file/x
err_has "> GET /file/x HTTP/1.1"
err_has "> X: y"
err_has "> Authorization: ..."
err_has "> Accept-Encoding: gzip"
err_has "< HTTP/1.1 200 OK"

claim "JSON has a line for each URL"
run get --json "$server/file/x" "$server/status/500" "$server/hop/2" http://127.0.0.1:1/
status 7
[ "$(wc -l <"$work/out")" -eq 4 ] || wrong "not four lines"
out_has "\"url\":\"$server/file/x\",\"status\":200,\"final_url\":\"$server/file/x\",\"redirects\":0,\"size\":8,"
out_has '"status":500'
out_has "\"final_url\":\"$server/hop/0\",\"redirects\":2"
out_has '"error":"connect"'
run get --json -O "$server/file/j"
out_has '"file":"j"'
file_is j /file/j

claim "a config file is read"
cat >config <<END
# a comment

-X PUT
header = "X-From: \"file\"\t1"
  data: a=1
user-agent loom
silent
--output dir/configured
url = "$echo/c"
END
run get --config config
status 0
cp dir/configured "$work/out"
out_has '"method":"PUT","path":"/c"'
sees X-From '\"file\"\t1'
sees User-Agent loom
out_has '"body":"YT0x"'
echo nonsense >config
run get -K config
status 2
err_has "config:1: unknown option 'nonsense'"
echo "header" >config
run get -K config
err_has "config:1: --header wants a value: FIELD"
echo "config config" >config
run get -K config
status 2
err_has "files that name each other"
run get -K no-such-config
status 26
err_has "--config: no-such-config: No such file or directory"

printf '# pages\n  %s\t\n%s\nsilent\nhttp1.1\n' "$server/file/1" "${server#http://}/file/2" >config
run get -K config
status 0
out_is "/file/1
/file/2"
for line in "http://h/ x" "outputt=/x" "-x/y"; do
    printf '%s\n' "$line" >config
    run get -K config
    status 2
done

claim "names are resolved as told"
run get --resolve "loom.example:${server##*:}:127.0.0.1" "http://loom.example:${server##*:}/hop/0"
out_is arrived
run get --resolve "loom.example:${server##*:}:[::1],127.0.0.1" "http://loom.example:${server##*:}/hop/0"
out_is arrived

claim "what curl can be asked for and is so anyway may be asked for"
run get --no-progress-meter --no-location --parallel-max 3 --data-ascii x "$echo/"
out_has '"body":"eA=="'
run get -gZq --http1.1 --basic --parallel --globoff "$server/hop/0"
status 0
out_is arrived

claim "the command line is checked"
bad()
{
    bad_is 2 "$@"
}
# One that has a number of curl's.
bad_is()
{
    number=$1
    word=$2
    shift 2
    run get "$@" "$server/"
    status "$number"
    err_has "$word"
    out_is_empty
}
run get
status 2
err_has "no URL given"
bad "unknown option --nonsense" --nonsense
bad "unknown option -j" -sj
bad "--max-time: 'x' is not a number of seconds" -m x
bad "--max-time: '-1' is not a number of seconds" -m -1
bad "--concurrency: '0' is not" -c 0
bad "--concurrency: 'x' is not" -cx
bad "--max-filesize: '1x' is not a number of bytes" --max-filesize 1x
bad "--max-redirs: '' is not" --max-redirs ''
bad "--header: 'a b: c' is not a header field" -H 'a b: c'
bad "--header: 'nonsense' is not a header field" -H nonsense
bad_is 26 "--header: no-such-file: No such file" -H @no-such-file
bad_is 26 "--data: no-such-file: No such file" -d @no-such-file
bad_is 26 "--config: no-such-file: No such file" -K no-such-file
bad_is 26 "--cookie: $work: Is a directory" -b "$work"
bad_is 23 "url: no file name in it for -O" -O
bad_is 5 "url: proxy: not a valid IPv6 address" -x 'http://[::1'
bad_is 7 "url: proxy: unknown kind of proxy" -x nonsense://127.0.0.1
bad "--output: '' is not the name of a file" -o ''
bad "--request: 'A B' is not a method" -X 'A B'
bad "--referer: 'x;auto' is not a fixed URL" -e 'x;auto'
bad_is 49 "--resolve: 'x' is not HOST:PORT:ADDRESS" --resolve x
bad_is 49 "--resolve: 'h:0:127.0.0.1' is not" --resolve h:0:127.0.0.1
bad_is 49 "--resolve: 'h:80:x' is not" --resolve h:80:x
bad "--range: not a range of bytes" -r x
bad "-T and -d together" -T data -d x
bad "more -T than URLs" -T data -T data
bad "more -o and -O than URLs" -o a -o b
bad "-I with -d or -T" -I -d x
bad "--silent takes no value" --silent=yes
run get "$server/" -o
status 2
err_has "--output wants a value: FILE"
run get --cacert no-such-file "$server/hop/0"
status 77
err_has ": tls: "

claim "every option has its place in the manual"
commands=$("$tweed" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v '^help$')
[ -n "$commands" ] || wrong "no commands in the help"
for command in $commands; do
    run $command --help
    sed 's/\\//g' "$manuals/tweed-$command.1" >manual
    sed -n 's/^  \(-.,\|   \) \(--[a-z0-9.-]*\).*/\2/p' "$work/out" >options
    [ -s options ] || wrong "no options in the help of $command"
    while read -r option; do
        grep -q -e "$option\>" manual || wrong "not in tweed-$command.1: $option"
    done <options
done

claim "an output that cannot be written is an error"
if [ -w /dev/full ]; then
    last="tweed get >/dev/full"
    timeout 60 "$tweed" get -c 1 "$server/big/100" "$server/never" >/dev/full 2>"$work/err"
    got=$?
    status 23
    err_has "tweed get: standard output: No space left on device"
    timeout 60 "$tweed" get --help >/dev/full 2>"$work/err"
    got=$?
    status 1
    last="tweed get --cookie-jar - >/dev/full"
    for body in big/100 cookie/set; do
        timeout 60 "$tweed" get --no-progress-meter --cookie-jar - "$server/$body" >/dev/full 2>"$work/err"
        got=$?
        status 23
        [ "$(wc -l <"$work/err")" -eq 1 ] || wrong "more than a line"
    done
    run get -o /dev/full "$server/big/100"
    status 23
    err_has ": other: /dev/full: No space left on device"
fi
last="tweed get | true"
{ timeout 60 "$tweed" get -c 1 "$server/big/900000" "$server/never" 2>"$work/err"; echo $? >"$work/status"; } |
    true
got=$(cat "$work/status")
status 23
err_has "tweed get: standard output: Broken pipe"

claim "a missing standard input is told, and nothing is sent for it"
for option in -d@- -H@- -K- -T-; do
    last="tweed get $option <&-"
    timeout 60 "$tweed" get "$option" "$server/file/x" <&- >"$work/out" 2>"$work/err"
    got=$?
    status 26
    err_has "Bad file descriptor"
    out_is_empty
done

claim "what an interrupted download has is kept"
"$tweed" get -o "$work/half" "$server/half/10000" 2>"$work/err" &
pid=$!
for _ in $(seq 50); do
    [ -s "$work/half" ] && break
    sleep 0.1
done
kill -TERM $pid
wait $pid
got=$?
last="kill -TERM, half way"
status 143
err_has "tweed get: interrupted, 0 of 1 fetched"
[ "$(wc -c <"$work/half")" -eq 5000 ] || wrong "half is not there"

claim "a missing standard output takes no connection's place"
last="tweed get >&-"
timeout 60 "$tweed" get "$server/file/x" "$server/file/y" >&- 2>"$work/err"
got=$?
status 23
err_has "tweed get: standard output: Bad file descriptor"
timeout 60 "$tweed" get "$server/file/x" <&- >"$work/out" 2>&-
got=$?
status 0
out_is /file/x

claim "the help of one option"
run help get max-time
out_is "  -m, --max-time SECONDS          give up a transfer after"
run get --help -m
out_is "  -m, --max-time SECONDS          give up a transfer after"
run help get nonsense
status 2
err_is "tweed get: no option 'nonsense'; see 'tweed help get'"
run get -m x "$server/"
err_has "tweed get: see 'tweed help get max-time'"
run help nonsense
status 2

# terminal COLUMNS TEXT ANSWER ARGUMENT... - tweed on a terminal, ANSWER typed behind TEXT.
terminal()
{
    last="tweed on a terminal: $*"
    columns=$1 text=$2 answer=$(printf "$3.")
    shift 3
    "$terminal_program" "$columns" "$text" "${answer%.}" "$tweed" "$@" >"$work/out" 2>"$work/err"
    got=$?
}
terminal 80 nothing '' --version
if [ $got -eq 77 ]; then
    echo "skipped, no terminals here: progress and passwords of tweed get"
else
    claim "a download tells its progress in one line"
    for columns in 20 40 80 120; do
        terminal $columns ' 50%  5.0 kB' '\003' get -o half "$server/half/10000"
        status 130
        longest=$(tr '\r' '\n' <"$work/out" | sed "s/$(printf '\033')\\[K//g; s/\\^C//" | grep -a '%  ' |
            awk '{ if (length($0) > most) most = length($0) } END { print most + 0 }')
        [ "$longest" -gt 0 ] && [ "$longest" -lt $columns ] || wrong "a line of $longest"
    done
    out_has "]  50%  5.0 kB of 10.0 kB  "
    terminal 20 '1/2  5.0 kB' '\003' get -c 2 -o half -o whole "$server/half/10000" "$server/file/x"
    status 130
    terminal 20 never '' get -m 0.3 --no-progress-meter -o half "$server/half/10000"
    out_lacks kB

    claim "a missing password is asked for, and not shown"
    terminal 80 "Password for user 'ali': " 'open sesame\n' get -u ali "$echo/"
    status 0
    sees Authorization Basic' YWxpOm9wZW4gc2VzYW1l'
    out_lacks sesame
    terminal 80 "Password for the proxy's user 'ali': " 'sesame\n' get -U ali -x "$address" http://loom.example/
    out_lacks sesame
    terminal 80 "Password for" '\003' get -u ali "$echo/"
    status 130
fi
last="setsid tweed get -u ali"
if command -v setsid >/dev/null; then
    setsid -w "$tweed" get -u ali "$echo/" </dev/null >"$work/out" 2>"$work/err"
    got=$?
    status 2
    err_has "tweed get: -u ali: no terminal to ask for the password"
fi

claim "an interrupt ends it cleanly"
"$tweed" get "$server/never" "$server/never" >"$work/out" 2>"$work/err" &
pid=$!
read -r line <&7
kill -TERM $pid
wait $pid
got=$?
last="kill -TERM"
status 143
err_has "tweed get: interrupted, 0 of 2 fetched"
end
