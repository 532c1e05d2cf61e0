/* SPDX-License-Identifier: MIT */
/* ./locks - a counter that goes wrong without a lock; a lock that its owner takes again; a
 * semaphore that lets two in at a time. */
#include <stdio.h>

#include <tweed/tweed.h>

enum { WORKERS = 4 };

static int counter;
static tw_lock *lock, *reentrant;
static tw_semaphore *two;

static tw_value add_one(void *arg)
{
    int seen = counter;

    (void)arg;
    tw_sleep(0); /* the others run here */
    counter = seen + 1;
    return tw_none();
}

static tw_value add_one_locked(void *arg)
{
    tw_await(tw_lock_acquire(lock));
    add_one(arg);
    tw_lock_release(lock);
    return tw_none();
}

static void count_down(const char *name, int from)
{
    tw_await(tw_lock_acquire(reentrant));
    printf("%s: %d\n", name, from);
    tw_sleep(0);
    if (from > 1)
        count_down(name, from - 1);
    tw_lock_release(reentrant);
}

static tw_value count_from_three(void *name)
{
    count_down(name, 3);
    return tw_none();
}

static tw_value visit(void *name)
{
    tw_await(tw_semaphore_acquire(two));
    printf("%s enters\n", (const char *)name);
    tw_sleep(1 + *(char *)name - 'A'); /* A stays the shortest */
    printf("%s leaves\n", (const char *)name);
    tw_semaphore_release(two);
    return tw_none();
}

/* Run the body once for each worker, all at once, until the last has ended. */
static void run_all(tw_coroutine_body *body)
{
    static char names[WORKERS][2] = { "A", "B", "C", "D" };
    tw_deferred *workers[WORKERS];

    for (int i = 0; i < WORKERS; i++)
        workers[i] = tw_inline_callbacks(body, names[i]);
    tw_release(tw_block_on(tw_gather(workers, WORKERS)));
}

int main(void)
{
    lock = tw_lock_new();
    reentrant = tw_lock_new_reentrant();
    two = tw_semaphore_new(2);

    run_all(add_one);
    printf("without a lock: %d\n", counter);
    counter = 0;
    run_all(add_one_locked);
    printf("with a lock: %d\n", counter);
    run_all(count_from_three);
    run_all(visit);

    tw_semaphore_free(two);
    tw_lock_free(reentrant);
    tw_lock_free(lock);
    return 0;
}
