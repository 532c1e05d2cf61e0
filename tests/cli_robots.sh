#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed robots: what a site lets a crawler do.
. "${srcdir:-.}/tests/cli.sh"

printf 'User-agent: *\nDisallow: /private\nCrawl-delay: 2\nSitemap: http://h/s.xml\nHost: h\n' >"$work/robots.txt"

claim "a rule decides, and the exit status says so"
run robots --agent foo --url http://h/private/x "$work/robots.txt"
status 1
out_is 'not allowed by line 2
crawl_delay: 2 s
host: h
sitemap: http://h/s.xml'
run robots --agent foo --url /public --json "$work/robots.txt"
status 0
out_is '{"allowed":true,"line":null,"crawl_delay":2,"request_rate":null,"visit_time":null,"sitemaps":["http://h/s.xml"],"host":"h"}'

claim "standard input is the file"
input=$work/robots.txt
run robots --agent foo --url /private
status 1
input=

claim "a batch answers from text and from bytes"
batch robots '{"text":"User-agent: a\nRequest-rate: 1/5m 0800-1200\nVisit-time: 0600-0845\nDisallow: /","agent":"A","url":"/x"}' \
    '{"base64":"77u/VXNlci1hZ2VudDogKgpEaXNhbGxvdzogL3gK","agent":"b","url":"http://h/x"}' \
    '{"text":"","agent":"b","url":"http://h/x","charset":"x","content_type":"text/plain"}' '{"agent":"b","url":"http://h/x"}' '{"text":"","path":"/"}'
status 0
out_has '{"allowed":false,"line":4,"crawl_delay":null,"request_rate":{"requests":1,"seconds":300,"start":"0800","end":"1200"},"visit_time":{"start":"0600","end":"0845"},"sitemaps":[],"host":null}'
out_has '{"allowed":false,"line":2,"crawl_delay":null,"request_rate":null,"visit_time":null,"sitemaps":[],"host":null}'
out_has '{"allowed":true,"line":null,'
out_has '{"error":"usage","message":"no robots.txt"}'
out_has '{"error":"usage","message":"path: no such member"}'
lines 5

end
