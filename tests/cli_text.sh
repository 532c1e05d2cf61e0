#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed text: markup taken out of a text.
. "${srcdir:-.}/tests/cli.sh"

printf '<p>a<br/>&lt;b &amp; c<!-- d --></p>\n' >"$work/text"

claim "each operation takes its markup out"
run text --op strip-tags "$work/text"
status 0
out_is 'a&lt;b &amp; c'
run text --op strip-tags --keep br --with '|' "$work/text"
out_is '|a<br/>&lt;b &amp; c||'
run text --op strip-tags --only p --only BR --json "$work/text"
out_is '{"text":"a&lt;b &amp; c<!-- d -->\n"}'
run text --op drop-tags --only p "$work/text"
out_is ''
run text --op strip-comments "$work/text"
out_is '<p>a<br/>&lt;b &amp; c</p>'
run text --op unescape --keep amp "$work/text"
out_is '<p>a<br/><b &amp; c<!-- d --></p>'

claim "what makes no sense is told"
run text "$work/text"
status 2
run text --op nope "$work/text"
status 2
err_is 'tweed text: op: nope'
run text --op strip-tags --only a --keep b "$work/text"
status 2
run text --op unescape --only a "$work/text"
status 2
err_is 'tweed text: only: not of unescape'

claim "a batch answers"
batch text '{"op":"unquote","text":"&lt;<![CDATA[&lt;]]>&x;"}' '{"op":"unescape","keep_illegal":true,"text":"&x;&#157;&#0;"}' \
    '{"op":"unescape","base64":"JmVhY3V0ZTvp","charset":"latin1"}' '{"op":"drop-tags","only":["a","b"],"text":"<a>1</a>2<b>3"}' \
    '{"op":"strip-tags","text":"\ud800<x>"}' '{"op":"unescape"}'
status 0
out_has '{"text":"<&lt;"}'
out_has '{"text":"&x;&#157;\u0000"}'
out_has "$(printf '{"text":"\303\251\303\251"}')"
out_has '{"text":"2<b>3"}'
out_has '{"text":"\ud800"}'
out_has '{"error":"usage","message":"no text"}'
lines 6

end
