#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed select: parts of pages.
. "${srcdir:-.}/tests/cli.sh"

claim "steps find parts of a page"
printf '<div><a href=/1>one</a> <a href=/2>two &lt;&eacute;</a></div>' >"$work/page"
run select --css a "$work/page"
status 0
out_is '<a href="/1">one</a>
<a href="/2">two &lt;é</a>'
run select --css div --xpath 'a[2]' --css ::text "$work/page"
out_is 'two <é'
run select --css a --index 0 --xpath @href "$work/page"
out_is /1
run select --re '(?P<extract>t\wo)' "$work/page"
out_is 'two'
run select --css a --re '>(.+?)<' "$work/page"
out_is 'one
two &lt;é'
run select --json --xpath 'count(//a)' "$work/page"
out_is '{"results":["2"]}'
run select --css 'a, :root' --json --nodes "$work/page"
out_has '"kind":"element","name":"a","attrs":{"href":"/2"},"path":"/html/body/div/a[2]","value":"<a href='

claim "nothing found, and what is wrong, is said"
run select --css b "$work/page"
status 1
out_is_empty
run select --css 'b[' "$work/page"
status 1
err_is 'tweed select: [ wants the name of an attribute, at character 3'
run select --type sgml "$work/page"
status 2

claim "questions are answered"
batch select '{"text":"<a>x","steps":[{"css":"a"},{"xpath":"."},{"re":"."},{"index":1}]}' \
    '{"text":"<r xmlns=\"u\"><p:a xmlns:p=\"v\"/></r>","type":"xml","css":"q|a","namespaces":{"q":"v"}}' \
    '{"text":"<r xmlns=\"u\"><p:a xmlns:p=\"v\"/></r>","type":"xml","strip_namespaces":true,"xpath":"//a"}' \
    '{"text":"<p>1<p>2<p>3","xpath":"//p[$n]","vars":{"n":2}}' \
    '{"text":"<p>x","xpath":"//p[. = $s]/text()","vars":{"s":"x"}}' \
    '{"text":"","css":"*"}' \
    '{"text":"<p>x","xpath":"//p["}' '{"text":"<p>x","xpath":"a:b"}' '{"text":"<p>x","re":"("}' \
    '{"text":"<p>x","css":"a|b"}' '{"text":"<p>x","index":"x"}' \
    '{"text":"<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>","type":"xml"}' \
    '{"text":"<P/>","type":"xhtml","css":"p"}' '{"base64":"PGI+5A==","css":"b::text"}' \
    '{"text":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab","re":"(a|aa)+$(?<=c)"}'
status 0
out_is '{"results":["a"]}
{"results":["<p:a xmlns:p=\"v\" xmlns=\"u\"/>"]}
{"results":["<a/>"]}
{"results":["<p>2</p>"]}
{"results":["x"]}
{"results":["<html></html>"]}
{"error":"xpath","message":"a wrong expression, at character 5"}
{"error":"xpath","message":"no namespace has this prefix"}
{"error":"re","message":"missing closing parenthesis, at character 2"}
{"error":"css","message":"no namespace has this prefix, at character 1"}
{"error":"usage","message":"an index is a number from 0"}
{"results":["<a>&e;</a>"]}
{"results":["<P/>"]}
{"results":["ä"]}
{"error":"limit","message":"too many steps"}'

end
