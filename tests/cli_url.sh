#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed url, and what all commands share.
. "${srcdir:-.}/tests/cli.sh"

claim "a URL is shown as JSON"
run url 'http://u:p@Ex.com:81/a?b#c'
status 0
out_is '{"href":"http://u:p@ex.com:81/a?b#c","origin":"http://ex.com:81","protocol":"http:","username":"u","password":"p","host":"ex.com:81","hostname":"ex.com","port":"81","pathname":"/a","search":"?b","hash":"#c"}'
err_is_empty

claim "it is resolved against a base"
run url --base http://h/a/b ../c
out_has '"href":"http://h/c"'
run url -b http://h/a/b '?x' '#y'
out_has '"href":"http://h/a/b?x"'
out_has '"href":"http://h/a/b#y"'
run url --base=http://h/ x
out_has '"href":"http://h/x"'

claim "what is none is an error"
run url nonsense
status 1
out_is '{"error":"url","message":"no scheme, and nothing to be relative to","input":"nonsense"}'
run url --base nonsense http://h/
status 1
out_has '"input":"nonsense"'
run url http://h/ 'http://[' http://g/
status 1
out_has '"href":"http://h/"'
out_has '"error":"url"'
out_has '"href":"http://g/"'

claim "JSON is valid for any bytes"
run url "$(printf 'x:"\\\\\b\t\037\303\274\377')"
status 0
out_has "$(printf '%s' '"pathname":"\"\\\\%08%1F%C3%BC%FF"')"
run url "$(printf '\303\274\377\341\200"\n\f')"
status 1
out_has "$(printf '"input":"\303\274\357\277\275\357\277\275\357\277\275\\"\\n\\f"')"

claim "the command line is checked"
run url
status 2
err_has "tweed url: no URL given"
run url --nonsense
status 2
err_has "tweed url: unknown option --nonsense"
run url -z
status 2
err_has "tweed url: unknown option -z"
run url --base
status 2
err_has "tweed url: --base wants a value: BASE"
run url -- --base
status 1
out_has '"input":"--base"'

claim "help and version"
for arguments in --help -h help "get --help" "get -h" "serve --help" "url --help"; do
    # shellcheck disable=SC2086
    run $arguments
    status 0
    out_has "usage: tweed"
    err_is_empty
done
for arguments in --version -V version; do
    run $arguments
    status 0
    out_has "tweed "
done
run
status 2
err_has "no command given"
run nonsense
status 2
err_has "unknown command 'nonsense'"
run --nonsense
status 2
err_has "unknown option '--nonsense'"

claim "a full disk is reported"
if [ -w /dev/full ]; then
    for arguments in "--help" "--version" "url http://h/ http://i/" "get --help"; do
        last="tweed $arguments >/dev/full"
        # shellcheck disable=SC2086
        "$tweed" $arguments >/dev/full 2>"$work/err"
        got=$?
        [ $got -ne 0 ] || wrong "status 0"
        err_has "standard output: No space left on device"
        [ "$(wc -l <"$work/err")" -eq 1 ] || wrong "more than a line"
    done
fi
claim "a batch answers a question a line, in order"
batch url '{"url":"http://h/a"}' '{"text":"../z","base":"http://h/a/b/c"}' '{"base64":"aHR0cDovL3EvPw=="}' \
    '{"url":"nope"}' '{"url":"http://h/1","base":null}'
status 0
out_has '"href":"http://h/a",'
out_has '"href":"http://h/a/z",'
out_has '"href":"http://q/?",'
out_has '{"error":"url","message":"no scheme, and nothing to be relative to","input":"nope"}'
out_has '"href":"http://h/1",'
lines 5

claim "the canonical form is shown"
run url --canonical 'http://H:80/%7ea%2fb?b=2&a=1+%20&&c#f'
out_has '"href":"http://h/~a%2Fb?a=1++&b=2&c=",'
run url --canonical --keep-fragment --keep-blank false --separator ';' 'http://h/?b;a=1#f'
out_has '"href":"http://h/?a=1#f",'
out_has '"hash":"#f"'
run url --canonical --separator '' http://h/
status 2

claim "a query is read and changed, in relative URLs too"
run url --get 'a b' 'p?x=1&a+b=%C3%A9&a+b=2' 'p?x'
out_is "$(printf '{"value":"\303\251"}\n{"value":null}')"
run url --set a=1 --set 'b=x y' 'p?b=2,3&c&b#f'
out_is '{"href":"p?b=x+y&c&a=1#f"}'
run url --keep a --keep c 'p?a=1&b=2&a=3&c#f'
out_is '{"href":"p?a=1&c"}'
run url --keep a --all --keep-fragment 'p?a=1&b=2&a=3&c#f'
out_is '{"href":"p?a=1&a=3#f"}'
run url --drop a 'p?a=1'
out_is '{"href":"p"}'
run url --drop a --canonical 'http://h/p?a=1&c=%7e&b'
out_has '"href":"http://h/p?b=&c=~",'

claim "a query is in the page's charset"
run url --charset latin1 "$(printf 'http://h/\303\251?\303\251')" "$(printf 'foo://h/?\303\251')" "$(printf 'http://h/?\303\251\320\240')"
out_has '"href":"http://h/%C3%A9?%E9",'
out_has '"href":"foo://h/?%C3%A9",'
out_has '"href":"http://h/?%C3%A9%D0%A0",'
run url --charset iso-2022-jp "$(printf 'http://h/?\343\202\265#x')"
out_has '"href":"http://h/?%1B$B%5%1B(B#x",'
run url --charset latin1 --set "$(printf 'a=\303\251')" p
out_is '{"href":"p?a=%E9"}'
run url --charset latin1 --get a 'p?a=%E9'
out_is "$(printf '{"value":"\303\251"}')"

claim "a data: URL holds data"
run url --data 'data:text/html;a="b;c";base64,aGk='
out_is '{"type":"text/html","parameters":{"a":"b;c"},"base64":"aGk="}'
run url --data http://h/
status 1
out_has '"error":"url","message":"no data: URL"'

claim "members of a question may be lists, pairs, false"
batch url '{"url":"p?a=1","set":{"a":"2","b":null,"c":"\ud800"}}' '{"url":"p?a=1&b=2","keep":["b"]}' '{"url":"p?a=1","keep":[]}' \
    '{"url":"http://h/?a&b=1","canonical":true,"keep_blank":false}' '{"url":"p?a=","get":"a"}' '{"url":"http://h/\ud800"}' \
    '{"url":"p?a=","get":"a","keep_blank":false}'
out_has '{"href":"p?a=2&c=%EF%BF%BD"}'
out_has '{"href":"p?b=2"}'
out_has '{"href":"p"}'
out_has '"href":"http://h/?b=1",'
out_has '{"value":""}'
out_has '"href":"http://h/%EF%BF%BD",'
out_has '{"value":null}'

claim "a question that is none is told why"
batch url '{"x":1}' '[' '' '"a"' '{"url":{}}' '{"base64":"?"}' '{"file":"/nowhere/it"}' '{}'
status 0
out_has '{"error":"usage","message":"x: no such member"}'
out_has '{"error":"usage","message":"no JSON: no value, at byte 1"}'
out_has '{"error":"usage","message":"no JSON: no value, at byte 0"}'
out_has '{"error":"usage","message":"a question is an object"}'
out_has '{"error":"usage","message":"url: not a string"}'
out_has '{"error":"usage","message":"base64: no such digit"}'
out_has '{"error":"file","message":"/nowhere/it: No such file or directory"}'
out_has '{"error":"usage","message":"no URL"}'
lines 8

claim "pairs stand in strings as on the command line, too"
batch url '{"url":"p?a=1","set":["a=2","b=x=y","c="]}' '{"url":"p?a=1","set":"a=\ud83d\u0000"}' '{"url":"p","set":["a"]}'
out_is '{"href":"p?a=2&b=x%3Dy&c="}
{"href":"p?a=%EF%BF%BD%00"}
{"error":"usage","message":"set: no = between a name and a value"}'

end
