/* SPDX-License-Identifier: MIT */
/*
 * listener.c - listening on TCP and UNIX sockets, and in memory under test.
 *
 * When the process runs out of descriptors, accepting pauses a moment, so that connections in
 * the backlog are served later and nothing spins. If that lasts, a descriptor kept in reserve
 * is used to accept connections and close them, so that their peers know.
 */
#include "config.h"

#include "net/transport/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <tweed/log.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/fork.h"
#include "base/posix.h"
#include "reactor/face.h"
#include "net/transport/address.h"
#include "net/transport/lock_file.h"
#include "net/transport/memory.h"
#include "net/transport/socket.h"
#include "net/transport/transport.h"

#define UNIX_PREFIX "unix:"
#define EXHAUSTED_PAUSE 0.1 /* seconds */

enum {
    DEFAULT_BACKLOG = 4096,
    ACCEPTS_MAX = 128,       /* in one turn */
    PAUSES_IN_PATIENCE = 10, /* then connections are turned away */
    EPHEMERAL_FIRST = 49152, /* RFC 6335, 6 */
    EPHEMERAL_COUNT = 16384,
};

struct listener_socket {
    int fd, reserve;
    struct twi_watch *watch;
    int64_t retry;   /* the call that ends a pause for want of descriptors */
    unsigned budget; /* accepts in the next turn; follows what comes */
    unsigned pauses; /* in a row */
    bool is_unix;
    struct twi_lock_file *lock; /* of a UNIX socket's path; NULL: none */
    unsigned born;              /* twi_forks */
};

/* Abstract names have none. */
static bool has_file(const char *path)
{
    return path[0] != '@';
}

static bool is_unix(const char *host)
{
    return strncmp(host, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

const char *twi_listen_host(const struct tw_listen_options *options)
{
    return options->address != NULL ? options->address : "127.0.0.1";
}

int twi_listen_address(const char *host, unsigned port, char *text, size_t size)
{
    bool bare_ipv6 = strchr(host, ':') != NULL && host[0] != '[';

    if (is_unix(host))
        return snprintf(text, size, "%s", host);
    return snprintf(text, size, bare_ipv6 ? "[%s]:%u" : "%s:%u", host, port);
}

/* --- the thread's listeners --------------------------------------------------------- */

static int listeners_begin(void);
static void listeners_stop(void);
static void listeners_end(void);
static void listeners_left(void);

struct listeners {
    struct twi_loop_state state;
    struct twi_list list;
    unsigned next_port; /* in memory */
};

static const struct twi_loop_user listeners_user = { .size = sizeof(struct listeners),
                                                     .begin = listeners_begin,
                                                     .stop = listeners_stop,
                                                     .end = listeners_end,
                                                     .left = listeners_left };
static TWI_OWN_TLS struct twi_loop_state *listeners_here;

static struct twi_list *listeners(void)
{
    return &((struct listeners *)listeners_here)->list;
}

/* Files that the parent made stay the parent's. */
static void listener_unlink(tw_listener *listener)
{
    struct listener_socket *listening = listener->socket;
    const char *path = listener->host + strlen(UNIX_PREFIX);

    if (listening->born != twi_forks) {
        twi_lock_file_leave(listening->lock);
        return;
    }
    if (listening->is_unix && listening->fd >= 0 && has_file(path))
        unlink(path);
    twi_lock_file_release(listening->lock);
}

static void socket_free(tw_listener *listener)
{
    struct listener_socket *listening = listener->socket;

    if (listening == NULL)
        return;
    if (listening->retry > 0)
        tw_call_cancel(listening->retry);
    twi_watch_free(listening->watch);
    if (listening->fd >= 0)
        close(listening->fd);
    listener_unlink(listener);
    if (listening->reserve >= 0)
        close(listening->reserve);
    listener->socket = NULL;
    twi_free(listening);
}

/* No more connections; the object stays its owner's. */
static void listener_stop(tw_listener *listener)
{
    tw_factory *factory = listener->factory;

    socket_free(listener);
    listener->factory = NULL;
    twi_factory_unuse(factory);
}

static void listener_free(tw_listener *listener)
{
    if (listener->layer.release != NULL)
        listener->layer.release(listener->layer.arg);
    twi_free(listener->host);
    twi_free(listener);
}

void tw_listener_close(tw_listener *listener)
{
    if (listener == NULL)
        return;
    twi_list_remove(&listener->node_);
    listener_stop(listener);
    if (listener->busy)
        listener->closed = true;
    else
        listener_free(listener);
}

static void listeners_stop(void)
{
    TWI_LIST_EACH (node, listeners())
        listener_stop(TWI_CONTAINER(node, tw_listener, node_));
}

static void listeners_end(void)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(listeners())) != NULL)
        tw_listener_close(TWI_CONTAINER(node, tw_listener, node_));
}

static void listeners_left(void)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(listeners())) != NULL)
        socket_free(TWI_CONTAINER(node, tw_listener, node_));
}

static int listeners_begin(void)
{
    twi_list_init(listeners());
    return 0;
}

/* The address of all interfaces listens to every host; others must have the same text. */
static bool listens_to(const tw_listener *listener, const char *host, unsigned port)
{
    if (listener->socket != NULL || listener->factory == NULL || listener->paused ||
        listener->port != port)
        return false;
    if (strcmp(listener->host, "0.0.0.0") == 0 || strcmp(listener->host, "::") == 0)
        return !is_unix(host);
    if (strcmp(listener->host, "127.0.0.1") == 0 && strcmp(host, "localhost") == 0)
        return true;
    return strcmp(listener->host, host) == 0;
}

tw_listener *twi_listener_in_memory(const char *host, unsigned port)
{
    if (listeners_here != NULL)
        TWI_LIST_EACH (node, listeners()) {
            tw_listener *listener = TWI_CONTAINER(node, tw_listener, node_);
            if (listens_to(listener, host, port))
                return listener;
        }
    return NULL;
}

/* --- accepting ---------------------------------------------------------------------- */

tw_protocol *twi_listener_build(tw_listener *listener, tw_factory **ret_factory)
{
    tw_protocol *protocol = twi_factory_build(listener->factory);

    *ret_factory = listener->factory;
    if (protocol == NULL || listener->layer.wrap == NULL)
        return protocol;
    *ret_factory = NULL;
    return listener->layer.wrap(listener->layer.arg, protocol, listener->factory);
}

static void listener_take(tw_listener *listener, int fd, const struct sockaddr *peer)
{
    struct twi_socket socket = { .fd = fd };
    tw_factory *factory;
    tw_protocol *protocol = twi_listener_build(listener, &factory);

    if (protocol == NULL)
        twi_socket_close(&socket);
    else
        twi_socket_adopt(&socket, peer, protocol, factory, NULL);
}

static int accept_one(int listening, union tw_socket_address *peer)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd;

    fd = twi_accept(listening, (struct sockaddr *)&address, &length);
    if (fd < 0)
        return fd;
    memset(peer, 0, sizeof *peer);
    memcpy(peer, &address, length < sizeof *peer ? length : sizeof *peer);
    if (address.ss_family == AF_UNIX || length < sizeof(sa_family_t))
        peer->any.sa_family = AF_UNIX;
    return fd;
}

static int reserve_descriptor(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Give up the reserve, accept the connections that wait and close them. */
static void turn_away(struct listener_socket *listening)
{
    union tw_socket_address peer;

    for (int i = 0; i < ACCEPTS_MAX && listening->reserve >= 0; i++) {
        int fd;
        close(listening->reserve);
        fd = accept_one(listening->fd, &peer);
        if (fd >= 0)
            close(fd);
        listening->reserve = reserve_descriptor();
        if (fd < 0)
            return;
    }
}

static void listener_rewatch(tw_listener *listener)
{
    struct listener_socket *listening = listener->socket;
    bool wanted;

    if (listening == NULL)
        return;
    wanted = !listener->paused && listening->retry <= 0;
    if (twi_watch_change(listening->watch, wanted ? TWI_READABLE : 0) < 0)
        tw_log(TW_LOG_ERROR, "net", "%s:%u: cannot go on accepting", listener->host,
               listener->port);
}

static void pause_ends(void *arg)
{
    tw_listener *listener = arg;

    listener->socket->retry = 0;
    listener_rewatch(listener);
}

static void exhausted(tw_listener *listener, int error)
{
    struct listener_socket *listening = listener->socket;

    if (listening->pauses == 0)
        tw_log(TW_LOG_WARNING, "net", "%s:%u: accepting pauses: %s", listener->host,
               listener->port, strerror(error));
    if (++listening->pauses > PAUSES_IN_PATIENCE)
        turn_away(listening);
    if (listening->retry > 0)
        return;
    listening->retry = tw_call_later(EXHAUSTED_PAUSE, pause_ends, listener);
    listener_rewatch(listener);
}

/* Take a reserve again; another thread may have got its place meanwhile. */
static void recovered(struct listener_socket *listening)
{
    listening->pauses = 0;
    if (listening->reserve < 0)
        listening->reserve = reserve_descriptor();
}

/* The budget follows the load: it doubles while it is used up and falls to the number that
 * came. So most of the time a single connection is accepted without asking in vain for a
 * second. */
static bool accept_some(tw_listener *listener, unsigned budget, unsigned *ret_taken)
{
    struct listener_socket *listening = listener->socket;
    unsigned taken = 0;

    *ret_taken = 1;
    while (taken < budget) {
        union tw_socket_address peer;
        int fd = accept_one(listening->fd, &peer);

        if (fd == -EAGAIN || fd == -EWOULDBLOCK)
            break;
        if (fd < 0 && twi_is_exhaustion(-fd)) {
            exhausted(listener, -fd);
            return false;
        }
        taken++;
        if (fd < 0)
            continue; /* that connection is gone already: accept(2) */
        if (listening->pauses > 0)
            recovered(listening);
        listener_take(listener, fd, &peer.any);
        if (listener->socket == NULL || listener->paused)
            break;
    }
    *ret_taken = taken;
    return taken == budget;
}

static void listener_ready(unsigned ready, void *arg)
{
    tw_listener *listener = arg;
    unsigned taken;
    bool more;

    (void)ready;
    listener->busy = true;
    more = accept_some(listener, listener->socket->budget, &taken);
    listener->busy = false;
    if (listener->closed) {
        listener_free(listener);
        return;
    }
    if (listener->socket == NULL)
        return;
    if (more && taken < ACCEPTS_MAX)
        taken *= 2;
    listener->socket->budget = taken > 0 ? taken : 1;
}

/* --- listening ---------------------------------------------------------------------- */

static int set_options(int fd, int family, const struct tw_listen_options *options)
{
    int on = 1, v6only = !options->dual_stack;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* Accepted sockets inherit it. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) < 0)
        return -errno;
    if (options->reuse_port) {
#ifdef SO_REUSEPORT
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
            return -errno;
#else
        return -ENOTSUP;
#endif
    }
    return 0;
}

static int stream_socket(int family)
{
    return twi_socket(family, SOCK_STREAM, 0);
}

static int bind_tcp(const struct tw_listen_options *options, const char *literal,
                    unsigned *ret_port)
{
    union tw_socket_address address;
    socklen_t length;
    int fd, r;

    if (tw_address_parse(literal, options->port, &address) < 0)
        return -EINVAL;
    length = address.any.sa_family == AF_INET6 ? sizeof address.ipv6 : sizeof address.ipv4;
    fd = stream_socket(address.any.sa_family);
    if (fd < 0)
        return fd;
    r = set_options(fd, address.any.sa_family, options);
    if (r == 0 &&
        (bind(fd, &address.any, length) < 0 || getsockname(fd, &address.any, &length) < 0))
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_port = ntohs(address.any.sa_family == AF_INET6 ? address.ipv6.sin6_port
                                                        : address.ipv4.sin_port);
    return fd;
}

/* True if the socket file is left over from a process that is gone. Other files refuse a
 * connection as well, but must not be removed. */
static bool is_stale(const struct sockaddr_un *address, socklen_t length)
{
    struct stat status;
    bool stale;
    int fd;

    if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return false;
    fd = stream_socket(AF_UNIX);
    if (fd < 0)
        return false;
    stale = connect(fd, (const struct sockaddr *)address, length) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

static int bind_unix(const char *path, int mode)
{
    struct sockaddr_un address;
    socklen_t length;
    int fd, r = twi_unix_address(path, &address, &length);

    if (r < 0)
        return r;
    fd = stream_socket(AF_UNIX);
    if (fd < 0)
        return fd;
    if (bind(fd, (struct sockaddr *)&address, length) < 0) {
        r = -errno;
        if (r == -EADDRINUSE && has_file(path) && is_stale(&address, length) &&
            unlink(path) == 0)
            r = bind(fd, (struct sockaddr *)&address, length) < 0 ? -errno : 0;
    }
    /* Nobody can connect before listen(). */
    if (r == 0 && has_file(path) && mode != 0 && chmod(path, (mode_t)mode) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* Take the lock first: its holder may take the path over. */
static int listen_unix(struct listener_socket *listening, const char *path,
                       const struct tw_listen_options *options)
{
    int r = 0;

    if (options->lock_file && path[0] != '\0' && has_file(path))
        r = twi_lock_file_take(path, &listening->lock);
    return r < 0 ? r : bind_unix(path, options->mode);
}

static int socket_listen(tw_listener *listener, const struct tw_listen_options *options)
{
    struct listener_socket *listening = twi_calloc(1, sizeof *listening);
    int r;

    if (listening == NULL)
        return -ENOMEM;
    listener->socket = listening;
    listening->reserve = -1;
    listening->budget = 1;
    listening->born = twi_forks;
    listening->is_unix = is_unix(listener->host);
    if (listening->is_unix)
        r = listen_unix(listening, listener->host + strlen(UNIX_PREFIX), options);
    else
        r = bind_tcp(options, listener->host, &listener->port);
    listening->fd = r;
    if (r < 0)
        return r;
    if (listen(listening->fd, options->backlog > 0 ? options->backlog : DEFAULT_BACKLOG) < 0)
        return -errno;
    listening->reserve = reserve_descriptor();
    return twi_watch_new(listening->fd, TWI_READABLE, listener_ready, listener,
                         &listening->watch);
}

/* Ports that nobody asked for are numbered as the system does. */
static int memory_listen(tw_listener *listener)
{
    unsigned *next = &((struct listeners *)listeners_here)->next_port;

    for (int i = 0; listener->port == 0 && i < EPHEMERAL_COUNT; i++) {
        unsigned port = EPHEMERAL_FIRST + (*next)++ % EPHEMERAL_COUNT;
        if (is_unix(listener->host))
            break;
        if (twi_listener_in_memory(listener->host, port) == NULL)
            listener->port = port;
    }
    if (twi_listener_in_memory(listener->host, listener->port) != NULL)
        return -EADDRINUSE;
    return 0;
}

int twi_listener_new(const struct tw_listen_options *options,
                     const struct twi_listener_layer *layer, tw_factory *factory,
                     tw_listener **ret_listener)
{
    tw_listener *listener = twi_calloc(1, sizeof *listener);
    int r = -ENOMEM;

    if (listener == NULL)
        return -ENOMEM;
    listener->port = options->port;
    listener->host = twi_strdup(twi_listen_host(options));
    if (listener->host == NULL)
        goto fail;
    r = twi_loop_use(&listeners_user, &listeners_here);
    if (r < 0)
        goto fail;
    if (options->port > 65535)
        r = -EINVAL;
    else
        r = twi_memory_on() ? memory_listen(listener) : socket_listen(listener, options);
    if (r < 0)
        goto fail;
    twi_list_append(listeners(), &listener->node_);
    if (layer != NULL)
        listener->layer = *layer;
    listener->factory = twi_factory_use(factory);
    *ret_listener = listener;
    return 0;

fail:
    listener_stop(listener);
    listener_free(listener);
    return r;
}

unsigned tw_listener_port(const tw_listener *listener)
{
    return listener->port;
}

int tw_listener_address(const tw_listener *listener, char *text, size_t size)
{
    return twi_listen_address(listener->host, listener->port, text, size);
}

void tw_listener_pause(tw_listener *listener)
{
    if (listener->paused)
        return;
    listener->paused = true;
    listener_rewatch(listener);
}

void tw_listener_resume(tw_listener *listener)
{
    if (!listener->paused)
        return;
    listener->paused = false;
    listener_rewatch(listener);
}
