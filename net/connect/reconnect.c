/* SPDX-License-Identifier: MIT */
/*
 * reconnect.c - see tweed/reconnect.h.
 *
 *     WAITING --timer--> CONNECTING --> CONNECTED
 *        ^                   |              |
 *        +-------failed------+-----lost-----+
 */
#include "config.h"

#include <tweed/reconnect.h>

#include <errno.h>
#include <math.h>

#include <tweed/reactor.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "reactor/face.h"
#include "net/transport/flow.h"
#include "net/transport/transport.h"

#define DEFAULT_INITIAL 1.0
#define DEFAULT_MAX 3600.0
#define DEFAULT_FACTOR 2.718281828459045
#define DEFAULT_SIGMA 0.119626565582
#define TWO_PI 6.283185307179586

struct tw_reconnector {
    struct twi_loop_end end;
    char *host, *local_address, *server_name;
    unsigned port;
    struct tw_reconnect_options options;
    tw_factory *factory; /* used */
    double delay;        /* before the jitter */
    unsigned retries;
    int64_t timer;           /* of the next attempt; 0: none */
    tw_deferred *connecting; /* NULL: no attempt is under way */
    tw_transport *transport; /* NULL: not connected */
    unsigned busy;           /* calls of ours that still need it */
    bool stopped;
};

static void reconnector_free(tw_reconnector *self)
{
    twi_factory_unuse(self->factory);
    if (self->options.connect.tls != NULL)
        tw_tls_context_unref(self->options.connect.tls);
    twi_free(self->host);
    twi_free(self->local_address);
    twi_free(self->server_name);
    twi_free(self);
}

static void reconnector_leave(tw_reconnector *self)
{
    if (--self->busy == 0 && self->stopped)
        reconnector_free(self);
}

/* --- how long to wait ------------------------------------------------------------------------ */

/* Above 0, at most 1. */
static double random_unit(void)
{
    uint32_t bits;

    twi_random(&bits, sizeof bits);
    return ((double)bits + 1) / 4294967296.0;
}

static double reconnector_blur(const struct tw_reconnect_options *options, double delay)
{
    double wait = delay;

    if (options->jitter == TW_JITTER_FULL)
        wait = delay * random_unit();
    else if (options->jitter == TW_JITTER_NORMAL) /* Box and Muller's way to a normal number */
        wait += delay * options->sigma * sqrt(-2 * log(random_unit())) *
                cos(TWO_PI * random_unit());
    return wait > 0 ? wait : 0;
}

/* --- attempts --------------------------------------------------------------------------------- */

static void reconnector_attempt(void *arg);

/* An attempt or the connection has ended with `failure` (lent). */
static void reconnector_retry(tw_reconnector *self, tw_value failure)
{
    const struct tw_reconnect_options *options = &self->options;
    double wait = -1;

    if (self->stopped)
        return;
    if (options->max_retries == 0 || self->retries < options->max_retries) {
        self->delay *= options->factor;
        if (self->delay > options->max_delay)
            self->delay = options->max_delay;
        wait = reconnector_blur(options, self->delay);
        self->timer = tw_call_later(wait, reconnector_attempt, self);
        if (self->timer < 0) {
            self->timer = 0;
            wait = -1;
        } else {
            self->retries++;
        }
    }
    if (options->failed != NULL)
        options->failed(self, failure, wait, options->arg);
}

static void reconnector_lost(tw_value reason, void *arg)
{
    tw_reconnector *self = arg;

    self->busy++;
    self->transport = NULL;
    reconnector_retry(self, reason);
    reconnector_leave(self);
}

static tw_value reconnector_connected(tw_value result, void *arg)
{
    tw_reconnector *self = arg;
    tw_transport *transport = ((tw_protocol *)tw_pointer_of(result))->transport;

    self->connecting = NULL;
    /* Without memory for the watch we would not hear of the connection's end: end it now. */
    if (transport != NULL && twi_flow_on_lost(transport, reconnector_lost, self) == 0)
        self->transport = transport;
    else if (transport != NULL) {
        tw_transport_abort(transport);
        reconnector_retry(self, tw_lend(tw_fail_memory()));
    }
    return tw_none();
}

static tw_value reconnector_failed(tw_value failure, void *arg)
{
    tw_reconnector *self = arg;

    self->connecting = NULL;
    reconnector_retry(self, failure);
    return tw_none();
}

static void reconnector_attempt(void *arg)
{
    tw_reconnector *self = arg;
    tw_protocol *protocol;
    tw_deferred *deferred;

    self->busy++;
    self->timer = 0;
    protocol = twi_factory_build(self->factory);
    if (protocol == NULL) {
        reconnector_retry(self, tw_lend(tw_fail_memory()));
    } else if (!self->stopped) {
        deferred = tw_connect(self->host, self->port, &self->options.connect, protocol);
        self->connecting = deferred;
        tw_add_callbacks(deferred, reconnector_connected, self, reconnector_failed, self);
        tw_deferred_unref(deferred);
    } else {
        tw_protocol_free(protocol);
    }
    reconnector_leave(self);
}

/* --- the public face -------------------------------------------------------------------------- */

static void reconnector_ends(struct twi_loop_end *end)
{
    tw_reconnector_stop(TWI_CONTAINER(end, tw_reconnector, end));
}

/* Its attempt and its connection are the parent's. */
static void reconnector_left(struct twi_loop_end *end)
{
    tw_reconnector *self = TWI_CONTAINER(end, tw_reconnector, end);

    self->timer = 0;
    self->connecting = NULL;
    self->transport = NULL;
}

static double or_default(double number, double otherwise)
{
    return number == 0 ? otherwise : number;
}

static bool is_bad(double number)
{
    return !(number >= 0) || isinf(number);
}

/* 0, -EINVAL, -ENOMEM. */
static int reconnector_copy_options(tw_reconnector *self,
                                    const struct tw_reconnect_options *options)
{
    struct tw_connect_options *connect = &self->options.connect;

    self->options = *options;
    connect->tls = connect->tls == NULL ? NULL : tw_tls_context_ref(connect->tls);
    if (is_bad(options->initial_delay) || is_bad(options->max_delay) ||
        is_bad(options->factor) || is_bad(options->sigma))
        return -EINVAL;
    self->options.initial_delay = or_default(options->initial_delay, DEFAULT_INITIAL);
    self->options.max_delay = or_default(options->max_delay, DEFAULT_MAX);
    self->options.factor = or_default(options->factor, DEFAULT_FACTOR);
    self->options.sigma = or_default(options->sigma, DEFAULT_SIGMA);
    if (connect->local_address != NULL) {
        connect->local_address = self->local_address = twi_strdup(connect->local_address);
        if (self->local_address == NULL)
            return -ENOMEM;
    }
    if (connect->server_name != NULL) {
        connect->server_name = self->server_name = twi_strdup(connect->server_name);
        if (self->server_name == NULL)
            return -ENOMEM;
    }
    return 0;
}

tw_reconnector *tw_reconnect(const char *host, unsigned port,
                             const struct tw_reconnect_options *options, tw_factory *factory)
{
    static const struct tw_reconnect_options defaults;
    tw_reconnector *self = factory == NULL ? NULL : twi_calloc(1, sizeof *self);
    int r;

    if (self == NULL)
        return NULL;
    self->host = twi_strdup(host);
    self->port = port;
    r = self->host == NULL
            ? -ENOMEM
            : reconnector_copy_options(self, options != NULL ? options : &defaults);
    if (r == -EINVAL)
        errno = EINVAL;
    if (r < 0)
        goto fail;
    self->delay = self->options.initial_delay;
    self->end.fn = reconnector_ends;
    self->end.left = reconnector_left;
    if (twi_loop_on_end(&self->end) < 0)
        goto fail;
    self->timer = tw_call_later(0, reconnector_attempt, self);
    if (self->timer < 0) {
        twi_loop_off(&self->end);
        goto fail;
    }
    self->factory = twi_factory_use(factory);
    return self;

fail:
    reconnector_free(self);
    return NULL;
}

void tw_reconnector_reset(tw_reconnector *reconnector)
{
    reconnector->delay = reconnector->options.initial_delay;
    reconnector->retries = 0;
}

void tw_reconnector_hurry(tw_reconnector *reconnector)
{
    if (reconnector->timer > 0)
        tw_call_reset(reconnector->timer, 0);
}

unsigned tw_reconnector_retries(const tw_reconnector *reconnector)
{
    return reconnector->retries;
}

tw_transport *tw_reconnector_transport(const tw_reconnector *reconnector)
{
    return reconnector->transport;
}

void tw_reconnector_stop(tw_reconnector *reconnector)
{
    if (reconnector == NULL || reconnector->stopped)
        return;
    reconnector->stopped = true;
    reconnector->busy++;
    twi_loop_off(&reconnector->end);
    if (reconnector->timer > 0)
        tw_call_cancel(reconnector->timer);
    if (reconnector->transport != NULL)
        twi_flow_on_lost(reconnector->transport, NULL, NULL);
    if (reconnector->connecting != NULL)
        tw_cancel(reconnector->connecting);
    reconnector_leave(reconnector);
}
