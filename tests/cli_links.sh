#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed links: the links of pages.
. "${srcdir:-.}/tests/cli.sh"

page='<a href=/1>one</a><area href=&#32;b.html&#32;><a href=/1 rel=x,nofollow>two</a><a href=http://x.sub.org/p.PDF>pdf</a><a href=mailto:x>m</a><a href=http://sub.org:8/?b=2&a=1#f>q</a><p id=r><img src=i.png><a href=http://[>bad</a><a href=/%41>r <b>t</b></a></p>'

links()
{
    claim "$1"
    batch links "{\"text\":\"$page\",\"url\":\"http://h/d/\"${2:+,$2}}"
    out_is "$3"
}

link()
{
    printf '{"url":"%s","text":"%s","nofollow":%s}' "$1" "$2" "${3:-false}"
}
one=$(link http://h/1 one)
area=$(link http://h/d/b.html '')
two=$(link http://h/1 two true)
pdf=$(link http://x.sub.org/p.PDF pdf)
query=$(link 'http://sub.org:8/?b=2&a=1#f' q)
region=$(link http://h/%41 'r t')

links "each URL is there once" '' "{\"links\":[$one,$area,$query,$region]}"
links "or every link" '"all":true' "{\"links\":[$one,$area,$two,$query,$region]}"
links "expressions choose URLs" '"allow":["/[0-9]$","b"],"deny":"html"' "{\"links\":[$one,$query]}"
links "domains choose hosts" '"allow_domain":["SUB.org"],"deny_extension":[]' "{\"links\":[$pdf,$query]}"
links "domains are denied" '"deny_domain":["org","h"]' '{"links":[]}'
links "extensions are denied" '"deny_extension":["html"]' "{\"links\":[$one,$pdf,$query,$region]}"
links "regions are searched" '"restrict_css":"#r","restrict_xpath":["//area"]' "{\"links\":[$area,$region]}"
links "texts are searched" '"restrict_text":"^(t|r)"' "{\"links\":[$two,$region]}"
links "other elements have links" '"tags":["img"],"attrs":["src"],"deny_extension":[]' \
    "{\"links\":[$(link http://h/d/i.png '')]}"
links "any, but" '"tags":"*","deny_tags":["area","a"],"attrs":"*","deny_attrs":"id","deny_extension":[]' \
    "{\"links\":[$(link http://h/d/i.png '')]}"
links "none are links" '"tags":[]' '{"links":[]}'
links "canonical URLs" '"canonical":true,"restrict_text":"q|r t"' \
    "{\"links\":[$(link 'http://sub.org:8/?a=1&b=2' q),$(link http://h/A 'r t')]}"
links "a wrong expression is refused" '"allow":"("' \
    '{"error":"re","message":"missing closing parenthesis, at character 2 of \"(\""}'
links "a wrong region is refused" '"restrict_css":"["' \
    '{"error":"css","message":"[ wants the name of an attribute, at character 2"}'

claim "the base and the charset are the page's"
batch links '{"base64":"PG1ldGEgY2hhcnNldD1sYXRpbjE+PGJhc2UgaHJlZj1odHRwOi8vYi9jLz48YSBocmVmPSfkP+QnPng=","url":"http://h/"}' \
    '{"text":"<a href=x>y</a><a href=http://z/>z","no_strip":true}' '{"text":"<r><a href=\"/x\">y</a></r>","type":"xml","url":"http://h/"}' \
    '{"text":"<a href=\" x \">","url":"http://h/","strip":false}' '{"text":"x","url":"h"}' '{}'
out_is '{"links":[{"url":"http://b/c/%C3%A4?%E4","text":"x","nofollow":false}]}
{"links":[{"url":"http://z/","text":"z","nofollow":false}]}
{"links":[{"url":"http://h/x","text":"y","nofollow":false}]}
{"links":[{"url":"http://h/%20x%20","text":"","nofollow":false}]}
{"error":"url","message":"no scheme, and nothing to be relative to"}
{"error":"usage","message":"no input"}'

claim "a page's links are listed"
printf '<a href=/x>y</a><a href=/y>z</a>' >"$work/page"
run links --url http://h/ --deny y "$work/page"
status 0
out_is http://h/x
run links "$work/page"
status 1
run links --type sgml "$work/page"
status 2

end
