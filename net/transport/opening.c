/* SPDX-License-Identifier: MIT */
/*
 * opening.c - connections whose handshake is under way.
 */
#include "config.h"

#include "net/transport/opening.h"

#include <string.h>
#include <tweed/reactor.h>

#include "base/slab.h"
#include "net/transport/transport.h"

static struct twi_slab openings = TWI_SLAB(struct twi_opening);

struct twi_opening *twi_opening_new(void)
{
    struct twi_opening *opening = twi_slab_alloc(&openings);

    if (opening != NULL)
        memset(opening, 0, sizeof *opening);
    return opening;
}

void twi_opening_free(struct twi_opening *opening)
{
    if (opening == NULL)
        return;
    twi_opening_stop_timer(opening);
    twi_factory_unuse(opening->factory);
    twi_slab_free(&openings, opening);
}

int twi_opening_limit(struct twi_opening *opening, double seconds, void (*fn)(void *arg),
                      void *arg)
{
    int64_t timer = tw_call_later(seconds, fn, arg);

    if (timer < 0)
        return (int)timer;
    opening->timer = timer;
    return 0;
}

void twi_opening_stop_timer(struct twi_opening *opening)
{
    if (opening == NULL)
        return;
    if (opening->timer > 0)
        tw_call_cancel(opening->timer);
    opening->timer = 0;
}

struct twi_opening_waiter twi_opening_take_waiter(struct twi_opening *opening)
{
    struct twi_opening_waiter waiter = { NULL, NULL };

    if (opening != NULL) {
        waiter.done = opening->done;
        waiter.arg = opening->arg;
        opening->done = NULL;
    }
    return waiter;
}

void twi_opening_waiter_tell(struct twi_opening_waiter waiter, tw_value failure)
{
    if (waiter.done != NULL)
        waiter.done(tw_lend(failure), waiter.arg);
    tw_release(failure);
}

void twi_opening_tell(struct twi_opening *opening, tw_value failure)
{
    twi_opening_waiter_tell(twi_opening_take_waiter(opening), failure);
}
