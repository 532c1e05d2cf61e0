#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed tree: pages as trees.
. "${srcdir:-.}/tests/cli.sh"

claim "a page is shown as a tree"
printf '<!DOCTYPE html><p z=1 a=2>x<br>&amp;<!--c-->' >"$work/page"
run tree "$work/page"
status 0
out_is '| <!DOCTYPE html>
| <html>
|   <body>
|     <p>
|       a="2"
|       z="1"
|       "x"
|       <br>
|       "&"
|       <!-- c -->'
err_is_empty

claim "questions are answered, whatever stands in them"
batch tree '{"text":"<b>x"}' '{"text":"a\u0000b\ud800"}' '{"base64":"PGk+/zwvaT4="}' '{"text":""}' \
    '{}' '{"text":"","x":1}' '{"text":"<b>x</b>y","fragment":"div"}'
status 0
out_is '{"tree":"| <html>\n|   <body>\n|     <b>\n|       \"x\"\n"}
{"tree":"| <html>\n|   <body>\n|     <p>\n|       \"ab�\"\n"}
{"tree":"| <html>\n|   <body>\n|     <i>\n|       \"ÿ\"\n"}
{"tree":""}
{"error":"usage","message":"no input"}
{"error":"usage","message":"x: no such member"}
{"tree":"| <b>\n|   \"x\"\n| \"y\"\n"}'

claim "a wrong command line is refused"
run tree --nonsense
status 2

end
