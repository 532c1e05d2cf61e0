/* SPDX-License-Identifier: MIT */
/*
 * triggers.c - calls at startup and shutdown, in three phases.
 *
 * A trigger is called once and then gone. Deferreds returned by "before" triggers are awaited in
 * parallel while the loop turns; the waiting is counted in a block of its own, because they may
 * outlive the loop.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/log.h>

#include "base/alloc.h"
#include "reactor/loop.h"

struct trigger {
    struct twi_list node;
    int64_t number;
    tw_value (*fn)(void *arg);
    void (*plain)(void *arg); /* when fn is NULL */
    void *arg;
};

struct twi_phase_wait {
    unsigned awaited;
    unsigned references; /* the event's and one for each Deferred's callback */
};

/* --- waiting for Deferreds --------------------------------------------------------------- */

static void wait_unref(void *arg)
{
    struct twi_phase_wait *wait = arg;

    if (--wait->references == 0)
        twi_free(wait);
}

/* The callback ran, or its Deferred died unfired: either way nothing more will come. */
static void trigger_wait_over(void *arg)
{
    struct twi_phase_wait *wait = arg;

    wait->awaited--;
    wait_unref(wait);
}

static tw_value awaited_done(tw_value result, void *arg)
{
    (void)arg;
    if (tw_is_failure(result))
        tw_log_problem(TW_LOG_ERROR, "reactor", result, "waiting for a trigger");
    return tw_none();
}

static void await(struct twi_event *event, tw_deferred *deferred)
{
    struct twi_phase_wait *wait = event->wait;

    if (wait == NULL) {
        wait = event->wait = twi_calloc(1, sizeof *wait);
        if (wait == NULL) {
            tw_log(TW_LOG_ERROR, "reactor", "no memory to wait for a trigger");
            return;
        }
        wait->references = 1;
    }
    wait->awaited++;
    wait->references++;
    tw_add_both_with(deferred, awaited_done, wait, trigger_wait_over);
}

bool twi_event_may_continue(const struct twi_event *event)
{
    return event->wait == NULL || event->wait->awaited == 0;
}

/* --- calling ----------------------------------------------------------------------------- */

static tw_value trigger_call(struct trigger *trigger)
{
    if (trigger->fn != NULL)
        return trigger->fn(trigger->arg);
    trigger->plain(trigger->arg);
    return tw_none();
}

static tw_value call_first(struct twi_event *event, enum tw_phase phase)
{
    struct twi_list *node = twi_list_take_first(&event->phases[phase]);
    struct trigger *trigger = TWI_CONTAINER(node, struct trigger, node);
    tw_value result = trigger_call(trigger);

    twi_free(trigger);
    if (tw_is_failure(result))
        tw_log_problem(TW_LOG_ERROR, "reactor", result, "a trigger");
    return result;
}

void twi_event_begin(struct twi_event *event)
{
    while (!twi_list_empty(&event->phases[TW_BEFORE])) {
        tw_value result = call_first(event, TW_BEFORE);
        if (tw_is(result, &tw_type_deferred))
            await(event, result.as.pointer);
        tw_release(result);
    }
}

void twi_event_call(struct twi_event *event, enum tw_phase phase)
{
    if (event->wait != NULL) {
        wait_unref(event->wait);
        event->wait = NULL;
    }
    while (!twi_list_empty(&event->phases[phase]))
        tw_release(call_first(event, phase));
}

void twi_event_init(struct twi_event *event)
{
    for (int phase = TW_BEFORE; phase <= TW_AFTER; phase++)
        twi_list_init(&event->phases[phase]);
}

void twi_event_release(struct twi_event *event)
{
    if (event->wait != NULL)
        wait_unref(event->wait);
    event->wait = NULL;
    for (int phase = TW_BEFORE; phase <= TW_AFTER; phase++) {
        struct twi_list *node;
        while ((node = twi_list_take_first(&event->phases[phase])) != NULL)
            twi_free(TWI_CONTAINER(node, struct trigger, node));
    }
}

/* --- the public face --------------------------------------------------------------------- */

static struct trigger *trigger_add(struct twi_loop *loop, struct twi_event *event,
                                   enum tw_phase phase)
{
    struct trigger *trigger = twi_calloc(1, sizeof *trigger);

    if (trigger == NULL)
        return NULL;
    trigger->number = ++loop->next_trigger;
    twi_list_append(&event->phases[phase], &trigger->node);
    return trigger;
}

int64_t tw_reactor_add_trigger(enum tw_phase phase, const char *event,
                               tw_value (*fn)(void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    bool startup = event != NULL && strcmp(event, "startup") == 0;
    struct trigger *trigger;

    if (event == NULL || fn == NULL || phase < TW_BEFORE || phase > TW_AFTER ||
        (!startup && strcmp(event, "shutdown") != 0))
        return -EINVAL;
    if (loop == NULL)
        return -ENOMEM;
    trigger = trigger_add(loop, startup ? &loop->startup : &loop->shutdown, phase);
    if (trigger == NULL)
        return -ENOMEM;
    trigger->fn = fn;
    trigger->arg = arg;
    return trigger->number;
}

static struct trigger *trigger_find(struct twi_event *event, int64_t number)
{
    for (int phase = TW_BEFORE; phase <= TW_AFTER; phase++) {
        TWI_LIST_EACH (node, &event->phases[phase]) {
            struct trigger *trigger = TWI_CONTAINER(node, struct trigger, node);
            if (trigger->number == number)
                return trigger;
        }
    }
    return NULL;
}

int tw_reactor_remove_trigger(int64_t number)
{
    struct twi_loop *loop = twi_loop_here;
    struct trigger *trigger = NULL;

    if (loop != NULL)
        trigger = trigger_find(&loop->startup, number);
    if (loop != NULL && trigger == NULL)
        trigger = trigger_find(&loop->shutdown, number);
    if (trigger == NULL)
        return -ENOENT;
    twi_list_remove(&trigger->node);
    twi_free(trigger);
    return 0;
}

int tw_call_when_running(void (*fn)(void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    struct trigger *trigger;

    if (fn == NULL)
        return -EINVAL;
    if (loop == NULL)
        return -ENOMEM;
    if (twi_is_running(loop)) {
        fn(arg);
        return 0;
    }
    trigger = trigger_add(loop, &loop->startup, TW_AFTER);
    if (trigger == NULL)
        return -ENOMEM;
    trigger->plain = fn;
    trigger->arg = arg;
    return 0;
}
