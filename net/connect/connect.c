/* SPDX-License-Identifier: MIT */
/*
 * connect.c - tw_connect(): from a name to a connected protocol.
 *
 *     LOOKUP --> ATTEMPTS --> TLS --> done      one timeout over all of it; a literal address
 *                                               skips the lookup, plain connections skip TLS
 *
 * Addresses are tried as RFC 8305, 5 says: the next one after a delay or at once when one fails,
 * and the first that connects wins.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tweed/reactor.h>
#include <tweed/tcp.h>

#include "base/alloc.h"
#include "net/connect/attempt.h"
#include "net/dns/resolver.h"
#include "net/tls/tls.h"
#include "net/tls/tls_engine.h"
#include "net/transport/memory.h"

#define DEFAULT_TIMEOUT 30.0
#define DEFAULT_DELAY 0.25

struct candidate {
    struct connecting *owner;
    struct twi_attempt *attempt; /* under way */
    union tw_socket_address address;
};

struct connecting {
    tw_deferred *done;
    tw_protocol *target;   /* the protocol to be connected */
    tw_protocol *protocol; /* the same, until it is handed on */
    struct tw_connect_options options;
    struct twi_lookup lookup;
    struct candidate *candidates;
    size_t count, next, pending;
    int64_t timeout_call, delay_call; /* 0: none */
    tw_value failure;                 /* of the last attempt; its causes: those of the others */
    tw_protocol *inner;               /* during the handshake */
    bool adopting, cancelled;
    unsigned port;
    char *name; /* to verify */
    char host[];
};

/* --- the end ------------------------------------------------------------------------------- */

static void connecting_stop_call(int64_t *call)
{
    if (*call > 0)
        tw_call_cancel(*call);
    *call = 0;
}

static void connecting_stop_attempts(struct connecting *self)
{
    connecting_stop_call(&self->delay_call);
    for (size_t i = 0; i < self->next; i++) {
        twi_attempt_cancel(self->candidates[i].attempt);
        self->candidates[i].attempt = NULL;
    }
    self->pending = 0;
}

static void connecting_free(struct connecting *self)
{
    connecting_stop_call(&self->timeout_call);
    twi_lookup_cancel(&self->lookup);
    connecting_stop_attempts(self);
    if (self->inner != NULL)
        twi_tls_client_cancel(self->inner);
    tw_protocol_free(self->protocol);
    tw_release(self->failure);
    tw_tls_context_unref(self->options.tls);
    twi_free((char *)self->options.local_address);
    twi_free(self->name);
    twi_free(self->candidates);
    twi_free(self);
}

/* Takes `result`. A cancel has fired already. */
static void connecting_finish(struct connecting *self, tw_value result)
{
    tw_deferred *done = self->done;
    bool fired = self->cancelled;

    connecting_free(self);
    if (!fired) {
        tw_fire(&done, result);
        return;
    }
    tw_release(result);
    tw_deferred_unref(done);
}

/* The same failure with an earlier one as its cause; both are taken. */
static tw_value failure_with_cause(tw_value failure, tw_value cause)
{
    tw_value joined;

    if (tw_is_none(cause) || tw_failure_is(failure, &tw_error_memory)) {
        tw_release(cause);
        return failure;
    }
    joined = tw_fail_with(&(struct tw_failure_fields){
        .error_class = tw_failure_class(failure),
        .message = tw_failure_message(failure),
        .where = tw_failure_where(failure),
        .number = tw_failure_number(failure),
        .cause = cause,
    });
    tw_release(failure);
    return joined;
}

static void connecting_give_up(struct connecting *self)
{
    tw_value failure = self->failure;

    self->failure = tw_none();
    connecting_finish(self, failure);
}

static void connecting_timed_out(void *arg)
{
    struct connecting *self = arg;

    self->timeout_call = 0;
    self->failure = failure_with_cause(tw_fail(&tw_error_connect_timeout,
                                               "%.255s port %u: not connected within %g s",
                                               self->host, self->port, self->options.timeout),
                                       self->failure);
    connecting_give_up(self);
}

/* --- the connection ------------------------------------------------------------------------ */

/* The protocol has its connection, unless it has cancelled us meanwhile. */
static void connecting_adopted(struct connecting *self, int error, tw_transport *transport)
{
    if (error < 0) {
        self->failure = failure_with_cause(twi_attempt_failure(error, self->host),
                                           self->failure);
        connecting_give_up(self);
        return;
    }
    if (self->cancelled)
        tw_transport_abort(transport);
    connecting_finish(self, tw_pointer(self->target));
}

static void connecting_secured(tw_value failure, void *arg)
{
    struct connecting *self = arg;

    self->inner = NULL;
    connecting_finish(self,
                      tw_is_failure(failure) ? tw_retain(failure) : tw_pointer(self->target));
}

/* The key for sessions that may be resumed: the same name, asked for in the same way. */
static void connecting_session_key(const struct connecting *self, char *key, size_t size)
{
    snprintf(key, size, "%s at %s:%u", self->name, self->host, self->port);
}

/* The protocol for the connection: the user's own, or TLS with that above. NULL when it cannot
 * be made; then the connecting has failed. */
static tw_protocol *connecting_protocol(struct connecting *self)
{
    char key[2 * TWI_NAME_SIZE + 16];
    struct twi_tls_client client = {
        .context = self->options.tls,
        .server_name = self->name,
        .session_key = key,
        .done = connecting_secured,
        .arg = self,
    };
    int r;

    self->protocol = NULL;
    if (self->options.tls == NULL)
        return self->target;
    connecting_session_key(self, key, sizeof key);
    r = twi_tls_client_protocol(&client, self->target, &self->inner);
    if (r == 0)
        return self->inner;
    connecting_finish(
        self, r == -EINVAL ? tw_fail(&tw_error_tls, "%.255s: no name to verify", self->name)
                           : tw_fail_memory());
    return NULL;
}

static bool connecting_step(const struct connecting *self, enum tw_connect_step step,
                            const struct sockaddr *address)
{
    const struct tw_connect_options *options = &self->options;

    return options->on_step == NULL || options->on_step(step, address, options->step_arg);
}

/* Make the transport by `socket` or, without one, in memory. */
static void connecting_make(struct connecting *self, struct twi_socket *socket,
                            const struct sockaddr *peer)
{
    tw_transport *transport = NULL;
    tw_protocol *protocol;
    bool plain;
    int r;

    connecting_step(self, TW_CONNECT_REACHED, peer);
    protocol = connecting_protocol(self);
    if (protocol == NULL) {
        if (socket != NULL)
            twi_socket_close(socket);
        return;
    }
    plain = self->adopting = protocol == self->target;
    if (socket != NULL)
        r = twi_socket_adopt(socket, peer, protocol, NULL, &transport);
    else
        r = twi_memory_connect(self->host, self->port, protocol, &transport);
    if (!plain && r == 0)
        return; /* connecting_secured() has been or will be called */
    self->inner = NULL;
    connecting_adopted(self, r, transport);
}

/* --- attempts ------------------------------------------------------------------------------ */

static void connecting_try_next(void *arg);

static void candidate_failed(struct connecting *self, const struct candidate *candidate,
                             int error)
{
    char text[TW_ADDRESS_TEXT_SIZE];

    tw_address_format(&candidate->address, text, sizeof text);
    self->failure = failure_with_cause(twi_attempt_failure(error, text), self->failure);
}

static void candidate_done(int error, struct twi_socket *socket, void *arg)
{
    struct candidate *candidate = arg;
    struct connecting *self = candidate->owner;
    union tw_socket_address peer = candidate->address;

    candidate->attempt = NULL;
    self->pending--;
    if (error < 0) {
        candidate_failed(self, candidate, error);
        connecting_try_next(self);
        return;
    }
    connecting_stop_attempts(self);
    connecting_make(self, socket, &peer.any);
}

/* Start the next attempt; give up when there is none left and none under way. */
static void connecting_try_next(void *arg)
{
    struct connecting *self = arg;

    connecting_stop_call(&self->delay_call);
    while (self->next < self->count) {
        struct candidate *candidate = &self->candidates[self->next++];
        int r = -EACCES;

        if (connecting_step(self, TW_CONNECT_TRYING, &candidate->address.any))
            r = twi_attempt_start(&candidate->address.any,
                                  twi_address_length(&candidate->address), &self->options,
                                  candidate_done, candidate, &candidate->attempt);
        if (r < 0) {
            candidate_failed(self, candidate, r);
            continue;
        }
        self->pending++;
        if (self->next < self->count)
            self->delay_call = tw_call_later(self->options.attempt_delay, connecting_try_next,
                                             self);
        return;
    }
    if (self->pending == 0)
        connecting_give_up(self);
}

static void connecting_start_attempts(struct connecting *self,
                                      const union tw_socket_address *list, size_t count)
{
    self->candidates = twi_calloc(count, sizeof *self->candidates);
    if (self->candidates == NULL) {
        connecting_finish(self, tw_fail_memory());
        return;
    }
    self->count = count;
    for (size_t i = 0; i < count; i++) {
        self->candidates[i].owner = self;
        self->candidates[i].address = list[i];
    }
    connecting_try_next(self);
}

static void connecting_resolved(struct twi_lookup *lookup, const union tw_socket_address *list,
                                size_t count, tw_value failure)
{
    struct connecting *self = TWI_CONTAINER(lookup, struct connecting, lookup);

    if (count == 0)
        connecting_finish(self, tw_retain(failure));
    else
        connecting_start_attempts(self, list, count);
}

/* --- UNIX sockets and memory --------------------------------------------------------------- */

static void candidate_unix_done(int error, struct twi_socket *socket, void *arg)
{
    struct candidate *candidate = arg;
    struct connecting *self = candidate->owner;
    struct sockaddr peer = { .sa_family = AF_UNIX };

    candidate->attempt = NULL;
    if (error < 0) {
        self->failure = twi_attempt_failure(error, self->host);
        connecting_give_up(self);
        return;
    }
    connecting_make(self, socket, &peer);
}

static void connecting_start_unix(struct connecting *self, const char *path)
{
    struct sockaddr_un address;
    socklen_t length;
    int r;

    if (twi_unix_address(path, &address, &length) < 0) {
        connecting_finish(self,
                          tw_fail(&tw_error_url, "not the path of a socket: %.255s", path));
        return;
    }
    self->candidates = twi_calloc(1, sizeof *self->candidates);
    if (self->candidates == NULL) {
        connecting_finish(self, tw_fail_memory());
        return;
    }
    self->count = self->next = 1;
    self->candidates->owner = self;
    r = twi_attempt_start((struct sockaddr *)&address, length, &self->options,
                          candidate_unix_done, self->candidates, &self->candidates->attempt);
    if (r < 0)
        connecting_finish(self, twi_attempt_failure(r, self->host));
}

/* In a turn of its own, as over a network. */
static void connecting_meet(void *arg)
{
    struct connecting *self = arg;
    int r = twi_memory_find(self->host, self->port);

    self->delay_call = 0;
    if (r < 0)
        connecting_finish(self, twi_attempt_failure(r, self->host));
    else
        connecting_make(self, NULL, NULL);
}

/* --- starting ------------------------------------------------------------------------------ */

static int connecting_cancel(tw_deferred *deferred, void *arg)
{
    struct connecting *self = arg;

    (void)deferred;
    if (self->adopting)
        self->cancelled = true;
    else
        connecting_finish(self, tw_fail(&tw_error_cancelled,
                                        "connecting to %.255s port %u was cancelled",
                                        self->host, self->port));
    return 0;
}

static int connecting_copy_options(struct connecting *self,
                                   const struct tw_connect_options *options)
{
    const char *name = options->server_name != NULL ? options->server_name : self->host;

    self->options = *options;
    self->options.local_address = NULL;
    self->options.server_name = NULL;
    self->options.tls = tw_tls_context_ref(options->tls);
    if (self->options.timeout == 0)
        self->options.timeout = DEFAULT_TIMEOUT;
    if (self->options.attempt_delay == 0)
        self->options.attempt_delay = DEFAULT_DELAY;
    if (options->tls != NULL && (self->name = twi_strdup(name)) == NULL)
        return -ENOMEM;
    if (options->local_address == NULL)
        return 0;
    self->options.local_address = twi_strdup(options->local_address);
    return self->options.local_address == NULL ? -ENOMEM : 0;
}

/* NULL when there is no memory. */
static struct connecting *connecting_new(const char *host, unsigned port,
                                         const struct tw_connect_options *options)
{
    static const struct tw_connect_options defaults;
    size_t length = strlen(host);
    struct connecting *self = twi_calloc(1, sizeof *self + length + 1);

    if (self == NULL)
        return NULL;
    memcpy(self->host, host, length);
    self->port = port;
    twi_list_init(&self->lookup.node_);
    self->lookup.done = connecting_resolved;
    if (connecting_copy_options(self, options != NULL ? options : &defaults) == 0)
        return self;
    connecting_free(self);
    return NULL;
}

static const char *connecting_mistake(const char *host, unsigned port,
                                      const struct tw_connect_options *options)
{
    if (host == NULL || host[0] == '\0')
        return "no host to connect to";
    if (strncmp(host, "unix:", 5) != 0 && (port == 0 || port > 65535))
        return "no port to connect to";
    if (options == NULL)
        return NULL;
    if (!(options->timeout >= 0 && options->attempt_delay >= 0))
        return "a negative timeout";
    if (options->tls != NULL && twi_tls_context_is_server(options->tls))
        return "a server's TLS context";
    return NULL;
}

static void connecting_start(struct connecting *self)
{
    union tw_socket_address address;
    int64_t call = tw_call_later(self->options.timeout, connecting_timed_out, self);

    if (call < 0) {
        connecting_finish(self, call == -ENOMEM
                                    ? tw_fail_memory()
                                    : tw_fail(&tw_error_misuse, "not a time to wait"));
        return;
    }
    self->timeout_call = call;
    if (twi_memory_on()) {
        self->delay_call = tw_call_later(0, connecting_meet, self);
        if (self->delay_call < 0)
            connecting_finish(self, tw_fail_memory());
    } else if (strncmp(self->host, "unix:", 5) == 0) {
        connecting_start_unix(self, self->host + 5);
    } else if (tw_address_parse(self->host, self->port, &address) == 0) {
        connecting_start_attempts(self, &address, 1);
    } else {
        twi_lookup_start(&self->lookup, self->host, self->port);
    }
}

tw_deferred *tw_connect_at(const char *where, const char *host, unsigned port,
                           const struct tw_connect_options *options, tw_protocol *protocol)
{
    const char *wrong = connecting_mistake(host, port, options);
    struct connecting *self;
    tw_deferred *deferred;

    if (protocol == NULL)
        return NULL;
    if (wrong != NULL) {
        tw_protocol_free(protocol);
        return tw_fired_at(where, tw_fail_at(where, &tw_error_url, "%s", wrong));
    }
    self = connecting_new(host, port, options);
    if (self == NULL) {
        tw_protocol_free(protocol);
        return NULL;
    }
    self->target = self->protocol = protocol;
    deferred = tw_promise_at(where, &self->done, connecting_cancel, self, NULL);
    if (deferred == NULL)
        connecting_free(self);
    else
        connecting_start(self);
    return deferred;
}
