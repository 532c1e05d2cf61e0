/* SPDX-License-Identifier: MIT */
/*
 * dns_channel.c - a channel of c-ares with memory, sockets and settings of ours.
 */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "net/dns/dns_channel.h"
#include "net/dns/name_service.h"

#define FIRST_TIMEOUT_MS 2000
#define TRIES 3

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
    int fd = twi_socket(family, type, protocol);

    (void)arg;
    if (fd >= 0)
        return fd;
    errno = -fd;
    return ARES_SOCKET_BAD;
}

static int dns_close_socket(ares_socket_t fd, void *arg)
{
    (void)arg;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address,
                          ares_socklen_t length, void *arg)
{
    (void)arg;
    return connect(fd, address, length);
}

static bool is_datagram_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

/* Datagrams that are no sound messages are dropped here, as if they had been lost. */
static ares_ssize_t dns_receive(ares_socket_t fd, void *data, size_t size, int flags,
                                struct sockaddr *from, ares_socklen_t *length, void *arg)
{
    const struct twi_dns_hooks *hooks = arg;
    struct twi_dns_verdict verdict;
    ares_ssize_t got;

    do {
        got = recvfrom(fd, data, size, flags, from, length);
        if (got < 0 || !is_datagram_socket(fd))
            return got;
    } while (!twi_dns_message_check(data, (size_t)got, &verdict));
    hooks->heard(hooks->arg, &verdict);
    return got;
}

static ares_ssize_t send_vector(ares_socket_t fd, const struct iovec *vector, int count,
                                void *arg)
{
    struct msghdr message = { .msg_iov = (struct iovec *)vector, .msg_iovlen = (size_t)count };

    (void)arg;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
    open_socket, dns_close_socket, connect_socket, dns_receive, send_vector,
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_status;

/* c-ares is told of the allocator only when there is one: a program may use c-ares itself. */
static void cares_start(void)
{
    if (twi_alloc_is_replaced())
        library_status = ares_library_init_mem(ARES_LIB_INIT_ALL, twi_malloc, twi_free,
                                               twi_realloc);
    else
        library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

static int status_error(int status)
{
    return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

static int system_error(int status)
{
    int r = status_error(status);
    return r == -EINVAL ? -ENOTSUP : r;
}

static bool has_servers(ares_channel channel)
{
    struct ares_addr_port_node *servers = NULL;
    bool any = ares_get_servers_ports(channel, &servers) != ARES_SUCCESS || servers != NULL;

    ares_free_data(servers);
    return any;
}

static int set_servers(ares_channel channel, const char *servers)
{
    if (servers != NULL)
        return status_error(ares_set_servers_ports_csv(channel, servers));
    return has_servers(channel) ? 0 : -ENOTSUP;
}

int twi_dns_channel_new(struct twi_dns_hooks *hooks, const char *servers,
                        ares_channel *ret_channel)
{
    char lookups[] = "b"; /* servers only: /etc/hosts is ours */
    struct ares_options options = {
        .timeout = hooks->timeout_ms > 0 ? hooks->timeout_ms : FIRST_TIMEOUT_MS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = hooks->socket_state,
        .sock_state_cb_data = hooks->arg,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    ares_channel channel;
    int r;

    pthread_once(&library_once, cares_start);
    if (library_status != ARES_SUCCESS)
        return system_error(library_status);
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    r = system_error(ares_init_options(&channel, &options, mask));
    if (r < 0)
        return r;
    ares_set_socket_functions(channel, &socket_functions, hooks);
    r = set_servers(channel, servers);
    if (r < 0) {
        ares_destroy(channel);
        return r;
    }
    *ret_channel = channel;
    return 0;
}

int twi_dns_telling(int status, int other)
{
    if (status == ARES_SUCCESS || status == ARES_ENODATA)
        return other;
    if (status == ARES_ENOTFOUND && other != ARES_SUCCESS && other != ARES_ENODATA)
        return other;
    return status;
}

/* In words, what c-ares and the servers (by their RCODE, 0 for none) say. */
static const struct {
    int status, code, number;
    const char *text;
} reasons[] = {
    { ARES_SUCCESS, 0, EAI_NODATA, "the name has no address" },
    { ARES_ENODATA, 0, EAI_NODATA, "the name has no address" },
    { ARES_ENOTFOUND, 0, EAI_NONAME, "no such name (NXDOMAIN)" },
    { -1, 2, EAI_AGAIN, "the name server failed (SERVFAIL)" },
    { -1, 5, EAI_FAIL, "the name server refused (REFUSED)" },
    { ARES_ETIMEOUT, 0, EAI_AGAIN, "no answer from the name servers" },
    { ARES_ECONNREFUSED, 0, EAI_AGAIN, "no name server could be reached" },
    { ARES_ENOTINITIALIZED, 0, EAI_FAIL, "there is no name server to ask" },
};

tw_value twi_dns_failure(const char *name, int status, unsigned code)
{
    char text[96];

    if (status == ARES_ENOMEM)
        return tw_fail_memory();
    if (status == ARES_EDESTRUCTION)
        return tw_fail(&tw_error_abandoned, "%s: the reactor has ended", name);
    if (status == ARES_ECANCELLED)
        return tw_fail(&tw_error_cancelled, "%s: nobody waits", name);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].code != 0 ? reasons[i].code == (int)code : reasons[i].status == status)
            return twi_name_failure(name, reasons[i].number, reasons[i].text);
    }
    snprintf(text, sizeof text, "the answer cannot be used: %s", ares_strerror(status));
    return twi_name_failure(name, EAI_FAIL, text);
}
