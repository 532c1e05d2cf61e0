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

claim "the help and the manual know the same options"
run genspider --help
status 0
for option in $(sed -n 's/^  \(-., \|    \)\(--[a-z0-9.-]*\).*/\2/p' "$work/out"); do
    grep -q -- "$(printf %s "$option" | sed 's/-/\\\\-/g')" "$manuals/tweed-genspider.1" ||
        wrong "not in the manual: $option"
done

end
