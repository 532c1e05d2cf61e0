#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed warc: archives are listed, and records printed.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1

# record TYPE FIELDS BLOCK - a record; FIELDS and BLOCK as printf wants them.
record()
{
    printf "$3" >block
    printf 'WARC/1.0\r\nWARC-Type: %s\r\n' "$1"
    printf "$2"
    printf 'Content-Length: %s\r\n\r\n' "$(wc -c <block)"
    cat block
    printf '\r\n\r\n'
}

# line OFFSET LENGTH TYPE URI STATUS TYPE BLOCK PAYLOAD
line()
{
    printf '{"offset":%s,"length":%s,"type":"%s","uri":%s,"date":null,"id":null,"status":%s,' "$1" "$2" "$3" "$4" "$5"
    printf '"content_type":%s,"block_digest":"%s","payload_digest":"%s"}\n' "$6" "$7" "$8"
}

http='Content-Type: application/http; msgtype=response\r\n'
abc=sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5
record warcinfo 'Content-Type: application/warc-fields\r\n' 'software: x\r\n' >info
record response "WARC-Target-URI: <http://a.test/a b>\r\n${http}WARC-Payload-Digest: $abc\r\n" \
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n' >page
record request 'WARC-Target-URI: http://a.test/a%%20b\r\nWARC-Block-Digest: xyz:1\r\n' 'GET / HTTP/1.1\r\n\r\n' >ask
record response "WARC-Target-URI: http://b.test/\r\n${http}WARC-Block-Digest: $abc\r\n" 'HTTP/1.1 404 No\r\n\r\nnone' >none
size()
{
    wc -c <"$1"
}
i=$(size info) p=$(size page) a=$(size ask) n=$(size none)

claim "records are listed where they stand"
cat info page ask >plain.warc
run warc list plain.warc
status 0
{
    line 0 $((i - 4)) warcinfo null null '"application/warc-fields"' none none
    line "$i" $((p - 4)) response '"http://a.test/a%20b"' 200 '"application/http; msgtype=response"' none pass
    line $((i + p)) $((a - 4)) request '"http://a.test/a%20b"' null null unknown none
} >wanted
cmp -s wanted out || wrong "not as wanted"
run warc list --json plain.warc
cmp -s wanted out || wrong "not as wanted"
input=plain.warc
run warc list -
cmp -s wanted out || wrong "not from standard input"
run warc list
cmp -s wanted out || wrong "not from standard input"
input=

claim "so are those of a packed file"
for part in info page ask; do
    gzip -c $part >$part.gz
done
cat info.gz page.gz ask.gz >packed.warc.gz
run warc list packed.warc.gz
status 0
ig=$(size info.gz) pg=$(size page.gz) ag=$(size ask.gz)
{
    line 0 "$ig" warcinfo null null '"application/warc-fields"' none none
    line "$ig" "$pg" response '"http://a.test/a%20b"' 200 '"application/http; msgtype=response"' none pass
    line $((ig + pg)) "$ag" request '"http://a.test/a%20b"' null null unknown none
} >wanted
cmp -s wanted out || wrong "not as wanted"

claim "a payload is printed"
run warc cat plain.warc
out_is "$(printf 'software: x\r')"
run warc cat --offset "$i" plain.warc
status 0
[ "$(cat out)" = abc ] || wrong "not abc"
for which in "--offset $ig packed.warc.gz" "packed.warc.gz $ig" 'plain.warc http://a.test/a%20b' 'packed.warc.gz http://a.test/a%20b'; do
    # shellcheck disable=SC2086
    run warc cat $which
    status 0
    [ "$(cat out)" = abc ] || wrong "not abc"
done
input=packed.warc.gz
run warc cat --offset "$ig" -
[ "$(cat out)" = abc ] || wrong "not abc"
input=
cat packed.warc.gz | timeout 60 "$tweed" warc cat --offset "$ig" - >out
[ "$(cat out)" = abc ] || wrong "not by a pipe"

claim "there may be no such record"
for which in '--offset 1 plain.warc' 'plain.warc 99999' 'plain.warc http://a.test/' '--offset 10 packed.warc.gz'; do
    # shellcheck disable=SC2086
    run warc cat $which
    status 1
    out_is_empty
    err_has "no record"
done
run warc list no-such-file
status 1
err_is "tweed warc: no-such-file: No such file or directory"

claim "a digest that fails is told"
cat none >bad.warc
run warc list bad.warc
status 1
line 0 $((n - 4)) response '"http://b.test/"' 404 '"application/http; msgtype=response"' fail none >wanted
cmp -s wanted out || wrong "not as wanted"

claim "what is broken is told last, and the rest is read"
{
    head -c $((p - 30)) page.gz 2>/dev/null | head -c $((pg - 9))
    printf 'junk'
    cat ask.gz
} >broken.warc.gz
run warc list broken.warc.gz
status 1
lines 3
out_has '"type":"request"'
tail -n 1 out | grep -q '^{"error":"' || wrong "no error at the end"
head -c $((i + p - 20)) plain.warc >cut.warc
run warc list cut.warc
status 1
lines 3
tail -n 1 out | grep -q '^{"error":"truncated","message":"' || wrong "no error at the end"
run warc cat --offset "$i" cut.warc
status 1
err_has "ends inside"
gzip -c plain.warc >one-member.warc.gz
run warc list one-member.warc.gz
status 1
lines 4
out_has '{"error":"members"'
echo nothing >none.warc
run warc list none.warc
status 1
lines 1
out_has '{"error":"garbage"'
: >empty.warc
run warc list empty.warc
status 0
out_is_empty

claim "fields of old writers need not be UTF-8"
record resource 'WARC-Target-URI: http://a/\351\r\n' x >latin.warc
run warc list latin.warc
out_has '"uri":"http://a/é"'

claim "a wrong command line is told"
for wrong in '' 'show x' 'list a b' 'list --offset 1 a' 'cat a 1 2' 'cat --offset x a' 'cat --offset 1 a 2' \
    'cat --offset 1 a http://x/' '--no-such'; do
    # shellcheck disable=SC2086
    run warc $wrong
    status 2
    out_is_empty
done

claim "an output that cannot be written is an error"
if [ -w /dev/full ]; then
    for action in list cat; do
        last="tweed warc $action >/dev/full"
        timeout 60 "$tweed" warc $action plain.warc >/dev/full 2>err
        got=$?
        status 1
        err_is "tweed warc: standard output: No space left on device"
    done
fi
end
