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
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <tweed/reactor.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/loop.h"
#include "base/map.h"
#include "net/dns_message.h"
#include "net/hosts.h"
#include "net/resolver.h"

#define ANSWERS_MAX 1024 /* names kept; the one used longest ago goes */
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

/* A name's addresses or failure, kept. */
struct answer {
    struct twi_list node; /* in answer_order, the one used last at the end */
    int64_t expires_ns;
    tw_value failure;
    size_t count;
    const char *name;
    union tw_socket_address list[];
};

struct override {
    size_t count;
    union tw_socket_address list[];
};

struct watched {
    struct twi_list node;
    int fd;
    struct twi_watch *watch;
};

struct resolver {
    ares_channel channel; /* NULL: none made yet */
    struct twi_list sockets;
    struct twi_map questions, answers, overrides;
    struct twi_list finished, answer_order;
    struct twi_hosts hosts;
    char *servers; /* NULL: the system's */
    int64_t timer;
    bool settling, ended;
    bool no_memory; /* to watch a socket or the time: what is asked is given up */
    struct twi_loop_end end;
};

static _Thread_local struct resolver *resolver;
static _Thread_local const char *hosts_path = "/etc/hosts";

/* --- answers that are kept ----------------------------------------------------------------- */

static void answer_free(struct answer *answer)
{
    twi_list_remove(&answer->node);
    tw_release(answer->failure);
    twi_free(answer);
}

static void answer_drop(struct resolver *self, struct answer *answer)
{
    char name[TWI_NAME_SIZE];

    snprintf(name, sizeof name, "%s", answer->name);
    twi_map_remove(&self->answers, name, strlen(name));
    answer_free(answer);
}

static const struct answer *answer_find(struct resolver *self, const char *name)
{
    struct answer *answer = twi_map_get(&self->answers, name, strlen(name));

    if (answer == NULL)
        return NULL;
    if (answer->expires_ns <= twi_loop_now()) {
        answer_drop(self, answer);
        return NULL;
    }
    twi_list_remove(&answer->node);
    twi_list_append(&self->answer_order, &answer->node);
    return answer;
}

/* Keep an answer; without memory it just is not kept. */
static void answer_keep(struct resolver *self, const struct question *question,
                        tw_value failure)
{
    int64_t ns = tw_is_failure(failure) ? FAILURE_NS : question->ttl * TWI_SECOND;
    size_t length = strlen(question->name), size = question->count * sizeof *question->list;
    struct answer *answer;
    void *old = NULL;

    if (ns == 0 || (tw_is_failure(failure) && !tw_failure_is(failure, &tw_error_dns)))
        return;
    answer = twi_malloc(sizeof *answer + size + length + 1);
    if (answer == NULL)
        return;
    twi_list_init(&answer->node);
    answer->expires_ns = twi_loop_now() + ns;
    answer->failure = tw_retain(failure);
    answer->count = question->count;
    memcpy(answer->list, question->list, size);
    answer->name = memcpy((char *)answer->list + size, question->name, length + 1);
    if (twi_map_set(&self->answers, question->name, length, answer, &old) < 0) {
        answer_free(answer);
        return;
    }
    if (old != NULL)
        answer_free(old);
    twi_list_append(&self->answer_order, &answer->node);
    if (self->answers.count > ANSWERS_MAX)
        answer_drop(self, TWI_CONTAINER(self->answer_order.next, struct answer, node));
}

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

static tw_value code_failure(const struct question *question)
{
    switch (question->code) {
    case 2:
        return dns_failure(question->name, EAI_AGAIN, "the name server failed (SERVFAIL)");
    case 5:
        return dns_failure(question->name, EAI_FAIL, "the name server refused (REFUSED)");
    default:
        return dns_failure(question->name, EAI_AGAIN, "no name server could be reached");
    }
}

/* Why a question has no address. "There is none" needs both families to say so. */
static tw_value question_failure(const struct question *question)
{
    int status = question->halves[IPV4].status;
    int other = question->halves[IPV6].status;
    char text[96];

    if (status == ARES_SUCCESS || status == ARES_ENODATA ||
        (status == ARES_ENOTFOUND && other != ARES_SUCCESS && other != ARES_ENODATA))
        status = other;
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
        return dns_failure(question->name, EAI_NODATA, "the name has no address");
    case ARES_ENOTFOUND:
        return dns_failure(question->name, EAI_NONAME, "no such name (NXDOMAIN)");
    case ARES_ETIMEOUT:
        if (question->code != 2)
            return dns_failure(question->name, EAI_AGAIN, "no answer from the name servers");
        return code_failure(question);
    case ARES_ENOMEM:
        return tw_fail_memory();
    case ARES_EDESTRUCTION:
        return tw_fail(&tw_error_abandoned, "%s: the reactor has ended", question->name);
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
        return code_failure(question);
    case ARES_ECANCELLED:
        return tw_fail(&tw_error_cancelled, "%s: nobody waits", question->name);
    default:
        snprintf(text, sizeof text, "the answer cannot be used: %s", ares_strerror(status));
        return dns_failure(question->name, EAI_FAIL, text);
    }
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

static void question_end(struct resolver *self, struct question *question)
{
    tw_value failure = tw_none();

    question_stop_delay(question);
    question_forget(self, question);
    if (question->count == 0)
        failure = question_failure(question);
    question_order(question);
    answer_keep(self, question, failure);
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

static bool question_has(const struct question *question,
                         const union tw_socket_address *address)
{
    for (size_t i = 0; i < question->count; i++) {
        if (twi_address_same(&question->list[i], address))
            return true;
    }
    return false;
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
    if (question_has(question, &address))
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
    TWI_LIST_EACH(node, &self->sockets)
    {
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

static void map_free_values(struct twi_map *map)
{
    const struct twi_map_entry *entry;
    size_t cursor = 0;

    while ((entry = twi_map_next(map, &cursor)) != NULL)
        twi_free(entry->value);
    twi_map_free(map);
}

static void resolver_end(struct twi_loop_end *end)
{
    struct resolver *self = TWI_CONTAINER(end, struct resolver, end);

    self->ended = true;
    channel_close(self);
    settle(self);
    tw_resolver_flush();
    twi_map_free(&self->questions);
    twi_map_free(&self->answers);
    map_free_values(&self->overrides);
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
    twi_list_init(&self->answer_order);
    self->end.fn = resolver_end;
    if (twi_loop_on_end(&self->end) < 0) {
        twi_free(self);
        return NULL;
    }
    resolver = self;
    return self;
}

/* --- lookups ------------------------------------------------------------------------------- */

static const struct override *override_find(struct resolver *self, const char *name,
                                            unsigned port)
{
    char key[TWI_NAME_SIZE + 8];
    int length = snprintf(key, sizeof key, "%s:%u", name, port);
    const struct override *found;

    if (self->overrides.count == 0)
        return NULL;
    found = twi_map_get(&self->overrides, key, (size_t)length);
    if (found != NULL)
        return found;
    length = snprintf(key, sizeof key, "%s:0", name);
    return twi_map_get(&self->overrides, key, (size_t)length);
}

/* "localhost" and what is below it never leaves the machine (RFC 6761, 6.3). */
static size_t find_localhost(const char *name, union tw_socket_address *list)
{
    size_t length = strlen(name);

    if (length < 9 || strcmp(name + length - 9, "localhost") != 0 ||
        (length > 9 && name[length - 10] != '.'))
        return 0;
    tw_address_parse("::1", 0, &list[0]);
    tw_address_parse("127.0.0.1", 0, &list[1]);
    return 2;
}

/* Answer without asking anybody; false when that is not possible. */
static bool answer_locally(struct resolver *self, struct twi_lookup *lookup, const char *name)
{
    const struct override *override = override_find(self, name, lookup->port_);
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    const struct answer *answer;
    tw_value failure;
    size_t count;

    if (override != NULL) {
        deliver(lookup, override->list, override->count, tw_none());
        return true;
    }
    count = twi_hosts_find(&self->hosts, hosts_path, twi_loop_now(), name, list);
    if (count == 0)
        count = find_localhost(name, list);
    if (count > 0) {
        twi_addresses_sort(list, count, twi_address_source);
        twi_addresses_interleave(list, count);
        deliver(lookup, list, count, tw_none());
        return true;
    }
    answer = answer_find(self, name);
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

/* --- the public face ----------------------------------------------------------------------- */

struct resolving {
    struct twi_lookup lookup;
    tw_deferred *done;
};

static tw_value address_list(const union tw_socket_address *list, size_t count)
{
    tw_value values = tw_list(count);

    for (size_t i = 0; i < count && !tw_is_failure(values); i++) {
        tw_value address = twi_address_value(&list[i]);

        if (tw_is_failure(address) || tw_list_append(values, address) < 0) {
            tw_release(values);
            return tw_fail_memory();
        }
    }
    return values;
}

static void resolving_done(struct twi_lookup *lookup, const union tw_socket_address *list,
                           size_t count, tw_value failure)
{
    struct resolving *self = TWI_CONTAINER(lookup, struct resolving, lookup);
    tw_value result = count > 0 ? address_list(list, count) : tw_retain(failure);

    tw_fire(&self->done, result);
}

static int resolving_cancel(tw_deferred *deferred, void *arg)
{
    struct resolving *self = arg;

    (void)deferred;
    twi_lookup_cancel(&self->lookup);
    tw_fire(&self->done, tw_fail(&tw_error_cancelled, "the lookup was cancelled"));
    return 0;
}

tw_deferred *tw_resolve_at(const char *where, const char *name, unsigned port)
{
    struct resolving *self;
    tw_deferred *deferred;

    if (name == NULL || port > 65535)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_url, "no name to resolve"));
    self = twi_calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    twi_list_init(&self->lookup.node_);
    self->lookup.done = resolving_done;
    deferred = tw_promise_at(where, &self->done, resolving_cancel, self, twi_free);
    if (deferred != NULL)
        twi_lookup_start(&self->lookup, name, port);
    return deferred;
}

static struct override *override_new(const char *literals)
{
    struct override *override = twi_malloc(sizeof *override +
                                           TWI_ADDRESSES_MAX * sizeof *override->list);
    char literal[64];

    if (override == NULL)
        return NULL;
    override->count = 0;
    while (override->count < TWI_ADDRESSES_MAX) {
        size_t length = strcspn(literals, ",");

        if (length >= sizeof literal)
            break;
        memcpy(literal, literals, length);
        literal[length] = '\0';
        if (tw_address_parse(literal, 0, &override->list[override->count]) < 0)
            break;
        override->count++;
        literals += length;
        if (*literals == '\0')
            return override;
        literals++;
    }
    override->count = 0;
    return override;
}

int tw_resolver_override(const char *name, unsigned port, const char *literal)
{
    struct resolver *self = resolver_here();
    char ascii[TWI_NAME_SIZE], key[TWI_NAME_SIZE + 8];
    struct override *override;
    void *old = NULL;
    size_t length;
    int r;

    if (self == NULL)
        return -ENOMEM;
    if (name == NULL || port > 65535)
        return -EINVAL;
    r = twi_name_to_ascii(name, ascii);
    if (r < 0)
        return r;
    length = (size_t)snprintf(key, sizeof key, "%s:%u", ascii, port);
    if (literal == NULL) {
        twi_free(twi_map_remove(&self->overrides, key, length));
        return 0;
    }
    override = override_new(literal);
    if (override == NULL)
        return -ENOMEM;
    r = override->count == 0 ? -EINVAL
                             : twi_map_set(&self->overrides, key, length, override, &old);
    twi_free(r < 0 ? override : old);
    return r;
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
    struct resolver *self = resolver;
    const struct twi_map_entry *entry;
    size_t cursor = 0;

    while (self != NULL && (entry = twi_map_next(&self->answers, &cursor)) != NULL)
        answer_drop(self, entry->value);
}
