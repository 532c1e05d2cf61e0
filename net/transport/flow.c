/* SPDX-License-Identifier: MIT */
/*
 * flow.c - producers, watermarks and the idle timeout of a transport.
 *
 * They stand in a block of their own, made at the first use: most connections never need one.
 */
#include "net/transport/flow.h"

#include <errno.h>

#include <tweed/reactor.h>

#include "base/slab.h"

enum { DEFAULT_HIGH = 65536 };

struct twi_transport_extra {
    tw_transport *transport;
    const struct tw_producer *producer;
    void *producer_arg;
    size_t high, low;
    int64_t timeout_ns, deadline; /* a timeout of 0 is off */
    int64_t timer;                /* the call that looks at the deadline; 0: none */
    void (*timed_out)(tw_protocol *protocol);
    struct twi_flow_watcher watcher;
    bool push, producer_paused;
};

static struct twi_slab extras = TWI_SLAB(struct twi_transport_extra);

static struct twi_transport_extra *flow_extra(tw_transport *transport)
{
    struct twi_transport_extra *extra = transport->extra_;

    TWI_CHECK_TRANSPORT(transport);
    if (extra != NULL)
        return extra;
    extra = twi_slab_alloc(&extras);
    if (extra == NULL)
        return NULL;
    *extra = (struct twi_transport_extra){ .transport = transport, .high = DEFAULT_HIGH };
    return transport->extra_ = extra;
}

/* --- producers ---------------------------------------------------------------------- */

void twi_flow_queued(tw_transport *transport)
{
    struct twi_transport_extra *extra = transport->extra_;

    if (extra == NULL || extra->producer == NULL || !extra->push || extra->producer_paused ||
        tw_transport_unsent(transport) <= extra->high)
        return;
    extra->producer_paused = true;
    extra->producer->pause(extra->producer_arg);
}

void twi_flow_sent(tw_transport *transport)
{
    struct twi_transport_extra *extra = transport->extra_;
    size_t unsent;

    if (extra == NULL || extra->producer == NULL || transport->state > TWI_LOSING)
        return;
    unsent = tw_transport_unsent(transport);
    if (extra->push ? !extra->producer_paused || unsent > extra->low : unsent > 0)
        return;
    extra->producer_paused = false;
    extra->producer->resume(extra->producer_arg);
}

size_t twi_flow_high(const tw_transport *transport)
{
    return transport->extra_ != NULL ? transport->extra_->high : DEFAULT_HIGH;
}

bool twi_flow_has_producer(const tw_transport *transport)
{
    return transport->extra_ != NULL && transport->extra_->producer != NULL;
}

bool tw_transport_has_producer(const tw_transport *transport)
{
    return transport->had_producer || twi_flow_has_producer(transport);
}

int tw_transport_register_producer(tw_transport *transport, const struct tw_producer *producer,
                                   bool push, void *arg)
{
    struct twi_transport_extra *extra;

    if (producer->resume == NULL || producer->stop == NULL ||
        (push && producer->pause == NULL))
        return -EINVAL;
    if (transport->state > TWI_LOSING) {
        producer->stop(arg);
        return 0;
    }
    extra = flow_extra(transport);
    if (extra == NULL)
        return -ENOMEM;
    if (extra->producer != NULL)
        return -EEXIST;
    extra->producer = producer;
    extra->producer_arg = arg;
    extra->push = push;
    extra->producer_paused = false;
    if (!push)
        twi_flow_sent(transport);
    else
        twi_flow_queued(transport);
    return 0;
}

void tw_transport_unregister_producer(tw_transport *transport)
{
    if (!twi_flow_has_producer(transport))
        return;
    transport->extra_->producer = NULL;
    transport->extra_->producer_paused = false;
    if (transport->state == TWI_LOSING || transport->write_closing)
        twi_transport_flush_later(transport);
}

int tw_transport_set_watermarks(tw_transport *transport, size_t high, size_t low)
{
    struct twi_transport_extra *extra;

    if (low > high)
        return -EINVAL;
    if (transport->state > TWI_LOSING)
        return 0;
    extra = flow_extra(transport);
    if (extra == NULL)
        return -ENOMEM;
    extra->high = high;
    extra->low = low;
    return 0;
}

/* --- the idle timeout --------------------------------------------------------------- */

/* A reset only writes a new deadline; the timer looks at it when it goes off. */
static void timer_fires(void *arg)
{
    struct twi_transport_extra *extra = arg;
    tw_transport *transport = extra->transport;
    int64_t left = extra->deadline - twi_loop_now();

    extra->timer = 0;
    if (extra->timeout_ns == 0 || transport->state > TWI_LOSING)
        return;
    if (left > 0) {
        extra->timer = tw_call_later((double)left / (double)TWI_SECOND, timer_fires, extra);
        if (extra->timer > 0)
            return;
        extra->timer = 0; /* no memory for another timer: better early than never */
    }
    extra->timeout_ns = 0;
    if (extra->timed_out != NULL && transport->protocol != NULL)
        extra->timed_out(transport->protocol);
    else
        tw_transport_lose(transport);
}

static void timer_stop(struct twi_transport_extra *extra)
{
    if (extra->timer > 0)
        tw_call_cancel(extra->timer);
    extra->timer = 0;
}

int tw_transport_set_timeout(tw_transport *transport, double seconds,
                             void (*timed_out)(tw_protocol *protocol))
{
    struct twi_transport_extra *extra;
    int64_t ns, timer;
    int r = twi_seconds_to_ns(seconds, &ns);

    if (r < 0)
        return r;
    if (transport->state == TWI_LOST || (ns == 0 && transport->extra_ == NULL))
        return 0;
    extra = flow_extra(transport);
    if (extra == NULL)
        return -ENOMEM;
    if (ns > 0) {
        timer = tw_call_later(seconds, timer_fires, extra);
        if (timer < 0)
            return (int)timer;
        timer_stop(extra);
        extra->timer = timer;
    } else {
        timer_stop(extra);
    }
    extra->timeout_ns = ns;
    extra->deadline = twi_loop_now() + ns;
    extra->timed_out = timed_out;
    return 0;
}

double tw_transport_timeout(const tw_transport *transport)
{
    return transport->extra_ == NULL
               ? 0
               : (double)transport->extra_->timeout_ns / (double)TWI_SECOND;
}

void tw_transport_reset_timeout(tw_transport *transport)
{
    struct twi_transport_extra *extra = transport->extra_;

    if (extra != NULL && extra->timeout_ns > 0)
        extra->deadline = twi_loop_now() + extra->timeout_ns;
}

/* --- its end ------------------------------------------------------------------------ */

int twi_flow_on_lost(tw_transport *transport, void (*lost)(tw_value reason, void *arg),
                     void *arg)
{
    struct twi_transport_extra *extra;

    if (transport->state == TWI_LOST)
        return -ENOTCONN;
    extra = flow_extra(transport);
    if (extra == NULL)
        return -ENOMEM;
    extra->watcher.lost = lost;
    extra->watcher.arg = arg;
    return 0;
}

struct twi_flow_watcher twi_flow_end(tw_transport *transport)
{
    struct twi_transport_extra *extra = transport->extra_;
    struct twi_flow_watcher watcher = { 0 };
    const struct tw_producer *producer;

    if (extra == NULL)
        return watcher;
    watcher = extra->watcher;
    transport->extra_ = NULL;
    timer_stop(extra);
    producer = extra->producer;
    if (producer != NULL) {
        transport->had_producer = true;
        producer->stop(extra->producer_arg);
    }
    twi_slab_free(&extras, extra);
    return watcher;
}

void twi_flow_move(tw_transport *from, tw_transport *to)
{
    to->extra_ = from->extra_;
    from->extra_ = NULL;
    if (to->extra_ != NULL)
        to->extra_->transport = to;
}
