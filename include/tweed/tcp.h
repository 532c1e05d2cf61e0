/* SPDX-License-Identifier: MIT */
/*
 * tcp.h - connect and listen: TCP by name or address, UNIX sockets, and TLS over them.
 *
 *     static tw_value connected(tw_value result, void *text)
 *     {
 *         tw_protocol *protocol = tw_pointer_of(result);
 *         tw_transport_write(protocol->transport, text, strlen(text));
 *         return tw_none();
 *     }
 *     ...
 *     tw_deferred *done = tw_connect("example.org", 7, NULL, tw_protocol_new(&echo_class));
 *     tw_add_callback(done, connected, "hello\n");
 *     tw_add_errback(done, tw_log_failure, "example.org");
 *     tw_deferred_unref(done);
 *
 * After Twisted's IReactorTCP, IReactorUNIX and HostnameEndpoint; names by RFC 8305.
 */
#ifndef TWEED_TCP_H
#define TWEED_TCP_H

#include <tweed/tls.h>
#include <tweed/transport.h>

TW_BEGIN

/* On the way to a connection: an address is about to be tried, or one has been reached and TLS,
 * if asked for, begins. */
enum tw_connect_step { TW_CONNECT_TRYING, TW_CONNECT_REACHED };

/* All zero is the default. Strings are lent for the call. */
struct tw_connect_options {
    double timeout;            /* seconds for everything, TLS included; 0: 30 */
    const char *local_address; /* literal to bind to; NULL: any */
    tw_tls_context *tls;       /* lent for the call: speak TLS; NULL: plain */
    const char *server_name;   /* to verify and for SNI; NULL: the host */
    double attempt_delay;      /* happy eyeballs; 0: 0.25 s */
    bool keep_delay;           /* leave Nagle's algorithm on */
    /* Called at each step; must not cancel. Returning false at TW_CONNECT_TRYING refuses that
     * address. `address` is NULL where there is none (connections in memory). */
    bool (*on_step)(enum tw_connect_step step, const struct sockaddr *address, void *arg);
    void *step_arg;
};

/*
 * Connect `protocol` (taken) to `host`, a name or a literal address (IPv6 with or without
 * brackets), or "unix:/path".
 *
 * Fires with a pointer to the protocol after its connection_made, TLS handshake included. Fails
 * with tw_error_dns, below tw_error_connect, tw_error_tls, tw_error_url (bad host, port 0, a
 * negative time, a server's TLS context), tw_error_connect_timeout. When several attempts
 * failed, the failure is the last one, with the others as its causes. The protocol is then
 * released without having been connected. A cancel drops every attempt. NULL for `protocol`
 * (there was no memory for it) gives NULL.
 */
#define tw_connect(host, port, options, protocol) \
    tw_connect_at(TW_HERE, (host), (port), (options), (protocol))
TW_API TW_MUST_USE tw_deferred *tw_connect_at(const char *where, const char *host,
                                              unsigned port,
                                              const struct tw_connect_options *options,
                                              tw_protocol *protocol);

typedef struct tw_listener tw_listener;

/* All zero is the default: 127.0.0.1, a free port. */
struct tw_listen_options {
    const char *address; /* literal, "unix:/path", "unix:@abstract"; NULL: 127.0.0.1 */
    unsigned port;       /* 0: any free one, see tw_listener_port() */
    int backlog;         /* 0: 4096 */
    bool reuse_port;     /* several reactors share the port */
    bool dual_stack;     /* "::" takes IPv4 too */
    tw_tls_context *tls; /* counted by the listener; NULL: plain */
    int mode;            /* of a UNIX socket; 0: what the umask leaves of 0777 */
    bool lock_file;      /* of a UNIX socket: hold "PATH.lock" while listening */
};
/*
 * Listen for connections, for which `factory` builds protocols.
 *
 * A UNIX socket that nobody listens on any more is replaced, and the file removed at the end.
 * Two processes that start at the same time may both replace it, unless both use the lock file.
 * That names our process, and is ignored when its process has ended.
 * With TLS, a peer has 30 s for its handshake; connection_made comes after it.
 * `factory` is counted by the listener; NULL is -ENOMEM. *ret_listener is written on success only.
 *
 * Like all functions that listen, returns 0 or a negative errno, and puts the failure that says
 * why into *ret_failure (owned; ret_failure may be NULL; not written on success):
 *   -EINVAL    tw_error_url: an address that is no literal, a port above 65535, a client's TLS
 *              context
 *   -EPROTO    tw_error_tls: certificate, key or trust of an endpoint's TLS
 *   -ENOMEM    tw_error_memory
 *   others     tw_error_system with the errno as number: -EADDRINUSE, -EACCES, -EMFILE, ...
 */
TW_API int tw_listen(const struct tw_listen_options *options, tw_factory *factory,
                     tw_listener **ret_listener, tw_value *ret_failure);
TW_API unsigned tw_listener_port(const tw_listener *listener);
TW_API int tw_listener_address(const tw_listener *listener, char *text, size_t size);
/* Pause and resume accepting connections. */
TW_API void tw_listener_pause(tw_listener *listener);
TW_API void tw_listener_resume(tw_listener *listener);
/* Stop listening and free; connections stay. */
TW_API void tw_listener_close(tw_listener *listener);

TW_END
#endif
