/* SPDX-License-Identifier: MIT */
/*
 * check_random_bodies.c - random programs of bodies, groups, pools, lists, maps and what they take
 * turns at, cancelled from everywhere: inside callbacks, cancellers, bodies and releases.
 *
 * The claims are simple, and counted beside: each body that begins runs to its end, each release
 * is called once, each watcher sees its Deferred once, no two bodies hold the lock, each value that
 * was put is got once, and nothing is left alive.
 */
#include "config.h"

#include <string.h>

#include <tweed/channel.h>
#include <tweed/deferred_list.h>
#include <tweed/inline_callbacks.h>
#include <tweed/log.h>
#include <tweed/pool.h>
#include <tweed/queue.h>
#include <tweed/sync.h>
#include <tweed/task.h>

#include "tests/random.h"
#include "tests/test.h"

enum {
    PROGRAMS = 300,
    STEPS = 40,    /* of the program itself */
    BUDGET = 300,  /* of steps inside callbacks and bodies */
    DEPTH = 6,     /* of these within each other */
    HELD = 12,
    SOURCES = 10,
    GROUPS = 4,
    TOKENS = 2,
    VALUES = 1200, /* more than can be put */
    CIRCLES = 600
};

static struct world {
    tw_clock *clock;
    tw_deferred *held[HELD];       /* any may be NULL */
    tw_deferred *sources[SOURCES]; /* producers' */
    tw_deferred *circles[CIRCLES]; /* what may wait for itself */
    tw_group *groups[GROUPS];      /* while their bodies run */
    tw_pool *pool;
    tw_lock *lock;
    tw_semaphore *semaphore;
    int depth, budget, circle_count;
    int inside_lock, inside_semaphore;
    long started, ended, releases, expected_releases, watched, seen;
} world;

static void act(void);

/* Every callback calls back into the library, now and then. */
static void act_inside(void)
{
    if (world.depth >= DEPTH || world.budget <= 0)
        return;
    world.budget--;
    world.depth++;
    for (unsigned n = draw(3); n > 0; n--)
        act();
    world.depth--;
}

/* --- Deferreds ------------------------------------------------------------------------------ */

static tw_value watch_one(tw_value result, void *arg)
{
    (void)arg;
    world.seen++;
    act_inside();
    return tw_is_failure(result) ? tw_none() : result;
}

/* In the place of another. */
static void hold(tw_deferred *deferred)
{
    unsigned at;
    tw_deferred *old;

    world.watched++;
    tw_add_both(deferred, watch_one, NULL);
    at = draw(HELD);
    old = world.held[at];
    world.held[at] = deferred;
    tw_deferred_unref(old);
}

/* A map or group may start or add its own Deferred later; then only a cancel ends it. */
static void hold_circle(tw_deferred *deferred)
{
    ck_assert_int_lt(world.circle_count, CIRCLES);
    world.circles[world.circle_count++] = tw_deferred_ref(deferred);
    hold(deferred);
}

static int cancel_source(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    (void)arg;
    act_inside();
    return one_in(12) ? -16 : 0;
}

/* Letting go of the one that was there calls whoever waits. */
static tw_deferred *from_source(void)
{
    tw_deferred **source = &world.sources[draw(SOURCES)], *old = *source;
    tw_deferred *made = tw_promise(source, one_in(2) ? cancel_source : NULL, NULL);

    tw_deferred_unref(old);
    return made;
}

static tw_deferred *something(void)
{
    unsigned at = draw(HELD);

    switch (draw(5)) {
    case 0:
        return tw_defer_later(world.clock, draw(3), NULL, NULL);
    case 1:
        return one_in(3) ? tw_failed(tw_fail(&tw_error_dns, "a thing"))
                         : tw_succeed(tw_none());
    case 2:
        if (world.held[at] != NULL)
            return tw_deferred_ref(world.held[at]);
        /* fall through */
    default:
        return from_source();
    }
}

static void fire_source(void)
{
    tw_fire(&world.sources[draw(SOURCES)],
            one_in(4) ? tw_fail(&tw_error_dns, "a source") : tw_integer(draw(9)));
}

/* --- values that go from one to another ------------------------------------------------------- */

static struct {
    tw_queue *queue;
    tw_channel *channels[2];
    struct {
        bool put, refused; /* says who put it */
        int got;
    } values[VALUES];
    int next;
} goods;

static int new_value(void)
{
    ck_assert_int_lt(goods.next, VALUES);
    return goods.next++;
}

static void value_put(int number, tw_value done)
{
    if (tw_is_failure(done))
        goods.values[number].refused = true;
    else
        goods.values[number].put = true;
}

static void value_got(tw_value value)
{
    int number = (int)tw_integer_of(value);

    if (!tw_is(value, &tw_type_integer))
        return;
    ck_assert_msg(goods.values[number].got++ == 0, "%d was got twice", number);
}

static void select_one(void)
{
    int number = new_value();
    const struct tw_select_case cases[] = {
        tw_case_receive(goods.channels[0]),
        tw_case_send(goods.channels[draw(2)], tw_integer(number)),
        tw_case_receive(goods.channels[1]),
    };
    tw_value got = tw_await(one_in(3) ? tw_select_now(cases, 3) : tw_select(cases, 3));
    tw_value item = tw_list_at(got, 1);

    if (tw_is(got, &tw_type_list) && tw_integer_of(tw_list_at(got, 0)) != 1)
        value_got(item);
    value_put(number,
              tw_integer_of(tw_list_at(got, 0)) == 1 ? item : tw_lend(tw_fail_memory()));
}

static void exchange(void)
{
    tw_channel *channel = goods.channels[draw(2)];
    int number;

    switch (draw(5)) {
    case 0:
        number = new_value();
        value_put(number, tw_await(tw_queue_put_wait(goods.queue, tw_integer(number))));
        break;
    case 1:
        value_got(tw_await(tw_queue_get(goods.queue)));
        break;
    case 2:
        number = new_value();
        value_put(number, tw_await(tw_channel_send(channel, tw_integer(number))));
        break;
    case 3:
        value_got(tw_await(tw_channel_receive(channel)));
        break;
    default:
        select_one();
    }
}

static void goods_make(void)
{
    memset(&goods, 0, sizeof goods);
    goods.queue = test_given(tw_queue_new(draw(3), TW_UNLIMITED));
    for (int i = 0; i < 2; i++)
        goods.channels[i] = test_given(tw_channel_new(draw(2)));
}

/* All that is left is got; then each that was put has been. */
static void goods_end(void)
{
    tw_value value;

    while (tw_queue_try_get(goods.queue, &value) == 0)
        value_got(value);
    tw_queue_free(goods.queue);
    for (int i = 0; i < 2; i++) {
        while (tw_channel_length(goods.channels[i]) > 0) {
            tw_deferred *received = tw_channel_receive(goods.channels[i]);
            value_got(tw_deferred_result(received));
            tw_deferred_unref(received);
        }
        tw_channel_free(goods.channels[i]);
    }
    for (int i = 0; i < goods.next; i++) {
        ck_assert_msg(goods.values[i].got == goods.values[i].put, "%d was %s and got %d times",
                      i, goods.values[i].put ? "put" : "not put", goods.values[i].got);
    }
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void with_lock(void)
{
    if (tw_is_failure(tw_await(tw_lock_acquire(world.lock))))
        return;
    ck_assert_int_eq(world.inside_lock++, 0);
    act_inside();
    tw_await(something());
    ck_assert_int_eq(--world.inside_lock, 0);
    ck_assert_int_eq(tw_lock_release(world.lock), 0);
}

static void with_token(void)
{
    if (tw_is_failure(tw_await(tw_semaphore_acquire(world.semaphore))))
        return;
    ck_assert_int_lt(world.inside_semaphore++, TOKENS);
    tw_await(something());
    act_inside();
    world.inside_semaphore--;
    ck_assert_int_eq(tw_semaphore_release(world.semaphore), 0);
}

static tw_value body(void *arg)
{
    tw_value got = tw_none();

    (void)arg;
    world.started++;
    for (unsigned n = draw(4); n > 0; n--) {
        act_inside();
        switch (draw(8)) {
        case 0:
            with_lock();
            break;
        case 1:
            with_token();
            break;
        case 2:
        case 3:
            exchange();
            break;
        default:
            got = tw_await(something());
        }
    }
    act_inside();
    world.ended++;
    return one_in(4) ? tw_fail(&tw_error_url, "a body") : one_in(5) ? got : tw_none();
}

static void release(void *arg)
{
    (void)arg;
    world.releases++;
    act_inside();
}

static const struct tw_coroutine_options with_release = { .release = release };

static tw_value group_body(tw_group *group, void *arg)
{
    world.groups[draw(GROUPS)] = group;
    for (unsigned n = draw(4); n > 0; n--) {
        if (one_in(2)) {
            world.expected_releases++;
            tw_group_start_at(TW_HERE, group, body, NULL, &with_release);
        } else {
            tw_group_add(group, something());
        }
    }
    tw_release(body(arg));
    for (int at = 0; at < GROUPS; at++)
        if (world.groups[at] == group)
            world.groups[at] = NULL;
    return tw_none();
}

/* --- what may be done, anywhere --------------------------------------------------------------- */

static tw_deferred *something_or_body(void)
{
    return one_in(2) ? something() : tw_inline_callbacks(body, NULL);
}

static tw_deferred *start_mapped(const void *item, void *arg)
{
    (void)item;
    (void)arg;
    return something_or_body();
}

static void hold_many_as_one(void)
{
    tw_deferred *of[4];
    size_t count = 1 + draw(4);

    for (size_t i = 0; i < count; i++)
        of[i] = something_or_body();
    switch (draw(3)) {
    case 0:
        hold(tw_deferred_list(of, count, draw(16)));
        break;
    case 1:
        hold(tw_gather(of, count));
        break;
    default:
        hold(tw_race(of, count));
    }
}

static void hold_map(void)
{
    static const char items[6];

    hold_circle(tw_map(items, 1 + draw(6), 1, 1 + draw(3), start_mapped, NULL));
}

static void hold_spawned(void)
{
    world.expected_releases++;
    hold(tw_pool_spawn_with(world.pool, body, NULL, &with_release));
}

static void cancel_held(void)
{
    tw_deferred *held = tw_deferred_ref(world.held[draw(HELD)]);

    tw_cancel(held);
    tw_deferred_unref(held);
}

static void let_go_of_held(void)
{
    tw_deferred **held = &world.held[draw(HELD)], *old = *held;

    *held = NULL;
    tw_deferred_unref(old);
}

static void time_held_out(void)
{
    tw_deferred *held = world.held[draw(HELD)];

    if (held != NULL)
        tw_deferred_add_timeout(held, draw(3), world.clock);
}

static void cancel_many(void)
{
    switch (draw(12)) {
    case 0:
        tw_inline_callbacks_cancel_all();
        break;
    case 1:
    case 2:
        tw_pool_cancel(world.pool);
        break;
    default:
        tw_group_cancel(world.groups[draw(GROUPS)]);
    }
}

static void hold_body(void)
{
    hold(tw_inline_callbacks(body, NULL));
}

static void hold_group(void)
{
    hold_circle(tw_group_run(group_body, NULL));
}

static void hold_join(void)
{
    hold(one_in(2) ? tw_pool_join(world.pool) : tw_pool_wait_available(world.pool));
}

static void act(void)
{
    static void (*const acts[])(void) = {
        hold_body,   hold_spawned,   hold_spawned,  hold_group,  hold_many_as_one,
        hold_map,    hold_join,      cancel_held,   cancel_held, cancel_many,
        cancel_many, let_go_of_held, time_held_out, fire_source, fire_source,
    };

    acts[draw(sizeof acts / sizeof acts[0])]();
}

/* --- programs ------------------------------------------------------------------------------ */

static void fire_all(void)
{
    for (int i = 0; i < SOURCES; i++)
        tw_fire(&world.sources[i], tw_none());
    tw_clock_advance(world.clock, 5);
}

/* Bodies that wait for each other, or for values that nobody puts, are cancelled. */
static void end_bodies(void)
{
    world.budget = 0;
    for (int round = 0; round < 200 && (tw_coroutine_count() > 0 || round < 3); round++) {
        fire_all();
        if (round > 20)
            tw_inline_callbacks_cancel_all();
    }
    tw_pool_free(world.pool);
    for (int i = 0; i < world.circle_count; i++) {
        tw_cancel(world.circles[i]);
        tw_deferred_unref(world.circles[i]);
    }
    for (int i = 0; i < HELD; i++) {
        tw_deferred *held = world.held[i];
        world.held[i] = NULL;
        tw_deferred_unref(held);
    }
    fire_all();
}

static void check_outcome(void)
{
    ck_assert_msg(world.started == world.ended, "%ld bodies began, %ld ended", world.started,
                  world.ended);
    ck_assert_msg(world.releases == world.expected_releases, "%ld releases, expected %ld",
                  world.releases, world.expected_releases);
    ck_assert(!tw_lock_held(world.lock));
    ck_assert_uint_eq(tw_semaphore_available(world.semaphore), TOKENS);
    tw_lock_free(world.lock);
    tw_semaphore_free(world.semaphore);
    tw_clock_free(world.clock);
    goods_end();
    ck_assert_msg(world.seen == world.watched, "%ld were watched, %ld seen", world.watched,
                  world.seen);
    ck_assert_msg(tw_deferred_count() == 0 && tw_coroutine_count() == 0,
                  "%zu Deferreds are left, %zu coroutines", tw_deferred_count(),
                  tw_coroutine_count());
}

static void run_program(void)
{
    memset(&world, 0, sizeof world);
    world.budget = BUDGET;
    world.clock = test_given(tw_clock_virtual_new());
    world.pool = test_given(tw_pool_new(1 + draw(3)));
    world.lock = test_given(tw_lock_new());
    world.semaphore = test_given(tw_semaphore_new(TOKENS));
    goods_make();
    for (int i = 0; i < STEPS; i++) {
        act();
        if (one_in(4))
            tw_clock_advance(world.clock, 1);
    }
    end_bodies();
    check_outcome();
}

static void ignore(tw_deferred *deferred, tw_value value, void *arg)
{
    (void)deferred;
    (void)value;
    (void)arg;
}

START_TEST(random_programs_lose_nothing)
{
    const struct tw_deferred_hooks hooks = { ignore, ignore, NULL };

    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    tw_deferred_set_hooks(&hooks);
    random_programs(run_program, PROGRAMS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random bodies");

    TEST_ADD(suite, random_programs_lose_nothing);
    return test_run(suite);
}
