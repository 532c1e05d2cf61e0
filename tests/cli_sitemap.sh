#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed sitemap: straight and in a batch.
. "${srcdir:-.}/tests/cli.sh"

printf '%s\n' '<urlset><url><loc> http://h/1 </loc><lastmod>2026</lastmod></url>' \
    '<url><loc>http://h/2</loc><link href="http://h/de"/></url></urlset>' >"$work/map.xml"

claim "URLs are listed"
run sitemap "$work/map.xml"
status 0
out_is "$(printf 'http://h/1\t2026\nhttp://h/2')"
run sitemap --json "$work/map.xml"
out_is '{"kind":"urlset","entries":[{"loc":"http://h/1","lastmod":"2026"},{"loc":"http://h/2","alternate":["http://h/de"]}]}'
gzip -c "$work/map.xml" >"$work/map.gz"
input=$work/map.gz run sitemap
status 0
out_has "http://h/2"

claim "it is fetched"
start server "$tweed" serve "$work" --listen 127.0.0.1:0
run sitemap "http://$address/map.xml"
status 0
out_has "http://h/2"
run sitemap "http://$address/none"
status 1
err_has "404"

claim "what is none is an error"
echo '<html></html>' >"$work/page"
run sitemap "$work/page"
status 1
err_is "tweed sitemap: neither a sitemap nor a feed nor a list of URLs"
batch sitemap '{"text":"http://h/"}' '{"text":"x","url":"http://h/"}' '{}'
out_is '{"kind":"text","entries":[{"loc":"http://h/"}]}
{"error":"sitemap","message":"neither a sitemap nor a feed nor a list of URLs"}
{"error":"usage","message":"no sitemap"}'

claim "a text needs no decoding"
batch sitemap '{"text":"<?xml version=\"1.0\" encoding=\"latin1\"?><urlset><url><loc>\u00e9</loc></url></urlset>"}' \
    '{"text":"<urlset><url><loc>a\u0000\u0000b</loc></url></urlset>\u0000"}' \
    '{"text":"\u0000http://h/\u0000x"}'
out_is '{"kind":"urlset","entries":[{"loc":"é"}]}
{"kind":"urlset","entries":[{"loc":"ab"}]}
{"kind":"text","entries":[{"loc":"http://h/x"}]}'

end
