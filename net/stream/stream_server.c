/* SPDX-License-Identifier: MIT */
/*
 * stream_server.c - a coroutine for each connection.
 *
 *     tw_stream_server --- struct session --- its coroutine
 *            |                    |
 *        the factory          the stream ---- its link, a protocol that the factory built
 *
 * A session lives from connection_made until its handler has returned and its connection is
 * closed. The server is freed when it has been stopped and the last session and link are gone.
 */
#include "net/stream/stream.h"

#include <errno.h>

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "net/connect/listen.h"
#include "net/transport/transport.h"

enum { DEFAULT_MAX = 10000 };

struct tw_stream_server {
    tw_factory *factory;
    tw_listener *listener; /* NULL: stopping */
    tw_stream_handler *handler;
    void *arg;
    struct tw_stream_server_options options;
    const char *where; /* the place of its start: its coroutines' name */
    struct twi_list sessions;
    size_t links, handlers; /* either may outlive the other */
    tw_deferred *stopped;
    bool full, cancelling;
    unsigned busy; /* do not free it now */
};

struct session {
    struct twi_list node;
    tw_stream_server *server;
    tw_stream *stream;
    tw_deferred *running; /* NULL: the handler has returned */
};

static struct twi_slab sessions = TWI_SLAB(struct session);

/* --- how many ----------------------------------------------------------------------- */

static void server_free(tw_stream_server *server)
{
    tw_deferred *stopped = server->stopped;

    tw_factory_unref(server->factory);
    if (server->options.release != NULL)
        server->options.release(server->arg);
    twi_free(server);
    tw_fire(&stopped, tw_none());
}

/* The number of connections has changed: pause or resume accepting. */
static void counted(tw_stream_server *server)
{
    unsigned most = server->options.max_connections;
    bool full = server->links >= most || server->handlers >= most;

    if (server->listener == NULL) {
        if (server->links == 0 && server->handlers == 0 && server->busy == 0)
            server_free(server);
        return;
    }
    if (full == server->full)
        return;
    server->full = full;
    if (full)
        tw_listener_pause(server->listener);
    else
        tw_listener_resume(server->listener);
}

/* --- a session ---------------------------------------------------------------------- */

static void session_end(struct session *session)
{
    tw_stream_server *server = session->server;

    twi_list_remove(&session->node);
    tw_stream_unref(session->stream);
    twi_slab_free(&sessions, session);
    server->handlers--;
    counted(server);
}

static tw_value closed(tw_value result, void *session)
{
    (void)result;
    session_end(session);
    return tw_none();
}

static void report(const struct session *session, tw_value failure)
{
    const tw_stream_server *server = session->server;
    enum tw_log_level level = TW_LOG_ERROR;

    if (server->options.failed != NULL) {
        server->options.failed(session->stream, failure, server->arg);
        return;
    }
    if (tw_failure_is(failure, &tw_error_cancelled) && server->cancelling)
        return;
    if (tw_failure_is(failure, &tw_error_connection) ||
        tw_failure_is(failure, &tw_error_partial))
        level = TW_LOG_DEBUG;
    tw_log_problem(level, "stream", failure, "a connection's handler");
}

static tw_value returned(tw_value result, void *arg)
{
    struct session *session = arg;
    tw_deferred *end, *running = session->running;

    session->running = NULL;
    if (tw_is_failure(result))
        report(session, result);
    tw_stream_close(session->stream);
    end = tw_stream_wait_closed(session->stream);
    if (end == NULL)
        tw_stream_abort(session->stream);
    tw_add_both(end, closed, session);
    tw_deferred_unref(end);
    tw_deferred_unref(running);
    return tw_none();
}

static tw_value stream_server_run(void *arg)
{
    const struct session *session = arg;

    return session->server->handler(session->stream, session->server->arg);
}

static void session_begin(struct session *session)
{
    const tw_stream_server *server = session->server;
    struct tw_coroutine_options options = { .stack_size = server->options.stack_size,
                                            .name = server->where };

    session->running = tw_inline_callbacks_at(server->where, stream_server_run, session,
                                              &options);
    if (session->running == NULL) {
        tw_stream_abort(session->stream);
        session_end(session);
        return;
    }
    if (server->cancelling)
        tw_cancel(session->running);
    tw_add_both(session->running, returned, session); /* fits inside: it cannot fail */
}

/* --- the links ---------------------------------------------------------------------- */

static void link_made(tw_protocol *protocol)
{
    tw_stream_server *server = tw_factory_data(protocol->factory);
    struct session *session;
    tw_stream *stream;

    if (server->listener == NULL) { /* stopped during the handshake */
        tw_transport_abort(protocol->transport);
        return;
    }
    stream = twi_stream_new((struct twi_stream_link *)protocol);
    session = stream == NULL ? NULL : twi_slab_alloc(&sessions);
    if (session == NULL) {
        twi_transport_end(protocol->transport, tw_fail_memory());
        tw_stream_unref(stream);
        return;
    }
    stream->limit = server->options.limit > 0 ? server->options.limit : stream->limit;
    stream->timeout = server->options.timeout;
    *session = (struct session){ .server = server, .stream = stream };
    twi_list_append(&server->sessions, &session->node);
    server->handlers++;
    session_begin(session);
}

static void link_released(tw_protocol *protocol)
{
    tw_stream_server *server = tw_factory_data(protocol->factory);

    twi_stream_released(protocol);
    server->links--;
    counted(server);
}

static const tw_protocol_class link_class = {
    .name = "stream",
    .size = sizeof(struct twi_stream_link),
    .connection_made = link_made,
    .data_received = twi_stream_received,
    .read_connection_lost = twi_stream_ended,
    .connection_lost = twi_stream_lost,
    .released = link_released,
};

static tw_protocol *build(tw_factory *factory)
{
    tw_stream_server *server = tw_factory_data(factory);
    tw_protocol *protocol = tw_protocol_new(&link_class);

    if (protocol == NULL)
        return NULL;
    protocol->factory = factory;
    server->links++;
    counted(server);
    return protocol;
}

static const struct tw_factory_class factory_class = { .build = build };

/* --- start and stop ----------------------------------------------------------------- */

static int stream_server_start(tw_stream_server *server, tw_value *ret_failure)
{
    const struct tw_stream_server_options *options = &server->options;
    const char *wrong = NULL;

    if (server->handler == NULL)
        wrong = "a server without a handler";
    else if (!(options->timeout >= 0))
        wrong = "a negative timeout";
    if (wrong != NULL)
        return twi_listen_failed(tw_fail(&tw_error_misuse, "%s", wrong), ret_failure);
    if (options->endpoint != NULL)
        return tw_listen_endpoint(options->endpoint, server->factory, &server->listener,
                                  ret_failure);
    return tw_listen(&options->listen, server->factory, &server->listener, ret_failure);
}

int tw_start_server_at(const char *where, const struct tw_stream_server_options *options,
                       tw_stream_handler *handler, void *arg, tw_stream_server **ret_server,
                       tw_value *ret_failure)
{
    static const struct tw_stream_server_options defaults;
    tw_stream_server *server = twi_calloc(1, sizeof *server);
    int r;

    if (options == NULL)
        options = &defaults;
    if (server == NULL) {
        r = twi_listen_failed(tw_fail_memory(), ret_failure);
        goto fail;
    }
    server->options = *options;
    if (options->max_connections == 0)
        server->options.max_connections = DEFAULT_MAX;
    server->handler = handler;
    server->arg = arg;
    server->where = where;
    twi_list_init(&server->sessions);
    server->factory = tw_factory_new(&factory_class, server);
    r = stream_server_start(server, ret_failure);
    if (r < 0)
        goto fail_factory;
    *ret_server = server;
    return 0;

fail_factory:
    tw_factory_unref(server->factory);
    twi_free(server);
fail:
    if (options->release != NULL)
        options->release(arg);
    return r;
}

tw_listener *tw_stream_server_listener(const tw_stream_server *server)
{
    return server->listener;
}

size_t tw_stream_server_count(const tw_stream_server *server)
{
    return server->links > server->handlers ? server->links : server->handlers;
}

/* A handler that ends takes itself out of the list that it is in. */
static void cancel_handlers(tw_stream_server *server)
{
    struct twi_list all, *node;

    server->cancelling = true;
    server->busy++;
    twi_list_init(&all);
    twi_list_splice(&all, &server->sessions);
    while ((node = twi_list_take_first(&all)) != NULL) {
        struct session *session = TWI_CONTAINER(node, struct session, node);

        twi_list_append(&server->sessions, node);
        if (session->running != NULL)
            tw_cancel(session->running);
    }
    server->busy--;
    counted(server);
}

static int cancel_stop(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    cancel_handlers(arg);
    return TW_CANCEL_LATER;
}

tw_deferred *tw_stream_server_stop_at(const char *where, tw_stream_server *server,
                                      enum tw_stream_server_stop how)
{
    tw_listener *listener = server->listener;
    tw_deferred *deferred;

    if (listener == NULL)
        return tw_fired_at(
            where, tw_fail_at(where, &tw_error_misuse, "the server has been stopped already"));
    deferred = tw_promise_at(where, &server->stopped, cancel_stop, server, NULL);
    server->listener = NULL;
    server->busy++;
    tw_listener_close(listener);
    if (how == TW_CANCEL_HANDLERS)
        cancel_handlers(server);
    server->busy--;
    counted(server);
    return deferred;
}
