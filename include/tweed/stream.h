/* SPDX-License-Identifier: MIT */
/*
 * stream.h - reading and writing a connection in straight-line code.
 *
 * A stream stands on a connection of any kind: TCP, UNIX socket, TLS, memory. What arrives is kept
 * until it is read. Each wait is a Deferred: for tw_await(), or for callbacks.
 *
 *     static tw_value ask(void *host)
 *     {
 *         tw_value opened = tw_await(tw_open_connection(host, 79, NULL));
 *         tw_stream *stream = tw_stream_of(opened);
 *         tw_value line;
 *
 *         tw_stream_write_format(stream, "%s\r\n", "root");
 *         while (tw_is(line = tw_await(tw_stream_read_line(stream)), &tw_type_bytes)) {
 *             puts(tw_bytes_data(line));
 *             tw_drop(&line);
 *         }
 *         return line;                            // none at the end; or what failed, opening too
 *     }
 *
 * A stream is counted. What waits on it keeps it alive; when the last reference goes, what was
 * written is flushed and the connection closed. NULL, the stream that could not be opened, does no
 * harm: waits on it fail with tw_error_misuse, and writes are refused.
 * After asyncio's StreamReader, StreamWriter, open_connection() and start_server().
 */
#ifndef TWEED_STREAM_H
#define TWEED_STREAM_H

#include <sys/uio.h>

#include <tweed/endpoint.h>

TW_BEGIN

typedef struct tw_stream tw_stream;

/* --- where streams come from -------------------------------------------------------------- */

/* Connect to `host` and `port` (any port for "unix:/path") as tw_connect() does, TLS and timeout
 * included; options may be NULL. Fires with a stream value. */
#define tw_open_connection(host, port, options) \
    tw_open_connection_at(TW_HERE, (host), (port), (options))
TW_API tw_deferred *tw_open_connection_at(const char *where, const char *host, unsigned port,
                                          const struct tw_connect_options *options);
/* The same to an endpoint, "tls:example.org:443", as tw_connect_endpoint(). */
#define tw_open_endpoint(endpoint) tw_open_endpoint_at(TW_HERE, (endpoint))
TW_API tw_deferred *tw_open_endpoint_at(const char *where, const char *endpoint);

/* A stream as a value, and back: lent, NULL for what is none (a failure). */
TW_API extern const tw_type tw_type_stream;
static inline tw_stream *tw_stream_of(tw_value value)
{
    return (tw_stream *)tw_value_object(value, &tw_type_stream);
}
TW_API tw_value tw_stream_value(tw_stream *stream);
/* One more reference, the argument again; let go of one. */
TW_API tw_stream *tw_stream_ref(tw_stream *stream);
TW_API void tw_stream_unref(tw_stream *stream);

/* A protocol whose connection will be read and written by a stream, *ret_stream, one reference of
 * which is yours: for tw_connect(), factories and tests. NULL when there is no memory. */
TW_API tw_protocol *tw_stream_protocol_new(tw_stream **ret_stream);
/* Take over a connection from its protocol, which is released; what that has read already is the
 * caller's to tw_stream_unread(). Returns 0, -ENOTCONN, -ENOMEM. */
TW_API int tw_stream_adopt(tw_transport *transport, tw_stream **ret_stream);
/* What it stands on, lent: for addresses, options, files. NULL once the connection is lost. */
TW_API tw_transport *tw_stream_transport(const tw_stream *stream);

/* --- reading ------------------------------------------------------------------------------ */

/*
 * Each fires with bytes, at once if they are there. One read at a time: another one meanwhile fails
 * with tw_error_misuse. A read that is cancelled, or times out (tw_deferred_add_timeout()), takes
 * nothing: the next one finds all that came.
 *
 * Once the peer has sent its end, and what came before was read, they fail or fire as said here.
 * If the connection is lost otherwise, what came can still be read; who wants more gets the reason:
 * tw_error_connection_lost, tw_error_connection_done after a close of our own, tw_error_tls, ...
 * Out of memory (tw_error_memory) takes nothing.
 */

/* Some, between 1 and `max`. At the end: no bytes. */
#define tw_stream_read(stream, max) tw_stream_read_at(TW_HERE, (stream), (max))
TW_API tw_deferred *tw_stream_read_at(const char *where, tw_stream *stream, size_t max);
/* Just `count`. At the end: tw_error_partial, whose tw_failure_value() is what came. */
#define tw_stream_read_exactly(stream, count) \
    tw_stream_read_exactly_at(TW_HERE, (stream), (count))
TW_API tw_deferred *tw_stream_read_exactly_at(const char *where, tw_stream *stream,
                                              size_t count);
/* A line without its LF or CRLF; the last one may come without. At the end: none. A line longer
 * than the stream's limit is tw_error_toolarge. */
#define tw_stream_read_line(stream) tw_stream_read_line_at(TW_HERE, (stream))
TW_API tw_deferred *tw_stream_read_line_at(const char *where, tw_stream *stream);
/*
 * All before `delimiter`, which is read and dropped.
 *   delimiter   lent until it fires; "" is a NUL byte
 *   limit       bytes before the delimiter; 0: the stream's limit
 * Beyond the limit: tw_error_toolarge; what came stays to be read. At the end: tw_error_partial,
 * with what came.
 */
#define tw_stream_read_until(stream, delimiter, limit) \
    tw_stream_read_until_at(TW_HERE, (stream), (delimiter), (limit))
TW_API tw_deferred *tw_stream_read_until_at(const char *where, tw_stream *stream,
                                            const char *delimiter, size_t limit);
/* Everything until the end. More than `limit` (0: 64 MiB) is tw_error_toolarge, and stays. */
#define tw_stream_read_to_end(stream, limit) \
    tw_stream_read_to_end_at(TW_HERE, (stream), (limit))
TW_API tw_deferred *tw_stream_read_to_end_at(const char *where, tw_stream *stream,
                                             size_t limit);
/* The next `count` bytes, which stay to be read. At the end: tw_error_partial; that stays too. */
#define tw_stream_peek(stream, count) tw_stream_peek_at(TW_HERE, (stream), (count))
TW_API tw_deferred *tw_stream_peek_at(const char *where, tw_stream *stream, size_t count);

/* What has come and is unread, lent until the next call or turn. */
TW_API const char *tw_stream_buffered(const tw_stream *stream, size_t *ret_length);
/* Put bytes back in front of what is unread. Returns 0, -EBUSY (somebody reads), -EINVAL (NULL),
 * -ENOMEM. */
TW_API int tw_stream_unread(tw_stream *stream, const void *data, size_t length);
/* All has been read, and no more will come. */
TW_API bool tw_stream_at_eof(const tw_stream *stream);
/* Above so many unread bytes the peer has to wait (back-pressure), and read_line gives up. 0 is the
 * default, 65536. A stream with nothing unread holds no buffer. */
TW_API void tw_stream_set_limit(tw_stream *stream, size_t limit);
/* Fail each read and drain from now on that takes longer, with tw_error_timeout; 0: never, the
 * default. Returns 0, -EINVAL (negative or not finite). */
TW_API int tw_stream_set_timeout(tw_stream *stream, double seconds);

/* --- writing ------------------------------------------------------------------------------ */

/* Append to what is to be sent, as tw_transport_write(): never waits. Returns 0, -ENOTCONN (lost,
 * closed, after write_eof, NULL), -ENOMEM (the connection is then aborted). It need not be looked
 * at: the next read or drain fails too. */
TW_API int tw_stream_write(tw_stream *stream, const void *data, size_t length);
/* `bytes` is taken, and not copied if it is of some size. -EINVAL for what is none. */
TW_API int tw_stream_write_value(tw_stream *stream, tw_value bytes);
TW_API int tw_stream_write_text(tw_stream *stream, const char *text);
TW_API int tw_stream_write_format(tw_stream *stream, const char *format, ...) TW_PRINTF(2, 3);
TW_API int tw_stream_writev(tw_stream *stream, const struct iovec *pieces, int count);

/* Wait while too much is unsent: fires with none, at once up to the high-water mark, above it when
 * the low one has been reached (tw_transport_set_watermarks()). Fails when the connection is gone.
 * Do so after each write of any size: otherwise a slow peer makes the memory grow. */
#define tw_stream_drain(stream) tw_stream_drain_at(TW_HERE, (stream))
TW_API tw_deferred *tw_stream_drain_at(const char *where, tw_stream *stream);

/* Half close: the peer sees our end after what was written; its own bytes still come. Returns 0,
 * -ENOTCONN, -ENOTSUP. */
TW_API int tw_stream_write_eof(tw_stream *stream);

/* --- the end ------------------------------------------------------------------------------ */

/* Flush, then close; never waits. A read that waits fails with tw_error_connection_done. A peer
 * that takes nothing for 30 s is cut off. */
TW_API void tw_stream_close(tw_stream *stream);
/* Fires with none when the connection is closed, by whomever; fails when what was written may not
 * have been sent: the reason. Does not close by itself. */
#define tw_stream_wait_closed(stream) tw_stream_wait_closed_at(TW_HERE, (stream))
TW_API tw_deferred *tw_stream_wait_closed_at(const char *where, tw_stream *stream);
/* Close now, dropping what is unsent; reads fail with tw_error_connection_aborted. */
TW_API void tw_stream_abort(tw_stream *stream);
/* It has been closed or aborted, or lost. */
TW_API bool tw_stream_is_closing(const tw_stream *stream);

/* --- TLS ---------------------------------------------------------------------------------- */

/*
 * From here on speak TLS, as tw_transport_start_tls() does; the context says which side we are.
 * Fires with none once the handshake is done. Fails with tw_error_tls, tw_error_timeout, ...: the
 * connection is then over. Before that, all that came in plain must have been read: if something is
 * left that does not begin a handshake, somebody may have put it there to be taken for protected,
 * and the connection is aborted with tw_error_protocol. A misuse (a read is waiting, a bad name)
 * changes nothing. A cancel aborts the connection.
 */
#define tw_stream_start_tls(stream, context, server_name) \
    tw_stream_start_tls_at(TW_HERE, (stream), (context), (server_name))
TW_API tw_deferred *tw_stream_start_tls_at(const char *where, tw_stream *stream,
                                           tw_tls_context *context, const char *server_name);

/* --- a server: a coroutine for each connection -------------------------------------------- */

/* Runs in a coroutine of its own and may tw_await(). The stream is lent, and closed when it
 * returns. */
typedef tw_value tw_stream_handler(tw_stream *stream, void *arg);

typedef struct tw_stream_server tw_stream_server;

/* All zero is the default. */
struct tw_stream_server_options {
    struct tw_listen_options listen;
    const char *endpoint;     /* to listen at instead, as tw_listen_endpoint() */
    unsigned max_connections; /* more wait in the backlog; 0: 10000 */
    size_t stack_size;        /* of a coroutine; 0: 64 KiB */
    size_t limit;             /* tw_stream_set_limit() */
    double timeout;           /* tw_stream_set_timeout() */
    /* A handler returned `failure`; both are lent. NULL: it is logged, as an error, or for
     * debugging if it is only that the peer broke the connection. */
    void (*failed)(tw_stream *stream, tw_value failure, void *arg);
    tw_release_fn
        *release; /* called with arg once: the server is gone, or could not be made */
};

/* Listen, as tw_listen() does with its errors, and call handler(stream, arg) for each connection,
 * after its TLS handshake. -EINVAL and tw_error_misuse: no handler, a negative timeout. *ret_server
 * is written on success only. */
#define tw_start_server(options, handler, arg, ret_server, ret_failure) \
    tw_start_server_at(TW_HERE, (options), (handler), (arg), (ret_server), (ret_failure))
TW_API int tw_start_server_at(const char *where,
                              const struct tw_stream_server_options *options,
                              tw_stream_handler *handler, void *arg,
                              tw_stream_server **ret_server, tw_value *ret_failure);
/* Lent, for its port and to pause it; NULL once the server stops. */
TW_API tw_listener *tw_stream_server_listener(const tw_stream_server *server);
/* Handlers that run, and connections that are open. */
TW_API size_t tw_stream_server_count(const tw_stream_server *server);

enum tw_stream_server_stop { TW_WAIT_FOR_HANDLERS, TW_CANCEL_HANDLERS };
/*
 * The end of a server: no new connections from now on. Fires with none when all handlers have
 * returned and all connections are closed; the server is then gone. With TW_CANCEL_HANDLERS what
 * they await is cancelled, and so does a cancel of the Deferred: wait for ten seconds at most, then
 * cancel them, by tw_deferred_add_timeout(). A second stop fails with tw_error_misuse.
 */
#define tw_stream_server_stop(server, how) tw_stream_server_stop_at(TW_HERE, (server), (how))
TW_API tw_deferred *tw_stream_server_stop_at(const char *where, tw_stream_server *server,
                                             enum tw_stream_server_stop how);

TW_END
#endif
