/* SPDX-License-Identifier: MIT */
/*
 * check_client_torture.c - whole requests with every allocation failing in turn: each ends once,
 * with its result or out of memory, and leaves nothing behind.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <tweed/log.h>

#include "tests/client_peer.h"
#include "tests/test.h"

/* The client is what is tortured: its peer must not stumble. A protocol on the client's own
 * transport would; so it is a script on a listener whose failures end the connection. */
struct scene {
    const char *url, *proxy;
    struct tw_fetch_options options;
    void (*answer)(tw_protocol *protocol, size_t request);
    unsigned requests; /* how many, one after the other */
    bool stream, cookies, source, headers, download;
};

struct actor {
    tw_protocol protocol;
    size_t requests;
};

static const struct scene *scene;
static size_t requests;

static void say(tw_protocol *protocol, const void *text, size_t length)
{
    tw_transport_write(protocol->transport, text, length);
}

static void say_text(tw_protocol *protocol, const char *text)
{
    say(protocol, text, strlen(text));
}

static void actor_received(tw_protocol *protocol, const char *data, size_t length)
{
    if (memmem(data, length, "\r\n\r\n", 4) != NULL)
        scene->answer(protocol, ++requests);
}

static const tw_protocol_class actor_class = {
    .name = "actor",
    .size = sizeof(struct actor),
    .data_received = actor_received,
};

static void hi(tw_protocol *protocol, size_t request)
{
    (void)request;
    say_text(protocol, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static void chunked(tw_protocol *protocol, size_t request)
{
    (void)request;
    say_text(protocol, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: k=v\r\n"
                       "X-Long: 0123456789012345678901234567890123456789\r\n\r\n"
                       "2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n");
}

static void redirected(tw_protocol *protocol, size_t request)
{
    if (request == 1)
        say_text(protocol,
                 "HTTP/1.1 307 There\r\nLocation: http://b/end\r\nSet-Cookie: a=b\r\n"
                 "Content-Length: 4\r\n\r\nmove");
    else
        chunked(protocol, request);
}

static char zipped[200];
static size_t zipped_length;

static void zip(tw_protocol *protocol, size_t request)
{
    (void)request;
    say_text(protocol,
             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n");
    say(protocol, zipped, zipped_length);
    tw_transport_lose(protocol->transport);
}

static void half(tw_protocol *protocol, size_t request)
{
    (void)request;
    say_text(protocol, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
    tw_transport_lose(protocol->transport);
}

/* Answers once on each connection and then closes it without a word: a retry. */
static void once(tw_protocol *protocol, size_t request)
{
    struct actor *actor = (struct actor *)protocol;

    if (++actor->requests == 1)
        hi(protocol, request);
    else
        tw_transport_lose(protocol->transport);
}

static const struct scene scenes[] = {
    { .url = "http://a/", .answer = hi, .requests = 2 },
    { .url = "http://u:p@a/path?query#part",
      .answer = chunked,
      .requests = 2,
      .cookies = true,
      .headers = true,
      .options = { .user_agent = "mine", .method = "MINE" } },
    { .url = "http://a/",
      .answer = redirected,
      .requests = 1,
      .cookies = true,
      .headers = true,
      .options = { .user = "u", .password = "p", .body = "x", .body_length = 1 } },
    { .url = "http://a/", .answer = zip, .requests = 1 },
    { .url = "http://a/", .answer = zip, .requests = 1, .stream = true },
    { .url = "http://a/", .answer = chunked, .requests = 1, .stream = true },
    { .url = "http://a/", .answer = half, .requests = 1 },
    { .url = "http://a/", .answer = once, .requests = 2 },
    { .url = "http://a/", .answer = hi, .requests = 1, .source = true },
    { .url = "http://a/", .answer = hi, .requests = 1, .proxy = "http://u:p@proxy:80" },
    { .url = "http://a:81/", .answer = hi, .requests = 1 },
    { .url = "bad", .answer = hi, .requests = 1 },
    { .url = "http://a/", .answer = hi, .requests = 1, .download = true },
};

static unsigned fired, memory, released;

static tw_value count(tw_value result, void *arg)
{
    (void)arg;
    fired++;
    memory += tw_failure_has(result, &tw_error_memory) ||
              tw_failure_is(result, &tw_error_connection);
    return tw_none();
}

static int64_t read_source(tw_upload *upload, char *data, size_t size, void *arg)
{
    unsigned *left = arg;

    (void)upload, (void)size;
    memset(data, 'x', 100);
    return (*left)-- > 0 ? 100 : 0;
}

static void release_source(void *arg)
{
    (void)arg;
    released++;
}

static int on_headers(tw_value response, void *arg)
{
    (void)arg;
    tw_response_pause(response);
    tw_response_resume(response);
    return 0;
}

static int on_body(const char *data, size_t length, void *arg)
{
    (void)data;
    (void)length;
    (void)arg;
    return 0;
}

static tw_deferred *ask(tw_agent *agent, struct tw_fetch_options *options)
{
    static char path[64];

    if (!scene->download)
        return tw_agent_request(agent, scene->url, options);
    snprintf(path, sizeof path, "/tmp/tweed-torture-%ld", (long)getpid());
    unlink(path);
    return tw_download_page(scene->url, path, false, options);
}

/* All requests of a scene; false when one of them ran out of memory. */
static bool play(tw_agent *agent)
{
    struct tw_fetch_options options = scene->options;
    struct tw_body_source source = { .length = -1,
                                     .read = read_source,
                                     .release = release_source };
    tw_headers *headers = scene->headers ? tw_headers_new() : NULL;
    bool ok = !scene->headers || (headers != NULL && tw_headers_set(headers, "X", "y") == 0);
    unsigned left;

    options.headers = headers;
    options.cookies = scene->cookies ? tw_cookies_new() : NULL;
    ok = ok && (!scene->cookies || options.cookies != NULL);
    if (scene->stream) {
        options.on_headers = on_headers;
        options.on_body = on_body;
    }
    for (unsigned i = 0; ok && i < scene->requests; i++) {
        tw_deferred *request;
        left = 3;
        source.arg = &left;
        options.body_source = scene->source ? &source : NULL;
        fired = memory = released = 0;
        request = ask(agent, &options);
        tw_add_both(request, count, NULL);
        tw_deferred_unref(request);
        tw_testing_advance(400);
        ck_assert_uint_eq(fired, 1);
        ck_assert_uint_eq(released, scene->source);
        ok = memory == 0;
    }
    tw_cookies_unref(options.cookies);
    tw_headers_free(headers);
    return ok;
}

static bool act(void *arg)
{
    struct tw_agent_options options = { .proxy = scene->proxy != NULL ? scene->proxy : "" };
    struct tw_listen_options listen = { .address = "0.0.0.0", .port = 80 };
    tw_factory *factory = NULL;
    tw_listener *listener = NULL;
    tw_agent *agent;
    bool ok = false;

    (void)arg;
    requests = 0;
    if (tw_testing_begin() < 0)
        return false;
    agent = tw_agent_new(&options);
    factory = tw_factory_of(&actor_class, NULL);
    if (agent != NULL && factory != NULL && tw_listen(&listen, factory, &listener, NULL) == 0)
        ok = play(agent);
    if (listener != NULL)
        tw_listener_close(listener);
    tw_factory_unref(factory);
    tw_agent_unref(agent);
    tw_testing_end();
    return ok && !test_alloc_failed();
}

START_TEST(a_request_survives_without_memory)
{
    scene = &scenes[_i];
    ck_assert_uint_gt(test_each_alloc_failure(act, NULL), 10);
}
END_TEST

static void make_zipped(void)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t) "hello hello hello",
                        .avail_in = 17,
                        .next_out = (Bytef *)zipped,
                        .avail_out = sizeof zipped };

    deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    deflate(&stream, Z_FINISH);
    zipped_length = sizeof zipped - stream.avail_out;
    deflateEnd(&stream);
}

int main(void)
{
    Suite *suite = suite_create("client torture");

    make_zipped();
    TEST_ADD_ROWS(suite, a_request_survives_without_memory, scenes);
    return test_run(suite);
}
