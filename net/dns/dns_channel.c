/* SPDX-License-Identifier: MIT */
/*
 * dns_channel.c - a channel of c-ares with memory, sockets and settings of ours, in the reactor.
 *
 * All that servers send is read by a strict parser before c-ares sees it. A datagram is an
 * answer when it comes from the asked server's address and port with the id of a question that
 * is open; all others, and those to another question, are dropped like lost ones: an attacker
 * who guesses an id and a port cannot end a question. An answer that cannot be used (no
 * question, wrong counts, damaged names, other names' addresses) is a failure of that server.
 * c-ares is told SERVFAIL in its place, and goes to the next server, or asks again, or fails,
 * at once.
 *
 * An answer that was cut is told as FORMERR, with `truncated`: c-ares would ask for all of it on a
 * connection that this channel's questions share, so that a reset would fail them all. The owner
 * asks again on a channel of its own.
 */
#include "config.h"

#include "net/dns/dns_channel.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <tweed/reactor.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/posix.h"
#include "net/dns/dns_message.h"
#include "net/dns/name_service.h"
#include "net/dns/resolv_conf.h"
#include "reactor/face.h"

#define FIRST_TIMEOUT_MS 2000
#define TRIES 3

enum { FORMERR = 1, SERVFAIL = 2, PREFIX = 2 /* bytes of a message's length, by TCP */ };

/* --- answers ------------------------------------------------------------------------------- */

/* Names may come back in another case. */
static bool same_question(const struct twi_dns_question *question, const uint8_t *message,
                          size_t length)
{
    if (twi_dns_question_length(message, length) != question->length)
        return false;
    for (size_t i = 0; i < question->length; i++) {
        if (twi_lower((char)message[TWI_DNS_HEADER + i]) !=
            twi_lower((char)question->bytes[i]))
            return false;
    }
    return true;
}

/* The open question that a message belongs to by its id; NULL for none. */
static const struct twi_dns_question *channel_question(struct twi_dns_channel *channel,
                                                       const uint8_t *message, size_t length)
{
    if (length < TWI_DNS_HEADER || (message[2] & 0x80) == 0)
        return NULL;
    return twi_dns_asked_find(&channel->asked_, message);
}

/* Put an answer with this code in the place of `message`; returns its length. */
static size_t channel_answer(struct twi_dns_channel *channel, uint8_t *message,
                             const struct twi_dns_question *question, unsigned code)
{
    size_t length = twi_dns_answer_only(message, question->id, question->bytes,
                                        question->length, code);
    struct twi_dns_verdict verdict;

    if (code == SERVFAIL && twi_dns_message_check(message, length, &verdict))
        channel->hooks.heard(channel->hooks.arg, verdict.name, TWI_DNS_UNUSABLE);
    return length;
}

/* The number of bytes that c-ares shall read; 0: the datagram is dropped. */
static size_t channel_take_datagram(struct twi_dns_channel *channel, uint8_t *data,
                                    size_t length, size_t size)
{
    const struct twi_dns_question *question = channel_question(channel, data, length);
    struct twi_dns_verdict verdict;
    bool sound = twi_dns_message_check(data, length, &verdict);

    if (question == NULL) /* c-ares looks at the id, too */
        return sound ? length : 0;
    if (twi_dns_question_length(data, length) > 0 && !same_question(question, data, length))
        return 0;
    if (sound && !verdict.truncated) {
        channel->hooks.heard(channel->hooks.arg, verdict.name, verdict.code);
        twi_dns_asked_forget(&channel->asked_, data);
        return length;
    }
    if (size < TWI_DNS_HEADER + question->length)
        return 0;
    channel->truncated = sound;
    return channel_answer(channel, data, question, sound ? FORMERR : SERVFAIL);
}

/* By TCP the peer is the server: every message must be an answer. */
static bool channel_take_message(struct twi_dns_channel *channel, uint8_t *message,
                                 size_t length)
{
    const struct twi_dns_question *question = channel_question(channel, message, length);
    uint8_t refusal[TWI_DNS_HEADER + TWI_DNS_QUESTION_MAX];
    struct twi_dns_verdict verdict;

    if (question == NULL)
        return false;
    if (twi_dns_message_check(message, length, &verdict) && !verdict.truncated &&
        same_question(question, message, length)) {
        channel->hooks.heard(channel->hooks.arg, verdict.name, verdict.code);
        return true;
    }
    channel_answer(channel, refusal, question, SERVFAIL);
    return false;
}

/* As recv() has it: a message that cannot be used breaks the connection. */
static ares_ssize_t channel_take_stream(struct twi_dns_channel *channel, const void *data,
                                        size_t got)
{
    struct twi_buf *stream = &channel->stream_;

    if (twi_buf_append(stream, data, got) < 0) {
        errno = ENOMEM;
        return -1;
    }
    while (stream->length >= PREFIX) {
        uint8_t *at = (uint8_t *)stream->data;
        size_t length = (size_t)at[0] << 8 | at[1];

        if (stream->length < PREFIX + length)
            break;
        if (!channel_take_message(channel, at + PREFIX, length)) {
            errno = ECONNRESET;
            return -1;
        }
        twi_buf_consume(stream, PREFIX + length);
    }
    return (ares_ssize_t)got;
}

/* --- sockets of c-ares --------------------------------------------------------------------- */

static ares_socket_t dns_socket(int family, int type, int protocol, void *arg)
{
    struct twi_dns_channel *channel = arg;
    int fd = twi_socket(family, type, protocol);

    if (fd >= 0)
        return fd;
    if (twi_is_exhaustion(-fd))
        channel->exhausted = -fd;
    errno = -fd;
    return ARES_SOCKET_BAD;
}

static int dns_close(ares_socket_t fd, void *arg)
{
    (void)arg;
    return close(fd);
}

static bool is_datagram_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

static void channel_add_zone(const struct twi_dns_channel *channel,
                             struct sockaddr_in6 *address)
{
    for (size_t i = 0; i < channel->zoned_count_; i++)
        if (memcmp(&channel->zoned_[i].sin6_addr, &address->sin6_addr, 16) == 0)
            address->sin6_scope_id = channel->zoned_[i].sin6_scope_id;
}

static int dns_connect(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t length,
                       void *arg)
{
    struct twi_dns_channel *channel = arg;

    union tw_socket_address zoned;

    if (!is_datagram_socket(fd))
        twi_buf_consume(&channel->stream_, channel->stream_.length);
    if (address->sa_family == AF_INET6 && length == sizeof zoned.ipv6) {
        memcpy(&zoned, address, length);
        channel_add_zone(channel, &zoned.ipv6);
        address = &zoned.any;
    }
    return connect(fd, address, length);
}

static ares_ssize_t dns_receive(ares_socket_t fd, void *data, size_t size, int flags,
                                struct sockaddr *from, ares_socklen_t *length, void *arg)
{
    struct twi_dns_channel *channel = arg;
    size_t taken;

    channel->truncated = false;
    do {
        ares_ssize_t got = recvfrom(fd, data, size, flags, from, length);

        if (got < 0)
            return got;
        if (!is_datagram_socket(fd))
            return got == 0 ? 0 : channel_take_stream(channel, data, (size_t)got);
        taken = channel_take_datagram(channel, data, (size_t)got, size);
    } while (taken == 0);
    return (ares_ssize_t)taken;
}

static ares_ssize_t dns_send(ares_socket_t fd, const struct iovec *vector, int count,
                             void *arg)
{
    struct twi_dns_channel *channel = arg;
    struct msghdr message = { .msg_iov = (struct iovec *)vector, .msg_iovlen = (size_t)count };
    size_t prefix = is_datagram_socket(fd) ? 0 : PREFIX;

    for (int i = 0; i < count; i++) {
        if (vector[i].iov_len > prefix)
            twi_dns_asked_note(&channel->asked_, (const char *)vector[i].iov_base + prefix,
                               vector[i].iov_len - prefix);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
    dns_socket, dns_close, dns_connect, dns_receive, dns_send,
};

/* --- c-ares and the reactor ---------------------------------------------------------------- */

struct watched {
    struct twi_list node;
    struct twi_dns_channel *channel;
    int fd;
    struct twi_watch *watch;
};

static void channel_visited(struct twi_dns_channel *channel)
{
    struct twi_dns_hooks hooks = channel->hooks;

    twi_dns_channel_rearm(channel);
    hooks.visited(hooks.arg); /* may free the channel */
}

static void watched_ready(unsigned ready, void *arg)
{
    struct twi_dns_channel *channel = ((struct watched *)arg)->channel;
    int fd = ((struct watched *)arg)->fd;

    channel->exhausted = 0;
    ares_process_fd(channel->ares, (ready & TWI_READABLE) != 0 ? fd : ARES_SOCKET_BAD,
                    (ready & TWI_WRITABLE) != 0 ? fd : ARES_SOCKET_BAD);
    channel_visited(channel);
}

static struct watched *watched_find(struct twi_dns_channel *channel, int fd)
{
    TWI_LIST_EACH (node, &channel->sockets_) {
        struct watched *watched = TWI_CONTAINER(node, struct watched, node);
        if (watched->fd == fd)
            return watched;
    }
    return NULL;
}

static void watched_forget(struct watched *watched)
{
    twi_list_remove(&watched->node);
    twi_watch_free(watched->watch);
    twi_free(watched);
}

static struct watched *watched_new(struct twi_dns_channel *channel, int fd, unsigned events)
{
    struct watched *watched = twi_calloc(1, sizeof *watched);

    if (watched == NULL)
        return NULL;
    watched->channel = channel;
    watched->fd = fd;
    if (twi_watch_new(fd, events, watched_ready, watched, &watched->watch) < 0) {
        twi_free(watched);
        return NULL;
    }
    twi_list_append(&channel->sockets_, &watched->node);
    return watched;
}

/* c-ares wants a socket watched, or no longer. */
static void channel_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct twi_dns_channel *channel = arg;
    unsigned events = (readable ? TWI_READABLE : 0u) | (writable ? TWI_WRITABLE : 0u);
    struct watched *watched = watched_find(channel, fd);

    if (watched == NULL) {
        if (events != 0 && watched_new(channel, fd, events) == NULL)
            channel->no_memory = true;
    } else if (events == 0) {
        watched_forget(watched);
    } else if (twi_watch_change(watched->watch, events) < 0) {
        channel->no_memory = true;
    }
}

/* c-ares keeps real time, even under virtual time. */
static void channel_hold(struct twi_dns_channel *channel, bool on)
{
    if (on && !channel->held_)
        twi_loop_hold();
    else if (!on && channel->held_)
        twi_loop_release();
    channel->held_ = on;
}

static void channel_timed_out(void *arg)
{
    struct twi_dns_channel *channel = arg;

    channel->timer_ = 0;
    channel->truncated = false;
    channel->exhausted = 0;
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    channel_visited(channel);
}

static void channel_stop_timer(struct twi_dns_channel *channel)
{
    if (channel->timer_ > 0)
        tw_call_cancel(channel->timer_);
    channel->timer_ = 0;
}

void twi_dns_channel_rearm(struct twi_dns_channel *channel)
{
    struct timeval space, *wait;

    channel_stop_timer(channel);
    wait = ares_timeout(channel->ares, NULL, &space);
    channel_hold(channel, wait != NULL);
    /* c-ares counts in milliseconds and rounds down. */
    if (wait != NULL)
        channel->timer_ = tw_call_later((double)wait->tv_sec + (double)wait->tv_usec / 1e6 +
                                            0.001,
                                        channel_timed_out, channel);
    if (channel->timer_ < 0)
        channel->no_memory = true;
    if (channel->no_memory)
        ares_cancel(channel->ares);
    channel->no_memory = false;
}

/* --- making one ---------------------------------------------------------------------------- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_status;

/* c-ares gets an allocator only when the program has installed one: it may use c-ares
 * itself. */
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

static void node_set(struct ares_addr_port_node *node, const union tw_socket_address *address)
{
    node->family = address->any.sa_family;
    if (node->family == AF_INET)
        node->addr.addr4 = address->ipv4.sin_addr;
    else
        memcpy(&node->addr.addr6, &address->ipv6.sin6_addr, sizeof node->addr.addr6);
}

static int zones_keep(struct twi_dns_channel *channel, const struct twi_resolv_conf *conf)
{
    channel->zoned_ = twi_calloc(conf->server_count, sizeof *channel->zoned_);
    if (channel->zoned_ == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < conf->server_count; i++)
        if (conf->servers[i].any.sa_family == AF_INET6 &&
            conf->servers[i].ipv6.sin6_scope_id != 0)
            channel->zoned_[channel->zoned_count_++] = conf->servers[i].ipv6;
    return 0;
}

/* Without any in the file it is this machine, as c-ares has it by itself. */
static int system_servers(struct twi_dns_channel *channel, const struct twi_resolv_conf *conf)
{
    struct ares_addr_port_node nodes[TWI_NAME_SERVERS_MAX] = { 0 };

    if (conf->server_count == 0)
        return 0;
    for (size_t i = 0; i < conf->server_count; i++) {
        node_set(&nodes[i], &conf->servers[i]);
        nodes[i].next = i + 1 < conf->server_count ? &nodes[i + 1] : NULL;
    }
    if (zones_keep(channel, conf) < 0)
        return -ENOMEM;
    return status_error(ares_set_servers_ports(channel->ares, nodes));
}

/* ares_init_options() with settings of ours, and those of the file that the environment does not
 * speak of; 0, -ENOTSUP, -ENOMEM. */
static int channel_init(struct twi_dns_channel *channel, const struct twi_dns_options *wanted,
                        struct twi_resolv_conf *conf)
{
    char lookups[] = "b"; /* servers only: /etc/hosts is ours */
    char nothing[] = "/dev/null";
    struct ares_options options = {
        .flags = ARES_FLAG_USEVC,
        .timeout = wanted->timeout_ms > 0 ? wanted->timeout_ms : FIRST_TIMEOUT_MS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = channel_socket_state,
        .sock_state_cb_data = channel,
        .resolvconf_path = nothing,
        .domains = conf->domains,
        .ndomains = (int)conf->domain_count,
        .ndots = conf->ndots,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;

    if (conf->domain_count > 0 && getenv("LOCALDOMAIN") == NULL)
        mask |= ARES_OPT_DOMAINS;
    if (conf->ndots >= 0 && getenv("RES_OPTIONS") == NULL)
        mask |= ARES_OPT_NDOTS;
    if (conf->rotate)
        mask |= ARES_OPT_ROTATE;
    if (wanted->stream)
        mask |= ARES_OPT_FLAGS;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    return system_error(ares_init_options(&channel->ares, &options, mask));
}

static int channel_new(const struct twi_dns_options *options,
                       const struct twi_dns_hooks *hooks, struct twi_resolv_conf *conf,
                       struct twi_dns_channel **ret_channel)
{
    struct twi_dns_channel *channel = twi_calloc(1, sizeof *channel);
    int r;

    if (channel == NULL)
        return -ENOMEM;
    channel->hooks = *hooks;
    twi_list_init(&channel->sockets_);
    twi_dns_asked_init(&channel->asked_);
    r = channel_init(channel, options, conf);
    if (r < 0) {
        twi_free(channel);
        return r;
    }
    ares_set_socket_functions(channel->ares, &socket_functions, channel);
    if (options->servers != NULL)
        r = status_error(ares_set_servers_ports_csv(channel->ares, options->servers));
    else
        r = system_servers(channel, conf);
    if (r < 0) {
        twi_dns_channel_free(channel);
        return r;
    }
    *ret_channel = channel;
    return 0;
}

int twi_dns_channel_new(const struct twi_dns_options *options,
                        const struct twi_dns_hooks *hooks,
                        struct twi_dns_channel **ret_channel)
{
    const char *path = options->conf != NULL ? options->conf : "/etc/resolv.conf";
    struct twi_resolv_conf conf;
    int r;

    pthread_once(&library_once, cares_start);
    if (library_status != ARES_SUCCESS)
        return system_error(library_status);
    r = twi_resolv_conf_read(path, &conf);
    if (r < 0)
        return r;
    r = channel_new(options, hooks, &conf, ret_channel);
    twi_resolv_conf_free(&conf);
    return r;
}

void twi_dns_channel_free(struct twi_dns_channel *channel)
{
    if (channel == NULL)
        return;
    ares_destroy(channel->ares);
    while (!twi_list_empty(&channel->sockets_))
        watched_forget(TWI_CONTAINER(channel->sockets_.next, struct watched, node));
    channel_stop_timer(channel);
    channel_hold(channel, false);
    twi_dns_asked_free(&channel->asked_);
    twi_buf_free(&channel->stream_);
    twi_free(channel->zoned_);
    twi_free(channel);
}

int twi_dns_telling(int status, int other)
{
    if (status == ARES_SUCCESS || status == ARES_ENODATA)
        return other;
    if (status == ARES_ENOTFOUND && other != ARES_SUCCESS && other != ARES_ENODATA)
        return other;
    return status;
}

/* The texts for statuses of c-ares and RCODEs of servers (0 for none). */
static const struct {
    int status, code, number;
    const char *text;
} reasons[] = {
    { ARES_SUCCESS, 0, EAI_NODATA, "the name has no address" },
    { ARES_ENODATA, 0, EAI_NODATA, "the name has no address" },
    { ARES_ENOTFOUND, 0, EAI_NONAME, "no such name (NXDOMAIN)" },
    { -1, 2, EAI_AGAIN, "the name server failed (SERVFAIL)" },
    { -1, 5, EAI_FAIL, "the name server refused (REFUSED)" },
    { -1, TWI_DNS_UNUSABLE, EAI_AGAIN, "the name server's answer cannot be used" },
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
