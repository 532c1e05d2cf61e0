/*
 * resolver.c - names to addresses; the only file that sees c-ares.
 *
 * A question is one name, asked for both families at once. Everybody who wants the name while it
 * is under way joins it. c-ares is never entered from its own callbacks and user code never runs
 * on its stack: callbacks only note what came, and settle() delivers afterwards.
 */
#include "config.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <tweed/reactor.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/loop.h"
#include "base/map.h"
#include "net/answers.h"
#include "net/dns_message.h"
#include "net/hosts.h"
#include "net/overrides.h"
#include "net/resolver.h"

#define TTL_MAX 60
#define FAILURE_NS TWI_SECOND
#define FIRST_TIMEOUT_MS 2000
#define TRIES 3
/* How long the second family may keep the first one waiting (RFC 8305, 3). */
#define RESOLUTION_DELAY 0.05

enum { IPV4, IPV6, FAMILIES };
static const int families[FAMILIES] = { AF_INET, AF_INET6 };

/* One family's half of a question. */
struct half {
    struct question *question;
    bool pending;
    int status; /* of c-ares */
};

struct question {
    struct twi_list node; /* in finished, when it is */
    struct half halves[FAMILIES];
    struct twi_list waiters;
    int64_t delay_call;
    unsigned code; /* the last RCODE seen for this name */
    unsigned ttl;
    bool answered; /* what came first has been given out; the rest is for the cache */
    size_t count;
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    char name[];
};

struct watched {
    struct twi_list node;
    int fd;
    struct twi_watch *watch;
};

struct resolver {
    ares_channel channel; /* NULL: none made yet */
    struct twi_list sockets;
    struct twi_map questions;
    struct twi_list finished;
    struct twi_answers answers;
    struct twi_overrides overrides;
    struct twi_hosts hosts;
    char *servers; /* NULL: the system's */
    int64_t timer;
    bool settling, ended;
    bool no_memory; /* to watch a socket or the time: what is asked is given up */
    struct twi_loop_end end;
};

static _Thread_local struct resolver *resolver;
static _Thread_local const char *hosts_path = "/etc/hosts";

/* --- delivering ---------------------------------------------------------------------------- */

static void deliver(struct twi_lookup *lookup, const union tw_socket_address *list,
                    size_t count, tw_value failure)
{
    union tw_socket_address copy[TWI_ADDRESSES_MAX];

    for (size_t i = 0; i < count; i++) {
        copy[i] = list[i];
        twi_address_set_port(&copy[i], lookup->port_);
    }
    lookup->done(lookup, copy, count, tw_lend(failure));
}

static void deliver_all(struct twi_list *waiters, const union tw_socket_address *list,
                        size_t count, tw_value failure)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(waiters)) != NULL)
        deliver(TWI_CONTAINER(node, struct twi_lookup, node_), list, count, failure);
}

/* --- failures ------------------------------------------------------------------------------ */

static tw_value dns_failure(const char *name, int number, const char *text)
{
    char message[TWI_NAME_SIZE + 128];

    snprintf(message, sizeof message, "%s: %s", name, text);
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_dns,
        .message = message,
        .where = TW_HERE,
        .number = number,
    });
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
};

/* Of the two families' statuses, the one that tells why: "there is none" needs both. */
static int telling_status(const struct question *question)
{
    int status = question->halves[IPV4].status, other = question->halves[IPV6].status;

    if (status == ARES_SUCCESS || status == ARES_ENODATA)
        return other;
    if (status == ARES_ENOTFOUND && other != ARES_SUCCESS && other != ARES_ENODATA)
        return other;
    return status;
}

/* Why a question has no address. */
static tw_value question_failure(const struct question *question)
{
    int status = telling_status(question);
    char text[96];

    if (status == ARES_ENOMEM)
        return tw_fail_memory();
    if (status == ARES_EDESTRUCTION)
        return tw_fail(&tw_error_abandoned, "%s: the reactor has ended", question->name);
    if (status == ARES_ECANCELLED)
        return tw_fail(&tw_error_cancelled, "%s: nobody waits", question->name);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].code != 0 ? reasons[i].code == (int)question->code
                                 : reasons[i].status == status)
            return dns_failure(question->name, reasons[i].number, reasons[i].text);
    }
    snprintf(text, sizeof text, "the answer cannot be used: %s", ares_strerror(status));
    return dns_failure(question->name, EAI_FAIL, text);
}

/* --- questions ----------------------------------------------------------------------------- */

static bool question_pending(const struct question *question)
{
    return question->halves[IPV4].pending || question->halves[IPV6].pending;
}

static void question_stop_delay(struct question *question)
{
    if (question->delay_call > 0)
        tw_call_cancel(question->delay_call);
    question->delay_call = 0;
}

/* Off the map, so that nobody joins any more. */
static void question_forget(struct resolver *self, struct question *question)
{
    size_t length = strlen(question->name);

    if (twi_map_get(&self->questions, question->name, length) == question)
        twi_map_remove(&self->questions, question->name, length);
}

static void question_order(struct question *question)
{
    twi_addresses_sort(question->list, question->count, twi_address_source);
    twi_addresses_interleave(question->list, question->count);
}

static void question_keep(struct resolver *self, const struct question *question,
                          tw_value failure)
{
    int64_t ns = tw_is_failure(failure) ? FAILURE_NS : question->ttl * TWI_SECOND;

    if (ns > 0 && (!tw_is_failure(failure) || tw_failure_is(failure, &tw_error_dns)))
        twi_answers_keep(&self->answers, question->name, question->list, question->count,
                         failure, twi_loop_now() + ns);
}

static void question_end(struct resolver *self, struct question *question)
{
    tw_value failure = tw_none();

    question_stop_delay(question);
    question_forget(self, question);
    if (question->count == 0)
        failure = question_failure(question);
    question_order(question);
    question_keep(self, question, failure);
    deliver_all(&question->waiters, question->list, question->count, failure);
    tw_release(failure);
    twi_free(question);
}

/* One family has answered and the other has had its time. */
static void question_answer_half(void *arg)
{
    struct question *question = arg;
    struct twi_list waiters;
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    size_t count = question->count;

    question->delay_call = 0;
    question->answered = true;
    question_order(question);
    memcpy(list, question->list, count * sizeof *list);
    twi_list_init(&waiters);
    twi_list_splice(&waiters, &question->waiters);
    deliver_all(&waiters, list, count, tw_none());
}

/* Only of the family that was asked for: an answer may hold anything. */
static void take_address(struct question *question, int family,
                         const struct ares_addrinfo_node *node)
{
    union tw_socket_address address;

    if (node->ai_family != family || node->ai_addrlen > sizeof address ||
        question->count == TWI_ADDRESSES_MAX)
        return;
    memset(&address, 0, sizeof address);
    memcpy(&address, node->ai_addr, node->ai_addrlen);
    if (twi_addresses_have(question->list, question->count, &address))
        return;
    question->list[question->count++] = address;
    if ((unsigned)node->ai_ttl < question->ttl)
        question->ttl = (unsigned)node->ai_ttl;
}

static void take_addresses(struct question *question, int family,
                           const struct ares_addrinfo *result)
{
    const struct ares_addrinfo_node *node;
    const struct ares_addrinfo_cname *cname;

    for (cname = result->cnames; cname != NULL; cname = cname->next) {
        if ((unsigned)cname->ttl < question->ttl)
            question->ttl = (unsigned)cname->ttl;
    }
    for (node = result->nodes; node != NULL; node = node->ai_next)
        take_address(question, family, node);
}

/* Leave room for the other family in an answer that is longer than we keep. */
static void half_trim(struct question *question, size_t before)
{
    size_t limit = before > TWI_ADDRESSES_MAX / 2 ? before : TWI_ADDRESSES_MAX / 2;

    if (question_pending(question) && question->count > limit)
        question->count = limit;
}

/* c-ares has an answer, or gives up. */
static void half_done(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct half *half = arg;
    struct question *question = half->question;
    size_t before = question->count;

    (void)timeouts;
    half->pending = false;
    half->status = status == ARES_ECANCELLED && resolver->no_memory ? ARES_ENOMEM : status;
    if (status == ARES_SUCCESS)
        take_addresses(question, families[half - question->halves], result);
    if (result != NULL)
        ares_freeaddrinfo(result);
    half_trim(question, before);
    if (!question_pending(question))
        twi_list_append(&resolver->finished, &question->node);
    else if (question->count > 0 && !question->answered && question->delay_call <= 0)
        question->delay_call = tw_call_later(RESOLUTION_DELAY, question_answer_half, question);
}

static void question_ask(struct resolver *self, struct question *question)
{
    struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
                                         .ai_socktype = SOCK_STREAM };

    question->ttl = TTL_MAX;
    question->halves[IPV4].pending = question->halves[IPV6].pending = true;
    for (int i = 0; i < FAMILIES; i++) {
        question->halves[i].question = question;
        hints.ai_family = families[i];
        ares_getaddrinfo(self->channel, question->name, NULL, &hints, half_done,
                         &question->halves[i]);
    }
}

static struct question *question_new(struct resolver *self, const char *name)
{
    size_t length = strlen(name);
    struct question *question = twi_calloc(1, sizeof *question + length + 1);

    if (question == NULL)
        return NULL;
    twi_list_init(&question->node);
    twi_list_init(&question->waiters);
    memcpy(question->name, name, length + 1);
    if (twi_map_set(&self->questions, name, length, question, NULL) < 0) {
        twi_free(question);
        return NULL;
    }
    return question;
}

/* --- c-ares and the reactor ---------------------------------------------------------------- */

static void rearm(struct resolver *self);

/* After every visit to c-ares: give out what came, and set its clock. */
static void settle(struct resolver *self)
{
    struct twi_list *node;

    if (self->settling)
        return;
    self->settling = true;
    do {
        while ((node = twi_list_take_first(&self->finished)) != NULL)
            question_end(self, TWI_CONTAINER(node, struct question, node));
        rearm(self);
        if (self->no_memory && self->channel != NULL)
            ares_cancel(self->channel);
        self->no_memory = false;
    } while (!twi_list_empty(&self->finished));
    self->settling = false;
}

static void timed_out(void *arg)
{
    struct resolver *self = arg;

    self->timer = 0;
    ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle(self);
}

static void rearm(struct resolver *self)
{
    struct timeval space, *wait;

    if (self->timer > 0)
        tw_call_cancel(self->timer);
    self->timer = 0;
    if (self->channel == NULL)
        return;
    wait = ares_timeout(self->channel, NULL, &space);
    if (wait == NULL)
        return;
    /* c-ares counts in milliseconds and rounds down. */
    self->timer = tw_call_later((double)wait->tv_sec + (double)wait->tv_usec / 1e6 + 0.001,
                                timed_out, self);
    if (self->timer < 0)
        self->no_memory = true;
}

static void socket_ready(unsigned ready, void *arg)
{
    struct resolver *self = resolver;
    int fd = ((struct watched *)arg)->fd;

    ares_process_fd(self->channel, (ready & TWI_READABLE) != 0 ? fd : ARES_SOCKET_BAD,
                    (ready & TWI_WRITABLE) != 0 ? fd : ARES_SOCKET_BAD);
    settle(self);
}

static struct watched *socket_find(struct resolver *self, int fd)
{
    TWI_LIST_EACH (node, &self->sockets) {
        struct watched *watched = TWI_CONTAINER(node, struct watched, node);
        if (watched->fd == fd)
            return watched;
    }
    return NULL;
}

static void socket_forget(struct watched *watched)
{
    twi_list_remove(&watched->node);
    twi_watch_free(watched->watch);
    twi_free(watched);
}

static struct watched *socket_watch(struct resolver *self, int fd, unsigned events)
{
    struct watched *watched = twi_calloc(1, sizeof *watched);

    if (watched == NULL)
        return NULL;
    watched->fd = fd;
    if (twi_watch_new(fd, events, socket_ready, watched, &watched->watch) < 0) {
        twi_free(watched);
        return NULL;
    }
    twi_list_append(&self->sockets, &watched->node);
    return watched;
}

/* c-ares wants to know about a socket, or no more. */
static void socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolver *self = arg;
    unsigned events = (readable ? TWI_READABLE : 0u) | (writable ? TWI_WRITABLE : 0u);
    struct watched *watched = socket_find(self, fd);

    if (watched == NULL) {
        if (events != 0 && socket_watch(self, fd, events) == NULL)
            self->no_memory = true;
    } else if (events == 0) {
        socket_forget(watched);
    } else if (twi_watch_change(watched->watch, events) < 0) {
        self->no_memory = true;
    }
}

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
    (void)arg;
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *arg)
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
static ares_ssize_t receive(ares_socket_t fd, void *data, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *length, void *arg)
{
    struct resolver *self = arg;
    struct twi_dns_verdict verdict;
    struct question *question;
    ares_ssize_t got;

    do {
        got = recvfrom(fd, data, size, flags, from, length);
        if (got < 0 || !is_datagram_socket(fd))
            return got;
    } while (!twi_dns_message_check(data, (size_t)got, &verdict));
    question = twi_map_get(&self->questions, verdict.name, strlen(verdict.name));
    if (question != NULL)
        question->code = verdict.code;
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
    open_socket, close_socket, connect_socket, receive, send_vector,
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_status;

/* c-ares is told of the allocator only when there is one: a program may use c-ares itself. */
static void library_start(void)
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

static int channel_open(struct resolver *self)
{
    char lookups[] = "b"; /* servers only: /etc/hosts is ours */
    struct ares_options options = {
        .timeout = FIRST_TIMEOUT_MS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = socket_state,
        .sock_state_cb_data = self,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    int r;

    if (self->channel != NULL)
        return 0;
    pthread_once(&library_once, library_start);
    if (library_status != ARES_SUCCESS)
        return status_error(library_status);
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    r = status_error(ares_init_options(&self->channel, &options, mask));
    if (r < 0) {
        self->channel = NULL;
        return r;
    }
    ares_set_socket_functions(self->channel, &socket_functions, self);
    if (self->servers != NULL)
        r = status_error(ares_set_servers_ports_csv(self->channel, self->servers));
    if (r < 0) {
        ares_destroy(self->channel);
        self->channel = NULL;
    }
    return r;
}

static void channel_close(struct resolver *self)
{
    if (self->channel != NULL)
        ares_destroy(self->channel);
    self->channel = NULL;
}

/* --- the thread's resolver ----------------------------------------------------------------- */

static void resolver_end(struct twi_loop_end *end)
{
    struct resolver *self = TWI_CONTAINER(end, struct resolver, end);

    self->ended = true;
    channel_close(self);
    settle(self);
    twi_answers_free(&self->answers);
    twi_map_free(&self->questions);
    twi_overrides_free(&self->overrides);
    twi_hosts_free(&self->hosts);
    twi_free(self->servers);
    resolver = NULL;
    twi_free(self);
}

static struct resolver *resolver_here(void)
{
    struct resolver *self = resolver;

    if (self != NULL)
        return self;
    self = twi_calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    twi_list_init(&self->sockets);
    twi_list_init(&self->finished);
    twi_answers_init(&self->answers);
    self->end.fn = resolver_end;
    if (twi_loop_on_end(&self->end) < 0) {
        twi_free(self);
        return NULL;
    }
    resolver = self;
    return self;
}

/* --- lookups ------------------------------------------------------------------------------- */

/* Answer without asking anybody; false when that is not possible. */
static bool answer_locally(struct resolver *self, struct twi_lookup *lookup, const char *name)
{
    const struct twi_override *override = twi_overrides_find(&self->overrides, name,
                                                             lookup->port_);
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    const struct twi_answer *answer;
    tw_value failure;
    size_t count;

    if (override != NULL) {
        deliver(lookup, override->list, override->count, tw_none());
        return true;
    }
    count = twi_hosts_find(&self->hosts, hosts_path, twi_loop_now(), name, list);
    if (count == 0)
        count = twi_hosts_localhost(name, list);
    if (count > 0) {
        twi_addresses_sort(list, count, twi_address_source);
        twi_addresses_interleave(list, count);
        deliver(lookup, list, count, tw_none());
        return true;
    }
    answer = twi_answers_find(&self->answers, name, twi_loop_now());
    if (answer == NULL)
        return false;
    failure = tw_retain(answer->failure);
    deliver(lookup, answer->list, answer->count, failure);
    tw_release(failure);
    return true;
}

static void ask(struct resolver *self, struct twi_lookup *lookup, const char *name)
{
    struct question *question = twi_map_get(&self->questions, name, strlen(name));

    if (question != NULL && question->answered) {
        deliver(lookup, question->list, question->count, tw_none());
        return;
    }
    if (question != NULL) {
        twi_list_append(&question->waiters, &lookup->node_);
        return;
    }
    if (self->ended || channel_open(self) < 0 ||
        (question = question_new(self, name)) == NULL) {
        deliver(lookup, NULL, 0, tw_fail_memory());
        return;
    }
    twi_list_append(&question->waiters, &lookup->node_);
    question_ask(self, question);
    settle(self);
}

static void bad_name(struct twi_lookup *lookup, const char *name, int error)
{
    tw_value failure = tw_fail_memory();

    if (error != -ENOMEM)
        failure = tw_fail(&tw_error_url, "%.255s: not the name of a host", name);
    deliver(lookup, NULL, 0, failure);
    tw_release(failure);
}

void twi_lookup_start(struct twi_lookup *lookup, const char *name, unsigned port)
{
    struct resolver *self;
    union tw_socket_address address;
    char ascii[TWI_NAME_SIZE];
    int r;

    twi_list_init(&lookup->node_);
    lookup->port_ = port;
    if (tw_address_parse(name, port, &address) == 0) {
        deliver(lookup, &address, 1, tw_none());
        return;
    }
    r = twi_name_to_ascii(name, ascii);
    if (r < 0) {
        bad_name(lookup, name, r);
        return;
    }
    self = resolver_here();
    if (self == NULL)
        deliver(lookup, NULL, 0, tw_fail_memory());
    else if (!answer_locally(self, lookup, ascii))
        ask(self, lookup, ascii);
}

static bool anybody_waits(struct resolver *self)
{
    const struct twi_map_entry *entry;
    size_t cursor = 0;

    while ((entry = twi_map_next(&self->questions, &cursor)) != NULL) {
        if (!twi_list_empty(&((struct question *)entry->value)->waiters))
            return true;
    }
    return false;
}

/* c-ares 1.18 cannot take back one question, only all. One that nobody waits for ends by itself
 * within its timeouts, and its answer is kept. */
void twi_lookup_cancel(struct twi_lookup *lookup)
{
    struct resolver *self = resolver;

    if (!twi_list_linked(&lookup->node_))
        return;
    twi_list_remove(&lookup->node_);
    if (self == NULL || self->settling || self->channel == NULL || anybody_waits(self))
        return;
    ares_cancel(self->channel);
    settle(self);
}

void twi_resolver_set_hosts(const char *path)
{
    hosts_path = path;
    if (resolver != NULL)
        twi_hosts_free(&resolver->hosts);
}

/* --- settings ----------------------------------------------------------------------------- */

int tw_resolver_override(const char *name, unsigned port, const char *literal)
{
    struct resolver *self = resolver_here();

    return self == NULL ? -ENOMEM : twi_overrides_set(&self->overrides, name, port, literal);
}

/* What was asked of the servers before is asked again. */
static void ask_again(struct resolver *self)
{
    struct twi_list questions, *node;

    twi_list_init(&questions);
    twi_list_splice(&questions, &self->finished);
    while ((node = twi_list_take_first(&questions)) != NULL) {
        struct question *question = TWI_CONTAINER(node, struct question, node);

        if (twi_list_empty(&question->waiters)) {
            twi_list_append(&self->finished, &question->node);
            continue;
        }
        question_stop_delay(question);
        question->count = 0;
        question->code = 0;
        question_ask(self, question);
    }
}

int tw_resolver_set_servers(const char *servers)
{
    struct resolver *self = resolver_here();
    ares_channel old_channel;
    char *old_servers, *copy = NULL;
    int r;

    if (self == NULL)
        return -ENOMEM;
    if (servers != NULL && servers[0] == '\0')
        return -EINVAL;
    if (servers != NULL && (copy = twi_strdup(servers)) == NULL)
        return -ENOMEM;
    old_channel = self->channel;
    old_servers = self->servers;
    self->channel = NULL;
    self->servers = copy;
    r = channel_open(self);
    if (r < 0) {
        self->channel = old_channel;
        self->servers = old_servers;
        twi_free(copy);
        return r;
    }
    twi_free(old_servers);
    if (old_channel != NULL)
        ares_destroy(old_channel);
    ask_again(self);
    tw_resolver_flush();
    settle(self);
    return 0;
}

void tw_resolver_flush(void)
{
    if (resolver != NULL)
        twi_answers_free(&resolver->answers);
}
