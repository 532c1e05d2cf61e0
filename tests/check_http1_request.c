/* SPDX-License-Identifier: MIT */
/*
 * check_http1_request.c - one reading of a request, or a refusal with the right status; and no
 * part of a message can break the message that is written.
 */
#include "config.h"

#include <errno.h>

#include "tests/codec.h"

#define S(text) text, sizeof(text) - 1
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

/* What is expected: "method target minor", body in brackets, then "done keep", "done close" or
 * "!status"; "+n" when n bytes are left over. */
static const struct codec_row rows[] = {
    /* right ones */
    { "get", NULL, S(GET "Host: a\r\n\r\n"), "GET / 1 done keep" },
    { "1.0", NULL, S("GET / HTTP/1.0\r\n\r\n"), "GET / 0 done close" },
    { "1.0 keeps when it says so", NULL, S("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
      "GET / 0 done keep" },
    { "close", NULL, S(GET "Host: a\r\nConnection: close\r\n\r\n"), "GET / 1 done close" },
    { "1.7 is read as 1.1", NULL, S("GET / HTTP/1.7\r\nHost: a\r\n\r\n"),
      "GET / 1 done keep" },
    { "an empty line before", NULL, S("\r\n" GET "Host: a\r\n\r\n"), "GET / 1 done keep" },
    { "query", NULL, S("GET /a/b?c=d&e=%20{|} HTTP/1.1\r\nHost: a\r\n\r\n"),
      "GET /a/b?c=d&e=%20{|} 1 done keep" },
    { "absolute form", NULL, S("GET http://a:80/b HTTP/1.1\r\nHost: a\r\n\r\n"),
      "GET http://a:80/b 1 done keep" },
    { "absolute form without a path", NULL, S("GET HTTPS://a?b HTTP/1.1\r\nHost: a\r\n\r\n"),
      "GET HTTPS://a?b 1 done keep" },
    { "asterisk", NULL, S("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS * 1 done keep" },
    { "authority", NULL, S("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
      "CONNECT a:443 1 done keep" },
    { "any method", NULL, S("X-Y!z / HTTP/1.1\r\nHost: a\r\n\r\n"), "X-Y!z / 1 done keep" },
    { "length", NULL, S(POST "Content-Length: 5\r\n\r\nhello"), "POST / 1 [hello] done keep" },
    { "length 0", NULL, S(POST "Content-Length: 0\r\n\r\n"), "POST / 1 done keep" },
    { "chunks", NULL, S(CHUNKED "5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n"),
      "POST / 1 [hello0123456789] done keep" },
    { "trailers", NULL, S(CHUNKED "1\r\nx\r\n0\r\nX: y\r\n\r\n"), "POST / 1 [x] done keep" },
    { "coding in capitals", NULL, S(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
      "POST / 1 done keep" },
    { "the next one stays", NULL, S(GET "Host: a\r\n\r\n" GET), "GET / 1 done keep +16" },
    { "host with a port", NULL, S(GET "Host: a.example:8080\r\n\r\n"), "GET / 1 done keep" },
    { "host with an empty port", NULL, S(GET "Host: a:\r\n\r\n"), "GET / 1 done keep" },
    { "host by address", NULL, S(GET "Host: 127.0.0.1\r\n\r\n"), "GET / 1 done keep" },
    { "host by IPv6", NULL, S(GET "Host: [::ffff:1.2.3.4]:80\r\n\r\n"), "GET / 1 done keep" },
    { "tab in a value", NULL, S(GET "Host: a\r\nX: a\tb\r\n\r\n"),
      "GET / 1 X=a\tb done keep" },
    { "UTF-8 in a value", NULL, S(GET "Host: a\r\nX: \xc3\xa9\r\n\r\n"),
      "GET / 1 X=\xc3\xa9 done keep" },
    { "expects 100", NULL, S(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
      "POST / 1 expects [x] done keep" },
    { "expects 100 for nothing", NULL, S(POST "Expect: 100-continue\r\n\r\n"),
      "POST / 1 done keep" },
    { "expects 100, in a list", NULL,
      S(POST "Expect: ,100-continue,\r\nContent-Length: 1\r\n\r\nx"),
      "POST / 1 expects [x] done keep" },
    { "1.0 cannot expect", NULL, S("POST / HTTP/1.0\r\nExpect: wonder\r\n\r\n"),
      "POST / 0 done close" },

    /* framing that could be read in two ways */
    { "length and coding", NULL,
      S(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), "!400" },
    { "coding and length", NULL,
      S(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"), "!400" },
    { "two lengths", NULL, S(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), "!400" },
    { "two equal lengths", NULL, S(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
      "!400" },
    { "length with a sign", NULL, S(POST "Content-Length: +1\r\n\r\nx"), "!400" },
    { "negative length", NULL, S(POST "Content-Length: -1\r\n\r\nx"), "!400" },
    { "empty length", NULL, S(POST "Content-Length:\r\n\r\nx"), "!400" },
    { "hexadecimal length", NULL, S(POST "Content-Length: 0x1\r\n\r\nx"), "!400" },
    { "list of lengths", NULL, S(POST "Content-Length: 1, 1\r\n\r\nx"), "!400" },
    { "length with a space inside", NULL, S(POST "Content-Length: 1 0\r\n\r\nx"), "!400" },
    { "length with _", NULL, S(POST "Content-Length: 1_0\r\n\r\nx"), "!400" },
    { "length of 2^64 + 1", NULL, S(POST "Content-Length: 18446744073709551617\r\n\r\nx"),
      "!413" },
    { "Arabic digits in a length", NULL, S(POST "Content-Length: \xd9\xa1\r\n\r\nx"), "!400" },
    { "unknown coding", NULL, S(POST "Transfer-Encoding: snail\r\n\r\n"), "!501" },
    { "identity", NULL, S(POST "Transfer-Encoding: identity\r\n\r\n"), "!501" },
    { "xchunked", NULL, S(POST "Transfer-Encoding: xchunked\r\n\r\n"), "!501" },
    { "chunked is not last", NULL, S(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
      "!400" },
    { "a coding before chunked", NULL, S(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
      "!400" },
    { "chunked twice", NULL, S(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), "!400" },
    { "coding on two lines", NULL,
      S(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), "!400" },
    { "vertical tab before chunked", NULL, S(POST "Transfer-Encoding: \vchunked\r\n\r\n"),
      "!400" },
    { "empty coding", NULL, S(POST "Transfer-Encoding:\r\n\r\n"), "!501" },
    { "chunked in 1.0", NULL,
      S("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "!400" },

    /* line ends and white space */
    { "bare LF after the request line", NULL, S("GET / HTTP/1.1\nHost: a\r\n\r\n"), "!400" },
    { "bare LF after a header", NULL, S(GET "Host: a\n\r\n"), "!400" },
    { "bare LF at the end", NULL, S(GET "Host: a\r\n\n"), "!400" },
    { "bare LF first", NULL, S("\n" GET "Host: a\r\n\r\n"), "!400" },
    { "bare CR in a value", NULL, S(GET "Host: a\r\nX: a\rb\r\n\r\n"), "!400" },
    { "bare CR as a line's end", NULL, S(GET "Host: a\rX: y\r\n\r\n"), "!400" },
    { "CR CR LF", NULL, S(GET "Host: a\r\nX: a\r\r\n\r\n"), "!400" },
    { "NUL in a value", NULL, S(GET "Host: a\r\nX: a\0b\r\n\r\n"), "!400" },
    { "control character in a value", NULL,
      S(GET "Host: a\r\nX: a\x02"
            "b\r\n\r\n"),
      "!400" },
    { "DEL in a value", NULL,
      S(GET "Host: a\r\nX: 0123456789\x7f"
            "b\r\n\r\n"),
      "!400" },
    { "folded line", NULL, S(GET "Host: a\r\nX: a\r\n b\r\n\r\n"), "!400" },
    { "space before the colon", NULL, S(GET "Host : a\r\n\r\n"), "!400" },
    { "tab before the colon", NULL, S(GET "Host: a\r\nX\t: a\r\n\r\n"), "!400" },
    { "space first in the block", NULL, S(GET " Host: a\r\n\r\n"), "!400" },
    { "no colon", NULL, S(GET "Host: a\r\nfoo\r\n\r\n"), "!400" },
    { "no name", NULL, S(GET "Host: a\r\n: b\r\n\r\n"), "!400" },
    { "brackets in a name", NULL, S(GET "Host: a\r\nX[0]: b\r\n\r\n"), "!400" },
    { "bytes above 127 in a name", NULL, S(GET "Host: a\r\nX\xc3\xa9: b\r\n\r\n"), "!400" },
    { "three empty lines before", NULL, S("\r\n\r\n\r\n" GET), "!400" },

    /* hosts */
    { "no host", NULL, S(GET "\r\n"), "!400" },
    { "two hosts", NULL, S(GET "Host: a\r\nHost: a\r\n\r\n"), "!400" },
    { "two hosts in 1.0", NULL, S("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), "!400" },
    { "empty host", NULL, S(GET "Host:\r\n\r\n"), "!400" },
    { "host with a path", NULL, S(GET "Host: a/b\r\n\r\n"), "!400" },
    { "host with a user", NULL, S(GET "Host: u@a\r\n\r\n"), "!400" },
    { "host with a space", NULL, S(GET "Host: a b\r\n\r\n"), "!400" },
    { "host with too high a port", NULL, S(GET "Host: a:65536\r\n\r\n"), "!400" },
    { "host with the highest port", NULL, S(GET "Host: a:65535\r\n\r\n"),
      "GET / 1 done keep" },
    { "host with letters in its port", NULL, S(GET "Host: a:b\r\n\r\n"), "!400" },
    { "open bracket", NULL, S(GET "Host: [::1\r\n\r\n"), "!400" },
    { "empty brackets", NULL, S(GET "Host: []\r\n\r\n"), "!400" },
    { "markup in a host", NULL, S(GET "Host: <b>\r\n\r\n"), "!400" },

    /* request lines */
    { "no version", NULL, S("GET /\r\n\r\n"), "!400" },
    { "no target", NULL, S("GET  HTTP/1.1\r\n\r\n"), "!400" },
    { "two spaces", NULL, S("GET  / HTTP/1.1\r\n\r\n"), "!400" },
    { "two spaces before the version", NULL, S("GET /  HTTP/1.1\r\n\r\n"), "!400" },
    { "space at the end", NULL, S("GET / HTTP/1.1 \r\n\r\n"), "!400" },
    { "tab between", NULL, S("GET\t/ HTTP/1.1\r\n\r\n"), "!400" },
    { "no method", NULL, S(" / HTTP/1.1\r\n\r\n"), "!400" },
    { "method that is no token", NULL, S("G(T / HTTP/1.1\r\n\r\n"), "!400" },
    { "space in the target", NULL, S("GET /a b HTTP/1.1\r\n\r\n"), "!400" },
    { "NUL in the target", NULL, S("GET /a\0b HTTP/1.1\r\n\r\n"), "!400" },
    { "CR in the target", NULL, S("GET /a\rb HTTP/1.1\r\n\r\n"), "!400" },
    { "UTF-8 in the target", NULL, S("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "fragment in the target", NULL, S("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "target without a slash", NULL, S("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "asterisk with GET", NULL, S("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "user in the target", NULL, S("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "absolute form without a host", NULL, S("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n"),
      "!400" },
    { "another scheme", NULL, S("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "path with CONNECT", NULL, S("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "CONNECT without a port", NULL, S("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"), "!400" },
    { "HTTP/0.9", NULL, S("GET / HTTP/0.9\r\n\r\n"), "!505" },
    { "HTTP/2.0", NULL, S("GET / HTTP/2.0\r\n\r\n"), "!505" },
    { "the preface of HTTP/2", NULL, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "!505" },
    { "HTTP/1", NULL, S("GET / HTTP/1\r\n\r\n"), "!400" },
    { "HTTP/1.10", NULL, S("GET / HTTP/1.10\r\n\r\n"), "!400" },
    { "HTTP/+1.1", NULL, S("GET / HTTP/+1.1\r\n\r\n"), "!400" },
    { "http in lower case", NULL, S("GET / http/1.1\r\n\r\n"), "!400" },
    { "TLS", NULL, S("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "!400" },

    /* chunks */
    { "bare LF after a chunk size", NULL, S(CHUNKED "1\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "bare LF after a chunk", NULL, S(CHUNKED "1\r\nx\n0\r\n\r\n"), "POST / 1 [x] !400" },
    { "bare LF after trailers", NULL, S(CHUNKED "0\r\nX: y\r\n\n"), "POST / 1 !400" },
    { "bare CR in an extension", NULL, S(CHUNKED "1;a\rb\r\nx\r\n0\r\n\r\n"),
      "POST / 1 !400" },
    { "space after a chunk size", NULL, S(CHUNKED "1 \r\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "chunk size with 0x", NULL, S(CHUNKED "0x1\r\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "chunk size with a sign", NULL, S(CHUNKED "+1\r\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "empty chunk size", NULL, S(CHUNKED "\r\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "chunk size of 2^64", NULL, S(CHUNKED "10000000000000000\r\nx"), "POST / 1 !413" },
    { "extension without a name", NULL, S(CHUNKED "1;=a\r\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "extension without a value", NULL, S(CHUNKED "1;a=\r\nx\r\n0\r\n\r\n"),
      "POST / 1 !400" },
    { "open quote", NULL, S(CHUNKED "1;a=\"b\\\r\nx\r\n0\r\n\r\n"), "POST / 1 !400" },
    { "control character in quotes", NULL, S(CHUNKED "1;a=\"\x01\"\r\nx\r\n0\r\n\r\n"),
      "POST / 1 !400" },
    { "junk after an extension", NULL, S(CHUNKED "1;a=b c\r\nx\r\n0\r\n\r\n"),
      "POST / 1 !400" },
    { "chunk longer than its size", NULL, S(CHUNKED "1\r\nxy\r\n0\r\n\r\n"),
      "POST / 1 [x] !400" },
    { "folded trailer", NULL, S(CHUNKED "0\r\nX: y\r\n z\r\n\r\n"), "POST / 1 !400" },

    /* the rest */
    { "unknown expectation in a list", NULL,
      S(POST "Expect: 100-continue, wonder\r\nContent-Length: 1\r\n\r\nx"), "!417" },
    { "unknown expectation", NULL, S(POST "Expect: wonder\r\nContent-Length: 1\r\n\r\nx"),
      "!417" },
    { "body over the limit", NULL, S(POST "Content-Length: 1048577\r\n\r\n"), "!413" },
    { "chunk over the limit", NULL, S(CHUNKED "100001\r\n"), "POST / 1 !413" },
    { "chunk far over the limit", NULL, S(CHUNKED "1\r\nx\r\n7fffffffffffffff\r\n"),
      "POST / 1 [x] !413" },
    { "cut", NULL, S(GET "Host: a\r\n"), "!400" },
    { "body cut", NULL, S(POST "Content-Length: 5\r\n\r\nhel"), "POST / 1 [hel] !400" },
};

static void note_head(struct transcript *t, const struct twi_http1 *parser)
{
    char text[256];

    snprintf(text, sizeof text, "%s %s %d", parser->method, parser->target, parser->minor);
    transcript_add(t, text);
    transcript_field(t, parser);
    if (parser->expect_continue)
        transcript_add(t, "expects");
}

static void run(const struct codec_row *row, size_t cut)
{
    struct twi_http1 parser;

    twi_http1_init_server(&parser, NULL);
    transcript_compare(row, &parser, cut, note_head);
    twi_http1_free(&parser);
}

START_TEST(a_request_has_one_reading_or_is_refused)
{
    int64_t before = test_allocs_living();

    run(&rows[_i], rows[_i].length);
    for (size_t cut = 0; cut < rows[_i].length; cut++)
        run(&rows[_i], cut);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(an_end_without_a_request_is_no_fault)
{
    static const char *const empty[] = { "", "\r", "\r\n", "\r\n\r" };
    const char *at = empty[_i];
    struct twi_http1 parser;

    twi_http1_init_server(&parser, NULL);
    ck_assert_int_eq(twi_http1_next(&parser, &at, at + strlen(at)), TWI_HTTP1_MORE);
    ck_assert_int_eq(twi_http1_eof(&parser), TWI_HTTP1_ERROR);
    ck_assert_ptr_eq(parser.error.error_class, &tw_error_empty);
    twi_http1_free(&parser);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------ */

static const struct {
    const char *what, *before, *text, *after;
    unsigned times;
    int status; /* 0: fits */
} limits[] = {
    { "request line of 8192", "GET /", "x", " HTTP/1.1\r\nHost: a\r\n\r\n", 8192 - 16, 0 },
    { "request line of 8193", "GET /", "x", " HTTP/1.1\r\nHost: a\r\n\r\n", 8192 - 15, 414 },
    { "endless method", "", "x", "", 9000, 414 },
    { "100 headers", GET "Host: a\r\n", "X: y\r\n", "\r\n", 99, 0 },
    { "101 headers", GET "Host: a\r\n", "X: y\r\n", "\r\n", 100, 431 },
    { "32768 bytes of headers", GET "Host: a\r\nX: ", "x", "\r\n\r\n", 32768 - 16, 0 },
    { "32769 bytes of headers", GET "Host: a\r\nX: ", "x", "\r\n\r\n", 32768 - 15, 431 },
    { "4096 bytes of extensions", CHUNKED "1;a=", "x", "\r\nx\r\n0\r\n\r\n", 4096 - 3, 0 },
    { "4097 bytes of extensions", CHUNKED "1;a=", "x", "\r\nx\r\n0\r\n\r\n", 4096 - 2, 400 },
    { "small extensions", CHUNKED, "1;abc\r\nx\r\n", "0\r\n\r\n", 1024, 0 },
    { "too many small extensions", CHUNKED, "1;abc\r\nx\r\n", "0\r\n\r\n", 1025, 400 },
    { "a mebibyte of body", CHUNKED, "4\r\nabcd\r\n", "0\r\n\r\n", 262144, 0 },
    { "more of it", CHUNKED, "4\r\nabcd\r\n", "0\r\n\r\n", 262145, 413 },
    { "trailers", CHUNKED "0\r\n", "X: y\r\n", "\r\n", 100, 0 },
    { "too many trailers", CHUNKED "0\r\n", "X: y\r\n", "\r\n", 101, 431 },
};

static enum twi_http1_event feed(struct twi_http1 *parser, const char *text)
{
    const char *at = text, *end = text + strlen(text);
    enum twi_http1_event event;

    do
        event = twi_http1_next(parser, &at, end);
    while (event == TWI_HTTP1_HEAD || event == TWI_HTTP1_BODY);
    return event;
}

START_TEST(limits_are_exact)
{
    struct twi_http1 parser;
    enum twi_http1_event event;

    twi_http1_init_server(&parser, NULL);
    event = feed(&parser, limits[_i].before);
    for (unsigned i = 0; i < limits[_i].times && event == TWI_HTTP1_MORE; i++)
        event = feed(&parser, limits[_i].text);
    if (event == TWI_HTTP1_MORE)
        event = feed(&parser, limits[_i].after);
    ck_assert_msg(event == (limits[_i].status == 0 ? TWI_HTTP1_DONE : TWI_HTTP1_ERROR), "%s",
                  limits[_i].what);
    ck_assert_msg(limits[_i].status == 0 || parser.error.status == limits[_i].status, "%s: %d",
                  limits[_i].what, parser.error.status);
    twi_http1_free(&parser);
}
END_TEST

static bool parse_batch(void *arg)
{
    static const char input[] = GET
        "Host: a\r\n\r\n" CHUNKED "1\r\nx\r\n0\r\nA: b\r\n\r\n"
        "GET /a/path/that/is/rather/long HTTP/1.1\r\nHost: a.very.long.name.example\r\n\r\n";
    struct twi_http1 parser;
    unsigned done = 0;
    bool failed = false;

    (void)arg;
    twi_http1_init_server(&parser, NULL);
    for (size_t i = 0; i < sizeof input - 1 && !failed; i += 7) {
        size_t end = i + 7 < sizeof input - 1 ? i + 7 : sizeof input - 1;
        const char *at = input + i;

        for (;;) {
            enum twi_http1_event event = twi_http1_next(&parser, &at, input + end);

            if (event == TWI_HTTP1_MORE)
                break;
            failed = event == TWI_HTTP1_ERROR;
            if (failed)
                break;
            if (event == TWI_HTTP1_DONE) {
                done++;
                twi_http1_begin(&parser, NULL);
            }
        }
    }
    ck_assert(failed || done == 3);
    ck_assert(!failed || parser.error.status == 503);
    twi_http1_free(&parser);
    return !failed;
}

START_TEST(out_of_memory_is_an_error_like_others)
{
    ck_assert_uint_gt(test_each_alloc_failure(parse_batch, NULL), 0);
}
END_TEST

/* --- writing ----------------------------------------------------------------------------- */

static tw_headers *new_headers(void)
{
    tw_headers *headers = tw_headers_new();

    ck_assert_ptr_nonnull(headers);
    return headers;
}

START_TEST(a_head_is_written_as_it_is_read)
{
    struct twi_buf buf = { 0 };
    tw_headers *headers = new_headers();

    ck_assert_int_eq(twi_http1_write_request_line(&buf, "GET", "/a?b", 1), 0);
    ck_assert_int_eq(twi_http1_write_field(&buf, "Host", "a"), 0);
    ck_assert_int_eq(tw_headers_add(headers, "X-Y", "  z "), 0);
    ck_assert_int_eq(tw_headers_add(headers, "Accept", ""), 0);
    ck_assert_int_eq(twi_http1_write_fields(&buf, headers), 0);
    ck_assert_int_eq(twi_http1_write_number(&buf, "Content-Length", 0), 0);
    ck_assert_int_eq(twi_http1_write_number(&buf, "N", UINT64_MAX), 0);
    ck_assert_int_eq(twi_http1_write_end(&buf), 0);
    ck_assert_str_eq(twi_buf_text(&buf),
                     "GET /a?b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\nAccept: \r\n"
                     "Content-Length: 0\r\nN: 18446744073709551615\r\n\r\n");
    buf.length = 0;
    ck_assert_int_eq(twi_http1_write_request_line(&buf, "OPTIONS", "*", 0), 0);
    ck_assert_int_eq(twi_http1_write_status_line(&buf, 1, 404, NULL), 0);
    ck_assert_int_eq(twi_http1_write_status_line(&buf, 0, 299, NULL), 0);
    ck_assert_int_eq(twi_http1_write_status_line(&buf, 1, 200, "Fine"), 0);
    ck_assert_str_eq(twi_buf_text(&buf), "OPTIONS * HTTP/1.0\r\nHTTP/1.1 404 Not Found\r\n"
                                         "HTTP/1.0 299 \r\nHTTP/1.1 200 Fine\r\n");
    ck_assert_str_eq(twi_http1_reason(-1), "");
    ck_assert_str_eq(twi_http1_reason(600), "");
    twi_buf_free(&buf);
    tw_headers_free(headers);
}
END_TEST

static const struct {
    const char *first, *second;
} broken[] = {
    { "GET\r\nX: y", "/" }, { "GET ", "/" },     { "", "/" },         { "GET", "" },
    { "GET", "/ b" },       { "GET", "/\r\nX" }, { "GET", "/\x7f" }, { "GET", "/\t" },
};

START_TEST(what_would_break_a_request_line_is_refused)
{
    struct twi_buf buf = { 0 };

    ck_assert_int_eq(
        twi_http1_write_request_line(&buf, broken[_i].first, broken[_i].second, 1), -EINVAL);
    ck_assert_uint_eq(buf.length, 0);
    twi_buf_free(&buf);
}
END_TEST

static const struct {
    const char *name, *value;
} broken_fields[] = {
    { "", "a" },   { "a b", "c" },      { "a:", "b" },  { "a\r\nb", "c" },
    { "a", "\r" }, { "a", "b\r\nc: d" }, { "a", "b\n" }, { "\xc3\xa9", "b" },
};

START_TEST(what_would_break_a_header_is_refused)
{
    struct twi_buf buf = { 0 };
    tw_headers *headers = new_headers();
    const char *name = broken_fields[_i].name, *value = broken_fields[_i].value;

    ck_assert_int_eq(twi_http1_write_field(&buf, name, value), -EINVAL);
    ck_assert_int_eq(tw_headers_add(headers, name, value), -EINVAL);
    ck_assert_int_eq(tw_headers_set(headers, name, value), -EINVAL);
    ck_assert_int_eq(tw_headers_add_n(headers, "a", 1, "b\0c", 3), -EINVAL);
    ck_assert_int_eq(twi_http1_write_status_line(&buf, 1, 200, "a\r\nb"), -EINVAL);
    ck_assert_int_eq(twi_http1_write_status_line(&buf, 1, 99, NULL), -EINVAL);
    ck_assert_int_eq(twi_http1_write_status_line(&buf, 1, 1000, NULL), -EINVAL);
    ck_assert_uint_eq(buf.length, 0);
    ck_assert_uint_eq(tw_headers_count(headers), 0);
    tw_headers_free(headers);
    twi_buf_free(&buf);
}
END_TEST

static const struct {
    size_t length;
    const char *head;
} chunks[] = {
    { 1, "1\r\n" },
    { 15, "f\r\n" },
    { 16, "10\r\n" },
    { 65536, "10000\r\n" },
    { SIZE_MAX, "ffffffffffffffff\r\n" },
};

START_TEST(a_chunk_is_written_as_it_is_read)
{
    char text[TWI_HTTP1_CHUNK_HEAD_SIZE];
    size_t length = twi_http1_chunk_head(text, chunks[_i].length);

    ck_assert_uint_eq(length, strlen(chunks[_i].head));
    ck_assert_mem_eq(text, chunks[_i].head, length);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_request");

    TEST_ADD_ROWS(suite, a_request_has_one_reading_or_is_refused, rows);
    test_add(suite, an_end_without_a_request_is_no_fault, 0, 4);
    TEST_ADD_ROWS(suite, limits_are_exact, limits);
    TEST_ADD(suite, out_of_memory_is_an_error_like_others);
    TEST_ADD(suite, a_head_is_written_as_it_is_read);
    TEST_ADD_ROWS(suite, what_would_break_a_request_line_is_refused, broken);
    TEST_ADD_ROWS(suite, what_would_break_a_header_is_refused, broken_fields);
    TEST_ADD_ROWS(suite, a_chunk_is_written_as_it_is_read, chunks);
    return test_run(suite);
}
