/* SPDX-License-Identifier: MIT */
/*
 * check_server.c - the server's side of HTTP: answers, their order, limits, timeouts, and clients
 * that break off.
 */
#include "config.h"

#include <errno.h>

#include <tweed/log.h>
#include <tweed/task.h>

#include "tests/site.h"

#define OK_TEXT(length) \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " #length "\r\n\r\n"

/* --- handlers ---------------------------------------------------------------------------- */

static tw_value hello(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_answer(request, 200, "text/plain", tw_string("hello"));
    return tw_none();
}

/* "METHOD path?query version:body" */
static tw_value echo(tw_request *request, void *arg)
{
    (void)arg;
    ck_assert_str_ne(tw_request_target(request), "");
    ck_assert_ptr_nonnull(tw_request_transport(request));
    return tw_bytes_format("%s %s?%s %s:%s", tw_request_method(request),
                           tw_request_path(request), tw_request_query(request),
                           tw_request_version(request),
                           tw_bytes_data(tw_request_body(request)));
}

static tw_value pieces(tw_request *request, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_request_set_header(request, "X-A", "1"), 0);
    ck_assert_int_eq(tw_request_add_header(request, "X-A", "2"), 0);
    ck_assert_int_eq(tw_request_write(request, "one", 3), 0);
    ck_assert_int_eq(tw_request_write(request, "", 0), 0);
    ck_assert_int_eq(tw_request_set_header(request, "X-B", "1"), -EALREADY);
    ck_assert_int_eq(tw_request_set_status(request, 404, NULL), -EALREADY);
    ck_assert_int_eq(tw_request_write(request, "two2", 4), 0);
    ck_assert_int_eq(tw_request_finish(request), 0);
    return tw_none();
}

static tw_value declared(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_set_header(request, "Content-Length", "6");
    tw_request_write(request, "abc", 3);
    ck_assert_int_eq(tw_request_write(request, "defg", 4), -EMSGSIZE);
    tw_request_write(request, "def", 3);
    tw_request_finish(request);
    return tw_none();
}

static tw_value too_little(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_set_header(request, "Content-Length", "6");
    tw_request_write(request, "abc", 3);
    ck_assert_int_eq(tw_request_finish(request), -EMSGSIZE);
    return tw_none();
}

static tw_value nothing(tw_request *request, void *arg)
{
    tw_request_set_status(request, arg == NULL ? 200 : 204, NULL);
    tw_request_finish(request);
    return tw_none();
}

static tw_value created(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_set_status(request, 201, "Made it");
    tw_request_set_header(request, "Content-Type", "text/x");
    tw_request_set_header(request, "Connection", "close");
    return tw_string("body");
}

static tw_value broken(tw_request *request, void *arg)
{
    tw_request_set_header(request, "X-Gone", "1");
    if (arg != NULL)
        tw_request_write(request, "begun", 5);
    return tw_fail(&tw_error, "on purpose");
}

static tw_value number(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_integer(7);
}

static tw_value large(tw_request *request, void *arg)
{
    char *data;
    tw_value bytes = tw_bytes_new(20000, &data);

    (void)arg;
    if (data != NULL)
        memset(data, 'x', 20000);
    tw_request_answer(request, 200, "text/plain", bytes);
    return tw_none();
}

static tw_value fire_text(void *arg)
{
    return tw_string(arg);
}

static char late_text[] = "late";

static tw_value later(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_wait(tw_defer_later(NULL, 1, fire_text, late_text));
}

static void silent(const struct tw_log_event *event, void *arg)
{
    (void)event;
    ++*(int *)arg;
}

static int logged;

static void handlers(void)
{
    logged = 0;
    tw_log_observe(silent, &logged, TW_LOG_ERROR);
    ck_assert_int_eq(tw_site_handle(site, "/hello", hello, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/echo", echo, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/dir/", echo, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/dir/sub/hello", hello, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/pieces", pieces, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/declared", declared, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/little", too_little, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/nothing", nothing, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/204", nothing, site, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/created", created, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/fail", broken, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/fail-late", broken, site, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/number", number, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/large", large, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/later", later, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "*", echo, NULL, NULL), 0);
}

/* --- answers ----------------------------------------------------------------------------- */

#define HTML0 "Content-Type: text/html; charset=utf-8\r\n"
#define HTML(length) HTML0 "Content-Length: " #length "\r\n"
#define ERROR_500                                                          \
    "HTTP/1.1 500 Internal Server Error\r\n" HTML(                         \
        124) "\r\n"                                                        \
             "<!DOCTYPE html>\n<title>500 Internal Server Error</title>\n" \
             "<h1>Internal Server Error</h1>\n<p>The server could not answer.</p>\n"

static const struct {
    const char *what, *request, *answer;
    bool closes;
} rows[] = {
    { "get", GET("/hello"), OK_TEXT(5) "hello", false },
    { "head", "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n", OK_TEXT(5), false },
    { "two", GET("/hello") GET("/hello"), OK_TEXT(5) "hello" OK_TEXT(5) "hello", false },
    { "close", "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/hello"),
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: "
      "close\r\n"
      "\r\nhello",
      true },
    { "1.0", "GET /hello HTTP/1.0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: "
      "close\r\n"
      "\r\nhello",
      true },
    { "1.0 that keeps", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
      "Connection: keep-alive\r\n\r\nhello",
      false },
    { "bytes", GET("/echo?a=b%20c"),
      "HTTP/1.1 200 OK\r\n" HTML(27) "\r\nGET /echo?a=b%20c "
                                     "HTTP/1.1:",
      false },
    { "body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd",
      "HTTP/1.1 200 OK\r\n" HTML(25) "\r\nPOST /echo? HTTP/1.1:abcd", false },
    { "chunked body",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n" HTML(25) "\r\nPOST /echo? HTTP/1.1:abcd", false },
    { "below a directory", GET("/dir/a%2fb/c"),
      "HTTP/1.1 200 OK\r\n" HTML(27) "\r\nGET /dir/a%2Fb/c? HTTP/1.1:", false },
    { "the longest route", GET("/dir/sub/hello"), OK_TEXT(5) "hello", false },
    { "absolute form", GET("http://x/echo?q"),
      "HTTP/1.1 200 OK\r\n" HTML(21) "\r\nGET /echo?q HTTP/1.1:", false },
    { "absolute form without a path", GET("http://x?q"),
      "HTTP/1.1 404 Not Found\r\n" HTML(
          94) "\r\n<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
              "<p>There is nothing here.</p>\n",
      false },
    { "asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\n" HTML(20) "\r\nOPTIONS *? HTTP/1.1:", false },
    { "chunks out", GET("/pieces"),
      "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\ntwo2\r\n0\r\n\r\n",
      false },
    { "chunks out for HEAD", "HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n", false },
    { "pieces for 1.0", "GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n\r\nonetwo2", true },
    { "declared length", GET("/declared"),
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", false },
    { "nothing", GET("/nothing"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false },
    { "204", GET("/204"), "HTTP/1.1 204 No Content\r\n\r\n", false },
    { "reason, type and close", GET("/created"),
      "HTTP/1.1 201 Made it\r\nContent-Type: text/x\r\nContent-Length: 4\r\nConnection: "
      "close\r\n"
      "\r\nbody",
      true },
    { "a failure", GET("/fail") GET("/hello"), ERROR_500 OK_TEXT(5) "hello", false },
    { "a failure after the head breaks off", GET("/fail-late"), "", true },
    { "what is no answer", GET("/number"), ERROR_500, false },
    { "no slash", GET("/dir?x=y"),
      "HTTP/1.1 301 Moved Permanently\r\n" HTML0
      "Location: /dir/?x=y\r\nContent-Length: 113\r\n\r\n<!DOCTYPE html>\n"
      "<title>301 Moved Permanently</title>\n<h1>Moved Permanently</h1>\n"
      "<p>It is there with a slash.</p>\n",
      false },
    { "CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
      "HTTP/1.1 501 Not Implemented\r\n" HTML(
          101) "Connection: close\r\n\r\n<!DOCTYPE html>\n<title>501 Not Implemented</title>\n"
               "<h1>Not Implemented</h1>\n<p>This is no proxy.</p>\n",
      true },
    { "expects 100",
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Content-Length: 1\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n", false },
};

static void expect(const char *what, const char *answer)
{
    const char *text = answered();

    ck_assert_msg(strcmp(text, answer) == 0, "%s: got\n%s\nexpected\n%s", what, text, answer);
}

START_TEST(a_request_is_answered)
{
    site_begin(NULL);
    handlers();
    wire = site_connect();
    send_text(rows[_i].request);
    expect(rows[_i].what, rows[_i].answer);
    ck_assert_msg(is_closed() == rows[_i].closes, "%s", rows[_i].what);
    site_end();
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    const char *text = rows[_i].request;

    site_begin(NULL);
    handlers();
    wire = site_connect();
    for (; *text != '\0'; text++) {
        tw_string_transport_deliver(wire, text, 1);
        if (strchr("\r\n", *text) != NULL)
            tw_testing_settle();
    }
    expect(rows[_i].what, rows[_i].answer);
    site_end();
}
END_TEST

static const struct {
    const char *what, *request;
    int status;
} refusals[] = {
    { "CL and TE",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/hello"),
      400 },
    { "no Host", "GET /hello HTTP/1.1\r\n\r\n" GET("/hello"), 400 },
    { "bare LF", "GET /hello HTTP/1.1\nHost: a\n\n" GET("/hello"), 400 },
    { "bad escape", GET("/%zz") GET("/hello"), 400 },
    { "cut escape", GET("/%4") GET("/hello"), 400 },
    { "NUL in the path", GET("/hello%00") GET("/hello"), 400 },
    { "up from the root", GET("/dir/../../hello") GET("/hello"), 400 },
    { "too large",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\nxxxx" GET("/hello"),
      413 },
    { "bad chunk",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" GET(
          "/hello"),
      400 },
    { "unknown coding",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: snail\r\n\r\nx\r\n" GET("/hello"),
      501 },
    { "unknown expectation",
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n" GET("/hello"), 417 },
    { "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" GET("/hello"), 505 },
    { "TLS", "\x16\x03\x01" GET("/hello"), 400 },
    { "a body that nobody wants",
      "POST /none HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Content-Length: 4\r\n\r\n" GET("/hello"),
      404 },
};

START_TEST(a_refusal_is_the_last_answer)
{
    const char *text;

    site_begin(NULL);
    handlers();
    wire = site_connect();
    send_text(refusals[_i].request);
    text = answered();
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 ", 9), 0);
    ck_assert_msg(atoi(text + 9) == refusals[_i].status, "%s: %s", refusals[_i].what, text);
    ck_assert_ptr_null(strstr(text + 9, "HTTP/1.1"));
    ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
    /* The client may still read it; what it sends is thrown away. */
    send_text(GET("/hello"));
    ck_assert_str_eq(answered(), "");
    ck_assert(!is_closed());
    tw_testing_advance(3);
    ck_assert(is_closed());
    site_end();
}
END_TEST

START_TEST(an_answer_before_a_refusal_is_sent)
{
    const char *text;

    site_begin(NULL);
    handlers();
    wire = site_connect();
    send_text(GET("/later") "junk\r\n\r\n");
    ck_assert_str_eq(answered(), "");
    tw_testing_advance(1.5);
    text = answered();
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 200 OK", 15), 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nlateHTTP/1.1 400 Bad Request\r\n"));
    site_end();
}
END_TEST

/* --- order ------------------------------------------------------------------------------- */

static tw_request *waiting[64];
static unsigned waiting_count, cancelled, gone_count;

static void note_gone(tw_request *request, void *arg)
{
    (void)request;
    ++*(unsigned *)arg;
}

static tw_value wait_for_test(tw_request *request, void *arg)
{
    (void)arg;
    waiting[waiting_count++] = request;
    tw_request_on_gone(request, note_gone, &gone_count);
    return tw_none();
}

/* The request that waits since `index` others did. */
static tw_request *asked(unsigned index)
{
    ck_assert_uint_lt(index, waiting_count);
    return waiting[index];
}

static void answer_waiting(unsigned index)
{
    tw_request *request = asked(index);

    tw_request_answer(request, 200, "text/plain",
                      tw_bytes_format("%s", tw_request_query(request)));
}

static void waiting_site(const struct tw_site_options *options)
{
    site_begin(options);
    waiting_count = cancelled = gone_count = 0;
    handlers();
    ck_assert_int_eq(tw_site_handle(site, "/wait", wait_for_test, NULL, NULL), 0);
    wire = site_connect();
}

START_TEST(answers_keep_the_order_of_requests)
{
    char expected[2048] = "", one[128];

    waiting_site(NULL);
    for (unsigned i = 0; i < 10; i++) {
        snprintf(one, sizeof one, "GET /wait?%u HTTP/1.1\r\nHost: a\r\n\r\n", i);
        send_text(one);
        snprintf(one, sizeof one, OK_TEXT(1) "%u", i);
        strcat(expected, one);
    }
    send_text(GET("/hello") GET("/pieces") GET("/large"));
    ck_assert_uint_eq(waiting_count, 10);
    for (unsigned i = 10; i-- > 1;)
        answer_waiting(i);
    ck_assert_str_eq(answered(), "");
    answer_waiting(0);
    strcat(expected, OK_TEXT(5) "hello");
    strcat(expected,
           "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\none\r\n4\r\ntwo2\r\n0\r\n\r\n");
    strcat(expected, OK_TEXT(20000));
    ck_assert_int_eq(strncmp(answered(), expected, strlen(expected)), 0);
    site_end();
}
END_TEST

START_TEST(reading_stops_when_too_many_answers_are_due)
{
    struct tw_site_options options = { .max_pipelined = 4 };

    waiting_site(&options);
    send_text(GET("/wait?0") GET("/wait?1") GET("/wait?2") GET("/wait?3") GET("/wait?4")
                  GET("/hello") GET("/wait?5"));
    ck_assert_uint_eq(waiting_count, 4);
    send_text(GET("/hello"));
    answer_waiting(1);
    ck_assert_uint_eq(waiting_count, 4);
    answer_waiting(0);
    ck_assert_uint_eq(waiting_count, 5);
    answer_waiting(4);
    answer_waiting(3);
    answer_waiting(2);
    ck_assert_uint_eq(waiting_count, 6);
    answer_waiting(5);
    expect("all", OK_TEXT(1) "0" OK_TEXT(1) "1" OK_TEXT(1) "2" OK_TEXT(1) "3" OK_TEXT(
                      1) "4" OK_TEXT(5) "hello" OK_TEXT(1) "5" OK_TEXT(5) "hello");
    site_end();
}
END_TEST

START_TEST(five_hundred_requests_in_one_packet_are_answered_in_order)
{
    static char text[500 * 64];
    const char *at;

    site_begin(NULL);
    handlers();
    wire = site_connect();
    for (unsigned i = 0; i < 500; i++)
        sprintf(text + strlen(text), "GET /echo?%03u HTTP/1.1\r\nHost: a\r\n\r\n", i);
    send_text(text);
    at = answered();
    for (unsigned i = 0; i < 500; i++) {
        char expected[32];

        snprintf(expected, sizeof expected, "GET /echo?%03u HTTP/1.1:", i);
        at = strstr(at, "\r\n\r\n");
        ck_assert_ptr_nonnull(at);
        ck_assert_int_eq(strncmp(at + 4, expected, strlen(expected)), 0);
        at += 4;
    }
    ck_assert_ptr_null(strstr(at, "HTTP/1.1 "));
    site_end();
}
END_TEST

/* --- handlers that finish late ----------------------------------------------------------- */

static tw_value fire_failure(void *arg)
{
    return tw_fail(&tw_error, "%s", (char *)arg);
}

static tw_value after_a_second(tw_request *request, void *arg)
{
    (void)request;
    return tw_wait(tw_defer_later(NULL, 1, arg == NULL ? fire_failure : fire_text, late_text));
}

START_TEST(a_deferred_answers_when_it_fires)
{
    site_begin(NULL);
    handlers();
    tw_site_handle(site, "/late", after_a_second, site, NULL);
    tw_site_handle(site, "/late-failure", after_a_second, NULL, NULL);
    wire = site_connect();
    send_text(GET("/late") GET("/hello") GET("/late-failure"));
    ck_assert_str_eq(answered(), "");
    tw_testing_advance(1.5);
    expect("both", "HTTP/1.1 200 OK\r\n" HTML(4) "\r\nlate" OK_TEXT(5) "hello" ERROR_500);
    ck_assert_int_eq(logged, 1);
    site_end();
}
END_TEST

static tw_deferred *never;

static int note_cancel(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    (void)arg;
    cancelled++;
    tw_fire(&never, tw_fail(&tw_error_cancelled, "nobody waits"));
    return 0;
}

static tw_value wait_for_ever(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_on_gone(request, note_gone, &gone_count);
    return tw_wait(tw_promise(&never, note_cancel, NULL));
}

static unsigned finished_count;

static void note_finished(tw_request *request, void *arg)
{
    (void)arg;
    ck_assert_str_ne(tw_request_method(request), "");
    ck_assert_int_ge(tw_request_answer_status(request), 200);
    finished_count++;
}

START_TEST(a_handler_is_told_that_the_client_has_gone)
{
    struct tw_site_options options = { .on_finished = note_finished };

    finished_count = 0;
    waiting_site(&options);
    tw_site_handle(site, "/ever", wait_for_ever, NULL, NULL);
    send_text(GET("/ever") GET("/wait?1") GET("/hello"));
    tw_string_transport_lose(wire, tw_fail(&tw_error_connection_lost, "gone"));
    tw_testing_settle();
    ck_assert_uint_eq(gone_count, 2);
    ck_assert_uint_eq(cancelled, 1);
    ck_assert_ptr_null(never);
    ck_assert_uint_eq(finished_count, 3);
    /* It stays valid until it is finished. */
    ck_assert_str_eq(tw_request_path(asked(0)), "/wait");
    ck_assert_ptr_null(tw_request_transport(asked(0)));
    ck_assert_int_eq(tw_request_write(asked(0), "x", 1), -ENOTCONN);
    ck_assert_int_eq(tw_request_answer(asked(0), 200, NULL, tw_string("x")), -ENOTCONN);
    ck_assert_int_eq(logged, 0);
    site_end();
}
END_TEST

static tw_value finish_the_other(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_none();
}

static void finish_all(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    for (unsigned i = 0; i < waiting_count; i++)
        tw_request_finish(waiting[i]);
}

START_TEST(gone_may_finish_any_request)
{
    waiting_site(NULL);
    tw_site_handle(site, "/none", finish_the_other, NULL, NULL);
    send_text(GET("/wait?0") GET("/wait?1") GET("/wait?2"));
    tw_request_on_gone(asked(1), finish_all, NULL);
    tw_request_on_gone(asked(0), NULL, NULL);
    tw_string_transport_deliver_eof(wire);
    tw_testing_settle();
    site_end();
}
END_TEST

START_TEST(what_the_application_sets_cannot_break_the_head)
{
    waiting_site(NULL);
    send_text(GET("/wait") GET("/wait"));
    ck_assert_int_eq(tw_request_set_header(asked(0), "X", "a\r\nB: c"), -EINVAL);
    ck_assert_int_eq(tw_request_add_header(asked(0), "X\n", "a"), -EINVAL);
    ck_assert_int_eq(tw_request_set_header(asked(0), "Connection", "a\n"), -EINVAL);
    ck_assert_int_eq(tw_request_set_header(asked(0), "Content-Length", "-1"), -EINVAL);
    ck_assert_int_eq(tw_request_set_header(asked(0), "Transfer-Encoding", "gzip"), -EINVAL);
    ck_assert_int_eq(tw_request_set_status(asked(0), 200, "a\r\nb"), -EINVAL);
    ck_assert_int_eq(tw_request_set_status(asked(0), 101, NULL), -EINVAL);
    ck_assert_int_eq(tw_request_answer(asked(0), 200, "a\r\nb", tw_string("x")), -EINVAL);
    ck_assert_str_eq(answered(), "");
    ck_assert_int_eq(tw_request_error(asked(0), 404, "<a & 'b' \"c\">"), 0);
    ck_assert_ptr_nonnull(
        strstr(answered(), "<p>&lt;a &amp; &#39;b&#39; &quot;c&quot;&gt;</p>"));
    ck_assert_int_eq(tw_request_answer(asked(1), 200, NULL, tw_fail_memory()), -EINVAL);
    ck_assert_int_eq(strncmp(answered(), "HTTP/1.1 500 ", 13), 0);
    site_end();
}
END_TEST

START_TEST(a_body_that_is_too_short_breaks_the_connection)
{
    site_begin(NULL);
    handlers();
    wire = site_connect();
    send_text(GET("/little") GET("/hello"));
    ck_assert_ptr_null(strstr(answered(), "hello"));
    ck_assert(is_closed());
    site_end();
}
END_TEST

START_TEST(server_and_date_are_ours_unless_they_are_set)
{
    const char *text;
    size_t length;

    ck_assert_int_eq(tw_testing_begin(), 0);
    site = test_given(tw_site_new(NULL));
    ck_assert_int_eq(tw_site_handle(site, "/hello", hello, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/wait", wait_for_test, NULL, NULL), 0);
    wire = site_connect();
    waiting_count = 0;
    tw_string_transport_deliver(wire, GET("/hello"), strlen(GET("/hello")));
    tw_testing_settle();
    text = tw_string_transport_written(wire, &length);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 200 OK\r\nServer: tweed\r\nDate: ", 38), 0);
    ck_assert_int_eq(strncmp(text + 38 + 25, " GMT\r\nContent-Type: ", 20), 0);
    tw_string_transport_clear(wire);
    tw_string_transport_deliver(wire, GET("/wait"), strlen(GET("/wait")));
    tw_testing_settle();
    tw_request_set_header(asked(0), "Server", "other");
    tw_request_set_header(asked(0), "Date", "today");
    tw_request_finish(asked(0));
    tw_testing_settle();
    ck_assert_str_eq(
        tw_string_transport_written(wire, &length),
        "HTTP/1.1 200 OK\r\nServer: other\r\nDate: today\r\nContent-Length: 0\r\n\r\n");
    site_end();
}
END_TEST

/* --- 100-continue ------------------------------------------------------------------------ */

START_TEST(a_body_is_asked_for_when_its_turn_comes)
{
    waiting_site(NULL);
    send_text(GET("/wait?0") "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                             "Content-Length: 1\r\n\r\n");
    ck_assert_str_eq(answered(), "");
    answer_waiting(0);
    expect("continue", OK_TEXT(1) "0HTTP/1.1 100 Continue\r\n\r\n");
    send_text("x");
    expect("answer", "HTTP/1.1 200 OK\r\n" HTML(22) "\r\nPOST /echo? HTTP/1.1:x");
    site_end();
}
END_TEST

/* --- memory ------------------------------------------------------------------------------ */

static bool exchange(void *arg)
{
    static const char text[] = GET("/hello") GET("/pieces")
        GET("/dir/with/a/path/that/is/longer/"
            "than/what/fits/into/the/request/itself/without/asking/for/memory") GET("/fail")
            GET("/404") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET(
                "/later") GET("/hello");
    bool complete = false;
    size_t length;

    (void)arg;
    if (tw_testing_begin() < 0)
        return false;
    site = tw_site_new(NULL);
    if (site != NULL && tw_site_handle(site, "/hello", hello, NULL, NULL) == 0 &&
        tw_site_handle(site, "/pieces", created, NULL, NULL) == 0 &&
        tw_site_handle(site, "/dir/", echo, NULL, NULL) == 0 &&
        tw_site_handle(site, "/fail", broken, NULL, NULL) == 0 &&
        tw_site_handle(site, "/later", later, NULL, NULL) == 0 &&
        tw_site_handle(site, "/echo", echo, NULL, NULL) == 0) {
        tw_protocol *protocol = site_protocol();

        wire = protocol == NULL ? NULL : tw_string_transport_new(protocol);
    }
    if (wire != NULL) {
        for (size_t at = 0; at < sizeof text - 1; at += 100)
            tw_string_transport_deliver(
                wire, text + at, at + 100 < sizeof text - 1 ? 100 : sizeof text - 1 - at);
        tw_testing_advance(1.5);
        complete = count_text(tw_string_transport_written(wire, &length), "HTTP/1.1 ") > 1;
        tw_string_transport_free(wire);
        wire = NULL;
    }
    tw_testing_settle();
    site_drop();
    tw_testing_end();
    return complete && !test_alloc_failed();
}

START_TEST(out_of_memory_harms_one_answer_at_most)
{
    int count = 0;

    tw_log_observe(silent, &count, TW_LOG_ERROR);
    ck_assert_uint_gt(test_each_alloc_failure(exchange, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server");

    TEST_ADD_ROWS(suite, a_request_is_answered, rows);
    TEST_ADD_ROWS(suite, a_request_may_come_byte_by_byte, rows);
    TEST_ADD_ROWS(suite, a_refusal_is_the_last_answer, refusals);
    TEST_ADD(suite, an_answer_before_a_refusal_is_sent);
    TEST_ADD(suite, answers_keep_the_order_of_requests);
    TEST_ADD(suite, reading_stops_when_too_many_answers_are_due);
    TEST_ADD(suite, five_hundred_requests_in_one_packet_are_answered_in_order);
    TEST_ADD(suite, a_deferred_answers_when_it_fires);
    TEST_ADD(suite, a_handler_is_told_that_the_client_has_gone);
    TEST_ADD(suite, gone_may_finish_any_request);
    TEST_ADD(suite, what_the_application_sets_cannot_break_the_head);
    TEST_ADD(suite, a_body_that_is_too_short_breaks_the_connection);
    TEST_ADD(suite, server_and_date_are_ours_unless_they_are_set);
    TEST_ADD(suite, a_body_is_asked_for_when_its_turn_comes);
    TEST_ADD(suite, out_of_memory_harms_one_answer_at_most);
    return test_run(suite);
}
