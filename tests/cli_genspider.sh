#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed genspider: writes spiders to begin with, and nothing over what is there.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1

claim "a spider is written into a file of its name"
run genspider quotes quotes.example.com
status 0
out_is "quotes.c is written. Run it: tweed runspider quotes.c -o quotes.jsonl"
grep -qF 'TW_SPIDER(quotes, .start_urls = { "https://quotes.example.com/" }, .allowed_domains = { "quotes.example.com" },' \
    quotes.c || wrong "no table"

claim "a file that is there stays as it is"
echo mine >quotes.c
run genspider quotes quotes.example.com
status 1
err_is "tweed genspider: quotes.c is there already; it is left as it is"
[ "$(cat quotes.c)" = mine ] || wrong "overwritten"

claim "each template is filled in"
run genspider --list
status 0
lines 4
for template in basic rules sitemap api; do
    out_has "  $template "
done
for template in basic rules sitemap api; do
    run genspider -p -t "$template" shop 'http://www.shop.example/a?b=\"c#d'
    status 0
    out_has '#include <tweed/spider.h>'
    out_has 'TW_SPIDER(shop, '
    out_has '.allowed_domains = { "shop.example" }'
    out_lacks '@'
    out_lacks '#d'
done
out_has 'tw_visit(page, "http://www.shop.example/a?b=\\%22c",'
run genspider -p -t sitemap shop http://shop.example:81/a
out_has '.sitemaps = { "http://shop.example:81/robots.txt" }'
run genspider -p -t sitemap shop https://shop.example/maps/all.xml
out_has '.sitemaps = { "https://shop.example/maps/all.xml" }'

claim "names are names in C, URLs are URLs"
run genspider my-shop shop.example
status 2
err_is "tweed genspider: 'my-shop' is not a name in C: letters, digits and _; 'my_shop' is one"
run genspider ../x shop.example
status 2
run genspider '' shop.example
status 2
run genspider 1st shop.example
status 2
run genspider shop 'ftp://shop.example/'
status 2
err_is "tweed genspider: 'ftp://shop.example/': http or https is wanted"
run genspider shop 'http://'
status 2
run genspider shop
status 2
err_has "a name and a URL are wanted"
run genspider a b c
status 2
run genspider -t csv a b
status 2
err_has "--template: 'csv' is not one of basic, rules, sitemap, api"
[ ! -e shop.c ] || wrong "a file was written"

claim "each template compiles without a warning, and runs"
mkdir site
cat >site/index.html <<'END'
<article><h2> Wool </h2><a href="wool.html">more</a></article>
<article><h2>Silk</h2><a href="/silk.html">more</a></article><a rel="next" href="two.html">next</a>
END
echo '<article><h2>Linen</h2></article>' >site/two.html
echo '<h1> Wool </h1><meta name="description" content="warm">' >site/wool.html
mkdir site/item
cp site/wool.html site/item/wool.html
echo '<a href="item/wool.html">wool</a>' >site/list.html
cat >site/hits.json <<'END'
{"hits":[{"id":1,"name":"wool"},{"id":2,"name":"silk"}],"next_page":null}
END
start files "$tweed" serve --listen 127.0.0.1:0 "$work/site"
site=http://$address
cat >site/sitemap.xml <<END
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>$site/wool.html</loc></url></urlset>
END
XDG_CACHE_HOME=$work/cache
CFLAGS=-Werror
export XDG_CACHE_HOME CFLAGS
# crawl TEMPLATE URL: its items, in the order of their lines.
crawl()
{
    rm -f "$1.c"
    run genspider -t "$1" "$1" "$2"
    run runspider "$1.c" -q -s delay=none -s no_autothrottle=yes -a query=wool -o -
    status 0
    sort "$work/out" >sorted && mv sorted "$work/out"
}
crawl basic "$site/"
out_is "{\"title\":\"Linen\",\"url\":null}
{\"title\":\"Silk\",\"url\":\"$site/silk.html\"}
{\"title\":\"Wool\",\"url\":\"$site/wool.html\"}"
crawl rules "$site/list.html"
out_is '{"title":"Wool","description":"warm"}'
crawl sitemap "$site/sitemap.xml"
out_is '{"title":"Wool","description":"warm"}'
crawl api "$site/hits.json"
out_is '{"id":1,"name":"wool"}
{"id":2,"name":"silk"}'
unset CFLAGS

claim "a folder that cannot be written to is told"
mkdir closed
chmod 555 closed
if [ "$(id -u)" -ne 0 ]; then
    cd closed || exit 1
    run genspider shop shop.example
    status 1
    err_has "shop.c: "
    cd ..
fi
chmod 755 closed

end
