/* SPDX-License-Identifier: MIT */
/*
 * sync_model.h - random programs see the same on a primitive that is waited for and on its
 * model.
 *
 * The models are written down as simply as can be: arrays, searched and shifted, and recursion. A
 * program is a sequence of steps drawn from a seed. Each wait has a number; what it sees is written
 * down, and then it may do a step of its own.
 */
#ifndef TESTS_SYNC_MODEL_H
#define TESTS_SYNC_MODEL_H

#include <stdarg.h>

#include <tweed/sync.h>

#include "tests/random.h"
#include "tests/trace.h"

enum { WAITS = 160, STEPS = 50, PROGRAMS = 4000 };

/* --- what both sides share -------------------------------------------------------------- */

struct step {
    int op, which, number, priority; /* which: of the last waits */
    unsigned bits; /* of a select's cases */
};

static struct step program[STEPS], own_steps[WAITS];
static bool has_own_step[WAITS];
static bool quiet; /* no more steps of their own: the end */

static struct step draw_step(void)
{
    struct step step;

    step.op = (int)draw(12);
    step.which = (int)draw(10);
    step.number = (int)draw(100);
    step.priority = (int)draw(3);
    step.bits = draw(1 << 16);
    return step;
}

struct side {
    char text[1 << 15];
    size_t length;
    int next;
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
    ck_assert_uint_lt(side->length, sizeof side->text - 100);
}

/* The end of a wait: a number, none (-1), or the reason why it failed. */
enum { NONE = -1, CANCELLED = -2, CLOSED = -3, MISUSE = -4, ABANDONED = -5, OTHER = -6 };

static int seen_number(tw_value seen)
{
    if (!tw_is_failure(seen))
        return tw_is(seen, &tw_type_integer) ? (int)tw_integer_of(seen) : NONE;
    if (tw_failure_is(seen, &tw_error_cancelled))
        return CANCELLED;
    if (tw_failure_is(seen, &tw_error_queue_closed))
        return CLOSED;
    if (tw_failure_is(seen, &tw_error_misuse))
        return MISUSE;
    return tw_failure_is(seen, &tw_error_abandoned) ? ABANDONED : OTHER;
}

/* A thing to be tested: how steps act on it and on its model. */
struct kind {
    void (*make)(void);
    void (*real_step)(const struct step *step);
    void (*model_step)(const struct step *step);
    void (*real_free)(void);
    void (*model_free)(void);
};
static const struct kind *kind;

/* Somebody who came not long ago. */
static int recent(const struct side *side, const struct step *step)
{
    int id = side->next - 1 - step->which;

    return id > 0 ? id : 0;
}

/* --- waits, real ------------------------------------------------------------------------ */

static tw_deferred *held[WAITS];
static int chosen[WAITS]; /* the case that a select took */

static tw_value real_seen(tw_value seen, void *arg)
{
    int id = (int)(intptr_t)arg;

    if (tw_is(seen, &tw_type_list)) {
        chosen[id] = (int)tw_integer_of(tw_list_at(seen, 0));
        seen = tw_list_at(seen, 1);
        write_down(&real, "%d:%d:%d ", id, chosen[id], seen_number(seen));
    } else {
        write_down(&real, "%d:%d ", id, seen_number(seen));
    }
    if (has_own_step[id] && !quiet)
        kind->real_step(&own_steps[id]);
    return tw_none();
}

/* Takes the Deferred over. */
static void real_wait(int id, tw_deferred *wait)
{
    held[id] = wait;
    tw_add_both(wait, real_seen, (void *)(intptr_t)id);
}

/* The number of a new wait; -1 when there are enough. */
static int next_id(struct side *side)
{
    return side->next < WAITS ? side->next++ : -1;
}

/* --- waits, model ----------------------------------------------------------------------- */

struct wait {
    bool waiting, cancelling, notified, for_condition;
    bool beginning, has_begun; /* a callback can only be added when the call has returned */
    int value, priority;
    struct step step; /* of a select */
};
static struct wait waits[WAITS];

struct line {
    int ids[WAITS * 4];
    int count;
};

static void line_add(struct line *line, int id)
{
    line->ids[line->count++] = id;
    waits[id % WAITS].waiting = true;
}

/* The first that still waits, taken out; -1 when there is none. */
static int line_take(struct line *line)
{
    while (line->count > 0) {
        int id = line->ids[0];
        memmove(line->ids, line->ids + 1, (size_t)--line->count * sizeof line->ids[0]);
        if (waits[id].waiting)
            return id;
    }
    return -1;
}

static void model_saw(int id, int value)
{
    waits[id].waiting = false;
    if (waits[id].beginning) {
        waits[id].has_begun = true;
        waits[id].value = value;
        return;
    }
    write_down(&model, "%d:%d ", id, value);
    if (has_own_step[id] && !quiet)
        kind->model_step(&own_steps[id]);
}

static void model_new(int id)
{
    memset(&waits[id], 0, sizeof waits[id]);
}

static void serve_all(struct line *line, int value)
{
    struct line now = *line;
    int id;

    line->count = 0;
    while ((id = line_take(&now)) >= 0)
        model_saw(id, value);
}

/* --- programs --------------------------------------------------------------------------- */

static void begin(void)
{
    for (int i = 0; i < STEPS; i++)
        program[i] = draw_step();
    for (int i = 0; i < WAITS; i++) {
        own_steps[i] = draw_step();
        has_own_step[i] = draw(3) == 0;
        held[i] = NULL;
        chosen[i] = -1;
    }
    memset(waits, 0, sizeof waits);
    real.length = model.length = 0;
    real.text[0] = model.text[0] = '\0';
    real.next = model.next = 0;
    quiet = false;
    kind->make();
}

static void check_same(void)
{
    if (strcmp(real.text, model.text) != 0)
        ck_abort_msg("\nreal:  %s\nmodel: %s", real.text, model.text);
}

static size_t seen_length;

static void run_program(void)
{
    begin();
    for (int i = 0; i < STEPS; i++) {
        kind->real_step(&program[i]);
        kind->model_step(&program[i]);
        check_same();
    }
    quiet = true;
    kind->real_free();
    kind->model_free();
    check_same();
    for (int i = 0; i < WAITS; i++)
        tw_deferred_unref(held[i]);
    if (tw_deferred_count() != 0)
        ck_abort_msg("%zu are left", tw_deferred_count());
    seen_length += real.length;
}

/* Run them all; there has to be something to see. */
static void run_programs(const struct kind *of_kind)
{
    uint64_t count;

    kind = of_kind;
    trace_setup();
    seen_length = 0;
    count = random_programs(run_program, PROGRAMS);
    ck_assert(count < 100 || seen_length > count * 60);
}

#endif
