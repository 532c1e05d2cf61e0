/* SPDX-License-Identifier: MIT */
/*
 * thread_end.c - the work at the end of a thread, in stages.
 *
 * One key for all, so that the order is ours: the system calls the destructors of keys in any
 * order, in up to four rounds. Each call may register others, of earlier stages too; so after
 * each call the first stage that has one is looked for again. Slabs wait for the third round,
 * until the program's own destructors have let go of their objects.
 */
#include "config.h"

#include <pthread.h>
#include <stddef.h>

#include "base/thread_end.h"

enum {
    SLABS_ROUND = 3,
    CALLS_MAX = 10000 /* of a round; two that register each other must not go on for ever */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool have_key;

static _Thread_local struct {
    struct twi_thread_end *stages[TWI_THREAD_STAGES];
    unsigned rounds;
} thread;

/* Take the first function of the first stage before `limit` that has any; NULL when none
 * has. */
static struct twi_thread_end *take_first(unsigned limit)
{
    for (unsigned stage = 0; stage < limit; stage++) {
        struct twi_thread_end *end = thread.stages[stage];
        if (end != NULL) {
            thread.stages[stage] = end->next_;
            return end;
        }
    }
    return NULL;
}

static void thread_ends(void *unused)
{
    bool last = ++thread.rounds >= SLABS_ROUND;
    struct twi_thread_end *end;

    (void)unused;
    for (int calls = 0; calls < CALLS_MAX; calls++) {
        void (*fn)(void);
        end = take_first(last ? TWI_THREAD_STAGES : TWI_THREAD_SLABS);
        if (end == NULL)
            break;
        fn = end->fn;
        end->fn = NULL;
        fn();
    }
    if (!last)
        pthread_setspecific(key, &thread);
}

static void make_key(void)
{
    have_key = pthread_key_create(&key, thread_ends) == 0;
}

bool twi_thread_end_call(struct twi_thread_end *end, enum twi_thread_stage stage,
                         void (*fn)(void))
{
    if (end->fn != NULL)
        return true;
    pthread_once(&once, make_key);
    if (!have_key || pthread_setspecific(key, &thread) != 0)
        return false;
    end->fn = fn;
    end->next_ = thread.stages[stage];
    thread.stages[stage] = end;
    return true;
}
