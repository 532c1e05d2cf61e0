/* SPDX-License-Identifier: MIT */
/*
 * attempt.c - one attempt to connect to one address.
 */
#include "config.h"

#include "net/connect/attempt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tweed/resolver.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "base/slab.h"
#include "reactor/face.h"

struct twi_attempt {
    struct twi_socket socket;
    twi_attempt_fn *fn;
    void *arg;
};

static struct twi_slab attempts = TWI_SLAB(struct twi_attempt);

/* With edge triggers reading is watched too, and an error makes it ready: if it is not, there
 * is no error to ask for. */
static int attempt_error(int fd, unsigned ready)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (ready == TWI_WRITABLE && twi_watch_has_edge())
        return 0;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

static void attempt_ready(unsigned ready, void *arg)
{
    struct twi_attempt *attempt = arg;
    struct twi_socket connected = attempt->socket;
    twi_attempt_fn *fn = attempt->fn;
    void *fn_arg = attempt->arg;
    int error;

    if (!(ready & TWI_WRITABLE))
        return;
    connected.ready = ready & ~(unsigned)TWI_WRITABLE;
    error = attempt_error(connected.fd, ready);
    twi_slab_free(&attempts, attempt);
    if (error != 0)
        twi_socket_close(&connected);
    fn(-error, &connected, fn_arg);
}

static int attempt_bind(int fd, int family, const char *literal)
{
    union tw_socket_address local;
    socklen_t length;
    int on = 1;

    if (tw_address_parse(literal, 0, &local) < 0 || local.any.sa_family != family)
        return -EINVAL;
#ifdef IP_BIND_ADDRESS_NO_PORT
    /* Choose the port at connect(), where it must differ for each peer only. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
#else
    (void)on;
#endif
    length = family == AF_INET6 ? sizeof local.ipv6 : sizeof local.ipv4;
    return bind(fd, &local.any, length) < 0 ? -errno : 0;
}

static int attempt_socket(const struct sockaddr *address, socklen_t length,
                          const struct tw_connect_options *options)
{
    int fd = twi_socket(address->sa_family, SOCK_STREAM, 0);
    int on = 1, r = 0;

    if (fd < 0)
        return fd;
    if (address->sa_family != AF_UNIX) {
        if (options == NULL || !options->keep_delay)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (options != NULL && options->local_address != NULL)
            r = attempt_bind(fd, address->sa_family, options->local_address);
    }
    if (r == 0 && connect(fd, address, length) < 0 && errno != EINPROGRESS && errno != EINTR)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

int twi_attempt_start(const struct sockaddr *address, socklen_t length,
                      const struct tw_connect_options *options, twi_attempt_fn *fn, void *arg,
                      struct twi_attempt **ret_attempt)
{
    struct twi_attempt *attempt = twi_slab_alloc(&attempts);
    unsigned events = TWI_WRITABLE;
    int r;

    if (attempt == NULL)
        return -ENOMEM;
    /* Watch for all that the connection will need, so that nothing has to be changed then. */
    if (twi_watch_has_edge())
        events |= TWI_READABLE | TWI_EDGE;
    *attempt = (struct twi_attempt){ .fn = fn, .arg = arg };
    r = attempt->socket.fd = attempt_socket(address, length, options);
    if (r < 0)
        goto fail_free;
    r = twi_watch_new(attempt->socket.fd, events, attempt_ready, attempt,
                      &attempt->socket.watch);
    if (r < 0)
        goto fail_close;
    *ret_attempt = attempt;
    return 0;

fail_close:
    close(attempt->socket.fd);
fail_free:
    twi_slab_free(&attempts, attempt);
    return r;
}

void twi_attempt_cancel(struct twi_attempt *attempt)
{
    if (attempt == NULL)
        return;
    twi_socket_close(&attempt->socket);
    twi_slab_free(&attempts, attempt);
}

tw_value twi_attempt_failure(int error, const char *address)
{
    const tw_error_class *error_class;
    struct tw_failure_fields fields = { .where = TW_HERE };
    char *message;
    tw_value failure;

    switch (error < 0 ? -error : error) {
    case ECONNREFUSED:
        error_class = &tw_error_connect_refused;
        break;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EAFNOSUPPORT:
        error_class = &tw_error_connect_no_route;
        break;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EINVAL:
        error_class = &tw_error_connect_bind;
        break;
    case ETIMEDOUT:
        error_class = &tw_error_connect_timeout;
        break;
    case ENOMEM:
        return tw_fail_memory();
    default:
        error_class = &tw_error_connect;
    }
    fields.error_class = error_class;
    fields.number = error < 0 ? -error : error;
    message = twi_format("%s: %s", address, strerror((int)fields.number));
    if (message == NULL)
        return tw_fail_memory();
    fields.message = message;
    failure = tw_fail_with(&fields);
    twi_free(message);
    return failure;
}
