#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed page: what a page says about itself.
. "${srcdir:-.}/tests/cli.sh"

printf '<meta charset=latin2><base href="/b/"><meta http-equiv=refresh content="5; url=x?\261">\261' >"$work/page"

claim "charset, base and refresh are shown"
run page --url http://h/p "$work/page"
status 0
out_is 'charset: ISO-8859-2 (meta)
base: http://h/b/
refresh: 5 s, http://h/b/x?%B1'
run page --url http://h/p --json "$work/page"
out_is '{"charset":"ISO-8859-2","charset_source":"meta","base":"http://h/b/","refresh":{"seconds":5,"url":"http://h/b/x?%B1"}}'

claim "the text is printed"
run page --decode --charset latin1 "$work/page"
status 0
out_has "$(printf 'url=x?\302\261">\302\261')"

claim "a URL that is none is refused"
run page --url nope "$work/page"
status 1
err_is 'tweed page: nope: no scheme, and nothing to be relative to'

claim "a batch answers from bytes and from text"
batch page '{"base64":"77u/YQ==","content_type":"text/html; charset=koi8-r","decode":true}' \
    '{"base64":"/w==","content_type":"text/html; charset=koi8-r","decode":true}' \
    '{"base64":"/w==","charset":"greek","decode":true,"url":"http://h"}' \
    '{"text":"\ufeff<base href=//x/>","url":"https://h/","decode":true}' '{"base64":"gQ=="}' '{}'
status 0
out_has '{"charset":"UTF-8","charset_source":"bom","base":"","refresh":null,"text":"a"}'
out_has "$(printf '{"charset":"KOI8-R","charset_source":"header","base":"","refresh":null,"text":"\320\252"}')"
out_has "$(printf '{"charset":"ISO-8859-7","charset_source":"option","base":"http://h/","refresh":null,"text":"\357\277\275"}')"
out_has '{"charset":"UTF-8","charset_source":"bom","base":"https://x/","refresh":null,"text":"<base href=//x/>"}'
out_has '{"charset":"windows-1252","charset_source":"guess","base":"","refresh":null}'
out_has '{"error":"usage","message":"no page"}'
lines 6
batch page '{"text":"<meta http-equiv=refresh content=\"0;http://h/\u00e9?\u00e9\">","charset":"latin1"}'
out_is '{"charset":"windows-1252","charset_source":"option","base":"","refresh":{"seconds":0,"url":"http://h/%C3%A9?%E9"}}'

end
