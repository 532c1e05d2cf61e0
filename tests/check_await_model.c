/* SPDX-License-Identifier: MIT */
/*
 * check_await_model.c - bodies that do at random all that bodies can do to each other.
 *
 * Each takes some steps: it awaits a Deferred that is pending, has fired or is another body's,
 * fires or drops one that others await, cancels, starts a group. In every run all end, each
 * outer Deferred fires once, and nothing is left.
 */
#include "config.h"

#include <string.h>

#include <tweed/deferred_list.h>
#include <tweed/inline_callbacks.h>
#include <tweed/log.h>
#include <tweed/task.h>

#include "tests/random.h"
#include "tests/test.h"

enum { SLOTS = 8, BODIES = 40, STEPS = 12, PROGRAMS = 400 };

static struct {
    tw_clock *clock;
    tw_deferred *slots[SLOTS];  /* pending, somebody's or nobody's */
    tw_deferred *bodies[BODIES];
    int started, ended, seen, twice;
} world;

static void body_seen(tw_deferred *deferred, void *arg)
{
    (void)arg;
    world.seen++;
    tw_deferred_mark_handled(deferred);
}

static tw_value live(void *arg);

static tw_deferred *start(void)
{
    tw_deferred *body;
    int at = world.started;

    if (at == BODIES)
        return tw_succeed(tw_string("no more"));
    world.started++;
    body = tw_inline_callbacks(live, NULL);
    tw_add_raw(body, body_seen, NULL, NULL);
    world.bodies[at] = tw_deferred_ref(body);
    return body;
}

static tw_deferred *pending(void)
{
    tw_deferred **slot = &world.slots[draw(SLOTS)];
    tw_deferred *old = *slot, *made = tw_promise(slot, NULL, NULL);

    tw_deferred_unref(old); /* who awaits it sees that it dies */
    return made;
}

static tw_value some_value(void)
{
    switch (draw(4)) {
    case 0:
        return tw_integer(1);
    case 1:
        return tw_fail(&tw_error_url, "at random");
    default:
        return tw_string("at random");
    }
}

static void fire_one(void)
{
    tw_fire(&world.slots[draw(SLOTS)], some_value());
}

static void cancel_one(void)
{
    if (world.started > 0)
        tw_cancel(world.bodies[draw((unsigned)world.started)]);
}

static tw_value fire_in_callback(tw_value result, void *arg)
{
    (void)arg;
    fire_one();
    return result;
}

static tw_value group_body(tw_group *group, void *arg)
{
    (void)arg;
    for (unsigned i = draw(3); i > 0; i--)
        tw_group_add(group, start());
    if (draw(4) == 0)
        tw_group_cancel(group);
    return tw_await(tw_defer_later(world.clock, draw(3), NULL, NULL));
}

static tw_deferred *several(void)
{
    tw_deferred *all[3] = { start(), pending(),
                            tw_defer_later(world.clock, draw(5), NULL, NULL) };
    return draw(2) == 0 ? tw_gather(all, 3) : tw_race(all, 3);
}

static tw_deferred *something(void)
{
    tw_deferred *d;

    switch (draw(8)) {
    case 0:
        return start();
    case 1:
        return tw_defer_later(world.clock, draw(5), NULL, NULL);
    case 2:
        return tw_fired_at(TW_HERE, some_value());
    case 3:
        return tw_group_run(group_body, NULL);
    case 4:
        return several();
    case 5: /* perhaps itself, perhaps a circle */
        return world.started > 0 ? tw_deferred_ref(world.bodies[draw((unsigned)world.started)])
                                 : NULL;
    case 6:
        d = pending();
        tw_add_both(d, fire_in_callback, NULL);
        return d;
    default:
        return pending();
    }
}

static tw_value live(void *arg)
{
    tw_value got = tw_none();

    (void)arg;
    for (unsigned i = draw(STEPS); i > 0; i--) {
        switch (draw(8)) {
        case 0:
            fire_one();
            break;
        case 1:
            cancel_one();
            break;
        case 2:
            tw_drop(&got);
            break;
        default:
            got = tw_await(something());
        }
    }
    world.ended++;
    return draw(6) == 0 ? tw_wait(tw_succeed(got)) : got;
}

static void ignore(tw_deferred *deferred, tw_value failure, void *arg)
{
    (void)deferred;
    (void)failure;
    (void)arg;
}

static void fired_twice(tw_deferred *deferred, tw_value result, void *arg)
{
    (void)deferred;
    (void)result;
    (void)arg;
    world.twice++;
}

static void act(void)
{
    switch (draw(6)) {
    case 0:
        tw_deferred_unref(start());
        break;
    case 1:
        cancel_one();
        break;
    case 2:
        if (draw(20) == 0)
            tw_inline_callbacks_cancel_all();
        break;
    case 3:
        tw_clock_advance(world.clock, 1);
        break;
    default:
        fire_one();
    }
}

/* Fire and cancel until nobody is left. A circle through lists and groups is not refused:
 * a cancel ends it. */
static void end_all(void)
{
    for (int i = 0; i < 10000 && world.ended < world.started; i++) {
        tw_clock_advance(world.clock, 10);
        fire_one();
        if (i % 10 == 9)
            tw_inline_callbacks_cancel_all();
    }
    for (int i = 0; i < SLOTS; i++) {
        tw_deferred *slot = world.slots[i];
        world.slots[i] = NULL;
        tw_deferred_unref(slot);
    }
    tw_clock_advance(world.clock, 10);
    for (int i = 0; i < world.started; i++)
        tw_deferred_unref(world.bodies[i]);
}

static void run(void)
{
    static const struct tw_deferred_hooks hooks = { ignore, fired_twice, NULL };
    int64_t before = test_allocs_living();

    tw_deferred_set_hooks(&hooks);
    memset(&world, 0, sizeof world);
    world.clock = test_given(tw_clock_virtual_new());
    for (int i = 0; i < 100; i++)
        act();
    end_all();
    tw_clock_free(world.clock);
    ck_assert_msg(world.ended == world.started, "%d of %d ended", world.ended, world.started);
    ck_assert_msg(world.seen == world.started, "%d of %d seen", world.seen, world.started);
    ck_assert_msg(world.twice == 0, "%d fired twice", world.twice);
    ck_assert_msg(tw_coroutine_count() == 0 && tw_deferred_count() == 0,
                  "%zu coroutines and %zu Deferreds are left", tw_coroutine_count(),
                  tw_deferred_count());
    ck_assert_int_eq(test_allocs_living(), before);
}

START_TEST(whatever_bodies_do_to_each_other_all_end_once)
{
    random_programs(run, PROGRAMS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("await, at random");

    TEST_ADD(suite, whatever_bodies_do_to_each_other_all_end_once);
    return test_run(suite);
}
