/* SPDX-License-Identifier: MIT */
/*
 * deferred_model.h - Twisted's Deferreds, DeferredLists and timeouts, written down as simply as can
 * be: by recursion, with fixed arrays, nothing collapsed, nothing counted.
 */
#ifndef TESTS_DEFERRED_MODEL_H
#define TESTS_DEFERRED_MODEL_H

#include <stdarg.h>
#include <stdio.h>

#include "tests/random.h"
#include "tests/test.h"

/* The first PLAIN Deferreds are fired by the program, the others are lists. */
enum { PLAIN = 6, DEFERREDS = 9, CHILDREN = 3, TIMEOUTS = 200 };
enum { STEPS = 160, ENTRIES = 600, OPERATIONS = 60, PROGRAMS = 12000 };
/* Numbers of failures. FIRST less twice the index, and less 1 if the cause is a cancellation;
 * GROUP less 1 if all are. */
enum { MISUSE = -1, CANCELLED = -2, TIMED_OUT = -3, GROUP = -4, FIRST = -10 };

/* --- what both sides share -------------------------------------------------------------- */

enum action { PASS, VALUE, FAIL, WAIT, ADD, FIRE, PAUSE, UNPAUSE, CANCEL, TIME_OUT, ACTIONS };

struct step {
    enum action action;
    int target; /* a Deferred */
    int number;
    int sides; /* 1: values, 2: failures, 3: both, 4: a pair with the step after it */
};

static struct step steps[STEPS];

static void draw_steps(void)
{
    static const enum action often[] = { PASS, VALUE, FAIL, WAIT, WAIT, WAIT };

    for (int i = 0; i < STEPS; i++) {
        steps[i].action = draw(3) > 0 ? often[draw(6)] : (enum action)draw(ACTIONS);
        steps[i].target = (int)draw(DEFERREDS);
        steps[i].number = (int)draw(100);
        steps[i].sides = 1 + (int)draw(4);
    }
}

struct side {
    char text[1 << 16];
    size_t length;
    int next_step;
};

static struct side real, model;

__attribute__((format(printf, 2, 3))) static void write_down(struct side *side,
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    side->length += (size_t)vsnprintf(side->text + side->length,
                                      sizeof side->text - side->length, format, args);
    va_end(args);
    if (side->length >= sizeof side->text)
        ck_abort();
}

/* --- the model -------------------------------------------------------------------------- */

struct result {
    bool failed;
    int number;
};

enum entry_kind { CALLBACK, WAITER, TAP, TIMER, TAKEN_BACK };

struct entry {
    enum entry_kind kind;
    int number; /* of the step, the waiter, the list or the timeout */
    int index;  /* of a tap: the child's */
};

struct model {
    struct entry entries[ENTRIES];
    int next, count;
    struct result result;
    bool called, running, swallow;
    int pauses, waiting_on; /* -1: for nothing */
    bool slot, held;        /* may be fired; may be named */
};

static struct model models[DEFERREDS];

static struct list {
    int children[CHILDREN]; /* -1: has a result */
    struct result items[CHILDREN];
    int count, left;
    bool done, cancelling;
    bool consumes, races, on_value, on_failure, cancels_rest;
} lists[DEFERREDS];

static struct timeout {
    int deferred, due;
    bool active, expired;
} timeouts[TIMEOUTS];
static int timeout_count, now;

static void model_run(int d);
static void model_cancel(int d);

static void model_enter(int d, enum entry_kind kind, int number, int index)
{
    struct model *m = &models[d];

    if (m->count == ENTRIES)
        ck_abort();
    m->entries[m->count++] = (struct entry){ kind, number, index };
}

/* Fire, whoever does it. */
static void model_settle(int d, struct result result)
{
    models[d].called = true;
    models[d].result = result;
    model_run(d);
}

/* --- the model: many as one --------------------------------------------------------------- */

static int code_more(int code, struct result item)
{
    return (int)(((unsigned)code * 31u + (unsigned)(item.number * 2 + item.failed)) % 99991u);
}

static struct result model_pair(struct result first, struct result second)
{
    return (struct result){ false, 2000 + code_more(code_more(7, first), second) };
}

static struct result model_items(const struct list *list)
{
    int code = 7;

    for (int i = 0; i < list->count; i++)
        code = code_more(code, list->items[i]);
    return (struct result){ false, 2000 + code };
}

static struct result model_group(const struct list *list)
{
    bool all = true;

    for (int i = 0; i < list->count; i++)
        all = all && list->items[i].number == CANCELLED;
    return (struct result){ true, GROUP - all };
}

static void model_cancel_children(int l);

static void model_list_fire(int l, struct result result)
{
    lists[l].done = true;
    model_settle(l, result);
    if (lists[l].cancels_rest)
        model_cancel_children(l);
}

static void model_consider(int l, int index, struct result result)
{
    struct list *list = &lists[l];
    struct result at = { false, index };

    if (list->done)
        return;
    if (!result.failed && list->races)
        model_list_fire(l, model_pair(at, result));
    else if (!result.failed && list->on_value)
        model_list_fire(l, model_pair(result, at));
    else if (result.failed && list->on_failure)
        model_list_fire(
            l, (struct result){ true, FIRST - 2 * index - (result.number == CANCELLED) });
    else if (list->left == 0)
        model_list_fire(l, list->races ? model_group(list) : model_items(list));
}

static void model_child_done(int l, int index, struct result *result)
{
    struct list *list = &lists[l];

    list->children[index] = -1;
    list->left--;
    list->items[index] = *result;
    model_consider(l, index, *result);
    if (list->consumes && result->failed)
        *result = (struct result){ false, 0 };
}

/* Cancellers of lists that run, each called by the one before. */
static struct walk {
    int waiter, awaited;
} walks[DEFERREDS * 4];
static int walk_count;

static bool model_comes_round(int waiter, int awaited)
{
    int i = walk_count - 1;

    for (; waiter != awaited && i >= 0 && walks[i].awaited == waiter; i--)
        waiter = walks[i].waiter;
    return waiter == awaited;
}

static void model_take_back(int l, int child, int index)
{
    struct model *m = &models[child];
    struct result cancelled = { true, CANCELLED };

    for (int i = m->next; i < m->count; i++) {
        struct entry *entry = &m->entries[i];
        if (entry->kind != TAP || entry->number != l || entry->index != index)
            continue;
        entry->kind = TAKEN_BACK;
        model_child_done(l, index, &cancelled);
        return;
    }
}

static void model_cancel_children(int l)
{
    struct list *list = &lists[l];

    for (int i = 0; i < list->count && list->left > 0; i++) {
        int inner = list->children[i];

        if (inner < 0)
            continue;
        while (models[inner].waiting_on >= 0)
            inner = models[inner].waiting_on;
        if (!list->done && model_comes_round(l, inner)) {
            model_take_back(l, list->children[i], i);
            continue;
        }
        walks[walk_count++] = (struct walk){ list->done ? -1 : l, inner };
        model_cancel(inner);
        walk_count--;
    }
}

static void model_make_list(int l, const struct list *made)
{
    lists[l] = *made;
    for (int i = 0; i < made->count; i++) {
        model_enter(made->children[i], TAP, l, i);
        model_run(made->children[i]);
    }
    models[l].held = true;
}

/* --- the model: one ----------------------------------------------------------------------- */

static void model_fire(int d, struct result result)
{
    struct model *m = &models[d];

    if (!m->slot)
        return;
    m->slot = false;
    if (m->called) {
        write_down(&model, "%d late %s\n", d, m->swallow ? "swallowed" : "twice");
        m->swallow = false;
        return;
    }
    model_settle(d, result);
}

static void model_cancel(int d)
{
    while (models[d].waiting_on >= 0)
        d = models[d].waiting_on;
    if (models[d].called || lists[d].cancelling)
        return;
    if (d < PLAIN) {
        models[d].swallow = true;
        model_settle(d, (struct result){ true, CANCELLED });
        return;
    }
    lists[d].cancelling = true;
    model_cancel_children(d);
    lists[d].cancelling = false;
}

static void model_time_out(int d, int seconds)
{
    const struct model *m = &models[d];

    if ((m->called && !m->running && m->waiting_on < 0 && m->pauses == 0) ||
        timeout_count == TIMEOUTS)
        return;
    timeouts[timeout_count] = (struct timeout){ d, now + seconds, true, false };
    model_enter(d, TIMER, timeout_count++, 0);
    model_run(d);
}

/* The next that is due; those that are equal in the order in which they were set. */
static struct timeout *model_due(int until)
{
    struct timeout *first = NULL;

    for (int i = 0; i < timeout_count; i++) {
        struct timeout *timeout = &timeouts[i];
        if (timeout->active && timeout->due <= until &&
            (first == NULL || timeout->due < first->due))
            first = timeout;
    }
    return first;
}

static void model_advance(int seconds)
{
    int until = now + seconds;
    struct timeout *timeout;

    while ((timeout = model_due(until)) != NULL) {
        now = timeout->due;
        timeout->active = false;
        timeout->expired = true;
        model_cancel(timeout->deferred);
    }
    now = until;
}

static bool is_cancellation(struct result result)
{
    return result.failed && (result.number == CANCELLED || result.number == GROUP - 1 ||
                             (result.number < FIRST && result.number % 2 != 0));
}

static void model_run_timer(int d, struct timeout *timeout)
{
    timeout->active = false;
    if (timeout->expired && is_cancellation(models[d].result))
        models[d].result.number = TIMED_OUT;
}

static void model_add(int d)
{
    int step = model.next_step;

    if (step + 1 >= STEPS)
        return;
    model.next_step += steps[step].sides == 4 ? 2 : 1;
    model_enter(d, CALLBACK, step, 0);
    model_run(d);
}

static void model_unpause(int d)
{
    if (models[d].pauses == 0)
        return;
    models[d].pauses--;
    model_run(d);
}

static bool model_waits(int d, int for_whom)
{
    for (; d >= 0; d = models[d].waiting_on) {
        if (d == for_whom)
            return true;
    }
    return false;
}

/* The callback's outcome: a result, or a Deferred in *ret_deferred. */
static struct result model_call(int step, struct result seen, int *ret_deferred)
{
    const struct step *s = &steps[step];

    write_down(&model, "%d:%s%d\n", step, seen.failed ? "!" : "", seen.number);
    switch (s->action) {
    case VALUE:
        return (struct result){ false, s->number };
    case FAIL:
        return (struct result){ true, s->number };
    case WAIT:
        if (models[s->target].held)
            *ret_deferred = s->target;
        break;
    case ADD:
        if (models[s->target].held)
            model_add(s->target);
        break;
    case FIRE:
        model_fire(s->target, (struct result){ false, s->number });
        break;
    case PAUSE:
        if (models[s->target].held)
            models[s->target].pauses++;
        break;
    case UNPAUSE:
        if (models[s->target].held)
            model_unpause(s->target);
        break;
    case CANCEL:
        if (models[s->target].held)
            model_cancel(s->target);
        break;
    case TIME_OUT:
        if (models[s->target].held)
            model_time_out(s->target, s->number % 3);
        break;
    default:
        break;
    }
    return seen;
}

static void model_wait(int d, int inner)
{
    struct model *m = &models[d], *i = &models[inner];

    if (i->called && !i->running && i->waiting_on < 0 && i->pauses == 0) {
        m->result = i->result;
        i->result = (struct result){ false, 0 };
    } else if (model_waits(inner, d)) {
        m->result = (struct result){ true, MISUSE };
    } else {
        m->waiting_on = inner;
        m->result = (struct result){ false, 0 };
        model_enter(inner, WAITER, d, 0);
    }
}

static void model_hand_over(int d, int waiter)
{
    struct model *m = &models[d];

    models[waiter].result = m->result;
    models[waiter].waiting_on = -1;
    m->result = (struct result){ false, 0 };
    if (m->next == m->count && m->pauses == 0)
        m->running = false; /* nothing left: what is added meanwhile runs at once */
    model_run(waiter);
}

static void model_run_callback(int d, int step)
{
    struct model *m = &models[d];
    int inner = -1;

    if (steps[step].sides == 4) {
        if (m->result.failed)
            step++;
    } else if ((steps[step].sides & (m->result.failed ? 2 : 1)) == 0) {
        return;
    }
    m->result = model_call(step, m->result, &inner);
    if (inner >= 0)
        model_wait(d, inner);
}

static void model_run_entry(int d, struct entry entry)
{
    switch (entry.kind) {
    case CALLBACK:
        model_run_callback(d, entry.number);
        break;
    case WAITER:
        model_hand_over(d, entry.number);
        break;
    case TAP:
        model_child_done(entry.number, entry.index, &models[d].result);
        break;
    case TIMER:
        model_run_timer(d, &timeouts[entry.number]);
        break;
    case TAKEN_BACK:
        break;
    }
}

static void model_run(int d)
{
    struct model *m = &models[d];

    if (!m->called || m->running || m->waiting_on >= 0)
        return;
    m->running = true;
    while (m->running && m->pauses == 0 && m->waiting_on < 0 && m->next < m->count)
        model_run_entry(d, m->entries[m->next++]);
    m->running = false;
}

#endif
