/* SPDX-License-Identifier: MIT */
/*
 * resolver.c - names to addresses.
 *
 * A question is one name, asked for both families at once; lookups of the same name meanwhile
 * join it. c-ares is never entered from its own callbacks and user code never runs on its
 * stack: callbacks note answers, resolver_settle() delivers them. The system is asked last.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <tweed/reactor.h>

#include "base/alloc.h"
#include "base/map.h"
#include "reactor/face.h"
#include "net/dns/answers.h"
#include "net/dns/dns_channel.h"
#include "net/dns/hosts.h"
#include "net/dns/name_service.h"
#include "net/dns/overrides.h"
#include "net/dns/resolver.h"

#define TTL_MAX 60
#define FAILURE_NS TWI_SECOND
/* Seconds: the name service does not tell how long an answer is valid. */
#define SYSTEM_TTL 10
/* How long the second family may keep the first one waiting (RFC 8305, 3). */
#define RESOLUTION_DELAY 0.05

enum { IPV4, IPV6, FAMILIES };
static const int families[FAMILIES] = { AF_INET, AF_INET6 };

/* One family's half of a question. */
struct half {
    struct question *question;
    struct twi_dns_channel *stream; /* its own, when it is asked by TCP; else NULL */
    bool pending;
    bool cut;   /* the answer was: ask by TCP */
    int status; /* of c-ares */
};

struct question {
    struct twi_list node; /* in finished, cut or at_system, when it is */
    struct half halves[FAMILIES];
    struct twi_list waiters;
    int64_t delay_call;
    unsigned code; /* the last RCODE seen for this name */
    int error;     /* the system's, where a half has TWI_DNS_NO_SOCKET */
    unsigned ttl;
    struct twi_name_call *call; /* to the name service, under way */
    tw_value failure;           /* of the name service */
    bool asked_system;
    bool answered; /* the first half has been given out; the rest is for the cache */
    size_t count;
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    char name[];
};

struct resolver {
    struct twi_dns_channel *channel; /* NULL: none made yet */
    struct twi_map questions;
    struct twi_list finished, cut, at_system;
    struct twi_answers answers;
    struct twi_overrides overrides;
    struct twi_hosts hosts;
    struct twi_name_service name_service;
    char *servers; /* NULL: the system's */
    bool settling, ended;
    struct twi_loop_end end;
};

static _Thread_local struct resolver *resolver;
static _Thread_local const char *hosts_path = "/etc/hosts";
static _Thread_local int timeout_ms;

/* --- delivering ---------------------------------------------------------------------------- */

static void lookup_deliver(struct twi_lookup *lookup, const union tw_socket_address *list,
                           size_t count, tw_value failure)
{
    union tw_socket_address copy[TWI_ADDRESSES_MAX];

    for (size_t i = 0; i < count; i++) {
        copy[i] = list[i];
        twi_address_set_port(&copy[i], lookup->port_);
    }
    lookup->done(lookup, copy, count, tw_lend(failure));
}

/* Takes `failure`. */
static void lookup_refuse(struct twi_lookup *lookup, tw_value failure)
{
    lookup_deliver(lookup, NULL, 0, failure);
    tw_release(failure);
}

static void deliver_all(struct twi_list *waiters, const union tw_socket_address *list,
                        size_t count, tw_value failure)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(waiters)) != NULL)
        lookup_deliver(TWI_CONTAINER(node, struct twi_lookup, node_), list, count, failure);
}

/* --- failures ------------------------------------------------------------------------------ */

static int telling_status(const struct question *question)
{
    return twi_dns_telling(question->halves[IPV4].status, question->halves[IPV6].status);
}

/* The failure that says why a question has no address. */
static tw_value question_failure(const struct question *question)
{
    if (tw_is_failure(question->failure))
        return tw_retain(question->failure);
    if (telling_status(question) == TWI_DNS_NO_SOCKET)
        return twi_name_failure_system(question->name, question->error);
    return twi_dns_failure(question->name, telling_status(question), question->code);
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

/* Take the question off the map, so that no lookup joins it any more. */
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

/* A failure of the system's, not of the name's, is gone when the next one asks. */
static bool is_of_name(tw_value failure)
{
    return tw_failure_is(failure, &tw_error_dns) && tw_failure_number(failure) != EAI_SYSTEM;
}

static void question_keep(struct resolver *self, const struct question *question,
                          tw_value failure)
{
    int64_t ns = tw_is_failure(failure) ? FAILURE_NS : question->ttl * TWI_SECOND;

    if (ns > 0 && (!tw_is_failure(failure) || is_of_name(failure)))
        twi_answers_keep(&self->answers, question->name, question->list, question->count,
                         failure, twi_loop_now() + ns);
}

/* --- the system's name service ------------------------------------------------------------- */

static void resolver_settle(struct resolver *self);

/* The program's own servers are the only ones asked when it has named some. */
static bool system_allowed(const struct resolver *self)
{
    return self->servers == NULL && !self->ended && twi_name_service_allowed();
}

static bool system_has_more(struct resolver *self)
{
    return twi_name_service_has_more(&self->name_service, twi_loop_now());
}

/* True when the servers do not have the name, or none of them could tell. */
static bool system_may_know(struct resolver *self, const struct question *question)
{
    int status = telling_status(question);

    /* The RCODEs of servers that failed or refused (2, 5) count; c-ares only says that no
     * server is left. */
    if (question->code != 0 && question->code != 3)
        return false;
    if (question->asked_system || twi_list_empty(&question->waiters) || !system_allowed(self))
        return false;
    return (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND ||
            status == ARES_ECONNREFUSED) &&
           system_has_more(self);
}

/* Names that the servers need not hear of. */
static bool system_goes_first(struct resolver *self, const char *name)
{
    if (!system_allowed(self))
        return false;
    return self->channel == NULL || (twi_name_service_is_local(name) && system_has_more(self));
}

static void system_done(void *arg, const union tw_socket_address *list, size_t count,
                        tw_value failure)
{
    struct question *question = arg;

    question->call = NULL;
    memcpy(question->list, list, count * sizeof *list);
    question->count = count;
    question->ttl = SYSTEM_TTL;
    question->failure = tw_retain(failure);
    twi_list_remove(&question->node);
    twi_list_append(&resolver->finished, &question->node);
    resolver_settle(resolver);
}

static bool question_ask_system(struct resolver *self, struct question *question)
{
    question->asked_system = true;
    if (twi_name_service_ask(question->name, system_done, question, &question->call) < 0)
        return false;
    twi_list_append(&self->at_system, &question->node);
    return true;
}

/* Questions that are still open there end with it. */
static void question_close_streams(struct question *question)
{
    for (int i = 0; i < FAMILIES; i++) {
        struct twi_dns_channel *stream = question->halves[i].stream;

        twi_dns_channel_free(stream);
        question->halves[i].stream = NULL;
    }
}

static void question_free(struct question *question)
{
    question_close_streams(question);
    tw_release(question->failure);
    twi_free(question);
}

static void question_end(struct resolver *self, struct question *question)
{
    tw_value failure = tw_none();

    if (question->count == 0 && system_may_know(self, question) &&
        question_ask_system(self, question))
        return;
    question_stop_delay(question);
    question_forget(self, question);
    if (question->count == 0)
        failure = question_failure(question);
    question_order(question);
    question_keep(self, question, failure);
    deliver_all(&question->waiters, question->list, question->count, failure);
    tw_release(failure);
    question_free(question);
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

static struct twi_dns_channel *half_channel(const struct half *half)
{
    return half->stream != NULL ? half->stream : resolver->channel;
}

/* Without memory for the delay the waiters get the first half now. */
static void question_start_delay(struct question *question, const struct half *missing)
{
    question->delay_call = tw_call_later(RESOLUTION_DELAY, question_answer_half, question);
    if (question->delay_call < 0)
        half_channel(missing)->no_memory = true;
}

/* Take only addresses of the family that was asked for: an answer may hold anything. */
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

static void half_end(struct half *half, int status, struct ares_addrinfo *result)
{
    struct question *question = half->question;
    size_t before = question->count;

    half->pending = false;
    half->status = status;
    if (status == ARES_SUCCESS)
        take_addresses(question, families[half - question->halves], result);
    if (result != NULL)
        ares_freeaddrinfo(result);
    half_trim(question, before);
    if (!question_pending(question))
        twi_list_append(&resolver->finished, &question->node);
    else if (question->count > 0 && !question->answered && question->delay_call <= 0)
        question_start_delay(question, &question->halves[half == question->halves]);
}

/* There was no socket for it, or nothing else to ask with; a negative errno. */
static void half_refuse(struct half *half, int error)
{
    half->question->error = error;
    half_end(half, error == -ENOMEM ? ARES_ENOMEM : TWI_DNS_NO_SOCKET, NULL);
}

/* c-ares has an answer, or gives up. */
static void half_done(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct half *half = arg;
    const struct twi_dns_channel *channel = half_channel(half);

    (void)timeouts;
    if (status == ARES_SUCCESS || status == ARES_EDESTRUCTION) {
        half_end(half, status, result);
    } else if (status == ARES_EFORMERR && channel->truncated) {
        half->cut = true;
        if (!twi_list_linked(&half->question->node))
            twi_list_append(&resolver->cut, &half->question->node);
    } else if (status == ARES_ECANCELLED && channel->no_memory) {
        half_refuse(half, -ENOMEM);
    } else if (channel->exhausted != 0) {
        half_refuse(half, -channel->exhausted);
    } else {
        half_end(half, status, result);
    }
}

static void half_ask(struct half *half, struct twi_dns_channel *channel)
{
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = families[half - half->question->halves],
        .ai_socktype = SOCK_STREAM,
    };

    half->pending = true;
    channel->exhausted = 0;
    ares_getaddrinfo(channel->ares, half->question->name, NULL, &hints, half_done, half);
}

static int channel_make(struct resolver *self, bool stream,
                        struct twi_dns_channel **ret_channel);

/* Ask again by TCP, on a channel of its own, whose errors reach no other question. */
static void half_ask_stream(struct resolver *self, struct half *half)
{
    int r = self->ended ? 0 : channel_make(self, true, &half->stream);

    half->cut = false;
    if (self->ended) {
        half_end(half, ARES_EDESTRUCTION, NULL);
    } else if (r < 0) {
        half_refuse(half, r);
    } else {
        half_ask(half, half->stream);
        twi_dns_channel_rearm(half->stream);
    }
}

static void question_ask_streams(struct resolver *self, struct question *question)
{
    for (int i = 0; i < FAMILIES; i++) {
        if (question->halves[i].cut)
            half_ask_stream(self, &question->halves[i]);
    }
}

static void question_ask(struct resolver *self, struct question *question)
{
    question->ttl = TTL_MAX;
    if (system_goes_first(self, question->name) && question_ask_system(self, question))
        return;
    if (self->channel == NULL) {
        question->halves[IPV4].status = question->halves[IPV6].status = ARES_ENOTINITIALIZED;
        twi_list_append(&self->finished, &question->node);
        return;
    }
    question->halves[IPV4].pending = question->halves[IPV6].pending = true;
    for (int i = 0; i < FAMILIES; i++)
        half_ask(&question->halves[i], self->channel);
}

static struct question *question_new(struct resolver *self, const char *name)
{
    size_t length = strlen(name);
    struct question *question = twi_calloc(1, sizeof *question + length + 1);

    if (question == NULL)
        return NULL;
    twi_list_init(&question->node);
    twi_list_init(&question->waiters);
    question->failure = tw_none();
    question->halves[IPV4].question = question->halves[IPV6].question = question;
    memcpy(question->name, name, length + 1);
    if (twi_map_set(&self->questions, name, length, question, NULL) < 0) {
        twi_free(question);
        return NULL;
    }
    return question;
}

/* --- c-ares and the reactor ---------------------------------------------------------------- */

/* After every visit to c-ares: give out what came, ask on, and set its clock. */
static void resolver_settle(struct resolver *self)
{
    struct twi_list *node;

    if (self->settling)
        return;
    self->settling = true;
    do {
        while ((node = twi_list_take_first(&self->finished)) != NULL)
            question_end(self, TWI_CONTAINER(node, struct question, node));
        while ((node = twi_list_take_first(&self->cut)) != NULL)
            question_ask_streams(self, TWI_CONTAINER(node, struct question, node));
        if (self->channel != NULL)
            twi_dns_channel_rearm(self->channel);
    } while (!twi_list_empty(&self->finished) || !twi_list_empty(&self->cut));
    self->settling = false;
}

static void channel_was_visited(void *arg)
{
    resolver_settle(arg);
}

/* A server's RCODE for a name. */
static void heard(void *arg, const char *name, unsigned code)
{
    struct resolver *self = arg;
    struct question *question = twi_map_get(&self->questions, name, strlen(name));

    if (question != NULL)
        question->code = code;
}

/* -ENOTSUP: there is nobody for c-ares to ask; -ENOMEM, -EMFILE and the like. */
static int channel_make(struct resolver *self, bool stream,
                        struct twi_dns_channel **ret_channel)
{
    struct twi_dns_hooks hooks = { heard, channel_was_visited, self };
    struct twi_dns_options options = { self->servers, timeout_ms, stream, NULL };

    if (options.servers == NULL)
        options.servers = twi_name_service_servers();
    if (options.servers != NULL && options.servers[0] == '\0')
        return -ENOTSUP;
    return twi_dns_channel_new(&options, &hooks, ret_channel);
}

static int channel_open(struct resolver *self)
{
    return self->channel != NULL ? 0 : channel_make(self, false, &self->channel);
}

/* Their open questions are called back. */
static void streams_close(struct resolver *self)
{
    const struct twi_map_entry *entry;
    size_t cursor = 0;

    while ((entry = twi_map_next(&self->questions, &cursor)) != NULL)
        question_close_streams(entry->value);
}

/* --- the thread's resolver ----------------------------------------------------------------- */

static void resolver_end(struct twi_loop_end *end)
{
    struct resolver *self = TWI_CONTAINER(end, struct resolver, end);

    self->ended = true;
    twi_dns_channel_free(self->channel);
    self->channel = NULL;
    streams_close(self);
    resolver_settle(self);
    twi_answers_free(&self->answers);
    twi_map_free(&self->questions);
    twi_overrides_free(&self->overrides);
    twi_hosts_free(&self->hosts);
    twi_free(self->servers);
    resolver = NULL;
    twi_free(self);
}

static void resolver_left(struct twi_loop_end *end)
{
    (void)end;
    resolver = NULL;
}

static struct resolver *resolver_here(void)
{
    struct resolver *self = resolver != NULL ? resolver : twi_calloc(1, sizeof *self);

    if (self == NULL || self == resolver)
        return self;
    twi_list_init(&self->finished);
    twi_list_init(&self->cut);
    twi_list_init(&self->at_system);
    twi_answers_init(&self->answers);
    self->end = (struct twi_loop_end){ .fn = resolver_end, .left = resolver_left };
    if (twi_loop_on_end(&self->end) == 0)
        return resolver = self;
    twi_free(self);
    return NULL;
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
        lookup_deliver(lookup, override->list, override->count, tw_none());
        return true;
    }
    count = twi_hosts_find(&self->hosts, hosts_path, twi_loop_now(), name, list);
    if (count == 0)
        count = twi_hosts_localhost(name, list);
    if (count == 0 && self->hosts.error < 0) {
        lookup_refuse(lookup, twi_name_failure_system(name, self->hosts.error));
        return true;
    }
    if (count > 0) {
        twi_addresses_sort(list, count, twi_address_source);
        twi_addresses_interleave(list, count);
        lookup_deliver(lookup, list, count, tw_none());
        return true;
    }
    answer = twi_answers_find(&self->answers, name, twi_loop_now());
    if (answer == NULL)
        return false;
    failure = tw_retain(answer->failure);
    lookup_deliver(lookup, answer->list, answer->count, failure);
    tw_release(failure);
    return true;
}

static void resolver_ask(struct resolver *self, struct twi_lookup *lookup, const char *name)
{
    struct question *question = twi_map_get(&self->questions, name, strlen(name));
    int r;

    if (question != NULL && question->answered) {
        lookup_deliver(lookup, question->list, question->count, tw_none());
        return;
    }
    if (question != NULL) {
        twi_list_append(&question->waiters, &lookup->node_);
        return;
    }
    r = self->ended ? -ENOMEM : channel_open(self);
    if (r == 0 || r == -ENOTSUP) {
        question = question_new(self, name);
        r = question != NULL ? 0 : -ENOMEM;
    }
    if (r < 0) {
        lookup_refuse(lookup, twi_name_failure_system(name, r));
        return;
    }
    twi_list_append(&question->waiters, &lookup->node_);
    question_ask(self, question);
    resolver_settle(self);
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
        lookup_deliver(lookup, &address, 1, tw_none());
        return;
    }
    r = twi_name_to_ascii(name, ascii);
    if (r < 0) {
        lookup_refuse(lookup, r == -ENOMEM ? tw_fail_memory()
                                           : tw_fail(&tw_error_url,
                                                     "%.255s: not the name of a host", name));
        return;
    }
    self = resolver_here();
    if (self == NULL)
        lookup_deliver(lookup, NULL, 0, tw_fail_memory());
    else if (!answer_locally(self, lookup, ascii))
        resolver_ask(self, lookup, ascii);
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

/* Drop questions at the name service that nobody waits for. */
static void drop_unwanted(struct resolver *self)
{
    TWI_LIST_EACH (node, &self->at_system) {
        struct question *question = TWI_CONTAINER(node, struct question, node);

        if (!twi_list_empty(&question->waiters))
            continue;
        twi_list_remove(node);
        twi_name_call_cancel(question->call);
        question_forget(self, question);
        question_free(question);
    }
}

/* c-ares 1.18 takes back all questions or none: one that nobody waits for ends by its timeouts. */
void twi_lookup_cancel(struct twi_lookup *lookup)
{
    struct resolver *self = resolver;

    if (!twi_list_linked(&lookup->node_))
        return;
    twi_list_remove(&lookup->node_);
    if (self == NULL)
        return;
    drop_unwanted(self);
    if (self->settling || self->channel == NULL || anybody_waits(self))
        return;
    ares_cancel(self->channel->ares);
    streams_close(self);
    resolver_settle(self);
}

void twi_resolver_set_hosts(const char *path)
{
    hosts_path = path;
    if (resolver != NULL)
        twi_hosts_free(&resolver->hosts);
}

void twi_resolver_set_timeout(int ms)
{
    timeout_ms = ms;
}

/* --- settings ----------------------------------------------------------------------------- */

int tw_resolver_override(const char *name, unsigned port, const char *literal)
{
    struct resolver *self = resolver_here();

    return self == NULL ? -ENOMEM : twi_overrides_set(&self->overrides, name, port, literal);
}

/* Reset the question as if it had never been asked. */
static void question_reset(struct question *question)
{
    question_stop_delay(question);
    if (question->call != NULL)
        twi_name_call_cancel(question->call);
    tw_release(question->failure);
    question->call = NULL;
    question->failure = tw_none();
    question->asked_system = false;
    question->count = 0;
    question->code = 0;
}

/* Open questions are asked again. */
static void ask_again(struct resolver *self)
{
    struct twi_list questions, *node;

    twi_list_init(&questions);
    twi_list_splice(&questions, &self->finished);
    twi_list_splice(&questions, &self->at_system);
    while ((node = twi_list_take_first(&questions)) != NULL) {
        struct question *question = TWI_CONTAINER(node, struct question, node);

        if (twi_list_empty(&question->waiters)) {
            twi_list_append(&self->finished, &question->node);
            continue;
        }
        question_reset(question);
        question_ask(self, question);
    }
}

int tw_resolver_set_servers(const char *servers)
{
    struct resolver *self = resolver_here();
    struct twi_dns_channel *old_channel;
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
    if (r == -ENOTSUP)
        r = servers != NULL ? -EINVAL : 0;
    if (r < 0) {
        self->channel = old_channel;
        self->servers = old_servers;
        twi_free(copy);
        return r;
    }
    twi_free(old_servers);
    twi_dns_channel_free(old_channel);
    streams_close(self);
    ask_again(self);
    tw_resolver_flush();
    resolver_settle(self);
    return 0;
}

void tw_resolver_flush(void)
{
    if (resolver != NULL)
        twi_answers_free(&resolver->answers);
}
