/* SPDX-License-Identifier: MIT */
/*
 * transport.h - protocols and the connections they speak over.
 *
 * A factory builds a protocol for each connection; the transport calls it: connection_made once,
 * data_received any number of times, connection_lost exactly once and last. A protocol writes to
 * its transport, which keeps order and never blocks. The same protocol runs over TCP, UNIX
 * sockets, TLS and memory.
 *
 *     static void received(tw_protocol *protocol, const char *data, size_t length)
 *     {
 *         tw_transport_write(protocol->transport, data, length);
 *     }
 *     static const tw_protocol_class echo = { .name = "echo", .data_received = received };
 *     ...
 *     tw_factory *factory = tw_factory_of(&echo, NULL);
 *     tw_listen(NULL, factory, &listener, NULL);     // tcp.h: a free port of 127.0.0.1
 *     tw_factory_unref(factory);
 *     tw_reactor_run();
 *
 * After Twisted's IProtocol, ITransport, IFactory, IHalfCloseableProtocol, IProducer.
 */
#ifndef TWEED_TRANSPORT_H
#define TWEED_TRANSPORT_H

#include <sys/socket.h>

#include <tweed/deferred.h>

TW_BEGIN

typedef struct tw_transport tw_transport;
typedef struct tw_protocol tw_protocol;
typedef struct tw_factory tw_factory;

/* The functions of a kind of protocol; static storage. Each may be NULL. Each may close the
 * transport. Nothing is called after connection_lost but `released`. */
typedef struct tw_protocol_class {
    const char *name;
    size_t size; /* of the struct that begins with a tw_protocol */
    void (*connection_made)(tw_protocol *protocol);
    /* `data` is lent for the call. */
    void (*data_received)(tw_protocol *protocol, const char *data, size_t length);
    /* An optional pair that saves a copy of big bodies. get_buffer returns the place for the
     * next bytes, at most *size of them, and buffer_filled is told how many came; while
     * get_buffer returns NULL, data_received gets them. */
    char *(*get_buffer)(tw_protocol *protocol, size_t *size);
    void (*buffer_filled)(tw_protocol *protocol, size_t length);
    /* Half close: the peer will send no more. If this is NULL, all that was written is flushed
     * and the connection closed. */
    void (*read_connection_lost)(tw_protocol *protocol);
    /* Our side has been shut down after tw_transport_lose_write(). */
    void (*write_connection_lost)(tw_protocol *protocol);
    /* Bytes have been handed to the system, but not all; see tw_transport_tell_sent(). */
    void (*bytes_sent)(tw_protocol *protocol);
    /* `reason` (lent): below tw_error_connection, or tw_error_tls, ... */
    void (*connection_lost)(tw_protocol *protocol, tw_value reason);
    /* Release all that the struct holds; its own memory is the transport's. Called last. */
    void (*released)(tw_protocol *protocol);
} tw_protocol_class;

/* Begin your own struct with this. */
struct tw_protocol {
    const tw_protocol_class *protocol_class;
    tw_transport *transport; /* NULL before connection_made and after connection_lost */
    tw_factory *factory;     /* lent; NULL when there was none */
};

/* A zeroed protocol of this class from tweed's pools; NULL when there is no memory. The
 * function that connects it takes it; one that was never connected is freed by
 * tw_protocol_free(). */
TW_API TW_MUST_USE tw_protocol *tw_protocol_new(const tw_protocol_class *protocol_class);
TW_API void tw_protocol_free(tw_protocol *protocol);

/* Builds protocols. Counted by the listeners and connections that use it. */
struct tw_factory_class {
    /* Required. NULL closes the connection. May set up the protocol; transport is not there yet. */
    tw_protocol *(*build)(tw_factory *factory);
    void (*started)(tw_factory *factory); /* first listener or connection */
    void (*stopped)(tw_factory *factory); /* last one gone */
    void (*released)(tw_factory *factory);
};
/* `data` is the user's. The simple form builds zeroed protocols of one class. NULL when there is no
 * memory, or no build() (errno EINVAL). */
TW_API TW_MUST_USE tw_factory *tw_factory_new(const struct tw_factory_class *factory_class,
                                              void *data);
TW_API TW_MUST_USE tw_factory *tw_factory_of(const tw_protocol_class *protocol_class,
                                             void *data);
TW_API void *tw_factory_data(const tw_factory *factory);
TW_API tw_factory *tw_factory_ref(tw_factory *factory);
TW_API void tw_factory_unref(tw_factory *factory);

/* --- writing and ending ------------------------------------------------------------- */

/* Append a copy of `data` to the bytes to be sent. They are never sent inside this call, and at
 * the latest at the end of the turn. Does nothing after the connection or its write side is
 * closed. Returns 0, -ENOTCONN, -ENOMEM (the connection is then aborted with tw_error_memory,
 * so that the peer never sees a gap). */
TW_API int tw_transport_write(tw_transport *transport, const void *data, size_t length);
/* The same without a copy: `bytes` (taken) is kept until sent. */
TW_API int tw_transport_write_value(tw_transport *transport, tw_value bytes);
/* Send `length` bytes of the file from `offset`, by sendfile() where possible. `fd` is lent
 * until done(error, arg) (may be NULL) is called, once, unless this call fails; `error` is 0,
 * or a negative errno when not all could be sent. A file that ends early breaks the connection.
 * Returns 0, -EINVAL, -ENOTCONN, -ENOMEM. */
TW_API int tw_transport_write_file(tw_transport *transport, int fd, int64_t offset,
                                   int64_t length, void (*done)(int error, void *arg),
                                   void *arg);
/* The number of bytes not yet handed to the system. */
TW_API size_t tw_transport_unsent(const tw_transport *transport);
/* `on`: call the protocol's bytes_sent() each time that bytes have been handed to the system.
 * Off, the default: only when some bytes are left. */
TW_API void tw_transport_tell_sent(tw_transport *transport, bool on);
/* Flush, then close; stops reading now. With a producer registered, waits until it unregisters.
 * Repeated calls are ignored. */
TW_API void tw_transport_lose(tw_transport *transport);
/* Close now, dropping unsent bytes (RST); connection_lost comes at the end of the turn at the
 * earliest, never inside this call. */
TW_API void tw_transport_abort(tw_transport *transport);
/* Shut down our side after flushing; the peer's bytes still come. Returns 0, -ENOTSUP. */
TW_API int tw_transport_lose_write(tw_transport *transport);
TW_API bool tw_transport_connected(const tw_transport *transport);
TW_API bool tw_transport_losing(const tw_transport *transport);
/* Ask the system: true if the connection is open and nothing has come that was not delivered
 * yet, neither bytes nor the peer's end. For connections that were unused, before they are used
 * again; bytes still on their way cannot be seen. Bytes that only TLS itself would read count,
 * too; descriptors that are no sockets always look quiet. */
TW_API bool tw_transport_quiet(const tw_transport *transport);

/* A reference that keeps the object (not the connection) alive. Without one a transport may be
 * used until its connection_lost has returned. */
TW_API tw_transport *tw_transport_ref(tw_transport *transport);
TW_API void tw_transport_unref(tw_transport *transport);

/* --- flow control ------------------------------------------------------------------- */

/* Stop and resume reading. After a pause nothing more is delivered, not even bytes that have
 * been read already. */
TW_API void tw_transport_pause(tw_transport *transport);
TW_API void tw_transport_resume(tw_transport *transport);

/* A producer writes bytes to the transport as the peer takes them. A push producer is paused
 * above the high-water mark and resumed at the low one; a pull producer gets one resume each
 * time that all has been sent. */
struct tw_producer {
    void (*pause)(void *arg); /* push only */
    void (*resume)(void *arg);
    void (*stop)(void *arg); /* the connection is gone */
};
/* Returns 0, -EEXIST (there is one), -EINVAL (a function is missing), -ENOMEM. On a lost
 * connection stop() is called at once. `producer` is static. */
TW_API int tw_transport_register_producer(tw_transport *transport,
                                          const struct tw_producer *producer, bool push,
                                          void *arg);
TW_API void tw_transport_unregister_producer(tw_transport *transport);
/* True if a producer is registered; in connection_lost and later, if one was, whose stop() has been
 * called. */
TW_API bool tw_transport_has_producer(const tw_transport *transport);
/* Bytes; default high 65536, low 0. Returns 0, -EINVAL (low above high). */
TW_API int tw_transport_set_watermarks(tw_transport *transport, size_t high, size_t low);

/* --- idle timeout ------------------------------------------------------------------- */

/* Call timed_out(protocol), or if that is NULL tw_transport_lose(), once `seconds` have passed
 * without tw_transport_reset_timeout(). 0 turns it off. Resetting is cheap: do it for each
 * message. Returns 0, -EINVAL (negative or not finite), -ENOMEM. Twisted's TimeoutMixin. */
TW_API int tw_transport_set_timeout(tw_transport *transport, double seconds,
                                    void (*timed_out)(tw_protocol *protocol));
/* The seconds that were set; 0 when it is off. */
TW_API double tw_transport_timeout(const tw_transport *transport);
/* Count the seconds from now again. Does nothing when it is off. */
TW_API void tw_transport_reset_timeout(tw_transport *transport);

/* --- about it ----------------------------------------------------------------------- */

TW_API tw_protocol *tw_transport_protocol(const tw_transport *transport);
/* From now on deliver to `protocol` (taken); connection_made is called on it, connection_lost is
 * not called on the old one, which is released at the end of the turn. */
TW_API void tw_transport_set_protocol(tw_transport *transport, tw_protocol *protocol);
/* "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:/path", "memory"; returns what snprintf()
 * would. */
TW_API int tw_transport_peer(const tw_transport *transport, char *text, size_t size);
TW_API int tw_transport_local(const tw_transport *transport, char *text, size_t size);
/* The peer's socket address. Returns 0, -ENOTSUP (a transport that has none). */
TW_API int tw_transport_peer_address(const tw_transport *transport,
                                     struct sockaddr_storage *ret_address,
                                     socklen_t *ret_length);
TW_API int tw_transport_set_nodelay(tw_transport *transport, bool on);
TW_API int tw_transport_set_keepalive(tw_transport *transport, bool on);
/* The descriptor, for socket options only; -1 where there is none. */
TW_API int tw_transport_fd(const tw_transport *transport);

TW_END
#endif
