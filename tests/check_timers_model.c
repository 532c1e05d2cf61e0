/* SPDX-License-Identifier: MIT */
/*
 * check_timers_model.c - random programs of timed calls, on a virtual clock, on the reactor's wheel
 * in virtual time, and there in real time, beside a plain table that is searched whole.
 *
 * Calls add, cancel, reset and put off others and themselves. Each is made exactly once or never,
 * in order of time and, among equals, of setting, at its time; each release is called once; each
 * number says what became of its call.
 *
 * Times are multiples of 1/64 s, whole nanoseconds in any unit. In real time they are in
 * sixteenths of a millisecond, and all that is known of a call's time is between what and what it
 * is due: the order is claimed where these do not overlap.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/clock.h>
#include <tweed/testing.h>

#include "tests/random.h"
#include "tests/test.h"

enum { CALLS = 300, STEPS = 40, LATER_MAX = 24, DEPTH = 3 };

#define MUST(what)                          \
    do {                                    \
        if (!(what))                        \
            ck_abort_msg("not: %s", #what); \
    } while (0)

/* --- the model ---------------------------------------------------------------------------- */

enum state { UNUSED, PENDING, COLLECTED, CALLED, CANCELLED };

static struct call {
    int64_t number;
    double due, due_at_most; /* the same in virtual time */
    int order;
    enum state state;
    bool runs;
    int released;
} calls[CALLS];

static struct world {
    int count, order, depth;
    double now;
    tw_clock *clock;
} world;

/* How time passes, and what the order of calls is. */
struct kind {
    const char *name;
    void (*begin)(void);
    void (*advance)(double seconds);
    void (*end)(void);
    bool
        in_turns; /* all that is due is collected; what is set meanwhile waits for the next turn */
    bool is_real;
    double unit; /* seconds */
    double lag;  /* a clock that is not read each time counts delays from a little ahead */
    unsigned programs;
};
static const struct kind *kind;

static bool is_pending(const struct call *call)
{
    return call->state == PENDING || call->state == COLLECTED;
}

static bool comes_before(const struct call *call, const struct call *other)
{
    if (kind->is_real)
        return call->due_at_most < other->due;
    return call->due < other->due || (call->due == other->due && call->order < other->order);
}

/* The first of those in this state; NULL when there is none. */
static struct call *first_in(enum state state)
{
    struct call *first = NULL;

    for (int i = 0; i < world.count; i++) {
        if (calls[i].state == state && (first == NULL || comes_before(&calls[i], first)))
            first = &calls[i];
    }
    return first;
}

static void collect(void)
{
    for (int i = 0; i < world.count; i++) {
        if (calls[i].state == PENDING && calls[i].due <= world.now)
            calls[i].state = COLLECTED;
    }
}

/* The call that has to come now, in virtual time. */
static struct call *expected(void)
{
    struct call *first = first_in(COLLECTED);

    if (first != NULL)
        return first;
    first = first_in(PENDING);
    MUST(first != NULL);
    if (first->due > world.now)
        world.now = first->due;
    if (!kind->in_turns)
        return first;
    collect();
    return first_in(COLLECTED);
}

/* In real time: not before its time, nor before another that was due before. */
static void check_in_time(const struct call *call)
{
    MUST(tw_clock_seconds(world.clock) >= call->due);
    for (int i = 0; i < world.count; i++)
        MUST(!is_pending(&calls[i]) || !comes_before(&calls[i], call));
}

/* Its time was set between `before` and now; it is looked at anew by the next turn. */
static void set_due(struct call *call, double before, double later)
{
    call->due = before + later;
    call->due_at_most = tw_clock_seconds(world.clock) + later + kind->lag;
    call->order = world.order++;
    call->state = PENDING;
}

/* --- what may be done, anywhere ----------------------------------------------------------- */

static void call_made(void *arg);

static void call_released(void *arg)
{
    struct call *call = arg;

    MUST(call->released++ == 0 && !call->runs);
}

/* Often the same, so that many are equal. */
static double some_time(unsigned least)
{
    return kind->unit * (one_in(2) ? least + draw(3) : least + draw(LATER_MAX));
}

/* In real time nothing may be set that is due in the turn that runs. */
static unsigned least(void)
{
    return kind->is_real ? 1 : 0;
}

static void add(void)
{
    struct call *call = &calls[world.count];
    double later = some_time(least()), before = tw_clock_seconds(world.clock);

    if (world.count == CALLS)
        return;
    world.count++;
    call->number = tw_clock_call_later(world.clock, later, call_made, call, call_released);
    MUST(call->number > 0);
    set_due(call, before, later);
}

/* The answer of a function that was given the number of `call`; true if it is pending. */
static bool check_answer(const struct call *call, int r)
{
    if (is_pending(call)) {
        MUST(r == 0);
        return true;
    }
    MUST(r == -ENOENT || r == (call->state == CALLED ? -EALREADY : -ECANCELED));
    return false;
}

static struct call *any(void)
{
    return &calls[draw(2) == 0 || world.count < 8 ? draw((unsigned)world.count)
                                                  : (unsigned)world.count - 1 - draw(8)];
}

static void cancel(struct call *call)
{
    bool was_pending = is_pending(call);
    int released = call->released;

    if (check_answer(call, tw_clock_cancel(world.clock, call->number)))
        call->state = CANCELLED;
    MUST(call->released == released + was_pending);
}

static void reset(struct call *call)
{
    double later = some_time(least()), before = tw_clock_seconds(world.clock);

    if (check_answer(call, tw_clock_reset(world.clock, call->number, later)))
        set_due(call, before, later);
}

/* Puts it off, or forward, but not into the past. In real time it may be late already: then it
 * comes in the next turn, though others of this one are due after it. */
static void put_off(struct call *call)
{
    double by = some_time(0);

    if (kind->is_real && call->due <= tw_clock_seconds(world.clock))
        return;
    if (is_pending(call) && one_in(3) && call->due - by >= world.now && !kind->is_real)
        by = -by;
    if (!check_answer(call, tw_clock_delay(world.clock, call->number, by)))
        return;
    call->due += by;
    call->due_at_most += by;
    call->order = world.order++;
    call->state = PENDING;
}

static void act(void)
{
    if (world.count == 0 || one_in(2)) {
        add();
        return;
    }
    switch (draw(4)) {
    case 0:
        cancel(any());
        break;
    case 1:
    case 2:
        reset(any());
        break;
    default:
        put_off(any());
    }
}

static void advance(double seconds);

static void call_made(void *arg)
{
    struct call *call = arg;

    if (kind->is_real) {
        MUST(is_pending(call));
        check_in_time(call);
    } else {
        MUST(expected() == call);
        MUST(tw_clock_seconds(world.clock) == world.now);
    }
    call->state = CALLED;
    call->runs = true;
    for (unsigned n = draw(4); n > 0; n--)
        act();
    if (!kind->in_turns && world.depth < DEPTH && one_in(10))
        advance(some_time(0));
    call->runs = false;
}

/* --- kinds ---------------------------------------------------------------------------------- */

static void begin_virtual(void)
{
    world.clock = test_given(tw_clock_virtual_new());
}

static void advance_virtual(double seconds)
{
    MUST(tw_clock_advance(world.clock, seconds) == 0);
}

static void end_virtual(void)
{
    tw_clock_free(world.clock);
}

static void begin_testing(void)
{
    MUST(tw_testing_begin() == 0);
    world.clock = test_given(tw_reactor_clock());
}

static void end_testing(void)
{
    tw_testing_end();
}

static void begin_real(void)
{
    tw_reactor_uninstall();
    world.clock = test_given(tw_reactor_clock());
}

static void advance_real(double seconds)
{
    MUST(tw_reactor_iterate(seconds) >= 0);
}

static void end_real(void)
{
    tw_reactor_uninstall();
}

static const struct kind kinds[] = {
    { "a virtual clock", begin_virtual, advance_virtual, end_virtual, false, false, 1.0 / 64,
      0, 600 },
    { "the reactor", begin_testing, tw_testing_advance, end_testing, true, false, 1.0 / 64, 0,
      600 },
    { "the reactor in real time", begin_real, advance_real, end_real, true, true, 1.0 / 16384,
      5e-5, 20 },
};

/* --- programs ------------------------------------------------------------------------------- */

static void advance(double seconds)
{
    double until = tw_clock_seconds(world.clock) + seconds;

    world.depth++;
    kind->advance(seconds);
    world.depth--;
    if (kind->is_real)
        return;
    MUST(first_in(COLLECTED) == NULL);
    MUST(first_in(PENDING) == NULL || first_in(PENDING)->due > until);
    if (until > world.now)
        world.now = until;
    MUST(tw_clock_seconds(world.clock) == world.now);
}

static void check_numbers(void)
{
    size_t pending = 0;

    for (int i = 0; i < world.count; i++) {
        pending += is_pending(&calls[i]);
        MUST(calls[i].released == !is_pending(&calls[i]));
        if (kind->in_turns)
            MUST(tw_call_active(calls[i].number) == is_pending(&calls[i]));
    }
    MUST(tw_clock_pending(world.clock) == pending);
}

static void run_program(void)
{
    memset(calls, 0, sizeof calls);
    memset(&world, 0, sizeof world);
    kind->begin();
    world.now = tw_clock_seconds(world.clock);
    for (int i = 0; i < STEPS; i++) {
        act();
        if (one_in(3))
            advance(some_time(0));
        check_numbers();
    }
    kind->end();
    for (int i = 0; i < world.count; i++)
        MUST(calls[i].released == 1);
}

START_TEST(each_call_comes_once_in_its_turn)
{
    kind = &kinds[_i];
    random_programs(run_program, kind->programs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timers model");

    TEST_ADD_ROWS(suite, each_call_comes_once_in_its_turn, kinds);
    return test_run(suite);
}
