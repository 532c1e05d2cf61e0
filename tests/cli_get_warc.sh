#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed get --warc: what goes over the wire is archived, and read back by tweed warc.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1
start server "$server_program"
server=http://$address
ip=${address%:*}

# kinds FILE - "TYPE STATUS PATH DIGESTS" of each record, all of which have to be whole.
kinds()
{
    run warc list "$1"
    status 0
    sed -n 's|.*"type":"\([a-z]*\)","uri":\(null\),.*"status":\([a-z0-9]*\),.*"block_digest":"\([a-z]*\)","payload_digest":"\([a-z]*\)".*|\1 \3 \2 \4 \5|p
        s|.*"type":"\([a-z]*\)","uri":"http://[^/]*\([^"]*\)",.*"status":\([a-z0-9]*\),.*"block_digest":"\([a-z]*\)","payload_digest":"\([a-z]*\)".*|\1 \3 \2 \4 \5|p' out >kinds
}

claim "request and answer of each hop are appended"
for file in plain.warc packed.warc.gz; do
    run get -s --warc $file "$server/hop/1" -o page
    status 0
    kinds $file
    file_is kinds "warcinfo null null pass none
request null /hop/1 pass pass
response 302 /hop/1 pass pass
request null /hop/0 pass pass
response 200 /hop/0 pass pass"
    run warc cat $file "$server/hop/0"
    status 0
    cmp -s page out || wrong "another page"
    cp $file before
    run get -s --warc $file -d 'a=b' "$server/status/404" -o page
    status 0
    head -c "$(wc -c <before)" $file | cmp -s - before || wrong "not appended"
    kinds $file
    [ "$(tail -n 3 kinds)" = "warcinfo null null pass none
request null /status/404 pass pass
response 404 /status/404 pass pass" ] || wrong "not as wanted"
done
gzip -dc packed.warc.gz >unpacked || wrong "no gzip"
[ "$(head -c 2 plain.warc)" = WA ] || wrong "packed without being asked"

claim "they stand there byte for byte"
run get -sv --warc bytes.warc -H 'X-Mine: 1' -d 'a=b&c=d' "$server/file/x"
grep -q '^X-Mine: 1.$' bytes.warc || wrong "no field of the request"
grep -q '^a=b&c=d.$' bytes.warc || wrong "no body of the request"
run warc cat bytes.warc "$(sed -n 's/.*"offset":\([0-9]*\),.*"type":"request".*/\1/p' out)"
run warc list bytes.warc
offset=$(sed -n 's/.*"offset":\([0-9]*\),.*"type":"request".*/\1/p' out)
run warc cat --offset "$offset" bytes.warc
[ "$(cat out)" = 'a=b&c=d' ] || wrong "not what was sent"
for field in "WARC-IP-Address: $ip" "WARC-Target-URI: $server/file/x" 'Content-Type: application/http; msgtype=response' \
    'WARC-Date: 20' 'WARC-Record-ID: <urn:uuid:' 'WARC-Warcinfo-ID: <urn:uuid:' 'WARC-Concurrent-To: <urn:uuid:' \
    'WARC-Filename: bytes.warc' 'WARC/1.1'; do
    grep -q "^$field" bytes.warc || wrong "nowhere: $field"
done
grep -q 'WARC-Truncated' bytes.warc && wrong "truncated"

claim "credentials stay out of the URL"
run get -s --warc secret.warc "http://me:word@$address/file/x#part"
grep -q "^WARC-Target-URI: $server/file/x.$" secret.warc || wrong "another URL"

claim "a long body is archived whole"
run get -s --warc big.warc.gz "$server/big/900000" -o page
kinds big.warc.gz
run warc cat big.warc.gz "$server/big/900000"
cmp -s page out || wrong "another page"

claim "an answer that breaks off is said to"
run get -s --warc cut.warc "$server/part"
status 18
kinds cut.warc
[ "$(tail -n 1 kinds)" = "response 200 /part pass pass" ] || wrong "not as wanted"
grep -q '^WARC-Truncated: disconnect' cut.warc || wrong "not truncated"
run get -s --warc half.warc -m 0.5 "$server/half/2000"
status 28
kinds half.warc
[ "$(tail -n 1 kinds)" = "response 200 /half/2000 pass pass" ] || wrong "not as wanted"
grep -q '^WARC-Truncated: time' half.warc || wrong "not truncated"
run get -s --warc late.warc -m 0.3 "$server/never"
status 28
kinds late.warc
file_is kinds "warcinfo null null pass none"

claim "many at once do not mix"
run get -s --warc many.warc.gz "$server/big/1000" "$server/big/2000" "$server/big/3000" "$server/hop/2" "$server/file/a" \
    "$server/file/b" -O --output-dir many --create-dirs --remote-name-all
kinds many.warc.gz
[ "$(grep -c '^request' kinds)" = 8 ] || wrong "not 8 requests"
[ "$(grep -c '^response' kinds)" = 8 ] || wrong "not 8 answers"
for i in 1 2 3 4; do
    timeout 60 "$tweed" get -s --warc shared.warc.gz "$server/big/50000" "$server/file/$i" >/dev/null &
    waited="${waited:-} $!"
done
# shellcheck disable=SC2086
wait $waited
kinds shared.warc.gz
[ "$(grep -c '^response' kinds)" = 8 ] || wrong "not 8 answers of four processes"

claim "an archive that cannot be written is an error"
run get -s --warc no/such/folder/x.warc "$server/file/x"
status 23
err_has "tweed get: --warc: no/such/folder/x.warc: No such file or directory"
out_is_empty
if [ -w /dev/full ]; then
    run get -s --warc /dev/full "$server/file/x"
    status 23
    err_has "tweed get: --warc: /dev/full: No space left on device"
fi
( ulimit -f 20; trap '' XFSZ; timeout 60 "$tweed" get -s --warc limit.warc "$server/file/x" "$server/big/90000" -o a -o b 2>err; echo $? >status )
[ "$(cat status)" = 23 ] || wrong "status $(cat status)"
kinds limit.warc
end
