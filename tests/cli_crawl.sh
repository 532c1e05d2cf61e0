#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed crawl: a crawl of a small site, told by options alone.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1
unset TWEED_CONF

mkdir site
page()
{
    cat >"site/$1" <<END
<html><body>
<div class="quote"><span class="text"> $2 </span><small>$3</small>
<a class="tag">$4</a><a class="tag">more</a></div>
<div class="quote"><span class="text">Second of $1</span></div>
<a rel="next" href="$5">next</a><a href="private/x.html">private</a>
</body></html>
END
}
page 1.html "One, and a \"half\"" Ann wool 2.html
page 2.html Two Bob linen 3.html
page 3.html Three Cid silk 1.html
printf 'User-agent: *\nDisallow: /private\n' >site/robots.txt
start files "$tweed" serve --listen 127.0.0.1:0 "$work/site"
site=http://$address/

claim "items of all pages are written, in the format of the file's name"
run crawl "${site}1.html" --follow 'a[rel=next]' --item div.quote \
    --field 'text=span.text::text |> strip' --field author=small::text \
    --field 'tags=a.tag::text |> all' --delay none --jitter none -q -o quotes.jsonl
status 0
cat >wanted <<END
{"text":"One, and a \"half\"","author":"Ann","tags":["wool","more"]}
{"text":"Second of 1.html","author":null,"tags":[]}
{"text":"Two","author":"Bob","tags":["linen","more"]}
{"text":"Second of 2.html","author":null,"tags":[]}
{"text":"Three","author":"Cid","tags":["silk","more"]}
{"text":"Second of 3.html","author":null,"tags":[]}
END
cmp wanted quotes.jsonl || wrong "other items: $(head -c 400 quotes.jsonl)"
run crawl "${site}1.html" -f 'a[rel=next]' -i div.quote --required author=small::text \
    -F 'text=span.text::text |> strip' --no-autothrottle -s delay=0 -q -O quotes.csv
status 0
printf 'author,text\r\nAnn,"One, and a ""half"""\r\nBob,Two\r\nCid,Three\r\n' | cmp -s - quotes.csv ||
    wrong "another table: $(cat quotes.csv)"

claim "a page is an item; XPath; standard output"
run crawl "${site}1.html" --field 'next=//a[@rel="next"]/@href' -q -o -
status 0
out_is '{"next":"2.html"}'

claim "limits and a job's folder"
run crawl "${site}1.html" -f 'a[rel=next]' -F 'a=small::text' --max-pages 1 --max-total 1 \
    --delay none -q -j job -o limited.jsonl
status 0
[ "$(wc -l <limited.jsonl)" -lt 3 ] || wrong "more pages than one"
[ -d job ] || wrong "no folder"

claim "mistakes are told before anything is fetched"
run crawl
status 2
err_is "tweed crawl: no URL given"
run crawl "$site" --follow 'a['
status 2
err_has "tweed crawl: --follow: 'a[': "
run crawl "$site" --field 'a=p |> wool'
status 2
err_has "--field: 'p |> wool': "
run crawl "$site" --max-pages many
status 2
err_has "--max-pages: max_pages: 'many' is not a whole number"
run crawl "$site" --wool
status 2
err_is "tweed crawl: unknown option --wool"

end
