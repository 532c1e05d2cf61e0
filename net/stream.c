/*
 * stream.c - transports over a connected descriptor: TCP and UNIX sockets.
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
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYS_SENDFILE_H
#include <sys/sendfile.h>
#endif

#include <tweed/resolver.h>

#include "base/slab.h"
#include "net/connect.h"
#include "net/transport.h"

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
struct stream {
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

static _Thread_local struct twi_slab streams = TWI_SLAB(struct stream);

static struct stream *stream_of(tw_transport *transport)
{
    return (struct stream *)transport;
}

static const struct stream *const_stream_of(const tw_transport *transport)
{
    return (const struct stream *)transport;
}

static tw_value broken_by(int error)
{
    return tw_fail_errno(&tw_error_connection_lost, error);
}

/* With level triggers: watch for what is wanted. */
static void rewatch(struct stream *stream)
{
    unsigned events = 0;
    int r;

    if (stream->edge || stream->watch == NULL)
        return;
    if (twi_transport_reading(&stream->base))
        events |= TWI_READABLE;
    if (stream->blocked)
        events |= TWI_WRITABLE;
    r = twi_watch_change(stream->watch, events);
    if (r < 0)
        twi_transport_end(&stream->base, tw_fail_errno(&tw_error_connection_lost, r));
}

/* With edge triggers: read on in the next turn. */
static void poke(struct stream *stream)
{
    stream->pending = false;
    if (twi_watch_poke(stream->watch) < 0)
        twi_transport_end(&stream->base, tw_fail_memory());
}

/* --- reading ------------------------------------------------------------------------ */

/* One read, delivered. What recv() answered, or a negative errno; *ret_short: less came than
 * there was room for. */
static inline ssize_t receive(struct stream *stream, bool *ret_short)
{
    tw_transport *transport = &stream->base;
    size_t size;
    char *own = twi_transport_buffer(transport, &size);
    char *buffer = own;
    ssize_t n;

    if (own == NULL)
        buffer = twi_loop_read_buffer(&size);
    do
        n = recv(stream->fd, buffer, size, 0);
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
static bool nothing_behind(const struct stream *stream)
{
    if (!stream->edge)
        return true;
    return !stream->hangup && (stream->base.out.length > 0 || stream->base.upper_wrote);
}

static void read_some(struct stream *stream)
{
    tw_transport *transport = &stream->base;

    for (int i = 0; i < READS_PER_TURN; i++) {
        bool was_short = false;
        ssize_t n;

        if (!twi_transport_reading(transport)) {
            stream->pending = true;
            rewatch(stream);
            return;
        }
        n = receive(stream, &was_short);
        if (n == -EAGAIN || n == -EWOULDBLOCK) {
            stream->pending = false;
            return;
        }
        if (n < 0) {
            twi_transport_lost(transport, broken_by((int)-n));
            return;
        }
        if (n == 0) {
            twi_transport_deliver_eof(transport);
            return;
        }
        if (was_short && nothing_behind(stream)) {
            stream->pending = false;
            return;
        }
    }
    stream->pending = true;
    if (stream->edge && twi_transport_reading(transport))
        poke(stream);
}

/* --- writing ------------------------------------------------------------------------ */

/* The peer takes no more. What it sent before it left is still delivered: a server may have
 * answered early and closed. */
static void send_failed(struct stream *stream, int error)
{
    tw_transport *transport = &stream->base;
    tw_value reason = broken_by(error);
    bool was_short;

    transport->write_shut = true;
    twi_outbox_drop(&transport->out, -error);
    while (twi_transport_reading(transport) && receive(stream, &was_short) > 0)
        continue;
    twi_transport_lost(transport, reason);
}

static ssize_t send_bytes(struct stream *stream)
{
    struct iovec pieces[PIECES];
    struct msghdr message = { .msg_iov = pieces };

    message.msg_iovlen = (size_t)twi_outbox_pieces(&stream->base.out, pieces, PIECES);
    return sendmsg(stream->fd, &message, MSG_NOSIGNAL);
}

#ifdef HAVE_SYS_SENDFILE_H
/* sendfile() knows no MSG_NOSIGNAL. A program that lets SIGPIPE kill it (no tw_reactor_run(), which
 * ignores it) must not be killed by us: hold the signal back and swallow our own. */
static ssize_t sendfile_quietly(int out, int in, off_t *offset, size_t length)
{
    static const struct timespec now = { 0, 0 };
    struct sigaction action;
    sigset_t pipe, before;
    ssize_t n;
    int error;

    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
        return sendfile(out, in, offset, length);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    n = sendfile(out, in, offset, length);
    error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&before, SIGPIPE))
        sigtimedwait(&pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}
#endif

/* Send from the file that is first in the queue; as send(). */
static ssize_t send_file(struct stream *stream, int fd, int64_t offset, int64_t length)
{
    int r;

    if (length == 0)
        return 0;
#ifdef HAVE_SYS_SENDFILE_H
    {
        size_t most = length < SEND_PER_TURN ? (size_t)length : SEND_PER_TURN;
        off_t from = (off_t)offset;
        ssize_t n = sendfile_quietly(stream->fd, fd, &from, most);

        if (n == 0)
            errno = EIO; /* the file is shorter than was said */
        if (n > 0 || (errno != EINVAL && errno != ENOSYS))
            return n > 0 ? n : -1;
    }
#else
    (void)fd, (void)offset;
#endif
    r = twi_outbox_load(&stream->base.out);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return send_bytes(stream);
}

/* Send once what is first in the queue; as send(). */
static ssize_t send_once(struct stream *stream)
{
    int64_t offset, length;
    int fd;

    if (twi_outbox_file(&stream->base.out, &fd, &offset, &length))
        return send_file(stream, fd, offset, length);
    return send_bytes(stream);
}

/* Sending failed: false when the connection is lost over it. */
static bool may_go_on(struct stream *stream, int error)
{
    if (error == EINTR)
        return true;
    if (error != EAGAIN && error != EWOULDBLOCK) {
        send_failed(stream, error);
        return false;
    }
    stream->blocked = true;
    rewatch(stream);
    return true;
}

/* Send what is queued; false when the connection is lost over it. */
static bool send_all(struct stream *stream)
{
    tw_transport *transport = &stream->base;
    size_t sent = 0;

    for (int calls = 0; !twi_outbox_empty(&transport->out) && !stream->blocked; calls++) {
        ssize_t n;

        if (sent >= SEND_PER_TURN || calls >= SENDS_PER_TURN) {
            twi_transport_flush_later(transport);
            break;
        }
        n = send_once(stream);
        if (n < 0) {
            if (!may_go_on(stream, errno))
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
flush_rest(struct stream *stream)
{
    if (twi_outbox_empty(&stream->base.out) || send_all(stream))
        twi_transport_flushed(&stream->base);
}

static void stream_flush(tw_transport *transport)
{
    struct stream *stream = stream_of(transport);
    size_t length;
    const char *bytes = twi_outbox_front(&transport->out, &length);

    if (stream->blocked)
        return;
    /* Nearly always there is one piece, and it goes in one. */
    if (bytes != NULL && twi_outbox_is_one(&transport->out)) {
        ssize_t n = send(stream->fd, bytes, length, MSG_NOSIGNAL);
        if (n > 0)
            twi_outbox_sent(&transport->out, (size_t)n);
        else if (!may_go_on(stream, errno))
            return;
        if ((size_t)n == length) {
            twi_transport_flushed(transport);
            return;
        }
    }
    flush_rest(stream);
}

static size_t stream_send_now(tw_transport *transport, const void *data, size_t length)
{
    struct stream *stream = stream_of(transport);
    ssize_t n;

    if (stream->blocked || !twi_outbox_empty(&transport->out))
        return 0;
    do
        n = send(stream->fd, data, length, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* --- readiness ---------------------------------------------------------------------- */

/* What is written while the protocol reads is sent when it returns: the answer leaves while all
 * that belongs to the connection is at hand, and nobody waits for others' reading. */
static void read_and_answer(struct stream *stream)
{
    tw_transport *transport = &stream->base;

    twi_transport_hold(transport);
    read_some(stream);
    if (twi_transport_release(transport))
        stream_flush(transport);
}

static void stream_ready(unsigned ready, void *arg)
{
    struct stream *stream = arg;
    tw_transport *transport = &stream->base;

    transport->refs_++;
    if (ready & TWI_HANGUP)
        stream->hangup = true;
    if ((ready & TWI_WRITABLE) && stream->blocked) {
        stream->blocked = false;
        stream_flush(transport);
        if (!stream->blocked)
            rewatch(stream);
    }
    if ((ready & (TWI_READABLE | TWI_HANGUP)) && transport->state <= TWI_LOSING)
        read_and_answer(stream);
    tw_transport_unref(transport);
}

static void stream_reading(tw_transport *transport)
{
    struct stream *stream = stream_of(transport);

    if (!twi_transport_reading(transport)) {
        /* With level triggers the next event tells that nobody listens; most often none comes.
         * An ended stream would not be quiet, though. */
        if (transport->eof)
            rewatch(stream);
        return;
    }
    if (!stream->edge) {
        rewatch(stream);
    } else if (stream->pending) {
        poke(stream);
    }
}

/* --- the end ------------------------------------------------------------------------ */

static void stream_shut_write(tw_transport *transport)
{
    shutdown(stream_of(transport)->fd, SHUT_WR);
}

static void stream_close(tw_transport *transport, bool abort)
{
    struct stream *stream = stream_of(transport);
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };

    twi_watch_free(stream->watch);
    stream->watch = NULL;
    if (abort)
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(stream->fd);
    stream->fd = -1;
}

static void stream_free(tw_transport *transport)
{
    twi_slab_free(&streams, stream_of(transport));
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

static void expand_peer(const struct stream *stream, union tw_socket_address *address)
{
    memset(address, 0, sizeof *address);
    address->any.sa_family = stream->family;
    if (stream->family == AF_INET) {
        address->ipv4.sin_port = stream->port;
        address->ipv4.sin_addr = stream->peer.ipv4;
    } else if (stream->family == AF_INET6) {
        union peer peer = stream->peer;

        if (IN6_IS_ADDR_LINKLOCAL(&peer.ipv6)) {
            address->ipv6.sin6_scope_id = peer.link.scope;
            peer.link.scope = 0;
        }
        address->ipv6.sin6_port = stream->port;
        address->ipv6.sin6_addr = peer.ipv6;
    }
}

static int stream_describe(const tw_transport *transport, bool peer, char *text, size_t size)
{
    const struct stream *stream = const_stream_of(transport);
    union tw_socket_address address;
    socklen_t length = sizeof address;

    if (stream->family == AF_UNIX)
        return format_unix(stream->fd, text, size);
    if (peer)
        expand_peer(stream, &address);
    else if (getsockname(stream->fd, &address.any, &length) < 0)
        return snprintf(text, size, "closed");
    return tw_address_format(&address, text, size);
}

static int stream_address(const tw_transport *transport, struct sockaddr_storage *ret_address,
                          socklen_t *ret_length)
{
    const struct stream *stream = const_stream_of(transport);
    union tw_socket_address address;

    if (stream->family != AF_INET && stream->family != AF_INET6)
        return -ENOTSUP;
    expand_peer(stream, &address);
    *ret_length = stream->family == AF_INET ? sizeof address.ipv4 : sizeof address.ipv6;
    memcpy(ret_address, &address, *ret_length);
    return 0;
}

static int stream_fd(const tw_transport *transport)
{
    return const_stream_of(transport)->fd;
}

static int stream_set_option(tw_transport *transport, int level, int option, int value)
{
    struct stream *stream = stream_of(transport);

    if (level == IPPROTO_TCP && stream->family == AF_UNIX)
        return -ENOTSUP;
    return setsockopt(stream->fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static const struct twi_transport_ops stream_ops = {
    .name = "stream",
    .flush = stream_flush,
    .reading = stream_reading,
    .shut_write = stream_shut_write,
    .close = stream_close,
    .free = stream_free,
    .send_now = stream_send_now,
    .describe = stream_describe,
    .address = stream_address,
    .fd = stream_fd,
    .set_option = stream_set_option,
};

/* --- making one --------------------------------------------------------------------- */

static void remember_peer(struct stream *stream, const struct sockaddr *address)
{
    union tw_socket_address asked = { .any.sa_family = AF_UNSPEC };
    socklen_t length = sizeof asked;

    if (address == NULL) {
        getpeername(stream->fd, &asked.any, &length);
        address = &asked.any;
    }
    stream->family = (uint8_t)address->sa_family;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
        stream->port = ipv4->sin_port;
        stream->peer.ipv4 = ipv4->sin_addr;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;
        stream->port = ipv6->sin6_port;
        stream->peer.ipv6 = ipv6->sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&stream->peer.ipv6))
            stream->peer.link.scope = ipv6->sin6_scope_id;
    }
}

static int watch_stream(struct stream *stream, struct twi_watch *watch)
{
    unsigned events = TWI_READABLE;

    stream->edge = twi_watch_has_edge();
    if (stream->edge)
        events |= TWI_WRITABLE | TWI_EDGE;
    if (watch == NULL)
        return twi_watch_new(stream->fd, events, stream_ready, stream, &stream->watch);
    twi_watch_set(watch, stream_ready, stream);
    stream->watch = watch;
    return twi_watch_change(watch, events);
}

int twi_stream_adopt(struct twi_socket *socket, const struct sockaddr *peer,
                     tw_protocol *protocol, tw_factory *factory, tw_transport **ret_transport)
{
    struct stream *stream = twi_slab_alloc(&streams);
    int r = -ENOMEM;

    if (stream == NULL)
        goto fail;
    memset(stream, 0, sizeof *stream);
    stream->fd = socket->fd;
    r = watch_stream(stream, socket->watch);
    if (r < 0)
        goto fail_free;
    socket->watch = stream->watch;
    r = twi_transport_init(&stream->base, &stream_ops);
    if (r < 0)
        goto fail_free;
    remember_peer(stream, peer);
    stream->hangup = (socket->ready & TWI_HANGUP) != 0;
    if (stream->edge && socket->ready != 0)
        poke(stream);
    twi_transport_connect(&stream->base, protocol, factory);
    if (ret_transport != NULL)
        *ret_transport = &stream->base;
    return 0;

fail_free:
    twi_slab_free(&streams, stream);
fail:
    twi_socket_close(socket);
    tw_protocol_free(protocol);
    return r;
}
