/* SPDX-License-Identifier: MIT */
/*
 * signals.c - signals as calls in a turn.
 *
 * A handler does one thing: it pushes the signal's own post on the inbox of the reactor that asked
 * for it, as any other thread would, which ends in a write to the wake-up descriptor. A run takes
 * SIGTERM and SIGINT: the first of them asks the reactor to stop and gives both back to the
 * kernel, so that a second one ends the process however busy the reactor is.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#if TWI_LINUX
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "base/fork.h"
#include "base/hooks.h"
#include "reactor/loop.h"

struct taken {
    struct twi_post post;
    atomic_bool sent; /* `post` is in an inbox */
    _Atomic(struct tw_reactor *) reactor; /* the one to tell; NULL: none */
    atomic_bool stops; /* taken by a run */
    void (*fn)(int number, void *arg);
    void *arg;
    struct sigaction before;
};

/* TWI_LOCK_SIGNALS guards the owners of signals; the handlers look at the atomic members only. */
static struct taken signals[_NSIG];
static atomic_int handling;
static struct twi_loop *ignores_sigpipe;

/* --- in the handler ---------------------------------------------------------------------- */

static void signal_tell(int number)
{
    struct taken *taken = &signals[number];
    struct tw_reactor *reactor;

    atomic_fetch_add(&handling, 1);
    reactor = atomic_load(&taken->reactor);
    if (reactor != NULL && !atomic_exchange(&taken->sent, true) &&
        twi_inbox_push(reactor, &taken->post) < 0)
        atomic_store(&taken->sent, false);
    atomic_fetch_sub(&handling, 1);
}

static void to_default(int number)
{
    struct sigaction action = { .sa_handler = SIG_DFL };

    if (atomic_load(&signals[number].stops))
        sigaction(number, &action, NULL);
}

static void on_stop_signal(int number)
{
    to_default(SIGINT);
    to_default(SIGTERM);
    signal_tell(number);
}

/* A handler on another thread of the parent is not one of the child's. */
static void handlers_part(void)
{
    atomic_store(&handling, 0);
}

TWI_AT_START static void signals_hook(void)
{
    static struct twi_fork_hook hook = { .child = handlers_part };

    twi_fork_hook(&hook);
}

/* --- taking and giving back -------------------------------------------------------------- */

/* In a turn. */
static void signals_arrived(void *arg)
{
    struct taken *taken = arg;
    struct twi_loop *loop = twi_loop_here;
    int number = (int)(taken - signals);

    atomic_store(&taken->sent, false);
    if (loop == NULL || atomic_load(&taken->reactor) != loop->reactor)
        return;
    if (!atomic_load(&taken->stops)) {
        taken->fn(number, taken->arg);
        return;
    }
    loop->exit_signal = number;
    tw_reactor_stop();
}

/* With the lock. */
static int signal_take(struct twi_loop *loop, int number, bool stops)
{
    struct taken *taken = &signals[number];
    struct sigaction action = { .sa_handler = stops ? on_stop_signal : signal_tell,
                                .sa_flags = SA_RESTART };
    struct sigaction *before = atomic_load(&taken->reactor) == NULL ? &taken->before : NULL;

    taken->post.fn = signals_arrived;
    taken->post.arg = taken;
    sigfillset(&action.sa_mask);
    atomic_store(&taken->reactor, loop->reactor);
    atomic_store(&taken->stops, stops);
    if (sigaction(number, &action, before) == 0)
        return 0;
    atomic_store(&taken->reactor, NULL);
    return -EINVAL;
}

/* With the lock. A handler that runs on another thread just now may hold the reactor still. */
static void signal_give_back(int number)
{
    struct taken *taken = &signals[number];

    sigaction(number, &taken->before, NULL);
    atomic_store(&taken->reactor, NULL);
    while (atomic_load(&handling) > 0)
        sched_yield();
}

/* --- a run ------------------------------------------------------------------------------- */

#if TWI_LINUX && defined SYS_gettid
static bool is_main_thread(void)
{
    return syscall(SYS_gettid) == getpid();
}
#elif defined HAVE_PTHREAD_MAIN_NP
static bool is_main_thread(void)
{
    return pthread_main_np() == 1;
}
#else
/* POSIX cannot tell which thread is the main one: it is the one that loaded the library, except
 * after a late dlopen(). */
static pthread_t loaded_by;

__attribute__((constructor)) static void signals_loaded(void)
{
    loaded_by = pthread_self();
}

static bool is_main_thread(void)
{
    return pthread_equal(pthread_self(), loaded_by) != 0;
}
#endif

static bool is_default(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

/* The program's own handling of SIGINT is kept, that of SIGTERM only if it came by
 * tw_reactor_on_signal(). Nothing that tweed sends raises SIGPIPE but sendfile(). */
void twi_signals_begin(struct twi_loop *loop)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    if (loop->no_signal_handlers || !is_main_thread())
        return;
    twi_lock(TWI_LOCK_SIGNALS);
    if (atomic_load(&signals[SIGTERM].reactor) == NULL)
        signal_take(loop, SIGTERM, true);
    if (atomic_load(&signals[SIGINT].reactor) == NULL && is_default(SIGINT))
        signal_take(loop, SIGINT, true);
    if (is_default(SIGPIPE) && sigaction(SIGPIPE, &ignore, NULL) == 0)
        ignores_sigpipe = loop;
    twi_unlock(TWI_LOCK_SIGNALS);
}

static void give_back_all(struct twi_loop *loop, bool only_stops)
{
    struct sigaction normal = { .sa_handler = SIG_DFL };

    twi_lock(TWI_LOCK_SIGNALS);
    for (int number = 1; number < _NSIG; number++) {
        struct taken *taken = &signals[number];
        if (atomic_load(&taken->reactor) == loop->reactor &&
            (!only_stops || atomic_load(&taken->stops)))
            signal_give_back(number);
    }
    if (ignores_sigpipe == loop) {
        sigaction(SIGPIPE, &normal, NULL);
        ignores_sigpipe = NULL;
    }
    twi_unlock(TWI_LOCK_SIGNALS);
}

void twi_signals_end(struct twi_loop *loop)
{
    give_back_all(loop, true);
}

void twi_signals_release(struct twi_loop *loop)
{
    give_back_all(loop, false);
}

/* --- the public face --------------------------------------------------------------------- */

static int on_signal(struct twi_loop *loop, int number, void (*fn)(int number, void *arg),
                     void *arg)
{
    struct taken *taken = &signals[number];
    struct tw_reactor *owner = atomic_load(&taken->reactor);

    if (owner != NULL && owner != loop->reactor)
        return -EBUSY;
    if (fn == NULL) {
        if (owner == NULL || atomic_load(&taken->stops))
            return -ENOENT;
        signal_give_back(number);
        return 0;
    }
    taken->fn = fn;
    taken->arg = arg;
    return signal_take(loop, number, false);
}

int tw_reactor_on_signal(int number, void (*fn)(int number, void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    int r;

    if (number < 1 || number >= _NSIG)
        return -EINVAL;
    if (loop == NULL)
        return -ENOMEM;
    twi_lock(TWI_LOCK_SIGNALS);
    r = on_signal(loop, number, fn, arg);
    twi_unlock(TWI_LOCK_SIGNALS);
    return r;
}
