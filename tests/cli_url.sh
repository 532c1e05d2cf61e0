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

end
