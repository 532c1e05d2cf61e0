/* SPDX-License-Identifier: MIT */
/*
 * check_transport_model.c - protocols that do at random, inside their callbacks too, all that can
 * be done to a connection, beside a model of what may then happen.
 *
 * In every run each connection is made once, lost once and last, never inside a call of theirs;
 * the bytes come in order, and all of them when both ends part as they should; nothing comes
 * after a pause, a close or the end; a producer that was not taken back is stopped once;
 * nothing is left.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tweed/pipe.h>
#include <tweed/reactor.h>
#include <tweed/tcp.h>
#include <tweed/testing.h>

#include "net/transport/socket.h"
#include "net/transport/transport.h"
#include "tests/certificates.h"
#include "tests/random.h"
#include "tests/test.h"
#include "tests/tls_ends.h"

enum { TICKS = 60, WRITE_MAX = 30000 };

/* Check takes note of each assertion that holds, which takes longer than what is tested here. */
#define MUST(condition)                                                               \
    do {                                                                              \
        if (!(condition))                                                             \
            ck_abort_msg("end %d: not " #condition, end->index); \
    } while (0)

/* --- the ends ------------------------------------------------------------------------------ */

enum producing { NO_PRODUCER, PULLED, PUSHED, PUSHED_PAUSED };

struct side {
    int index;
    struct side *peer;
    tw_transport *transport; /* from connection_made until connection_lost returns */
    struct actor *actor;     /* the last one that got the connection */
    tw_transport *kept;      /* a reference beyond that */
    size_t sent, got;
    unsigned actors, released;
    bool made, lost, clean;
    bool closed, aborted; /* by a call of its own */
    bool eof, paused, write_ended;
    enum producing producing;
};

struct actor {
    tw_protocol protocol;
    struct side *end;
    bool replaced;
    char buffer[1000]; /* of those that read into their own */
};

static struct side ends[2];
static unsigned calls; /* of ours that are running, each inside the other */
static bool stopped;   /* the reactor has been: connections are lost for that */
static tw_deferred *connecting;

static struct side *side_of(tw_protocol *protocol)
{
    return ((struct actor *)protocol)->end;
}

static char byte_at(const struct side *sender, size_t at)
{
    return (char)(at * 7 + at / 253 + (size_t)sender->index * 101);
}

/* --- what is done -------------------------------------------------------------------------- */

static void act_somewhere(void);

static void write_some(struct side *end)
{
    static char bytes[WRITE_MAX];
    size_t length = draw(4) == 0 ? draw(WRITE_MAX) : draw(40);
    bool aborted = end->aborted;
    int r;

    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(end, end->sent + i);
    end->sent += length; /* a producer that is paused may write, too */
    if (draw(3) == 0)
        r = tw_transport_write_value(end->transport, tw_bytes(bytes, length));
    else
        r = tw_transport_write(end->transport, bytes, length);
    MUST(r == 0 || r == -ENOTCONN);
    MUST(r != 0 || !aborted);
    if (r < 0)
        end->sent -= length;
}

static void producer_pause(void *arg)
{
    struct side *end = arg;

    MUST(end->producing == PUSHED && !end->lost);
    end->producing = PUSHED_PAUSED;
    if (draw(2) == 0)
        act_somewhere();
}

static void producer_resume(void *arg)
{
    struct side *end = arg;

    MUST(!end->lost && (end->producing == PUSHED_PAUSED || end->producing == PULLED));
    if (end->producing == PUSHED_PAUSED)
        end->producing = PUSHED;
    if (end->producing == PULLED && draw(4) == 0 && end->transport != NULL) {
        end->producing = NO_PRODUCER;
        tw_transport_unregister_producer(end->transport);
    } else {
        act_somewhere();
    }
}

static void producer_stop(void *arg)
{
    struct side *end = arg;

    MUST(end->producing != NO_PRODUCER);
    end->producing = NO_PRODUCER;
    act_somewhere();
}

static void register_some(struct side *end)
{
    static const struct tw_producer producer = { producer_pause, producer_resume,
                                                 producer_stop };
    enum producing before = end->producing;
    bool push = draw(2) == 0;
    int r;

    if (end->aborted && before != NO_PRODUCER) /* another one would be stopped at once */
        return;
    if (before == NO_PRODUCER)
        end->producing = push ? PUSHED : PULLED;
    r = tw_transport_register_producer(end->transport, &producer, push, end);
    MUST(before == NO_PRODUCER ? r == 0 : r == -EEXIST);
}

static void unregister(struct side *end)
{
    end->producing = NO_PRODUCER;
    tw_transport_unregister_producer(end->transport);
}

static struct actor *actor_new(struct side *end);

static void replace(struct side *end)
{
    struct actor *old = end->actor;

    if (!tw_transport_connected(end->transport) || end->actors > 20)
        return;
    old->replaced = true;
    tw_transport_set_protocol(end->transport, &actor_new(end)->protocol);
}

static void timed_out(tw_protocol *protocol)
{
    struct side *end = side_of(protocol);

    MUST(!end->lost && !end->aborted && !((struct actor *)protocol)->replaced);
    act_somewhere();
}

static void set_flow(struct side *end)
{
    switch (draw(4)) {
    case 0:
        tw_transport_set_watermarks(end->transport, 1 + draw(20000), 0);
        break;
    case 1:
        tw_transport_set_timeout(end->transport, draw(3) * 0.004, timed_out);
        break;
    case 2:
        tw_transport_reset_timeout(end->transport);
        break;
    default:
        if (end->kept == NULL)
            end->kept = tw_transport_ref(end->transport);
    }
}

static void close_some(struct side *end, unsigned how)
{
    if (how == 0) {
        end->aborted = end->closed = true;
        tw_transport_abort(end->transport);
    } else if (how < 4) {
        end->closed = true;
        tw_transport_lose(end->transport);
    } else if (tw_transport_lose_write(end->transport) == 0) {
        end->write_ended = true;
    }
}

static void act(struct side *end)
{
    unsigned what = draw(40);

    if (end->transport == NULL)
        return;
    if (what < 18) {
        write_some(end);
    } else if (what < 21) {
        end->paused = true;
        tw_transport_pause(end->transport);
    } else if (what < 27) {
        end->paused = false;
        tw_transport_resume(end->transport);
    } else if (what < 29) {
        register_some(end);
    } else if (what < 31) {
        unregister(end);
    } else if (what < 35) {
        set_flow(end);
    } else if (what < 37) {
        replace(end);
    } else if (draw(5) == 0) {
        close_some(end, draw(7));
    } else if (draw(60) == 0) {
        stopped = true;
        tw_reactor_stop();
    } else if (draw(20) == 0 && connecting != NULL) {
        tw_cancel(connecting);
    }
}

static void act_somewhere(void)
{
    unsigned times = draw(3);

    if (calls > 6) /* callbacks that call callbacks */
        return;
    calls++;
    while (times-- > 0)
        act(&ends[draw(2)]);
    calls--;
}

/* --- what happens -------------------------------------------------------------------------- */

static void actor_made(tw_protocol *protocol)
{
    struct actor *actor = (struct actor *)protocol;
    struct side *end = actor->end;

    MUST(!end->lost);
    MUST(end->actor == NULL || end->actor->replaced);
    MUST(protocol->transport != NULL);
    end->made = true;
    end->actor = actor;
    end->transport = protocol->transport;
    act_somewhere();
}

static void received(tw_protocol *protocol, const char *data, size_t length)
{
    struct actor *actor = (struct actor *)protocol;
    struct side *end = actor->end;
    size_t wrong = 0;

    MUST(!actor->replaced && end->made && !end->lost);
    MUST(!end->closed && !end->eof && !end->paused);
    MUST(length > 0 && end->got + length <= end->peer->sent);
    for (size_t i = 0; i < length; i++)
        wrong += data[i] != byte_at(end->peer, end->got + i);
    MUST(wrong == 0);
    end->got += length;
    act_somewhere();
}

static char *get_buffer(tw_protocol *protocol, size_t *size)
{
    struct actor *actor = (struct actor *)protocol;

    *size = 1 + draw(sizeof actor->buffer);
    return actor->buffer;
}

static void buffer_filled(tw_protocol *protocol, size_t length)
{
    received(protocol, ((struct actor *)protocol)->buffer, length);
}

static void actor_eof(tw_protocol *protocol)
{
    struct side *end = side_of(protocol);

    MUST(!((struct actor *)protocol)->replaced);
    MUST(!end->lost && !end->eof && !end->closed && !end->paused);
    end->eof = true;
    act_somewhere();
}

static void actor_shut(tw_protocol *protocol)
{
    struct side *end = side_of(protocol);

    MUST(end->write_ended && !end->lost);
    act_somewhere();
}

static void actor_lost(tw_protocol *protocol, tw_value reason)
{
    struct side *end = side_of(protocol);

    MUST(calls == 0 && end->made && !end->lost);
    MUST(!((struct actor *)protocol)->replaced);
    MUST(end->producing == NO_PRODUCER);
    end->lost = true;
    end->clean = tw_failure_is(reason, &tw_error_connection_done);
    act_somewhere();
    end->transport = NULL;
}

static void actor_released(tw_protocol *protocol)
{
    struct side *end = side_of(protocol);

    MUST(((struct actor *)protocol)->replaced || end->lost || !end->made);
    end->released++;
}

#define ACTOR                                                                       \
    .size = sizeof(struct actor), .connection_made = actor_made,                    \
    .connection_lost = actor_lost, .released = actor_released, .data_received = received
static const tw_protocol_class classes[] = {
    { .name = "plain", ACTOR },
    { .name = "half",
      ACTOR,
      .read_connection_lost = actor_eof,
      .write_connection_lost = actor_shut },
    { .name = "buffer", ACTOR, .get_buffer = get_buffer, .buffer_filled = buffer_filled },
};

static struct actor *actor_new(struct side *end)
{
    const tw_protocol_class *class = &classes[draw(3)];
    struct actor *actor = (struct actor *)test_given(tw_protocol_new(class));

    actor->end = end;
    end->actors++;
    return actor;
}

/* --- kinds --------------------------------------------------------------------------------- */

static tw_tls_context *client_tls, *server_tls;
static tw_listener *listener;

static tw_protocol *build(tw_factory *factory)
{
    (void)factory;
    return &actor_new(&ends[1])->protocol;
}

static void tls_connected(tw_deferred *deferred, void *arg)
{
    (void)arg;
    tw_deferred_mark_handled(deferred);
    connecting = NULL;
    tw_deferred_unref(deferred);
}

static void open_by(tw_tls_context *client, tw_tls_context *server)
{
    static const struct tw_factory_class factory_class = { .build = build };
    struct tw_listen_options at = { .port = 443, .tls = server };
    struct tw_connect_options options = { .tls = client, .server_name = "a.test" };
    tw_factory *factory = test_given(tw_factory_new(&factory_class, NULL));

    ck_assert_int_eq(tw_listen(&at, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
    connecting = tw_connect("127.0.0.1", 443, &options, &actor_new(&ends[0])->protocol);
    tw_add_raw(connecting, tls_connected, NULL, NULL);
}

/* Sessions that a context keeps are blocks that are left; so each program has its own. */
static void open_tls(void)
{
    client_tls = context_new((struct tw_tls_options){ .ca_file = test_ca_file() });
    server_tls = context_new(
        (struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() });
    open_by(client_tls, server_tls);
}

static void open_listener(void)
{
    open_by(NULL, NULL);
}

static void open_memory(void)
{
    size_t piece = draw(2) == 0 ? 0 : 1 + draw(3000);

    ck_assert_int_eq(
        tw_memory_pair(&actor_new(&ends[0])->protocol, &actor_new(&ends[1])->protocol, piece),
        0);
}

static void open_pair(void)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tw_pipe_open(fds[i], fds[i], &actor_new(&ends[i])->protocol, NULL),
                         0);
}

static void open_sockets(void)
{
    static const struct sockaddr peer = { .sa_family = AF_UNIX };
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                     0);
    for (int i = 0; i < 2; i++) {
        struct twi_socket socket = { .fd = fds[i] };
        ck_assert_int_eq(
            twi_socket_adopt(&socket, &peer, &actor_new(&ends[i])->protocol, NULL, NULL), 0);
    }
}

/* --- runs ---------------------------------------------------------------------------------- */

static void tick(void *arg)
{
    uintptr_t left = (uintptr_t)arg;

    for (unsigned i = 0; i < 2; i++)
        act_somewhere();
    if (left > 0)
        tw_call_later(0.001, tick, (void *)(left - 1));
}

/* The ends that have not closed close now, and read the rest. */
static void part(void *arg)
{
    (void)arg;
    calls++;
    for (int i = 0; i < 2; i++) {
        struct side *end = &ends[i];
        if (end->transport == NULL)
            continue;
        unregister(end);
        end->paused = false;
        tw_transport_resume(end->transport);
        end->closed = end->closed || i == 0;
        if (i == 0)
            tw_transport_lose(end->transport);
    }
    calls--;
}

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void check_end(const struct side *end)
{
    const struct side *peer = end->peer;

    MUST(end->lost == end->made);
    MUST(end->released == end->actors);
    MUST(end->producing == NO_PRODUCER);
    /* It did not close, and both were told that all is well: it has got all. */
    if (end->made && end->clean && peer->clean && !end->closed && !peer->aborted && !stopped)
        MUST(end->got == peer->sent);
}

static void (*open_ends)(void);

static void run(void)
{
    memset(ends, 0, sizeof ends);
    stopped = false;
    connecting = NULL;
    listener = NULL;
    client_tls = server_tls = NULL;
    calls = 0;
    ck_assert_int_eq(tw_testing_begin(), 0);
    for (int i = 0; i < 2; i++)
        ends[i] = (struct side){ .index = i, .peer = &ends[1 - i] };
    open_ends();
    tw_call_later(0, tick, (void *)(uintptr_t)TICKS);
    tw_call_later(1, part, NULL);
    tw_call_later(60, stop, NULL);
    ck_assert_int_ge(tw_reactor_run(), 0);
    tw_listener_close(listener);
    if (connecting != NULL)
        tw_cancel(connecting);
    for (int i = 0; i < 2; i++) {
        tw_transport_unref(ends[i].kept);
        ends[i].kept = NULL;
    }
    tw_reactor_uninstall();
    tw_testing_end();
    tw_tls_context_unref(client_tls);
    tw_tls_context_unref(server_tls);
    for (int i = 0; i < 2; i++)
        check_end(&ends[i]);
    ck_assert_uint_eq(tw_deferred_count(), 0);
}

static const struct {
    const char *name;
    void (*open)(void);
    unsigned programs;
} kinds[] = {
    { "memory", open_memory, 1000 }, { "listener", open_listener, 500 },
    { "pipes", open_pair, 1000 },    { "sockets", open_sockets, 1000 },
    { "TLS", open_tls, 60 },
};

static void fired_twice(tw_deferred *deferred, tw_value result, void *arg)
{
    (void)result;
    (void)arg;
    ck_abort_msg("the Deferred made at %s was fired twice", tw_deferred_where(deferred));
}

START_TEST(whatever_protocols_do_connections_end_once_and_last)
{
    const struct tw_deferred_hooks hooks = { .fired_twice = fired_twice };

    tw_deferred_set_hooks(&hooks);
    open_ends = kinds[_i].open;
    random_programs(run, kinds[_i].programs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transports, at random");

    test_spare_openssl();
    TEST_ADD_ROWS(suite, whatever_protocols_do_connections_end_once_and_last, kinds);
    return test_run(suite);
}
