#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed stats, why, resume: a job is looked at, asked, and gone on with; tweed fetch.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1
unset TWEED_CONF

mkdir site
page()
{
    printf '<p>%s</p><a href="%s">next</a><a href="private/x.html">x</a>' "$2" "$3" \
        >"site/$1"
}
page 1.html One 2.html
page 2.html Two 3.html
page 3.html Three gone.html
printf 'User-agent: *\nDisallow: /private\n' >site/robots.txt
start files "$tweed" serve --listen 127.0.0.1:0 "$work/site"
site=http://$address/

claim "a job that was stopped is told as such"
run crawl "${site}1.html" -f a -F n=p::text --max-pages 1 --max-total 1 --delay none -q -j job \
    -o items.jsonl
status 0
run stats job
status 0
out_has "state                                            stopped"
out_has "done                                             2"
out_has "downloader/response_status_count/200             1"
run stats --json job
status 0
out_has '"spider":"crawl","state":"stopped","process":0,'

claim "it goes on with its own arguments"
run resume job -- --max-pages none
status 0
printf '{"n":"One"}\n{"n":"Two"}\n{"n":"Three"}\n' | cmp -s - items.jsonl ||
    wrong "other items: $(cat items.jsonl)"
run stats --json job
out_has '"state":"finished"'
out_has '"failed":1,"excluded":1,'
out_has '"path":"items.jsonl","format":"jsonl","items":3,'

claim "each URL tells its story"
run why --job job "${site}3.html#part"
status 0
out_has "${site}3.html"
out_has "  found on ${site}2.html, depth 2, priority 0"
out_has "done, status 200"
run why --job job "${site}private/x.html"
status 0
out_has "excluded: robots.txt: Disallow: /private"
run why --job job "${site}gone.html"
status 0
out_has "failed, status 404: HTTP status 404"
run why --job job "${site}1.html"
out_has "  found at the start, depth 0"
run why --job job "${site}wool.html"
status 1
err_has "never found in this crawl"

claim "pages that failed are fetched again"
page gone.html Four 1.html
run resume --failed job -- --max-pages none
status 0
[ "$(tail -n 1 items.jsonl)" = '{"n":"Four"}' ] || wrong "not fetched: $(cat items.jsonl)"

claim "a page is fetched as a spider does"
run fetch "${site}3.html"
status 0
out_has "<p>Three</p>"
run fetch --head "${site}3.html"
out_has "${site}3.html"
out_has "Content-Type: text/html"
run fetch --url "${site}3.html"
out_is "${site}3.html"
run fetch "${site}wool.html"
status 1
run fetch "${site}private/x.html"
status 1
[ ! -s "$work/out" ] || wrong "a page that robots.txt excludes"
run fetch -s ignore_robots=yes -s max_retries=none "http://127.0.0.1:1/"
status 1
err_has "127.0.0.1"
run fetch -s dealy=1 "${site}3.html"
status 2

claim "mistakes"
run resume site
status 1
err_has "no job that a program began with --job"
run stats site
status 1
run why --job job wool
status 1
err_has "wool"
run resume
status 2

claim "the manuals know every option"
for command in fetch stats why resume; do
    for option in $("$tweed" $command --help | sed -n 's/^  .*\(--[a-z-]*\).*/\1/p'); do
        grep -q -- "$(printf %s "$option" | sed 's/-/\\\\-/g')" "$manuals/tweed-$command.1" ||
            wrong "tweed-$command.1 lacks $option"
    done
done

end
