/* SPDX-License-Identifier: MIT */
/*
 * socket.c - transports over connected sockets: TCP and UNIX.
 */
#include "config.h"

#include "net/transport/socket.h"

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

#include "base/posix.h"
#include "base/slab.h"
#include "net/transport/descriptor.h"
#include "net/transport/quiet.h"

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
    struct twi_descriptor descriptor; /* with the peer's family and port */
    union peer peer;
};

static struct twi_slab socks = TWI_SLAB(struct sock);

static const struct sock *const_sock_of(const tw_transport *transport)
{
    return (const struct sock *)transport;
}

/* --- operations --------------------------------------------------------------------- */

static ssize_t sock_write(struct twi_descriptor *descriptor, const struct iovec *pieces,
                          int count)
{
    struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };

    return sendmsg(descriptor->fd, &message, MSG_NOSIGNAL);
}

#ifdef HAVE_SYS_SENDFILE_H
static ssize_t sock_write_file(struct twi_descriptor *descriptor, int fd, off_t offset,
                               size_t length)
{
    struct twi_quiet quiet = twi_quiet_begin();
    ssize_t n = sendfile(descriptor->fd, fd, &offset, length);

    twi_quiet_end(&quiet, n < 0);
    return n;
}
#endif

static int sock_watch(struct twi_descriptor *descriptor, unsigned in, unsigned out)
{
    return twi_watch_change(descriptor->watch, in | out);
}

static size_t sock_send_now(tw_transport *transport, const void *data, size_t length)
{
    const struct twi_descriptor *descriptor = twi_descriptor_of(transport);
    ssize_t n;

    if (descriptor->blocked || !twi_outbox_empty(&transport->out))
        return 0;
    do
        n = send(descriptor->fd, data, length, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

static bool sock_quiet(const tw_transport *transport)
{
    const struct sock *sock = const_sock_of(transport);
    ssize_t n;
    char c;

    do
        n = recv(sock->descriptor.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void sock_shut_write(tw_transport *transport)
{
    shutdown(twi_descriptor_of(transport)->fd, SHUT_WR);
}

static void sock_close(tw_transport *transport, bool abort)
{
    struct twi_descriptor *descriptor = twi_descriptor_of(transport);
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };

    twi_watch_free(descriptor->watch);
    descriptor->watch = NULL;
    if (abort)
        setsockopt(descriptor->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(descriptor->fd);
    descriptor->fd = -1;
}

static void sock_leave(tw_transport *transport)
{
    sock_close(transport, false);
}

static void sock_free(tw_transport *transport)
{
    twi_slab_free(&socks, (struct sock *)transport);
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
    address->any.sa_family = sock->descriptor.family;
    if (sock->descriptor.family == AF_INET) {
        address->ipv4.sin_port = sock->descriptor.port;
        address->ipv4.sin_addr = sock->peer.ipv4;
    } else if (sock->descriptor.family == AF_INET6) {
        union peer peer = sock->peer;

        if (IN6_IS_ADDR_LINKLOCAL(&peer.ipv6)) {
            address->ipv6.sin6_scope_id = peer.link.scope;
            peer.link.scope = 0;
        }
        address->ipv6.sin6_port = sock->descriptor.port;
        address->ipv6.sin6_addr = peer.ipv6;
    }
}

static int sock_describe(const tw_transport *transport, bool peer, char *text, size_t size)
{
    const struct sock *sock = const_sock_of(transport);
    union tw_socket_address address;
    socklen_t length = sizeof address;

    if (sock->descriptor.family == AF_UNIX)
        return format_unix(sock->descriptor.fd, text, size);
    if (peer)
        expand_peer(sock, &address);
    else if (getsockname(sock->descriptor.fd, &address.any, &length) < 0)
        return snprintf(text, size, "closed");
    return tw_address_format(&address, text, size);
}

static int sock_address(const tw_transport *transport, struct sockaddr_storage *ret_address,
                        socklen_t *ret_length)
{
    const struct sock *sock = const_sock_of(transport);
    union tw_socket_address address;

    if (sock->descriptor.family != AF_INET && sock->descriptor.family != AF_INET6)
        return -ENOTSUP;
    expand_peer(sock, &address);
    *ret_length = sock->descriptor.family == AF_INET ? sizeof address.ipv4
                                                     : sizeof address.ipv6;
    memcpy(ret_address, &address, *ret_length);
    return 0;
}

static int sock_fd(const tw_transport *transport)
{
    return const_sock_of(transport)->descriptor.fd;
}

static int sock_set_option(tw_transport *transport, int level, int option, int value)
{
    const struct twi_descriptor *descriptor = twi_descriptor_of(transport);

    if (level == IPPROTO_TCP && descriptor->family == AF_UNIX)
        return -ENOTSUP;
    return setsockopt(descriptor->fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static const struct twi_descriptor_ops sock_ops = {
    .transport = {
        .name = "socket",
        .flush = twi_descriptor_flush,
        .reading = twi_descriptor_reading,
        .shut_write = sock_shut_write,
        .close = sock_close,
        .free = sock_free,
        .leave = sock_leave,
        .send_now = sock_send_now,
        .quiet = sock_quiet,
        .describe = sock_describe,
        .address = sock_address,
        .fd = sock_fd,
        .set_option = sock_set_option,
    },
    .write = sock_write,
#ifdef HAVE_SYS_SENDFILE_H
    .write_file = sock_write_file,
#endif
    .watch = sock_watch,
};

/* --- making one --------------------------------------------------------------------- */

static void remember_peer(struct sock *sock, const struct sockaddr *address)
{
    union tw_socket_address asked = { .any.sa_family = AF_UNSPEC };
    socklen_t length = sizeof asked;

    if (address == NULL) {
        getpeername(sock->descriptor.fd, &asked.any, &length);
        address = &asked.any;
    }
    sock->descriptor.family = (uint8_t)address->sa_family;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
        sock->descriptor.port = ipv4->sin_port;
        sock->peer.ipv4 = ipv4->sin_addr;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;
        sock->descriptor.port = ipv6->sin6_port;
        sock->peer.ipv6 = ipv6->sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&sock->peer.ipv6))
            sock->peer.link.scope = ipv6->sin6_scope_id;
    }
}

static int watch_sock(struct twi_descriptor *descriptor, struct twi_watch *watch)
{
    unsigned events = TWI_READABLE;

    descriptor->edge = twi_watch_has_edge();
    if (descriptor->edge)
        events |= TWI_WRITABLE | TWI_EDGE;
    if (watch == NULL)
        return twi_watch_new(descriptor->fd, events, twi_descriptor_ready, descriptor,
                             &descriptor->watch);
    twi_watch_set(watch, twi_descriptor_ready, descriptor);
    descriptor->watch = watch;
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
    struct twi_descriptor *descriptor;
    int r = -ENOMEM;

    if (sock == NULL)
        goto fail;
    memset(sock, 0, sizeof *sock);
    descriptor = &sock->descriptor;
    descriptor->fd = socket->fd;
    descriptor->socket = true;
    r = watch_sock(descriptor, socket->watch);
    if (r < 0)
        goto fail_free;
    socket->watch = descriptor->watch;
    r = twi_transport_init(&descriptor->base, &sock_ops.transport);
    if (r < 0)
        goto fail_free;
    remember_peer(sock, peer);
    descriptor->read_on = (socket->ready & TWI_HANGUP) != 0;
    if (descriptor->edge && socket->ready != 0)
        twi_descriptor_read_later(descriptor);
    twi_transport_connect(&descriptor->base, protocol, factory);
    if (ret_transport != NULL)
        *ret_transport = &descriptor->base;
    return 0;

fail_free:
    twi_slab_free(&socks, sock);
fail:
    twi_socket_close(socket);
    tw_protocol_free(protocol);
    return r;
}
