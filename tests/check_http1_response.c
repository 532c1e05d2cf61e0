/* SPDX-License-Identifier: MIT */
/*
 * check_http1_response.c - every legal answer is read, every broken one is a named error, whole,
 * byte by byte and cut anywhere.
 */
#include "config.h"

#include "tests/codec.h"

#define S(text) text, sizeof(text) - 1
#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

/* What is expected: "status reason minor", body in brackets, then "done keep", "done close" (the
 * connection may be used again, or not) or "!word"; "+n" when n bytes are left over. */
static const struct codec_row rows[] = {
    /* good ones */
    { "length", "GET", S(OK "Content-Length: 5\r\n\r\nhello"), "200 OK 1 [hello] done keep" },
    { "length 0", "GET", S(OK "Content-Length: 0\r\n\r\n"), "200 OK 1 done keep" },
    { "until close", "GET", S(OK "\r\nhello"), "200 OK 1 [hello] done close" },
    { "until close, nothing", "GET", S(OK "\r\n"), "200 OK 1 done close" },
    { "no reason", "GET", S("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), "200  1 done keep" },
    { "empty reason", "GET", S("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
      "200  1 done keep" },
    { "long reason", "GET", S("HTTP/1.1 404 Not at all\r\nContent-Length: 0\r\n\r\n"),
      "404 Not at all 1 done keep" },
    { "status 999", "GET", S("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"),
      "999 x 1 done keep" },
    { "1.0 closes", "GET", S("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"),
      "200 OK 0 [x] done close" },
    { "1.0 keeps when it says so", "GET",
      S("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx"),
      "200 OK 0 [x] done keep" },
    { "1.9 is read as 1.1", "GET", S("HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 done keep" },
    { "close", "GET", S(OK "Connection: foo, Close\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 done close" },
    { "close wins over keep-alive", "GET",
      S(OK "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 done close" },
    { "chunks", "GET", S(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
      "200 OK 1 [hello world] done keep" },
    { "no chunks", "GET", S(CHUNKED "0\r\n\r\n"), "200 OK 1 done keep" },
    { "chunk size in capitals, zeros before", "GET",
      S(CHUNKED "000A\r\n0123456789\r\n000\r\n\r\n"), "200 OK 1 [0123456789] done keep" },
    { "spaces after a chunk size", "GET", S(CHUNKED "2  \r\nab\r\n0 \r\n\r\n"),
      "200 OK 1 [ab] done keep" },
    { "chunk extensions", "GET",
      S(CHUNKED "2;a\r\nab\r\n1 ; b=\"x;\\\"\" ;c=d\r\nc\r\n0;e\r\n\r\n"),
      "200 OK 1 [abc] done keep" },
    { "trailers", "GET", S(CHUNKED "2\r\nab\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"),
      "200 OK 1 [ab] done keep" },
    { "a framing field in trailers means nothing", "GET",
      S(CHUNKED "2\r\nab\r\n0\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"),
      "200 OK 1 [ab] done keep" },
    { "coding in capitals", "GET", S(OK "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"),
      "200 OK 1 done keep" },
    { "identity means nothing", "GET",
      S(OK "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx"),
      "200 OK 1 [x] done keep" },
    { "coding wins over length, not reused", "GET",
      S(OK "Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done close" },
    { "the same the other way round", "GET",
      S(OK "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done close" },
    { "chunks in 1.0, not reused", "GET",
      S("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n0\r\n\r\n"),
      "200 OK 0 [x] done close" },
    { "equal lengths", "GET", S(OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
      "200 OK 1 [x] done keep" },
    { "equal lengths in a list", "GET", S(OK "Content-Length: 1, 1\r\n\r\nx"),
      "200 OK 1 [x] done keep" },
    { "chunked twice", "GET",
      S(OK "Transfer-Encoding: chunked, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done close" },
    { "chunked on two lines", "GET",
      S(OK
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done close" },
    { "identity in a list", "GET",
      S(OK "Transfer-Encoding: identity, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done keep" },
    { "an empty list of codings", "GET",
      S(OK "Transfer-Encoding: ,\r\nContent-Length: 1\r\n\r\nx"), "200 OK 1 [x] done keep" },
    { "bare LF", "GET", S("HTTP/1.1 200 OK\nContent-Length: 1\n\nx"),
      "200 OK 1 [x] done keep" },
    { "a chunk extension without a name", "GET", S(CHUNKED "1;\r\nx\r\n0 ; ;\r\n\r\n"),
      "200 OK 1 [x] done keep" },
    { "an open quote in a chunk extension", "GET", S(CHUNKED "1;a=\"x\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done keep" },
    { "several blanks in the status line", "GET",
      S("HTTP/1.1 \t 200  OK\r\nContent-Length: 0\r\n\r\n"), "200 OK 1 done keep" },
    { "space before the colon, not reused", "GET",
      S(OK "X : a\r\nContent-Length\t: 1\r\n\r\nx"), "200 OK 1 X=a [x] done close" },
    { "a name with a space is passed over, not reused", "GET",
      S(OK "PHP Warning:  cannot load x\r\n in line 1\r\nX: a\r\nContent-Length: 1\r\n\r\nx"),
      "200 OK 1 X=a [x] done close" },
    { "a name beyond ASCII", "GET", S(OK "X\xc3\xa9: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 done close" },
    { "no name", "GET", S(OK ": a\r\nContent-Length: 0\r\n\r\n"), "200 OK 1 done close" },
    { "a trailer with a space in its name", "GET", S(CHUNKED "0\r\nX Y: z\r\n\r\n"),
      "200 OK 1 done close" },
    { "bare LF in chunks", "GET",
      S("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n"),
      "200 OK 1 [x] done keep" },
    { "folded line", "GET", S(OK "X: a\r\n  b\r\n\tc\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 X=a b c done keep" },
    { "a folded line whose first part is empty", "GET",
      S(OK "X: \r\n a\r\n \t\r\n b\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 X=a b done keep" },
    { "folded length", "GET", S(OK "Content-Length: \r\n 2\r\n\r\nok"),
      "200 OK 1 [ok] done keep" },
    { "folded Connection", "GET", S(OK "Content-Length: 0\r\nConnection: \r\n close\r\n\r\n"),
      "200 OK 1 done close" },
    { "Connection folded in its list", "GET",
      S(OK "Connection: keep-alive,\r\n\tclose\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 done close" },
    { "Connection with an empty fold", "GET",
      S(OK "Connection: close\r\n \r\nContent-Length: 0\r\n\r\n"), "200 OK 1 done close" },
    { "folded coding", "GET",
      S(OK "Transfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 [x] done keep" },
    { "folded trailer", "GET", S(CHUNKED "1\r\nx\r\n0\r\nX: y\r\n z\r\n\r\n"),
      "200 OK 1 [x] done keep" },
    { "white space around a value", "GET", S(OK "X:\t a b \t\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 X=a b done keep" },
    { "empty value", "GET", S(OK "X:\r\nContent-Length: 0\r\n\r\n"), "200 OK 1 X= done keep" },
    { "bytes above 127 in a value", "GET", S(OK "X: \xc3\xa9\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 X=\xc3\xa9 done keep" },
    { "other control characters", "GET",
      S(OK "X: a\x01"
           "b\r\nContent-Length: 0\r\n\r\n"),
      "200 OK 1 X=a\x01"
      "b done keep" },
    { "1xx are skipped", "GET",
      S("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: no\r\nContent-Length: "
        "7\r\n"
        "\r\n" OK "Content-Length: 1\r\n\r\nx"),
      "200 OK 1 [x] done keep" },
    { "no body after HEAD", "HEAD", S(OK "Content-Length: 5\r\n\r\n"), "200 OK 1 done keep" },
    { "no body after HEAD, chunked", "HEAD", S(OK "Transfer-Encoding: chunked\r\n\r\n"),
      "200 OK 1 done keep" },
    { "no body after HEAD, no length", "HEAD", S(OK "\r\n"), "200 OK 1 done keep" },
    { "no body with 204", "GET", S("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"),
      "204 No 1 done keep" },
    { "no body with 304", "GET", S("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n"),
      "304 No 1 done keep" },
    { "a tunnel", "CONNECT", S(OK "Content-Length: 5\r\n\r\nbytes"), "200 OK 1 done keep +5" },
    { "a tunnel, coded and sized", "CONNECT",
      S(OK "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\nbytes"),
      "200 OK 1 done keep +5" },
    { "a tunnel, chunked twice", "CONNECT",
      S(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\nbytes"),
      "200 OK 1 done keep +5" },
    { "a tunnel with an unknown coding", "CONNECT",
      S(OK "Transfer-Encoding: gzip, chunked\r\n\r\nbytes"), "200 OK 1 done keep +5" },
    { "a tunnel with two lengths", "CONNECT",
      S(OK "Content-Length: 0\r\nContent-Length: 5\r\n\r\nbytes"), "200 OK 1 done keep +5" },
    { "a tunnel with an empty length", "CONNECT", S(OK "Content-Length:\r\n\r\nbytes"),
      "200 OK 1 done keep +5" },
    { "a tunnel refused with two lengths", "CONNECT",
      S("HTTP/1.1 407 Auth\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nno"),
      "!protocol" },
    { "no body after HEAD, two lengths", "HEAD",
      S(OK "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"), "200 OK 1 done keep" },
    { "no body with 304, an unknown coding", "GET",
      S("HTTP/1.1 304 No\r\nTransfer-Encoding: snail\r\n\r\n"), "304 No 1 done keep" },
    { "a tunnel refused", "CONNECT", S("HTTP/1.1 407 Auth\r\nContent-Length: 2\r\n\r\nno"),
      "407 Auth 1 [no] done keep" },
    { "bytes after the answer", "GET", S(OK "Content-Length: 1\r\n\r\nxyz"),
      "200 OK 1 [x] done keep +2" },
    { "a body after 204", "GET", S("HTTP/1.1 204 No\r\n\r\nxyz"), "204 No 1 done keep +3" },
    { "a body after HEAD", "HEAD", S(OK "Content-Length: 3\r\n\r\nxyz"),
      "200 OK 1 done keep +3" },
    { "many fields that are known by name", "GET",
      S(OK "Date: x\r\nServer: y\r\nETag: z\r\nVary: *\r\nAge: 1\r\nVia: 1.1 a\r\n"
           "Location: /\r\nContent-Type: text/html\r\nLast-Modified: x\r\nX: y\r\n"
           "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nCache-Control: no-cache\r\n"
           "Strict-Transport-Security: max-age=1\r\nP3P: x\r\nKeep-Alive: timeout=5\r\n"
           "Content-Length: 0\r\n\r\n"),
      "200 OK 1 X=y done keep" },

    /* cut short */
    { "nothing", "GET", S(""), "!empty" },
    { "cut in the status line", "GET", S("HTTP/1.1 2"), "!partial" },
    { "cut after the status line", "GET", S(OK), "!partial" },
    { "cut in the header", "GET", S(OK "Content-Le"), "!partial" },
    { "cut before the empty line", "GET", S(OK "Content-Length: 0\r\n"), "!partial" },
    { "cut after a 1xx", "GET", S("HTTP/1.1 100 Continue\r\n\r\n"), "!partial" },
    { "body too short", "GET", S(OK "Content-Length: 5\r\n\r\nhel"),
      "200 OK 1 [hel] !partial" },
    { "no body at all", "GET", S(OK "Content-Length: 5\r\n\r\n"), "200 OK 1 !partial" },
    { "no last chunk", "GET", S(CHUNKED "3\r\nhel\r\n"), "200 OK 1 [hel] !partial" },
    { "cut in a chunk", "GET", S(CHUNKED "5\r\nhel"), "200 OK 1 [hel] !partial" },
    { "cut in a chunk's size", "GET", S(CHUNKED "5"), "200 OK 1 !partial" },
    { "cut after the last chunk", "GET", S(CHUNKED "1\r\nx\r\n0\r\n"),
      "200 OK 1 [x] !partial" },
    { "cut in the trailers", "GET", S(CHUNKED "0\r\nX: y\r\n"), "200 OK 1 !partial" },

    /* broken */
    { "chunk size is no number", "GET", S(CHUNKED "xyz\r\n"), "200 OK 1 !protocol" },
    { "chunk size is empty", "GET", S(CHUNKED "\r\nx"), "200 OK 1 !protocol" },
    { "chunk size with 0x", "GET", S(CHUNKED "0x1\r\nx\r\n0\r\n\r\n"), "200 OK 1 !protocol" },
    { "chunk size with a sign", "GET", S(CHUNKED "+1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 !protocol" },
    { "negative chunk size", "GET", S(CHUNKED "-1\r\nx\r\n0\r\n\r\n"), "200 OK 1 !protocol" },
    { "chunk size with _", "GET", S(CHUNKED "1_0\r\nx\r\n0\r\n\r\n"), "200 OK 1 !protocol" },
    { "space before a chunk size", "GET", S(CHUNKED " 1\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 !protocol" },
    { "CR in a chunk extension", "GET", S(CHUNKED "1;a\rb\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 !protocol" },
    { "a word behind a chunk size", "GET", S(CHUNKED "1 a\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 !protocol" },
    { "chunk size of 2^63", "GET", S(CHUNKED "8000000000000000\r\n"), "200 OK 1 !toolarge" },
    { "chunk size of 2^64", "GET", S(CHUNKED "10000000000000000\r\n"), "200 OK 1 !toolarge" },
    { "17 digits", "GET", S(CHUNKED "00000000000000001\r\nx\r\n0\r\n\r\n"),
      "200 OK 1 !toolarge" },
    { "largest chunk size", "GET", S(CHUNKED "7fffffffffffffff\r\nx"),
      "200 OK 1 [x] !partial" },
    { "no CRLF after a chunk", "GET", S(CHUNKED "1\r\nxy\r\n0\r\n\r\n"),
      "200 OK 1 [x] !protocol" },
    { "CR without LF after a chunk", "GET", S(CHUNKED "1\r\nx\r0\r\n\r\n"),
      "200 OK 1 [x] !protocol" },
    { "broken trailer", "GET", S(CHUNKED "0\r\nno colon\r\n\r\n"), "200 OK 1 !protocol" },
    { "trailer that begins with a space", "GET", S(CHUNKED "0\r\n x: y\r\n\r\n"),
      "200 OK 1 !protocol" },
    { "CR in place of a trailer", "GET", S(CHUNKED "0\r\n\rx: y\r\n\r\n"),
      "200 OK 1 !protocol" },
    { "negative length", "GET", S(OK "Content-Length: -1\r\n\r\n"), "!protocol" },
    { "length with a sign", "GET", S(OK "Content-Length: +1\r\n\r\nx"), "!protocol" },
    { "length is no number", "GET", S(OK "Content-Length: 1a\r\n\r\nx"), "!protocol" },
    { "empty length", "GET", S(OK "Content-Length:\r\n\r\nx"), "!protocol" },
    { "length of 2^63", "GET", S(OK "Content-Length: 9223372036854775808\r\n\r\n"),
      "!toolarge" },
    { "length of 2^64 + 1", "GET", S(OK "Content-Length: 18446744073709551617\r\n\r\nx"),
      "!toolarge" },
    { "two lengths", "GET", S(OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
      "!protocol" },
    { "two lengths in a list", "GET", S(OK "Content-Length: 1, 2\r\n\r\nxx"), "!protocol" },
    { "half a list of lengths", "GET", S(OK "Content-Length: 1,\r\n\r\nx"), "!protocol" },
    { "a length of two numbers in a fold", "GET", S(OK "Content-Length: 1\r\n 0\r\n\r\nx"),
      "!protocol" },
    { "unknown coding", "GET", S(OK "Transfer-Encoding: snail\r\n\r\n"), "!encoding" },
    { "gzip as transfer coding", "GET", S(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
      "!encoding" },
    { "not HTTP", "GET", S("SSH-2.0-OpenSSH_9.2\r\n"), "!protocol" },
    { "not HTTP, no line end", "GET", S("\x15\x03\x01"), "!protocol" },
    { "HTTP/0.9", "GET", S("<html>hello</html>"), "!protocol" },
    { "HTTP/2", "GET", S("HTTP/2 200\r\n\r\n"), "!protocol" },
    { "HTTP/5.0", "GET", S("HTTP/5.0 200 OK\r\n\r\n"), "!protocol" },
    { "HTTP/1.x", "GET", S("HTTP/1.x 200 OK\r\n\r\n"), "!protocol" },
    { "http in lower case", "GET", S("http/1.1 200 OK\r\n\r\n"), "!protocol" },
    { "an empty line first", "GET", S("\r\n" OK "\r\n"), "!protocol" },
    { "status of two digits", "GET", S("HTTP/1.1 20 OK\r\n\r\n"), "!protocol" },
    { "status of four digits", "GET", S("HTTP/1.1 2000 OK\r\n\r\n"), "!protocol" },
    { "status 0xx", "GET", S("HTTP/1.1 099 OK\r\n\r\n"), "!protocol" },
    { "NUL in the reason", "GET", S("HTTP/1.1 200 O\0K\r\n\r\n"), "!protocol" },
    { "CR in the reason", "GET", S("HTTP/1.1 200 O\rK\r\n\r\n"), "!protocol" },
    { "NUL in a value", "GET", S(OK "X: a\0b\r\n\r\n"), "!protocol" },
    { "NUL in a long value", "GET", S(OK "X: 0123456789abcdef\0b0123456789\r\n\r\n"),
      "!protocol" },
    { "bare CR in a value", "GET", S(OK "X: a\rb\r\n\r\n"), "!protocol" },
    { "two CRs at a line's end", "GET", S(OK "X: a\r\r\n\r\n"), "!protocol" },
    { "no colon", "GET", S(OK "X\r\n\r\n"), "!protocol" },
    { "CR in a line without a name", "GET", S(OK "X Y: a\rb\r\n\r\n"), "!protocol" },
    { "a word between a name and its colon", "GET", S(OK "X Y\r\n\r\n"), "!protocol" },
    { "no blank before the status", "GET", S("HTTP/1.1200 OK\r\n\r\n"), "!protocol" },
    { "NUL in a name", "GET", S(OK "X\0: a\r\n\r\n"), "!protocol" },
    { "space first in the block", "GET", S(OK " X: a\r\n\r\n"), "!protocol" },
    { "switched without being asked", "GET", S("HTTP/1.1 101 Switching\r\n\r\n"),
      "!protocol" },
};

static void note_head(struct transcript *t, const struct twi_http1 *parser)
{
    char text[256];

    snprintf(text, sizeof text, "%d %s %d", parser->status, parser->reason, parser->minor);
    transcript_add(t, text);
    transcript_field(t, parser);
    ck_assert_int_eq(parser->remaining, parser->length);
}

static void run(const struct codec_row *row, size_t cut)
{
    struct twi_http1 parser;

    twi_http1_init_client(&parser, NULL);
    twi_http1_begin(&parser, row->method);
    transcript_compare(row, &parser, cut, note_head);
    twi_http1_free(&parser);
}

START_TEST(an_answer_reads_the_same_however_it_arrives)
{
    int64_t before = test_allocs_living();

    run(&rows[_i], rows[_i].length);
    for (size_t cut = 0; cut < rows[_i].length; cut++)
        run(&rows[_i], cut);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

static bool parse_all(void *arg)
{
    static const char input[] = OK "Server: something with a long name that fills the text\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n"
                                   "3;x=y\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n";
    struct twi_http1 parser;
    bool done = false;

    (void)arg;
    twi_http1_init_client(&parser, NULL);
    twi_http1_begin(&parser, "GET");
    for (size_t i = 0; i < sizeof input - 1 && !done; i++) {
        const char *at = input + i;
        enum twi_http1_event event;

        do {
            event = twi_http1_next(&parser, &at, input + i + 1);
            done = event == TWI_HTTP1_DONE;
        } while (event == TWI_HTTP1_HEAD || event == TWI_HTTP1_BODY);
        if (event == TWI_HTTP1_ERROR) {
            ck_assert_ptr_eq(parser.error.error_class, &tw_error_memory);
            break;
        }
    }
    twi_http1_free(&parser);
    return done;
}

START_TEST(out_of_memory_is_an_error_like_others)
{
    ck_assert_uint_gt(test_each_alloc_failure(parse_all, NULL), 0);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------ */

/* `text` after `before` again and again until an error. How many bytes that took. */
static size_t flood(const char *before, const char *text, size_t most,
                    struct twi_http1 *parser)
{
    enum twi_http1_event event = TWI_HTTP1_MORE;
    const char *piece = before;
    size_t sum = 0;

    while (event != TWI_HTTP1_ERROR && event != TWI_HTTP1_DONE && sum < most) {
        const char *at = piece, *end = piece + strlen(piece);

        do
            event = twi_http1_next(parser, &at, end);
        while (event == TWI_HTTP1_HEAD || event == TWI_HTTP1_BODY);
        sum += strlen(piece);
        piece = text;
        ck_assert_uint_le(parser->held_.size, 300000);
    }
    return sum;
}

static const struct {
    const char *what, *before, *text;
    size_t from, to;
    const tw_error_class *error_class;
} floods[] = {
    { "endless status line", "HTTP/1.1 200 ", "xxxxxxxxxxxxxxxx", 65500, 65600,
      &tw_error_toolarge },
    { "endless header line", OK "X: ", "xxxxxxxxxxxxxxxx", 99900, 100100, &tw_error_toolarge },
    { "endless name", OK, "xxxxxxxxxxxxxxxx", 99900, 100100, &tw_error_toolarge },
    { "endless header", OK,
      "X-Name-And-Value: 0123456789012345678901234567890123456789012345678901"
      "234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
      "901"
      "234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
      "901"
      "234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
      "\r\n",
      99000, 100500, &tw_error_toolarge },
    { "501 header lines", OK, "X: y\r\n", 3000, 3030, &tw_error_toolarge },
    { "folded lines count", OK "X: y\r\n", " z\r\n", 1990, 2040, &tw_error_toolarge },
    { "51 1xx answers", "", "HTTP/1.1 100 Continue\r\n\r\n", 1250, 1280, &tw_error_protocol },
    { "endless chunk extension", CHUNKED "1;a=", "xxxxxxxxxxxxxxxx", 4000, 4300,
      &tw_error_toolarge },
    { "endless chunk extensions", CHUNKED, "1;a=0123456789\r\nx\r\n", 4000, 9000,
      &tw_error_toolarge },
    { "endless trailers", CHUNKED "0\r\n", "X: y\r\n", 3000, 3100, &tw_error_toolarge },
    { "endless trailer", CHUNKED "0\r\nX: ", "xxxxxxxxxxxxxxxx", 99900, 100200,
      &tw_error_toolarge },
};

START_TEST(what_is_endless_ends_at_its_limit)
{
    struct twi_http1 parser;
    size_t took;

    twi_http1_init_client(&parser, NULL);
    twi_http1_begin(&parser, "GET");
    took = flood(floods[_i].before, floods[_i].text, 1000000, &parser);
    ck_assert_ptr_eq(parser.error.error_class, floods[_i].error_class);
    ck_assert_msg(took >= floods[_i].from && took <= floods[_i].to, "%s: %zu", floods[_i].what,
                  took);
    twi_http1_free(&parser);
}
END_TEST

static const struct {
    const char *input;
    const tw_error_class *error_class; /* NULL: fits */
} body_limits[] = {
    { OK "Content-Length: 10\r\n\r\n0123456789", NULL },
    { OK "Content-Length: 11\r\n\r\n", &tw_error_toolarge },
    { CHUNKED "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", NULL },
    { CHUNKED "5\r\n01234\r\n6\r\n", &tw_error_toolarge },
    { CHUNKED "7fffffffffffffff\r\n", &tw_error_toolarge },
    { OK "\r\n0123456789", NULL },
    { OK "\r\n01234567890", &tw_error_toolarge },
};

START_TEST(a_body_over_the_limit_is_refused_when_it_crosses_it)
{
    struct twi_http1_limits limits = twi_http1_client_limits;
    const char *at = body_limits[_i].input, *end = at + strlen(at);
    struct twi_http1 parser;
    enum twi_http1_event event;

    limits.body = 10;
    twi_http1_init_client(&parser, &limits);
    twi_http1_begin(&parser, "GET");
    do
        event = twi_http1_next(&parser, &at, end);
    while (event == TWI_HTTP1_HEAD || event == TWI_HTTP1_BODY);
    if (event == TWI_HTTP1_MORE)
        event = twi_http1_eof(&parser);
    ck_assert_int_eq(event,
                     body_limits[_i].error_class == NULL ? TWI_HTTP1_DONE : TWI_HTTP1_ERROR);
    ck_assert_ptr_eq(parser.error.error_class, body_limits[_i].error_class);
    twi_http1_free(&parser);
}
END_TEST

/* --- more -------------------------------------------------------------------------------- */

START_TEST(a_parser_goes_on_to_the_next_answer)
{
    static const char input[] = OK "Content-Length: 1\r\n\r\na" CHUNKED
                                   "1\r\nb\r\n0\r\nT: 1\r\n\r\n"
                                   "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    const char *at = input, *end = input + sizeof input - 1;
    tw_headers *headers, *trailers;
    struct twi_http1 parser;

    twi_http1_init_client(&parser, NULL);
    twi_http1_begin(&parser, "GET");
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_HEAD);
    ck_assert_int_eq(parser.length, 1);
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_BODY);
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_DONE);
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_DONE);
    ck_assert_int_eq(twi_http1_eof(&parser), TWI_HTTP1_DONE);
    twi_http1_begin(&parser, "GET");
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_HEAD);
    ck_assert_int_eq(parser.length, -1);
    headers = twi_http1_take_headers(&parser);
    ck_assert_str_eq(tw_headers_get(headers, "TRANSFER-encoding"), "chunked");
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_BODY);
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_DONE);
    trailers = twi_http1_take_trailers(&parser);
    ck_assert_str_eq(tw_headers_get(trailers, "t"), "1");
    ck_assert_str_eq(parser.reason, "OK");
    tw_headers_free(headers);
    tw_headers_free(trailers);
    twi_http1_begin(&parser, "GET");
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_HEAD);
    ck_assert_int_eq(parser.status, 404);
    ck_assert_uint_eq(tw_headers_count(parser.headers), 1);
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_DONE);
    ck_assert_ptr_eq(at, end);
    twi_http1_free(&parser);
}
END_TEST

START_TEST(body_bytes_may_bypass_the_parser)
{
    static const char input[] = OK "Content-Length: 10\r\n\r\n012";
    const char *at = input, *end = input + sizeof input - 1;
    struct twi_http1 parser;

    twi_http1_init_client(&parser, NULL);
    twi_http1_begin(&parser, "GET");
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_HEAD);
    ck_assert(twi_http1_started(&parser));
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_BODY);
    ck_assert_int_eq(parser.remaining, 7);
    ck_assert_int_eq(twi_http1_next(&parser, &at, end), TWI_HTTP1_MORE);
    ck_assert_int_eq(twi_http1_received(&parser, 6), TWI_HTTP1_BODY);
    ck_assert_int_eq(twi_http1_received(&parser, 1), TWI_HTTP1_DONE);
    ck_assert_uint_eq(parser.body_bytes, 10);
    ck_assert(parser.keep_alive);
    twi_http1_free(&parser);
}
END_TEST

START_TEST(an_idle_parser_holds_nothing)
{
    int64_t before = test_allocs_living();
    struct twi_http1 parser;
    const char *at = OK "Content-Le";

    twi_http1_init_client(&parser, NULL);
    twi_http1_begin(&parser, "GET");
    ck_assert_int_eq(test_allocs_living(), before);
    ck_assert_int_eq(twi_http1_next(&parser, &at, at + strlen(at)), TWI_HTTP1_MORE);
    at = "ngth: 0\r\n\r\n";
    ck_assert_int_eq(twi_http1_next(&parser, &at, at + strlen(at)), TWI_HTTP1_HEAD);
    tw_headers_free(twi_http1_take_headers(&parser));
    ck_assert_int_eq(twi_http1_next(&parser, &at, at), TWI_HTTP1_DONE);
    ck_assert_int_eq(test_allocs_living(), before);
    ck_assert_uint_le(sizeof parser, 256);
    twi_http1_free(&parser);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_response");

    TEST_ADD_ROWS(suite, an_answer_reads_the_same_however_it_arrives, rows);
    TEST_ADD(suite, out_of_memory_is_an_error_like_others);
    TEST_ADD_ROWS(suite, what_is_endless_ends_at_its_limit, floods);
    TEST_ADD_ROWS(suite, a_body_over_the_limit_is_refused_when_it_crosses_it, body_limits);
    TEST_ADD(suite, a_parser_goes_on_to_the_next_answer);
    TEST_ADD(suite, body_bytes_may_bypass_the_parser);
    TEST_ADD(suite, an_idle_parser_holds_nothing);
    return test_run(suite);
}
