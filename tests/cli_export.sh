#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed export: items as feeds, straight and in a batch.
. "${srcdir:-.}/tests/cli.sh"

printf '%s\n' '{"name":"twill","tags":["wool","warm"]}' '' '{"tags":[],"name":"plaid"}' >"$work/items"

claim "items become a feed"
run export --format csv "$work/items"
status 0
printf 'name,tags\r\ntwill,"wool,warm"\r\nplaid,\r\n' | cmp -s - "$work/out" || wrong "another feed"
run export --format xml --fields name "$work/items"
out_has '<items><item><name>twill</name></item><item><name>plaid</name></item></items>'
run export -f jsonl --fields=tags,name "$work/items"
out_has '{"tags":["wool","warm"],"name":"twill"}'
run export -f csv --no-headers --join ' ' "$work/items"
out_has 'twill,wool warm'
out_lacks 'name,tags'
input=$work/items run export -f json
status 0
out_has '{"name":"twill","tags":["wool","warm"]},'

claim "feeds may be compressed"
gzip -c "$work/items" >"$work/items.gz"
gzip -c "$work/items" >>"$work/items.gz"
run export -f csv "$work/items.gz"
status 0
printf 'name,tags\r\ntwill,"wool,warm"\r\nplaid,\r\ntwill,"wool,warm"\r\nplaid,\r\n' |
    cmp -s - "$work/out" || wrong "another feed"
head -c 40 "$work/items.gz" >"$work/cut.gz"
run export -f csv "$work/cut.gz"
status 1
err_is "tweed export: the compressed data is cut off"

claim "a database gives its items"
if command -v sqlite3 >/dev/null; then
    sqlite3 "$work/items.sqlite" "CREATE TABLE items (_n INTEGER PRIMARY KEY, _id TEXT, _item TEXT);
        INSERT INTO items VALUES (2, '1-2', '{\"a\":12345678901234567890}'), (1, '1-1', '{\"a\":true}')"
    run export -f csv "$work/items.sqlite"
    status 0
    printf 'a\r\ntrue\r\n12345678901234567890\r\n' | cmp -s - "$work/out" || wrong "another feed"
    sqlite3 "$work/other.sqlite" "CREATE TABLE items (name)"
    run export -f csv "$work/other.sqlite"
    status 1
    err_has "no table 'items' of a feed"
    head -c 200 "$work/items.sqlite" >"$work/cut.sqlite"
    run export -f csv "$work/cut.sqlite"
    status 1
fi

claim "what is no item has a place"
printf '{"a":1}\n{"a":}\n' >"$work/wrong"
run export -f csv "$work/wrong"
status 1
err_is "tweed export: line 2, byte 6: no value"
out_is_empty
printf '[]\n' >"$work/wrong"
run export -f csv "$work/wrong"
status 1
err_is "tweed export: item 1 is no object"
run export -f csv --json "$work/wrong"
status 1
out_is '{"error":"items","message":"item 1 is no object"}'
run export -f csv "$work/none"
status 1
err_has "No such file"

claim "a wrong command line ends with 2"
run export "$work/items"
status 2
run export -f yaml "$work/items"
status 2
err_has "yaml"
run export -f csv "$work/items" "$work/items"
status 2

claim "a batch takes items and headings"
batch export '{"format":"csv","items":[{"a":1}]}' '{"format":"csv","items":[],"fields":["a"]}' \
    '{"format":"jsonl","items":[{"a":1,"b":2}],"fields":{"b":"B"}}' \
    '{"format":"csv","items":[{"a":[1,2]}],"headers":false,"join":";"}' \
    '{"format":"json","text":"{\"a\":\"\\ud800\"}"}' '{"format":"xml","items":[1]}' \
    '{"format":"xml","items":{}}' '{"format":"xml"}' '{"format":"csv","fields":[1],"items":[]}'
status 0
out_is '{"output":"a\r\n1\r\n"}
{"output":""}
{"output":"{\"B\":2}\n"}
{"output":"1;2\r\n"}
{"output":"[\n{\"a\":\"\\ud800\"}\n]\n"}
{"error":"items","message":"item 1 is no object"}
{"error":"usage","message":"items: not a list"}
{"error":"usage","message":"no items"}
{"error":"usage","message":"fields: not a name"}'

end
