/* SPDX-License-Identifier: MIT */
/*
 * reactor.h - the loop of a thread: timed calls, descriptors, signals, threads, start and stop.
 *
 * Each thread has its own reactor, made on first use; functions without a reactor argument act
 * on the calling thread's. A turn runs, in this order: calls queued by other threads before the
 * turn, calls queued by this one, due timed calls, then (when stopping) the shutdown triggers,
 * then ready descriptors, then the sending of all that was written.
 *
 *     static void tick(void *arg)
 *     {
 *         int *left = arg;
 *         printf("%d\n", *left);
 *         if (--*left == 0 || tw_call_later(1.0, tick, left) < 0)
 *             tw_reactor_stop();
 *     }
 *     ...
 *     int left = 3;
 *     tw_call_soon(tick, &left);
 *     return tw_reactor_run();                // prints 3, 2, 1, a second apart
 *
 * After Twisted's twisted.internet.interfaces.IReactorCore and friends.
 */
#ifndef TWEED_REACTOR_H
#define TWEED_REACTOR_H

#include <errno.h>

#include <tweed/deferred.h>

TW_BEGIN

typedef struct tw_reactor tw_reactor;

/* The errors of running and stopping. */
#define TW_REACTOR_ALREADY_RUNNING (-EALREADY)
#define TW_REACTOR_NOT_RUNNING (-ENOTCONN)
#define TW_REACTOR_NOT_RESTARTABLE (-ESHUTDOWN) /* run while it is shutting down */
#define TW_REACTOR_IN_COROUTINE (-EDEADLK)      /* run inside a coroutine */

/* --- install, run, stop ------------------------------------------------------------------ */

struct tw_reactor_options {
    const char *backend;     /* "epoll", "poll", "select"; NULL for the best */
    bool virtual_time;       /* time jumps to the next timed call when idle */
    bool no_signal_handlers; /* leave SIGINT, SIGTERM alone in tw_reactor_run() */
};
/* Make the calling thread's reactor with these options. Returns 0, -EEXIST (there is one),
 * -ENOTSUP (no such backend), -ENOMEM. */
TW_API int tw_reactor_install(const struct tw_reactor_options *options);
/* Release the calling thread's reactor and all that it holds: connections are lost, pending
 * calls released. Returns 0, -EBUSY (it is running). A thread's end does the same.
 *
 * A child made by fork(), wherever that is called, has three ways to go on:
 * - _exit() or exec.
 * - Leave the inherited reactor to the parent by this function, in a callback too, and begin one
 *   of its own. Nothing is called, sent or waited for. The child's copies of the descriptors of
 *   connections, listeners and child processes are closed, those of tw_reactor_add_reader() and
 *   the like are not. Inherited objects may be released but not used. A callback in which this
 *   was called must not return. In a coroutine no reactor can run: there the child ends by
 *   _exit().
 * - Go on with it, if fork() was called outside a run. Timers, watches and wake-ups are the
 *   child's own from then on. Listeners are shared, as a server of several processes wants it;
 *   so are connections, which should not be used by both. */
TW_API int tw_reactor_uninstall(void);
/* The calling thread's reactor, made if need be, lent; NULL when there is no memory. Other
 * threads may use it in tw_reactor_call_from_thread() and tw_blocking_call_from_thread() only.
 * Threads that may outlive it take a reference first: then those two calls report that it is
 * gone. */
TW_API tw_reactor *tw_reactor_current(void);
TW_API tw_reactor *tw_reactor_ref(tw_reactor *reactor); /* from any thread */
TW_API void tw_reactor_unref(tw_reactor *reactor);      /* from any thread */
TW_API const char *tw_reactor_backend(void);

/* Run turns until tw_reactor_stop(). May be called again afterwards. Returns 0,
 * TW_REACTOR_ALREADY_RUNNING, TW_REACTOR_NOT_RESTARTABLE, TW_REACTOR_IN_COROUTINE, -ENOMEM. */
TW_API int tw_reactor_run(void);
/* Ask for the end: the shutdown triggers run in the next turn. Before a run it returns
 * TW_REACTOR_NOT_RUNNING and makes the next run return at once; the second of two also returns
 * TW_REACTOR_NOT_RUNNING. */
TW_API int tw_reactor_stop(void);
/* Leave the loop after this turn without any triggers. Returns 0, TW_REACTOR_NOT_RUNNING. */
TW_API int tw_reactor_crash(void);
/* One turn; if nothing was queued or due it waits at most `seconds` for something to happen
 * (negative: no limit). Returns 0, TW_REACTOR_ALREADY_RUNNING (inside a turn),
 * TW_REACTOR_IN_COROUTINE, -EINVAL, -ENOMEM. */
TW_API int tw_reactor_iterate(double seconds);
TW_API bool tw_reactor_running(void);
/* The signal that stopped the last run, 0 if none. A program may die by it. */
TW_API int tw_reactor_exit_signal(void);

/* Run until `deferred` (taken over) is done, then stop; returns its result, owned. If the
 * reactor stops first, returns tw_error_abandoned. Inside a running reactor or a coroutine,
 * returns tw_error_misuse and logs it as critical. */
TW_API TW_MUST_USE tw_value tw_block_on(tw_deferred *deferred);
/* A whole program: call start(arg) once the reactor runs, and stop when the returned Deferred
 * is done. Returns an exit status: 0, or 1 after logging the failure, or 128 + the signal that
 * ended the run. Twisted's task.react(). */
TW_API int tw_react(tw_deferred *(*start)(void *arg), void *arg);

/* A call that has kept all else on the thread waiting. */
struct tw_slow_event {
    const char *kind;       /* "timed call", "descriptor", "call", "call from a thread", "flush" */
    void (*function)(void); /* what was called, by its address */
    double seconds;         /* to some milliseconds */
};
/* Called after the slow call has returned; `event` is lent. */
typedef void tw_slow_call(const struct tw_slow_event *event, void *arg);
/* Call fn for each call of the calling thread's reactor that takes more than `seconds` (0:
 * 0.1). While it is set each call costs a look at the kernel's coarse clock; NULL takes it
 * back. Without it a build with --enable-debug logs slow calls as warnings. Returns 0, -EINVAL,
 * -ENOMEM. */
TW_API int tw_reactor_on_slow_call(double seconds, tw_slow_call *fn, void *arg);

/* --- events ------------------------------------------------------------------------------ */

enum tw_phase { TW_BEFORE, TW_DURING, TW_AFTER };
/* Run fn in that phase of the event "startup" or "shutdown". In TW_BEFORE of "shutdown" fn may
 * return a Deferred (tw_wait()): the shutdown goes on when all of these are done, failures are
 * logged. Returns a positive number for the removal, -EINVAL, -ENOMEM. */
TW_API int64_t tw_reactor_add_trigger(enum tw_phase phase, const char *event,
                                      tw_value (*fn)(void *arg), void *arg);
TW_API int tw_reactor_remove_trigger(int64_t trigger); /* 0, -ENOENT */
/* Call fn(arg) at once if the reactor runs, otherwise when it starts. Returns 0, -EINVAL (no
 * fn), -ENOMEM. */
TW_API int tw_call_when_running(void (*fn)(void *arg), void *arg);

/* --- timed calls: as in clock.h, on the reactor's clock ---------------------------------- */

TW_API tw_clock *tw_reactor_clock(void);
TW_API int64_t tw_call_later(double seconds, void (*fn)(void *arg), void *arg);
TW_API int64_t tw_call_later_with(double seconds, void (*fn)(void *arg), void *arg,
                                  tw_release_fn *release);
TW_API int tw_call_cancel(int64_t call);
TW_API int tw_call_reset(int64_t call, double seconds);
TW_API int tw_call_delay(int64_t call, double seconds);
/* True while the call is still to be made. */
TW_API bool tw_call_active(int64_t call);
/* Call fn(arg) in the next turn, in the order of these calls. Returns 0, -EINVAL (no fn),
 * -ENOMEM. Twisted's callLater(0), asyncio's call_soon. */
TW_API int tw_call_soon(void (*fn)(void *arg), void *arg);

/* --- other threads ----------------------------------------------------------------------- */

/* These two are the only functions that another thread may call. */

/* Call fn(arg) on the reactor's thread, in the order of these calls. Returns 0, -EINVAL (no
 * fn), -ENOMEM, -ESHUTDOWN (the reactor is gone). */
TW_API int tw_reactor_call_from_thread(tw_reactor *reactor, void (*fn)(void *arg), void *arg);
/* Call fn(arg) on the reactor's thread, wait for its result (or that of the Deferred that it
 * returned by tw_wait()), and return it, owned. Fails with tw_error_misuse on the reactor's own
 * thread; with tw_error_abandoned when the reactor is gone, or when, while the Deferred is
 * pending, it waits for the calling thread to end (a stopping reactor does so for the threads
 * of its pool). */
TW_API TW_MUST_USE tw_value tw_blocking_call_from_thread(tw_reactor *reactor,
                                                         tw_value (*fn)(void *arg), void *arg);

/* --- descriptors ------------------------------------------------------------------------- */

/* Call fn(fd, arg) whenever `fd` is ready (level-triggered), until removed; one reader and one
 * writer for each descriptor. The descriptor stays yours; remove it before you close it. Returns
 * 0, -EEXIST, -EBADF, -EINVAL (no fn), -ENOMEM, -EPERM (a kind that the backend cannot watch),
 * -EMFILE (a number that "select" cannot watch). */
TW_API int tw_reactor_add_reader(int fd, void (*fn)(int fd, void *arg), void *arg);
TW_API int tw_reactor_add_writer(int fd, void (*fn)(int fd, void *arg), void *arg);
TW_API int tw_reactor_remove_reader(int fd); /* 0, -ENOENT */
TW_API int tw_reactor_remove_writer(int fd);
/* Remove all readers and writers that programs added; returns how many. */
TW_API int tw_reactor_remove_all(void);
/* Write at most `size` descriptors to `fds`; return how many there are. */
TW_API size_t tw_reactor_readers(int *fds, size_t size);
TW_API size_t tw_reactor_writers(int *fds, size_t size);

/* --- signals ----------------------------------------------------------------------------- */

/* Call fn(number, arg) in a turn after the signal `number` arrived; NULL gives the signal back.
 * One thread of the process may have a signal at a time. On the main thread tw_reactor_run()
 * itself handles SIGTERM, and SIGINT if the program does not: the first stops the reactor, a
 * second ends the process at once by that signal; and it ignores SIGPIPE if the program does
 * not handle it. Returns 0, -EINVAL (no such signal, or one that cannot be handled), -EBUSY
 * (another thread has it), -ENOENT (NULL for a signal that was not taken), -ENOMEM. */
TW_API int tw_reactor_on_signal(int number, void (*fn)(int number, void *arg), void *arg);

TW_END
#endif
