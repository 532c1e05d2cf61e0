/* SPDX-License-Identifier: MIT */
/*
 * check_sync_cancel.c - a cancelled wait takes nothing along, for each primitive, at any time.
 *
 * Four wait; each is woken once. Meanwhile one is cancelled, paused or let go of, or everything is
 * freed, at each moment: before each wake-up and inside the callback of each waiter. Then each
 * other one has been woken, and what the cancelled one did not take is still there.
 */
#include "config.h"

#include <tweed/sync.h>

#include "tests/trace.h"

enum { WAITERS = 4 };

/* What is waited for. Made so that nobody gets it at once. */
struct kind {
    const char *name;
    bool (*make)(void);
    tw_deferred *(*wait)(int number);
    void (*wake)(void);
    void (*woken)(void);   /* inside the callback of who was woken */
    int (*left)(void);     /* wake-ups that nobody took; NULL: they do not stay */
    void (*free)(void);
    bool drops; /* who was let go of is passed over */
    bool all;   /* one wake-up is for all */
};

static const struct kind *kind;
static tw_semaphore *semaphore;
static tw_lock *lock;
static tw_condition *condition;
static tw_queue *queue;
static tw_channel *channels[3];
static tw_event *event;
static bool freed;

/* --- the kinds -------------------------------------------------------------------------- */

static bool semaphore_make(void)
{
    semaphore = tw_semaphore_new(WAITERS);
    for (int i = 0; i < WAITERS && semaphore != NULL; i++)
        ck_assert_int_eq(tw_semaphore_try(semaphore), 0);
    return semaphore != NULL;
}

static tw_deferred *semaphore_wait(int number)
{
    (void)number;
    return tw_semaphore_acquire(semaphore);
}

static void semaphore_wake(void)
{
    tw_semaphore_release(semaphore);
}

static int semaphore_left(void)
{
    return (int)tw_semaphore_available(semaphore);
}

static void semaphore_free(void)
{
    tw_semaphore_free(semaphore);
}

/* Each holder of the lock releases it for the next. */
static bool lock_make(void)
{
    lock = tw_lock_new();
    return lock != NULL && tw_lock_try(lock) == 0;
}

static bool owned_lock_make(void)
{
    lock = tw_lock_new_reentrant();
    tw_deferred_unref(tw_lock_acquire_as(lock, &lock));
    if (tw_lock_held(lock))
        return true;
    tw_lock_free(lock);
    return false;
}

static tw_deferred *lock_wait(int number)
{
    (void)number;
    return tw_lock_acquire_as(lock, &lock + 1);
}

static void lock_wake(void)
{
    if (tw_lock_release_as(lock, &lock) != 0)
        tw_lock_release_as(lock, &lock + 1);
}

static int lock_left(void)
{
    return -1;
}

static void lock_free(void)
{
    tw_lock_free(lock);
}

static bool condition_make(void)
{
    lock = tw_lock_new();
    condition = tw_condition_new(lock);
    if (condition == NULL)
        tw_lock_free(lock);
    return condition != NULL;
}

static tw_deferred *condition_wait(int number)
{
    tw_deferred *wait;

    (void)number;
    ck_assert_int_eq(tw_lock_try(lock), 0);
    wait = tw_condition_wait(condition);
    if (wait == NULL)
        tw_lock_release(lock);
    ck_assert(!tw_lock_held(lock));
    return wait;
}

static void condition_wake(void)
{
    ck_assert_int_eq(tw_lock_try(lock), 0);
    tw_condition_notify(condition, 1);
    tw_lock_release(lock);
}

static void condition_wake_all(void)
{
    ck_assert_int_eq(tw_lock_try(lock), 0);
    tw_condition_notify_all(condition);
    tw_lock_release(lock);
}

static void condition_woken(void)
{
    ck_assert_int_eq(tw_lock_release(lock), 0);
}

static void condition_free(void)
{
    tw_condition_free(condition);
    tw_lock_free(lock);
}

static bool queue_make(void)
{
    queue = tw_queue_new(TW_UNLIMITED, TW_UNLIMITED);
    return queue != NULL;
}

static tw_deferred *queue_wait(int number)
{
    (void)number;
    return tw_queue_get(queue);
}

static void queue_wake(void)
{
    tw_queue_put(queue, tw_string("value"));
}

static int queue_left(void)
{
    return (int)tw_queue_length(queue);
}

static void queue_free(void)
{
    tw_queue_free(queue);
}

/* Puts wait for a place in a queue of one. */
static bool full_make(void)
{
    queue = tw_queue_new(1, TW_UNLIMITED);
    if (queue != NULL && tw_queue_put(queue, tw_string("first")) == 0)
        return true;
    tw_queue_free(queue);
    return false;
}

static bool full_priority_make(void)
{
    queue = tw_queue_new_ordered(TW_PRIORITY, 1, TW_UNLIMITED);
    if (queue != NULL && tw_queue_put(queue, tw_string("first")) == 0)
        return true;
    tw_queue_free(queue);
    return false;
}

static tw_deferred *full_wait(int number)
{
    return tw_queue_put_wait_priority(queue, -number, tw_bytes_format("%d", number));
}

static void full_wake(void)
{
    tw_value value = tw_none();

    tw_queue_try_get(queue, &value);
    tw_release(value);
}

static int full_left(void)
{
    return 1 - (int)tw_queue_length(queue);
}

static void channels_free(void)
{
    for (int i = 0; i < 3; i++)
        tw_channel_free(channels[i]);
}

static bool channels_make(void)
{
    bool all = true;

    for (int i = 0; i < 3; i++) {
        channels[i] = tw_channel_new(0);
        all = all && channels[i] != NULL;
    }
    if (!all)
        channels_free();
    return all;
}

static tw_deferred *channel_wait(int number)
{
    (void)number;
    return tw_channel_receive(channels[1]);
}

static tw_deferred *select_wait(int number)
{
    struct tw_select_case cases[] = {
        tw_case_receive(channels[0]),
        tw_case_receive(channels[1]),
        tw_case_send(channels[2], tw_bytes_format("%d", number)),
    };

    return tw_select(&cases[number % 2], 3 - (size_t)number % 2);
}

static void channel_wake(void)
{
    tw_deferred_unref(tw_channel_send(channels[1], tw_string("value")));
}

static int channel_left(void)
{
    return (int)tw_queue_puts_waiting((tw_queue *)channels[1]);
}

static bool event_make(void)
{
    event = tw_event_new();
    return event != NULL;
}

static tw_deferred *event_wait(int number)
{
    (void)number;
    return tw_event_wait(event);
}

static void event_wake(void)
{
    tw_event_set(event);
}

static void event_free(void)
{
    tw_event_free(event);
}

static const struct kind kinds[] = {
    { "semaphore", semaphore_make, semaphore_wait, semaphore_wake, NULL, semaphore_left,
      semaphore_free, true, false },
    { "lock", lock_make, lock_wait, lock_wake, NULL, lock_left, lock_free, true, false },
    { "re-entrant lock", owned_lock_make, lock_wait, lock_wake, NULL, lock_left, lock_free,
      true, false },
    { "condition", condition_make, condition_wait, condition_wake, condition_woken, NULL,
      condition_free, true, false },
    { "condition, all", condition_make, condition_wait, condition_wake_all, condition_woken,
      NULL, condition_free, true, true },
    { "get", queue_make, queue_wait, queue_wake, NULL, queue_left, queue_free, true, false },
    { "put", full_make, full_wait, full_wake, NULL, full_left, queue_free, false, false },
    { "put by priority", full_priority_make, full_wait, full_wake, NULL, full_left, queue_free,
      false, false },
    { "receive", channels_make, channel_wait, channel_wake, NULL, channel_left, channels_free,
      true, false },
    { "select", channels_make, select_wait, channel_wake, NULL, channel_left, channels_free,
      true, false },
    { "event", event_make, event_wait, event_wake, NULL, NULL, event_free, false, true },
};

/* --- what happens meanwhile ------------------------------------------------------------- */

enum deed { NOTHING, CANCEL, PAUSE_AND_CANCEL, LET_GO, FREE, DEEDS };
static const char *const deed_names[] = { "nothing", "cancel", "pause and cancel", "let go",
                                          "free" };

static struct waiter {
    tw_deferred *wait;
    int good, cancelled, other;
} waiters[WAITERS];

static enum deed deed;
static int victim, moment; /* before wake-up `moment`, or inside the callback `moment` - 10 */

static void do_it(int now)
{
    struct waiter *waiter = &waiters[victim];

    if (now != moment || freed)
        return;
    if (deed == CANCEL) {
        tw_cancel(waiter->wait);
    } else if (deed == LET_GO && waiter->wait != NULL) {
        tw_deferred *wait = waiter->wait;
        waiter->wait = NULL;
        tw_deferred_unref(wait);
    } else if (deed == FREE) {
        freed = true;
        kind->free();
    }
}

static tw_value woken(tw_value result, void *arg)
{
    struct waiter *waiter = arg;

    if (!tw_is_failure(result))
        waiter->good++;
    else if (tw_failure_is(result, &tw_error_cancelled))
        waiter->cancelled++;
    else
        waiter->other++;
    do_it(10 + (int)(waiter - waiters));
    if (!freed && kind->woken != NULL && waiter->wait != NULL)
        kind->woken();
    return tw_none();
}

static void start(void)
{
    freed = false;
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < WAITERS && !freed; i++) {
        struct waiter *waiter = &waiters[i];
        bool silent = i == victim && deed == LET_GO && kind->drops;

        waiter->wait = kind->wait(i);
        if (!silent)
            tw_add_both(waiter->wait, woken, waiter);
    }
    if (deed == PAUSE_AND_CANCEL)
        tw_deferred_pause(waiters[victim].wait);
}

static int sum_good(void)
{
    int good = 0;

    for (int i = 0; i < WAITERS; i++)
        good += waiters[i].good;
    return good;
}

static void end(void)
{
    if (deed == PAUSE_AND_CANCEL) {
        tw_cancel(waiters[victim].wait);
        tw_deferred_unpause(waiters[victim].wait);
    }
    for (int i = 0; i < WAITERS; i++) {
        tw_deferred *wait = waiters[i].wait;
        waiters[i].wait = NULL;
        tw_deferred_unref(wait);
    }
}

static void play(void)
{
    start();
    for (int i = 0; i < WAITERS; i++) {
        do_it(i);
        if (!freed)
            kind->wake();
    }
}

/* One that is paused holds the lock until it goes on; one is let go of before its turn. */
static bool makes_sense(void)
{
    if (deed == PAUSE_AND_CANCEL)
        return kind->woken == NULL;
    if (deed != LET_GO || !kind->drops)
        return true;
    if (moment >= 10)
        return moment - 10 < victim;
    return moment <= (kind->all ? 0 : victim);
}

static const char *scene(void)
{
    static char text[128];

    snprintf(text, sizeof text, "%s: %s %d at %d", kind->name, deed_names[deed], victim,
             moment);
    return text;
}

/* Each has exactly one result; only the victim may have been cancelled; nothing is lost. */
static void judge(void)
{
    int left = freed || kind->left == NULL ? -1 : kind->left();

    for (int i = 0; i < WAITERS; i++) {
        const struct waiter *waiter = &waiters[i];
        bool gone = i == victim && deed == LET_GO && kind->drops;

        ck_assert_msg(gone || waiter->good + waiter->cancelled + waiter->other == 1,
                      "%s: waiter %d: %d good, %d cancelled, %d other", scene(), i,
                      waiter->good, waiter->cancelled, waiter->other);
        ck_assert_msg(waiter->cancelled == 0 || i == victim, "%s: %d", scene(), i);
        ck_assert_msg(freed || waiter->other == 0, "%s: %d", scene(), i);
    }
    if (left >= 0)
        ck_assert_msg(sum_good() + left == WAITERS, "%s: %d good, %d left", scene(),
                      sum_good(), left);
}

static void run_scene(void)
{
    ck_assert(kind->make());
    play();
    if (deed == PAUSE_AND_CANCEL)
        ck_assert(freed || tw_deferred_called(waiters[victim].wait));
    end();
    if (!freed && kind->woken != NULL)
        ck_assert_msg(!tw_lock_held(lock), "%s: the lock is held", scene());
    judge();
    if (!freed)
        kind->free();
    ck_assert_msg(tw_deferred_count() == 0, "%s: a Deferred is left", scene());
}

START_TEST(whoever_is_cancelled_takes_nothing_along)
{
    static const int moments[] = { 0, 1, 2, 3, 10, 11, 12, 13 };

    kind = &kinds[_i];
    trace_setup();
    for (deed = NOTHING; deed < DEEDS; deed++) {
        for (victim = 0; victim < WAITERS; victim++) {
            for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
                moment = moments[i];
                if (makes_sense())
                    run_scene();
            }
        }
    }
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static bool without_memory(void *arg)
{
    (void)arg;
    if (!kind->make())
        return false;
    play();
    end();
    for (int i = 0; i < WAITERS; i++)
        ck_assert_int_le(waiters[i].good + waiters[i].cancelled + waiters[i].other, 1);
    if (!freed)
        kind->free();
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(nothing_is_lost_without_memory)
{
    kind = &kinds[_i];
    victim = 1;
    for (moment = 0; moment < 14; moment += 6) {
        deed = CANCEL;
        trace_setup();
        test_each_alloc_failure(without_memory, NULL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sync cancel");

    TEST_ADD_ROWS(suite, whoever_is_cancelled_takes_nothing_along, kinds);
    TEST_ADD_ROWS(suite, nothing_is_lost_without_memory, kinds);
    return test_run(suite);
}
