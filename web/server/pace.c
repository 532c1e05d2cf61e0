/* SPDX-License-Identifier: MIT */
/*
 * pace.c - see pace.h.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "web/server/request.h"

/* A wait; freed when its Deferred has fired. */
struct drain {
    struct twi_list node;
    tw_deferred *done;
};

/* --- waiting ----------------------------------------------------------------------------- */

static int drain_cancel(tw_deferred *deferred, void *ctx)
{
    struct drain *drain = ctx;

    (void)deferred;
    tw_fire(&drain->done, tw_fail(&tw_error_cancelled, "no longer waiting for the client"));
    return 0;
}

static void drain_release(void *ctx)
{
    struct drain *drain = ctx;

    twi_list_remove(&drain->node);
    twi_free(drain);
}

/* Fire all waits of this moment; a callback may add others. Takes `result`. */
static void drains_fire(struct twi_pace *pace, tw_value result)
{
    struct twi_list all, *node;

    twi_list_init(&all);
    twi_list_splice(&all, &pace->drains);
    while ((node = twi_list_take_first(&all)) != NULL) {
        struct drain *drain = TWI_CONTAINER(node, struct drain, node);

        tw_fire(&drain->done, tw_lend(result));
    }
    tw_release(result);
}

tw_deferred *tw_request_drain(tw_request *request)
{
    struct drain *drain;

    if (request->is_gone)
        return tw_failed(tw_fail(&tw_error_connection_lost, "the client has gone"));
    if (tw_request_pending(request) <= TWI_PACE_HIGH)
        return tw_succeed(tw_none());
    drain = twi_malloc(sizeof *drain);
    if (drain == NULL)
        return NULL;
    twi_list_append(&request->pace.drains, &drain->node);
    request->sink->watch(request);
    return tw_promise_with(&drain->done, drain_cancel, drain, drain_release);
}

size_t tw_request_pending(const tw_request *request)
{
    return request->is_gone || request->answer.finished ? 0 : request->sink->unsent(request);
}

/* --- producers --------------------------------------------------------------------------- */

int tw_request_register_producer(tw_request *request, const struct tw_producer *producer,
                                 bool push, void *arg)
{
    struct twi_pace *pace = &request->pace;

    if (producer->resume == NULL || producer->stop == NULL ||
        (push && producer->pause == NULL))
        return -EINVAL;
    if (request->answer.finished)
        return -EALREADY;
    if (request->is_gone) {
        producer->stop(arg);
        return 0;
    }
    if (pace->producer != NULL)
        return -EEXIST;
    pace->producer = producer;
    pace->producer_arg = arg;
    pace->push = push;
    pace->is_paused = false;
    request->sink->watch(request);
    if (push)
        twi_pace_written(request);
    else
        twi_pace_sent(request);
    return 0;
}

void tw_request_unregister_producer(tw_request *request)
{
    request->pace.producer = NULL;
}

void twi_pace_written(tw_request *request)
{
    struct twi_pace *pace = &request->pace;

    if (pace->producer == NULL || !pace->push || pace->is_paused ||
        tw_request_pending(request) <= TWI_PACE_HIGH)
        return;
    pace->is_paused = true;
    pace->producer->pause(pace->producer_arg);
}

/* Resume a push producer at the low mark, a pull producer each time that all has been sent. */
static void producer_resume(tw_request *request)
{
    struct twi_pace *pace = &request->pace;
    size_t pending = tw_request_pending(request);

    if (pace->producer == NULL)
        return;
    if (pace->push ? !pace->is_paused || pending > TWI_PACE_LOW : pending > 0)
        return;
    pace->is_paused = false;
    pace->producer->resume(pace->producer_arg);
}

void twi_pace_sent(tw_request *request)
{
    if (!twi_pace_waits(&request->pace) || tw_request_pending(request) > TWI_PACE_LOW)
        return;
    twi_request_ref(request);
    drains_fire(&request->pace, tw_none());
    producer_resume(request);
    twi_request_unref(request);
}

void twi_pace_finished(tw_request *request)
{
    request->pace.producer = NULL;
    drains_fire(&request->pace, tw_none());
}

bool twi_pace_gone(tw_request *request)
{
    const struct tw_producer *producer = request->pace.producer;

    request->pace.producer = NULL;
    if (!twi_list_empty(&request->pace.drains))
        drains_fire(&request->pace, tw_fail(&tw_error_connection_lost, "the client has gone"));
    if (producer == NULL)
        return request->pace.is_told;
    producer->stop(request->pace.producer_arg);
    return true;
}
