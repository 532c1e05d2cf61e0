/* SPDX-License-Identifier: MIT */
/*
 * check_client_model.c - random programs of requests against a peer of random manners.
 *
 * Requests are started, cancelled, paused, resumed and fed from inside every callback of every
 * other; agents are dropped and the reactor is stopped under them. Each ends exactly once, with its
 * own answer or with an error, its source is released once, and nothing is left. TEST_SEED runs one
 * program alone.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/client_peer.h"
#include "tests/random.h"
#include "tests/test.h"

enum { PROGRAMS = 200, FETCHES = 90, STEPS = 60 };

struct fetch {
    tw_deferred *deferred; /* ours */
    tw_value response;     /* while it streams */
    tw_upload *upload;     /* lent; NULL once released */
    size_t left;           /* of the source */
    bool has_source, streams, resend;
    unsigned fired, released;
    char body[32];
    size_t length;
};

static struct {
    struct fetch fetches[FETCHES];
    int started, depth;
    bool running, over;
    tw_agent *agent;
    struct peer peer;
} world;

#define CLAIM(what) ck_assert_msg(what, #what)

/* --- the peer ------------------------------------------------------------------------------ */

static void answer_with(struct peer_connection *connection, const char *format, int id)
{
    char text[300];

    snprintf(text, sizeof text, format, id, id, id);
    peer_send(connection, text);
}

/* At once, in one piece: what comes later than the next request cannot be told from its answer. */
static void answer_twice(struct peer_connection *connection, int id)
{
    static const char second[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n!!";
    char text[200];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d%s", id, second);

    if (connection->out.length == 0)
        tw_transport_write(connection->protocol.transport, text, (size_t)length);
}

/* The body of each sound answer is the number of the request, two digits. */
static void answer_by_chance(struct peer_connection *connection, const char *request)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d",
        "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n%02d\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n%02d\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n%02d",
        "HTTP/1.1 302 Found\r\nLocation: /%02d/on\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 307 Found\r\nLocation: http://b/%02d/on\r\nContent-Length: 4\r\n\r\nmove",
        "HTTP/1.1 302 Found\r\nLocation: http://c/%02d/on\r\n\r\nand so on",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n%02d", /* and no more */
        "SSH-2.0-%02d\r\n",
        "HTTP/1.1 200 OK\r\n\r\n%02d", /* until the end */
    };
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    unsigned kind = draw(TEXTS + 3);
    const char *path = strchr(request, '/');
    int id = path != NULL ? atoi(path + 1) : 0;

    connection->peer->piece = draw(4) == 0 ? 1 + draw(9) : 0;
    if (kind == TEXTS)
        return; /* silence */
    if (kind == TEXTS + 2)
        answer_twice(connection, id);
    if (kind < TEXTS)
        answer_with(connection, texts[kind], id);
    if (kind == TEXTS - 1 || kind == TEXTS + 1 || draw(9) == 0) {
        if (draw(4) == 0)
            peer_reset(connection);
        else
            peer_close(connection);
    }
}

/* --- what users do ------------------------------------------------------------------------- */

static void fetch_start(void);

static void agent_make(void)
{
    struct tw_agent_options options = { .proxy = "",
                                        .max_per_host = 1 + draw(3),
                                        .max_total = 1 + draw(4),
                                        .max_uses = draw(3) == 0 ? 2 : 0,
                                        .idle_timeout = 1 + draw(5) };

    world.agent = test_given(tw_agent_new(&options));
}

static struct fetch *any_fetch(void)
{
    return &world.fetches[draw((unsigned)world.started)];
}

/* Something that may end whoever calls it. */
static void mischief(void)
{
    struct fetch *fetch = any_fetch();

    if (world.over || world.depth > 3)
        return;
    world.depth++;
    switch (draw(14)) {
    case 0:
    case 1:
        tw_cancel(fetch->deferred);
        break;
    case 2:
    case 3:
        fetch_start();
        break;
    case 4:
        tw_agent_close_idle(world.agent);
        break;
    case 11:
        tw_agent_close_host(world.agent, "http://a/");
        break;
    case 5:
        tw_agent_unref(world.agent);
        agent_make();
        break;
    case 6:
        tw_response_pause(fetch->response);
        break;
    case 7:
    case 8:
        tw_response_resume(fetch->response);
        break;
    case 9:
        if (fetch->upload != NULL)
            tw_upload_ready(fetch->upload);
        break;
    case 10:
        if (world.running)
            tw_reactor_stop();
        break;
    default:
        break;
    }
    world.depth--;
}

static int head_came(tw_value response, void *arg)
{
    struct fetch *fetch = arg;

    CLAIM(fetch->fired == 0);
    tw_release(fetch->response);
    fetch->response = tw_retain(response);
    mischief();
    return draw(20) == 0 ? -EIO : 0;
}

static int piece_came(const char *data, size_t length, void *arg)
{
    struct fetch *fetch = arg;

    CLAIM(fetch->fired == 0);
    CLAIM(fetch->length + length < sizeof fetch->body);
    memcpy(fetch->body + fetch->length, data, length);
    fetch->length += length;
    mischief();
    return draw(20) == 0 ? -ECANCELED : 0;
}

/* The bytes are lent until we return. */
static void head_is_whole(const char *head, size_t length)
{
    CLAIM(length > 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0);
    mischief();
    CLAIM(memcmp(head + length - 4, "\r\n\r\n", 4) == 0);
}

static void head_went(const struct tw_outgoing *request, void *arg)
{
    (void)arg;
    CLAIM(strncmp(request->url, "http://", 7) == 0);
    head_is_whole(request->head, request->length);
}

static void answer_head_came(const char *head, size_t length, void *arg)
{
    const struct fetch *fetch = arg;

    CLAIM(fetch->fired == 0);
    CLAIM(memcmp(head, "HTTP/1.1 ", 9) == 0);
    head_is_whole(head, length);
}

static void wire_went(enum tw_wire what, const char *data, size_t length, void *arg)
{
    const struct fetch *fetch = arg;

    CLAIM(fetch->fired == 0);
    CLAIM((what == TW_WIRE_WHOLE) == (length == 0));
    CLAIM((what == TW_WIRE_WHOLE) == (data == NULL));
    mischief();
}

static int64_t source_read(tw_upload *upload, char *data, size_t size, void *arg)
{
    struct fetch *fetch = arg;
    size_t length = 1 + draw(3);

    CLAIM(fetch->fired == 0 && fetch->released == 0);
    fetch->upload = upload;
    if (draw(8) == 0)
        mischief();
    if (draw(3) == 0)
        return -EAGAIN;
    length = length < fetch->left ? length : fetch->left;
    length = length < size ? length : size;
    memset(data, 'x', length);
    fetch->left -= length;
    return (int64_t)length;
}

static int source_rewind(void *arg)
{
    struct fetch *fetch = arg;

    fetch->left = 10;
    mischief();
    return draw(10) == 0 ? -ESPIPE : 0;
}

static void source_release(void *arg)
{
    struct fetch *fetch = arg;

    fetch->released++;
    fetch->upload = NULL;
    mischief();
}

static tw_value fetch_done(tw_value result, void *arg)
{
    struct fetch *fetch = arg;
    int id = (int)(fetch - world.fetches), status = tw_response_status(result);
    tw_value body = tw_response_body(result);
    char own[8];

    fetch->fired++;
    snprintf(own, sizeof own, "%02d", id);
    if (!tw_is_failure(result) && (status == 200 || status == 404)) {
        if (fetch->streams)
            CLAIM(fetch->length == 2 && memcmp(fetch->body, own, 2) == 0);
        else
            CLAIM(strcmp(tw_bytes_data(body), own) == 0);
    }
    mischief();
    return tw_none();
}

static void fetch_start(void)
{
    static const char *const hosts[] = { "a", "b", "c", "a:81" };
    static const char *const methods[] = { NULL, NULL, "DELETE", "PUT" };
    int id = world.started;
    struct fetch *fetch = &world.fetches[id];
    struct tw_body_source source = { draw(2) == 0 ? 10 : -1, source_read, source_rewind,
                                     source_release, fetch };
    struct tw_fetch_options options = { .timeout = 1 + draw(20), .stream_arg = fetch };
    char url[40];

    if (id == FETCHES)
        return;
    world.started++;
    fetch->left = 10;
    if ((fetch->has_source = draw(4) == 0))
        options.body_source = &source;
    else if (draw(4) == 0)
        options.body = "data", options.body_length = 4;
    if ((fetch->streams = draw(3) == 0))
        options.on_body = piece_came;
    if (draw(3) == 0)
        options.on_headers = head_came;
    if (draw(4) == 0)
        options.on_request = head_went;
    if (draw(4) == 0)
        options.on_response_head = answer_head_came;
    if (draw(4) == 0)
        options.on_wire = wire_went;
    options.method = methods[draw(4)];
    snprintf(url, sizeof url, "http://%s/%02d", hosts[draw(4)], id);
    fetch->deferred = tw_agent_request(world.agent, url, &options);
    tw_add_both(fetch->deferred, fetch_done, fetch);
}

/* --- a program ----------------------------------------------------------------------------- */

static void stop_running(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void step(void)
{
    if (draw(3) == 0)
        fetch_start();
    mischief();
    if (draw(12) == 0) {
        int64_t call = tw_call_later(0.01 * draw(20), stop_running, NULL);
        world.running = true;
        tw_reactor_run();
        world.running = false;
        tw_call_cancel(call);
        peer_end(&world.peer); /* a stop has closed its listener */
        peer_begin(&world.peer, 80);
    } else {
        tw_testing_advance(draw(4) == 0 ? 0.5 : 0.001);
    }
}

/* All of them time out at last, paused ones too. */
static void wait_for_all(void)
{
    bool all = false;

    for (int i = 0; i < 100 && !all; i++) {
        tw_testing_advance(30);
        all = true;
        for (int id = 0; id < world.started; id++)
            all = all && world.fetches[id].fired > 0;
    }
}

static void fetches_check(void)
{
    for (int id = 0; id < world.started; id++) {
        struct fetch *fetch = &world.fetches[id];

        CLAIM(fetch->fired == 1);
        CLAIM(fetch->released == fetch->has_source);
        tw_deferred_unref(fetch->deferred);
        tw_release(fetch->response);
    }
}

static void run(void)
{
    int64_t before = test_allocs_living();
    size_t left;
    bool wait;

    memset(&world, 0, sizeof world);
    ck_assert_int_eq(tw_testing_begin(), 0);
    agent_make();
    world.peer.answer = answer_by_chance;
    peer_begin(&world.peer, 80);
    fetch_start();
    for (int i = 0; i < STEPS; i++)
        step();
    if ((wait = draw(2) == 0))
        wait_for_all();
    world.over = !wait; /* while the reactor goes, nobody starts anything */
    if (wait)
        fetches_check();
    tw_agent_unref(world.agent);
    peer_end(&world.peer);
    left = tw_testing_end();
    if (!wait)
        fetches_check();
    else
        CLAIM(left == 0);
    CLAIM(test_allocs_living() == before);
}

START_TEST(each_request_ends_once_with_its_own_answer)
{
    random_programs(run, PROGRAMS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client, at random");

    TEST_ADD(suite, each_request_ends_once_with_its_own_answer);
    return test_run(suite);
}
