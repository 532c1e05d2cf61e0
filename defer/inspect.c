/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - looking into a Deferred, for people and for language bindings.
 */
#include "defer/deferred.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hooks.h"

/* True if it is not NULL; checks that it is neither dead nor another thread's. */
#define EXISTS(deferred) ((deferred) != NULL && (TWI_CHECK(deferred), true))

/* --- state ------------------------------------------------------------------------------ */

bool tw_deferred_called(const tw_deferred *deferred)
{
    return !EXISTS(deferred) || (deferred->state & TWI_FIRED) != 0;
}

unsigned tw_deferred_paused(const tw_deferred *deferred)
{
    if (!EXISTS(deferred))
        return 0;
    return deferred->state / TWI_PAUSE;
}

tw_value tw_deferred_result(const tw_deferred *deferred)
{
    return tw_lend(EXISTS(deferred) ? deferred->result : tw_fail_memory());
}

bool tw_deferred_is_done(const tw_deferred *deferred)
{
    return !EXISTS(deferred) || twi_deferred_done(deferred);
}

tw_deferred *tw_deferred_waiting_on(const tw_deferred *deferred)
{
    if (!EXISTS(deferred) || (deferred->state & TWI_WAITING) == 0)
        return NULL;
    return deferred->waiting_on;
}

const char *tw_deferred_where(const tw_deferred *deferred)
{
    return EXISTS(deferred) ? deferred->where : NULL;
}

const char *tw_deferred_fired_where(const tw_deferred *deferred)
{
    if (!EXISTS(deferred) || (deferred->state & TWI_FIRED) == 0)
        return NULL;
    return deferred->fired_at;
}

tw_value tw_deferred_take_result(tw_deferred *deferred)
{
    tw_value result;

    if (!EXISTS(deferred))
        return tw_fail_memory();
    if (!twi_deferred_done(deferred))
        return tw_none();
    result = deferred->result;
    deferred->result = tw_none();
    return result;
}

void tw_deferred_mark_handled(tw_deferred *deferred)
{
    if (EXISTS(deferred))
        deferred->state |= TWI_HANDLED;
}

/* --- user data, death ------------------------------------------------------------------- */

int tw_deferred_set_data(tw_deferred *deferred, void *data, tw_release_fn *release)
{
    struct twi_more *more = EXISTS(deferred) ? twi_entries_more(deferred) : NULL;
    void *old_data;
    tw_release_fn *old_release;

    if (more == NULL) {
        if (release != NULL)
            release(data);
        return -ENOMEM;
    }
    old_data = more->data;
    old_release = more->data_release;
    more->data = data;
    more->data_release = release;
    if (old_release != NULL)
        old_release(old_data);
    return 0;
}

void *tw_deferred_data(const tw_deferred *deferred)
{
    return EXISTS(deferred) && deferred->more != NULL ? deferred->more->data : NULL;
}

int tw_deferred_on_death(tw_deferred *deferred, void (*fn)(void *arg), void *arg)
{
    struct twi_more *more = fn != NULL && EXISTS(deferred) ? twi_entries_more(deferred) : NULL;
    struct twi_death *death = more != NULL ? twi_malloc(sizeof *death) : NULL;

    if (death == NULL)
        return fn == NULL ? -EINVAL : -ENOMEM;
    death->fn = fn;
    death->arg = arg;
    death->next = more->deaths;
    more->deaths = death;
    return 0;
}

/* --- text ------------------------------------------------------------------------------- */

/* The Deferred that the body behind this one awaits: by the hook, see deferred.h. */
static bool deferred_body_awaits(const tw_deferred *deferred, tw_deferred **ret_awaited,
                                 const char **ret_name, const char **ret_where)
{
    bool (*awaits)(const tw_deferred *deferred, tw_deferred **ret_awaited,
                   const char **ret_name,
                   const char **ret_where) = TWI_HOOK(twi_body_hooks.awaits);

    return awaits != NULL && awaits(deferred, ret_awaited, ret_name, ret_where);
}

static void format_state(const tw_deferred *deferred, char *text, size_t size)
{
    tw_deferred *awaited;
    const char *name, *at;
    int length;

    if (deferred_body_awaits(deferred, &awaited, &name, &at)) {
        snprintf(text, size, "%s %s%s", name, awaited != NULL ? "awaits at " : "runs",
                 awaited != NULL ? at : "");
    } else if ((deferred->state & TWI_WAITING) != 0) {
        snprintf(text, size, "waiting for %p made at %s", (const void *)deferred->waiting_on,
                 deferred->waiting_on->where);
    } else if ((deferred->state & TWI_FIRED) == 0) {
        snprintf(text, size, "pending");
    } else {
        length = snprintf(text, size, "%s",
                          (deferred->state & TWI_RUNNING) != 0 ? "running, result "
                                                               : "result ");
        tw_value_format(tw_lend(deferred->result), text + length, size - (size_t)length);
    }
}

/* Only a debug build remembers. */
static void format_age(const tw_deferred *deferred, char *text, size_t size)
{
#if TWI_DEBUG
    snprintf(text, size, ", %.3g s old,",
             (double)(twi_monotonic_ns() - deferred->made_ns) / 1e9);
#else
    (void)deferred, (void)size;
    *text = '\0';
#endif
}

int tw_deferred_format(const tw_deferred *deferred, char *text, size_t size)
{
    char state[256], paused[32] = "", age[40];

    if (!EXISTS(deferred))
        return snprintf(text, size, "Deferred that could not be made: out of memory");
    format_state(deferred, state, sizeof state);
    if (twi_deferred_paused(deferred))
        snprintf(paused, sizeof paused, ", paused %u times",
                 (unsigned)(deferred->state / TWI_PAUSE));
    format_age(deferred, age, sizeof age);
    return snprintf(text, size, "Deferred %p%s made at %s: %s%s", (const void *)deferred, age,
                    deferred->where != NULL ? deferred->where : "?", state, paused);
}

/* --- dump ------------------------------------------------------------------------------- */

enum { DUMP_DEPTH = 16 };

struct dump {
    void (*write_line)(const char *line, void *arg);
    void *arg;
    int depth;
};

static void deferred_each_member(const tw_deferred *deferred,
                                 void (*fn)(tw_deferred *member, void *arg), void *arg)
{
    void (*each)(const tw_deferred *deferred, void (*fn)(tw_deferred * member, void *arg),
                 void *arg) = TWI_HOOK(twi_body_hooks.each_member);

    if (each != NULL)
        each(deferred, fn, arg);
}

static void dump_one(tw_deferred *deferred, void *arg)
{
    struct dump *dump = arg;
    tw_deferred *awaited;
    const char *name, *at;
    char line[640];
    int indent = 2 * dump->depth;

    snprintf(line, sizeof line, "%*s", indent, "");
    tw_deferred_format(deferred, line + indent, sizeof line - (size_t)indent);
    dump->write_line(line, dump->arg);
    if (dump->depth == DUMP_DEPTH)
        return;
    dump->depth++;
    if ((deferred->state & TWI_WAITING) != 0)
        dump_one(deferred->waiting_on, dump);
    else if (deferred_body_awaits(deferred, &awaited, &name, &at) && awaited != NULL)
        dump_one(awaited, dump);
    twi_list_each_child(deferred, dump_one, dump);
    twi_map_each_child(deferred, dump_one, dump);
    deferred_each_member(deferred, dump_one, dump);
    dump->depth--;
}

static void dump_pending(void *object, void *arg)
{
    tw_deferred *deferred = object;

    if (deferred->references != 0 && !twi_deferred_done(deferred))
        dump_one(deferred, arg);
}

void tw_deferred_dump(void (*write_line)(const char *line, void *arg), void *arg)
{
    struct dump dump = { write_line, arg, 0 };

    if (write_line == NULL)
        return;
    twi_store_each(&twi_defer.deferreds, dump_pending, &dump);
}

size_t tw_deferred_count(void)
{
    return twi_defer.deferreds.living;
}
