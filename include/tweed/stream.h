/* SPDX-License-Identifier: MIT */
/*
 * stream.h - reading and writing a connection in straight-line code.
 *
 * A stream stands on a connection of any kind: TCP, UNIX socket, TLS, memory. Bytes that arrive
 * are kept until they are read. Each wait is a Deferred: for tw_await(), or for callbacks.
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
 * A stream is counted. Each read or drain that waits keeps it alive; with the last reference
 * all that was written is flushed and the connection closed. NULL, a stream that could not be
 * opened, does no harm: waits on it fail with tw_error_misuse, and writes are refused.
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
TW_API TW_MUST_USE tw_deferred *tw_open_connection_at(
    const char *where, const char *host, unsigned port,
    const struct tw_connect_options *options);
/* The same to an endpoint, "tls:example.org:443", as tw_connect_endpoint(). */
#define tw_open_endpoint(endpoint) tw_open_endpoint_at(TW_HERE, (endpoint))
TW_API TW_MUST_USE tw_deferred *tw_open_endpoint_at(const char *where, const char *endpoint);

/* A stream as a value, and back: lent, NULL for a value of another type (a failure). */
TW_API extern const tw_type tw_type_stream;
static inline tw_stream *tw_stream_of(tw_value value)
{
    return (tw_stream *)tw_value_object(value, &tw_type_stream);
}
TW_API TW_MUST_USE tw_value tw_stream_value(tw_stream *stream);
/* Add a reference, and return the argument; drop a reference. */
TW_API tw_stream *tw_stream_ref(tw_stream *stream);
TW_API void tw_stream_unref(tw_stream *stream);

/* A protocol whose connection will be read and written by a stream, *ret_stream, one reference of
 * which is yours: for tw_connect(), factories and tests. NULL when there is no memory. */
TW_API TW_MUST_USE tw_protocol *tw_stream_protocol_new(tw_stream **ret_stream);
/* Take over a connection from its protocol, which is released. The caller gives bytes that the
 * protocol has read already to tw_stream_unread(). Returns 0, -ENOTCONN, -ENOMEM. */
TW_API int tw_stream_adopt(tw_transport *transport, tw_stream **ret_stream);
/* The stream's transport, lent: for addresses, options, files. NULL once the connection is
 * lost. */
TW_API tw_transport *tw_stream_transport(const tw_stream *stream);

/* --- reading ------------------------------------------------------------------------------ */

/*
 * Each read fires with bytes, at once if they are there. Only one may wait at a time: a second
 * one fails with tw_error_misuse. A read that is cancelled, or times out
 * (tw_deferred_add_timeout()), takes nothing: the next one finds all bytes that came.
 *
 * "At the end" below means: the peer has ended its side, and all bytes before that were read.
 * If the connection is lost in another way, the bytes that came can still be read; a read for
 * more fails with the reason: tw_error_connection_lost, tw_error_connection_done after a close
 * of our own, tw_error_tls, ... A read that fails with tw_error_memory takes nothing.
 */

/* At least one byte and at most `max`. At the end: bytes of length 0. */
#define tw_stream_read(stream, max) tw_stream_read_at(TW_HERE, (stream), (max))
TW_API TW_MUST_USE tw_deferred *tw_stream_read_at(const char *where, tw_stream *stream,
                                                  size_t max);
/* Exactly `count` bytes. At the end: tw_error_partial, with the bytes that came as its
 * tw_failure_value(). */
#define tw_stream_read_exactly(stream, count) \
    tw_stream_read_exactly_at(TW_HERE, (stream), (count))
TW_API TW_MUST_USE tw_deferred *tw_stream_read_exactly_at(const char *where, tw_stream *stream,
                                                          size_t count);
/* A line, without its LF or CRLF; the last line need not have one. At the end: none. A line
 * longer than the stream's limit is tw_error_toolarge. */
#define tw_stream_read_line(stream) tw_stream_read_line_at(TW_HERE, (stream))
TW_API TW_MUST_USE tw_deferred *tw_stream_read_line_at(const char *where, tw_stream *stream);
/*
 * All bytes before `delimiter`, which is read and dropped.
 *   delimiter   lent until it fires; "" is a NUL byte
 *   limit       bytes before the delimiter; 0: the stream's limit
 * Beyond the limit: tw_error_toolarge, and nothing is taken. At the end: tw_error_partial, with
 * the bytes that came.
 */
#define tw_stream_read_until(stream, delimiter, limit) \
    tw_stream_read_until_at(TW_HERE, (stream), (delimiter), (limit))
TW_API TW_MUST_USE tw_deferred *tw_stream_read_until_at(const char *where, tw_stream *stream,
                                                        const char *delimiter, size_t limit);
/* All bytes until the end. More than `limit` (0: 64 MiB) is tw_error_toolarge, and nothing is
 * taken. */
#define tw_stream_read_to_end(stream, limit) \
    tw_stream_read_to_end_at(TW_HERE, (stream), (limit))
TW_API TW_MUST_USE tw_deferred *tw_stream_read_to_end_at(const char *where, tw_stream *stream,
                                                         size_t limit);
/* The next `count` bytes, which stay unread, also when fewer came: then tw_error_partial, at the
 * end. */
#define tw_stream_peek(stream, count) tw_stream_peek_at(TW_HERE, (stream), (count))
TW_API TW_MUST_USE tw_deferred *tw_stream_peek_at(const char *where, tw_stream *stream,
                                                  size_t count);

/* The bytes that have come and are unread, lent until the next call or turn. */
TW_API const char *tw_stream_buffered(const tw_stream *stream, size_t *ret_length);
/* Put bytes back in front of the unread ones. Returns 0, -EBUSY (a read waits), -EINVAL (NULL),
 * -ENOMEM. */
TW_API int tw_stream_unread(tw_stream *stream, const void *data, size_t length);
/* True if all has been read and no more will come. */
TW_API bool tw_stream_at_eof(const tw_stream *stream);
/* The most unread bytes that a stream keeps: above `limit` (0: 65536) the peer has to wait
 * (back-pressure), and read_line gives up. A stream with nothing unread holds no buffer. */
TW_API void tw_stream_set_limit(tw_stream *stream, size_t limit);
/* From now on a read or drain that takes longer than `seconds` fails with tw_error_timeout; 0,
 * the default: no limit. Returns 0, -EINVAL (negative or not finite). */
TW_API int tw_stream_set_timeout(tw_stream *stream, double seconds);

/* --- writing ------------------------------------------------------------------------------ */

/* Append to the bytes to be sent, as tw_transport_write(): never waits. Returns 0, -ENOTCONN
 * (lost, closed, after write_eof, NULL), -ENOMEM (the connection is then aborted). The result
 * may be ignored: the next read or drain fails too. */
TW_API int tw_stream_write(tw_stream *stream, const void *data, size_t length);
/* `bytes` is taken, and not copied unless it is short. -EINVAL for a value that is no bytes. */
TW_API int tw_stream_write_value(tw_stream *stream, tw_value bytes);
TW_API int tw_stream_write_text(tw_stream *stream, const char *text);
TW_API int tw_stream_write_format(tw_stream *stream, const char *format, ...) TW_PRINTF(2, 3);
TW_API int tw_stream_writev(tw_stream *stream, const struct iovec *pieces, int count);

/* Wait while too much is unsent. Fires with none: at once while the unsent bytes are below the
 * high-water mark, otherwise at the low one (tw_transport_set_watermarks()). Fails when the
 * connection is gone. Call it after each large write: otherwise a slow peer makes the memory
 * grow. */
#define tw_stream_drain(stream) tw_stream_drain_at(TW_HERE, (stream))
TW_API TW_MUST_USE tw_deferred *tw_stream_drain_at(const char *where, tw_stream *stream);

/* Half close: the peer sees the end of our side after all that was written; its own bytes still
 * come. Returns 0, -ENOTCONN, -ENOTSUP. */
TW_API int tw_stream_write_eof(tw_stream *stream);

/* --- the end ------------------------------------------------------------------------------ */

/* Flush, then close; never waits. A read that waits fails with tw_error_connection_done. A peer
 * that takes nothing for 30 s is cut off. */
TW_API void tw_stream_close(tw_stream *stream);
/* Fires with none when the connection has been closed by either side; fails with the reason
 * when some of the written bytes may not have been sent. Does not close the connection itself. */
#define tw_stream_wait_closed(stream) tw_stream_wait_closed_at(TW_HERE, (stream))
TW_API TW_MUST_USE tw_deferred *tw_stream_wait_closed_at(const char *where, tw_stream *stream);
/* Close now, dropping unsent bytes; reads fail with tw_error_connection_aborted. */
TW_API void tw_stream_abort(tw_stream *stream);
/* True if it has been closed or aborted, or the connection lost. */
TW_API bool tw_stream_is_closing(const tw_stream *stream);

/* --- TLS ---------------------------------------------------------------------------------- */

/*
 * From here on speak TLS, as tw_transport_start_tls() does; the context says which side we are.
 * Fires with none once the handshake is done. Fails with tw_error_tls, tw_error_timeout, ...:
 * the connection is then over. All bytes that came in plain must have been read before: if some
 * are left that do not begin a handshake, an attacker may have put them there to pass as
 * protected, and the connection is aborted with tw_error_protocol. A misuse (a read is waiting,
 * a bad name) changes nothing. A cancel aborts the connection.
 */
#define tw_stream_start_tls(stream, context, server_name) \
    tw_stream_start_tls_at(TW_HERE, (stream), (context), (server_name))
TW_API TW_MUST_USE tw_deferred *tw_stream_start_tls_at(const char *where, tw_stream *stream,
                                                       tw_tls_context *context,
                                                       const char *server_name);

/* --- a server: a coroutine for each connection -------------------------------------------- */

/* Runs in a coroutine of its own and may tw_await(). The stream is lent, and closed when it
 * returns. */
typedef tw_value tw_stream_handler(tw_stream *stream, void *arg);

typedef struct tw_stream_server tw_stream_server;

/* All zero is the default. */
struct tw_stream_server_options {
    struct tw_listen_options listen;
    const char *endpoint;     /* to listen at instead, as tw_listen_endpoint() */
    unsigned max_connections; /* further ones wait in the backlog; 0: 10000 */
    size_t stack_size;        /* of a coroutine; 0: 64 KiB */
    size_t limit;             /* tw_stream_set_limit() */
    double timeout;           /* tw_stream_set_timeout() */
    /* A handler returned `failure`; both are lent. NULL: it is logged, as an error, or for
     * debugging if it is only that the peer broke the connection. */
    void (*failed)(tw_stream *stream, tw_value failure, void *arg);
    /* Called with arg once: the server is gone, or could not be made. */
    tw_release_fn *release;
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
/* The server's listener, lent, for its port and to pause it; NULL once the server stops. */
TW_API tw_listener *tw_stream_server_listener(const tw_stream_server *server);
/* The number of connections whose handler runs or that are still open. */
TW_API size_t tw_stream_server_count(const tw_stream_server *server);

enum tw_stream_server_stop { TW_WAIT_FOR_HANDLERS, TW_CANCEL_HANDLERS };
/*
 * Stop a server: it takes no new connections from now on. Fires with none when all handlers
 * have returned and all connections are closed; the server is then gone. TW_CANCEL_HANDLERS
 * cancels the Deferreds that the handlers await; cancelling the returned Deferred does the
 * same, so tw_deferred_add_timeout() gives them ten seconds, say, and then cancels. A second
 * stop fails with tw_error_misuse.
 */
#define tw_stream_server_stop(server, how) tw_stream_server_stop_at(TW_HERE, (server), (how))
TW_API TW_MUST_USE tw_deferred *tw_stream_server_stop_at(const char *where,
                                                         tw_stream_server *server,
                                                         enum tw_stream_server_stop how);

TW_END
#endif
