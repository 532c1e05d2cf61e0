/* SPDX-License-Identifier: MIT */
/*
 * socket.c - transports over a connected descriptor: TCP and UNIX sockets.
 *
 * Where the backend has edge triggers, the descriptor is registered once, for reading and writing,
 * for its whole life: pausing, a full send buffer and the wait for the peer then cost no system
 * call. What an edge has told is remembered: `pending` (not all has been read), `hangup` (the
 * peer's stream ends), `blocked` (no room to send).
 *
 * The hard part is when a read may stop. A short read means that nothing more was there, but an
 * error may wait behind it (a reset gives no further edge). When something is about to be sent,
 * the sending will show it; otherwise we read once more. With level triggers (poll, select) the
 * next wait shows everything.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef HAVE_SYS_SENDFILE_H
#include <sys/sendfile.h>
#endif

#include <tweed/resolver.h>

#include "base/slab.h"
#include "net/transport/quiet.h"
#include "net/transport/socket.h"
#include "net/transport/transport.h"

enum {
    READS_PER_TURN = 4, /* then others have their turn */
    SENDS_PER_TURN = 16,
    SEND_PER_TURN = 1024 * 1024, /* bytes */
    PIECES = 64,
};

/* The scope of a link-local address (fe80::/64) is kept in its zeros. */
union peer {
    struct in_addr ipv4;
    struct in6_addr ipv6;
    struct {
        uint32_t prefix, scope;
    } link;
};

/* There is one for each idle connection, so it keeps no whole socket address. */
struct sock {
    tw_transport base;
    struct twi_watch *watch;
    int fd; /* -1 once closed */
    bool edge : 1;
    bool pending : 1;
    bool hangup : 1;
    bool blocked : 1;
    uint8_t family; /* of the peer, as all below */
    uint16_t port;  /* in the network's order */
    union peer peer;
};

static _Thread_local struct twi_slab socks = TWI_SLAB(struct sock);

static struct sock *sock_of(tw_transport *transport)
{
    return (struct sock *)transport;
}

static const struct sock *const_sock_of(const tw_transport *transport)
{
    return (const struct sock *)transport;
}

static tw_value socket_broken_by(int error)
{
    return tw_fail_errno(&tw_error_connection_lost, error);
}

/* With level triggers: watch for what is wanted. */
static void socket_rewatch(struct sock *sock)
{
    unsigned events = 0;
    int r;

    if (sock->edge || sock->watch == NULL)
        return;
    if (twi_transport_reading(&sock->base))
        events |= TWI_READABLE;
    if (sock->blocked)
        events |= TWI_WRITABLE;
    r = twi_watch_change(sock->watch, events);
    if (r < 0)
        twi_transport_end(&sock->base, tw_fail_errno(&tw_error_connection_lost, r));
}

/* With edge triggers: read on in the next turn. */
static void poke(struct sock *sock)
{
    sock->pending = false;
    if (twi_watch_poke(sock->watch) < 0)
        twi_transport_end(&sock->base, tw_fail_memory());
}

/* --- reading ------------------------------------------------------------------------ */

/* One read, delivered. What recv() answered, or a negative errno; *ret_short: less came than
 * there was room for. */
static inline ssize_t socket_receive(struct sock *sock, bool *ret_short)
{
    tw_transport *transport = &sock->base;
    size_t size;
    char *own = twi_transport_buffer(transport, &size);
    char *buffer = own;
    ssize_t n;

    if (own == NULL)
        buffer = twi_loop_read_buffer(&size);
    do
        n = recv(sock->fd, buffer, size, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *ret_short = (size_t)n < size;
    if (n > 0) {
        transport->upper_wrote = false;
        if (own != NULL)
            twi_transport_filled(transport, (size_t)n);
        else
            twi_transport_deliver(transport, buffer, (size_t)n);
    }
    return n;
}

/* May we stop after a short read? */
static bool nothing_behind(const struct sock *sock)
{
    if (!sock->edge)
        return true;
    return !sock->hangup && (sock->base.out.length > 0 || sock->base.upper_wrote);
}

static void socket_read_some(struct sock *sock)
{
    tw_transport *transport = &sock->base;

    for (int i = 0; i < READS_PER_TURN; i++) {
        bool was_short = false;
        ssize_t n;

        if (!twi_transport_reading(transport)) {
            sock->pending = true;
            socket_rewatch(sock);
            return;
        }
        n = socket_receive(sock, &was_short);
        if (n == -EAGAIN || n == -EWOULDBLOCK) {
            sock->pending = false;
            return;
        }
        if (n < 0) {
            twi_transport_lost(transport, socket_broken_by((int)-n));
            return;
        }
        if (n == 0) {
            twi_transport_deliver_eof(transport);
            return;
        }
        if (was_short && nothing_behind(sock)) {
            sock->pending = false;
            return;
        }
    }
    sock->pending = true;
    if (sock->edge && twi_transport_reading(transport))
        poke(sock);
}

/* --- writing ------------------------------------------------------------------------ */

/* The peer takes no more. What it sent before it left is still delivered: a server may have
 * answered early and closed. */
static void send_failed(struct sock *sock, int error)
{
    tw_transport *transport = &sock->base;
    tw_value reason = socket_broken_by(error);
    bool was_short;

    transport->write_shut = true;
    twi_outbox_drop(&transport->out, -error);
    while (twi_transport_reading(transport) && socket_receive(sock, &was_short) > 0)
        continue;
    twi_transport_lost(transport, reason);
}

static ssize_t socket_send_bytes(struct sock *sock)
{
    struct iovec pieces[PIECES];
    struct msghdr message = { .msg_iov = pieces };

    message.msg_iovlen = (size_t)twi_outbox_pieces(&sock->base.out, pieces, PIECES);
    return sendmsg(sock->fd, &message, MSG_NOSIGNAL);
}

#ifdef HAVE_SYS_SENDFILE_H
static ssize_t sendfile_quietly(int out, int in, off_t *offset, size_t length)
{
    struct twi_quiet quiet = twi_quiet_begin();
    ssize_t n = sendfile(out, in, offset, length);

    twi_quiet_end(&quiet, n < 0);
    return n;
}
#endif

/* Send from the file that is first in the queue; as send(). */
static ssize_t socket_send_file(struct sock *sock, int fd, int64_t offset, int64_t length)
{
    int r;

    if (length == 0)
        return 0;
#ifdef HAVE_SYS_SENDFILE_H
    {
        size_t most = length < SEND_PER_TURN ? (size_t)length : SEND_PER_TURN;
        off_t from = (off_t)offset;
        ssize_t n = sendfile_quietly(sock->fd, fd, &from, most);

        if (n == 0)
            errno = EIO; /* the file is shorter than was said */
        if (n > 0 || (errno != EINVAL && errno != ENOSYS))
            return n > 0 ? n : -1;
    }
#else
    (void)fd, (void)offset;
#endif
    r = twi_outbox_load(&sock->base.out);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return socket_send_bytes(sock);
}

/* Send once what is first in the queue; as send(). */
static ssize_t send_once(struct sock *sock)
{
    int64_t offset, length;
    int fd;

    if (twi_outbox_file(&sock->base.out, &fd, &offset, &length))
        return socket_send_file(sock, fd, offset, length);
    return socket_send_bytes(sock);
}

/* Sending failed: false when the connection is lost over it. */
static bool socket_may_go_on(struct sock *sock, int error)
{
    if (error == EINTR)
        return true;
    if (error != EAGAIN && error != EWOULDBLOCK) {
        send_failed(sock, error);
        return false;
    }
    sock->blocked = true;
    socket_rewatch(sock);
    return true;
}

/* Send what is queued; false when the connection is lost over it. */
static bool socket_send_all(struct sock *sock)
{
    tw_transport *transport = &sock->base;
    size_t sent = 0;

    for (int calls = 0; !twi_outbox_empty(&transport->out) && !sock->blocked; calls++) {
        ssize_t n;

        if (sent >= SEND_PER_TURN || calls >= SENDS_PER_TURN) {
            twi_transport_flush_later(transport);
            break;
        }
        n = send_once(sock);
        if (n < 0) {
            if (!socket_may_go_on(sock, errno))
                return false;
            continue;
        }
        sent += (size_t)n;
        twi_outbox_sent(&transport->out, (size_t)n);
    }
    return transport->state <= TWI_LOSING;
}

__attribute__((noinline)) /* what goes in one shall not pay for it */
static void
flush_rest(struct sock *sock)
{
    if (twi_outbox_empty(&sock->base.out) || socket_send_all(sock))
        twi_transport_flushed(&sock->base);
}

static void sock_flush(tw_transport *transport)
{
    struct sock *sock = sock_of(transport);
    size_t length;
    const char *bytes = twi_outbox_front(&transport->out, &length);

    if (sock->blocked)
        return;
    /* Nearly always there is one piece, and it goes in one. */
    if (bytes != NULL && twi_outbox_is_one(&transport->out)) {
        ssize_t n = send(sock->fd, bytes, length, MSG_NOSIGNAL);
        if (n > 0)
            twi_outbox_sent(&transport->out, (size_t)n);
        else if (!socket_may_go_on(sock, errno))
            return;
        if ((size_t)n == length) {
            twi_transport_flushed(transport);
            return;
        }
    }
    flush_rest(sock);
}

static size_t sock_send_now(tw_transport *transport, const void *data, size_t length)
{
    struct sock *sock = sock_of(transport);
    ssize_t n;

    if (sock->blocked || !twi_outbox_empty(&transport->out))
        return 0;
    do
        n = send(sock->fd, data, length, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

static bool sock_quiet(const tw_transport *transport)
{
    const struct sock *sock = const_sock_of(transport);
    ssize_t n;
    char c;

    do
        n = recv(sock->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* --- readiness ---------------------------------------------------------------------- */

/* What is written while the protocol reads is sent when it returns: the answer leaves while all
 * that belongs to the connection is at hand, and nobody waits for others' reading. */
static void socket_read_and_answer(struct sock *sock)
{
    tw_transport *transport = &sock->base;

    twi_transport_hold(transport);
    socket_read_some(sock);
    if (twi_transport_release(transport))
        sock_flush(transport);
}

static void sock_ready(unsigned ready, void *arg)
{
    struct sock *sock = arg;
    tw_transport *transport = &sock->base;

    transport->refs_++;
    if (ready & TWI_HANGUP)
        sock->hangup = true;
    if ((ready & TWI_WRITABLE) && sock->blocked) {
        sock->blocked = false;
        sock_flush(transport);
        if (!sock->blocked)
            socket_rewatch(sock);
    }
    if ((ready & (TWI_READABLE | TWI_HANGUP)) && transport->state <= TWI_LOSING)
        socket_read_and_answer(sock);
    tw_transport_unref(transport);
}

static void sock_reading(tw_transport *transport)
{
    struct sock *sock = sock_of(transport);

    if (!twi_transport_reading(transport)) {
        /* With level triggers the next event tells that nobody listens; most often none comes.
         * An ended stream would not be quiet, though. */
        if (transport->eof)
            socket_rewatch(sock);
        return;
    }
    if (!sock->edge) {
        socket_rewatch(sock);
    } else if (sock->pending) {
        poke(sock);
    }
}

/* --- the end ------------------------------------------------------------------------ */

static void sock_shut_write(tw_transport *transport)
{
    shutdown(sock_of(transport)->fd, SHUT_WR);
}

static void sock_close(tw_transport *transport, bool abort)
{
    struct sock *sock = sock_of(transport);
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };

    twi_watch_free(sock->watch);
    sock->watch = NULL;
    if (abort)
        setsockopt(sock->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(sock->fd);
    sock->fd = -1;
}

static void sock_free(tw_transport *transport)
{
    twi_slab_free(&socks, sock_of(transport));
}

/* --- about it ----------------------------------------------------------------------- */

static int format_unix(int fd, char *text, size_t size)
{
    const socklen_t bare = offsetof(struct sockaddr_un, sun_path);
    struct sockaddr_un address = { .sun_family = AF_UNSPEC };
    socklen_t length = sizeof address;

    /* Clients have no name of their own: both ends are known by the listener's. */
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 || length <= bare) {
        length = sizeof address;
        if (getpeername(fd, (struct sockaddr *)&address, &length) < 0)
            length = 0;
    }
    if (length <= bare)
        return snprintf(text, size, "unix:");
    if (address.sun_path[0] == '\0') /* of Linux's abstract kind */
        return snprintf(text, size, "unix:@%.*s", (int)(length - bare - 1),
                        address.sun_path + 1);
    return snprintf(text, size, "unix:%.*s", (int)(length - bare), address.sun_path);
}

static void expand_peer(const struct sock *sock, union tw_socket_address *address)
{
    memset(address, 0, sizeof *address);
    address->any.sa_family = sock->family;
    if (sock->family == AF_INET) {
        address->ipv4.sin_port = sock->port;
        address->ipv4.sin_addr = sock->peer.ipv4;
    } else if (sock->family == AF_INET6) {
        union peer peer = sock->peer;

        if (IN6_IS_ADDR_LINKLOCAL(&peer.ipv6)) {
            address->ipv6.sin6_scope_id = peer.link.scope;
            peer.link.scope = 0;
        }
        address->ipv6.sin6_port = sock->port;
        address->ipv6.sin6_addr = peer.ipv6;
    }
}

static int sock_describe(const tw_transport *transport, bool peer, char *text, size_t size)
{
    const struct sock *sock = const_sock_of(transport);
    union tw_socket_address address;
    socklen_t length = sizeof address;

    if (sock->family == AF_UNIX)
        return format_unix(sock->fd, text, size);
    if (peer)
        expand_peer(sock, &address);
    else if (getsockname(sock->fd, &address.any, &length) < 0)
        return snprintf(text, size, "closed");
    return tw_address_format(&address, text, size);
}

static int sock_address(const tw_transport *transport, struct sockaddr_storage *ret_address,
                        socklen_t *ret_length)
{
    const struct sock *sock = const_sock_of(transport);
    union tw_socket_address address;

    if (sock->family != AF_INET && sock->family != AF_INET6)
        return -ENOTSUP;
    expand_peer(sock, &address);
    *ret_length = sock->family == AF_INET ? sizeof address.ipv4 : sizeof address.ipv6;
    memcpy(ret_address, &address, *ret_length);
    return 0;
}

static int sock_fd(const tw_transport *transport)
{
    return const_sock_of(transport)->fd;
}

static int sock_set_option(tw_transport *transport, int level, int option, int value)
{
    struct sock *sock = sock_of(transport);

    if (level == IPPROTO_TCP && sock->family == AF_UNIX)
        return -ENOTSUP;
    return setsockopt(sock->fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static const struct twi_transport_ops sock_ops = {
    .name = "socket",
    .flush = sock_flush,
    .reading = sock_reading,
    .shut_write = sock_shut_write,
    .close = sock_close,
    .free = sock_free,
    .send_now = sock_send_now,
    .quiet = sock_quiet,
    .describe = sock_describe,
    .address = sock_address,
    .fd = sock_fd,
    .set_option = sock_set_option,
};

/* --- making one --------------------------------------------------------------------- */

static void remember_peer(struct sock *sock, const struct sockaddr *address)
{
    union tw_socket_address asked = { .any.sa_family = AF_UNSPEC };
    socklen_t length = sizeof asked;

    if (address == NULL) {
        getpeername(sock->fd, &asked.any, &length);
        address = &asked.any;
    }
    sock->family = (uint8_t)address->sa_family;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
        sock->port = ipv4->sin_port;
        sock->peer.ipv4 = ipv4->sin_addr;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;
        sock->port = ipv6->sin6_port;
        sock->peer.ipv6 = ipv6->sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&sock->peer.ipv6))
            sock->peer.link.scope = ipv6->sin6_scope_id;
    }
}

static int watch_sock(struct sock *sock, struct twi_watch *watch)
{
    unsigned events = TWI_READABLE;

    sock->edge = twi_watch_has_edge();
    if (sock->edge)
        events |= TWI_WRITABLE | TWI_EDGE;
    if (watch == NULL)
        return twi_watch_new(sock->fd, events, sock_ready, sock, &sock->watch);
    twi_watch_set(watch, sock_ready, sock);
    sock->watch = watch;
    return twi_watch_change(watch, events);
}

void twi_socket_close(struct twi_socket *socket)
{
    twi_watch_free(socket->watch);
    socket->watch = NULL;
    if (socket->fd >= 0)
        close(socket->fd);
    socket->fd = -1;
}

int twi_socket_adopt(struct twi_socket *socket, const struct sockaddr *peer,
                     tw_protocol *protocol, tw_factory *factory, tw_transport **ret_transport)
{
    struct sock *sock = twi_slab_alloc(&socks);
    int r = -ENOMEM;

    if (sock == NULL)
        goto fail;
    memset(sock, 0, sizeof *sock);
    sock->fd = socket->fd;
    r = watch_sock(sock, socket->watch);
    if (r < 0)
        goto fail_free;
    socket->watch = sock->watch;
    r = twi_transport_init(&sock->base, &sock_ops);
    if (r < 0)
        goto fail_free;
    remember_peer(sock, peer);
    sock->hangup = (socket->ready & TWI_HANGUP) != 0;
    if (sock->edge && socket->ready != 0)
        poke(sock);
    twi_transport_connect(&sock->base, protocol, factory);
    if (ret_transport != NULL)
        *ret_transport = &sock->base;
    return 0;

fail_free:
    twi_slab_free(&socks, sock);
fail:
    twi_socket_close(socket);
    tw_protocol_free(protocol);
    return r;
}
