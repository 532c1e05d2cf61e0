/* SPDX-License-Identifier: MIT */
/*
 * process_pool.h - functions that run in other processes, results as Deferreds.
 *
 * For work that keeps a processor busy, or may crash: each worker is a process that calls
 * functions of this program by their names, with values as arguments and values as results.
 *
 *     static tw_value square(tw_value number)
 *     {
 *         return tw_integer(tw_integer_of(number) * tw_integer_of(number));
 *     }
 *     TW_PROCESS_FUNCTION(square);
 *
 *     ...                                            // in main():
 *     if (tw_process_worker(argc, argv))
 *         return 0;                                  // this is a worker, and its work is done
 *     tw_process_pool *pool = tw_process_pool_new(NULL);
 *     tw_deferred *result = tw_process_submit(pool, "square", tw_integer(7));
 *
 * None, integers, doubles, bytes, lists and failures can travel. A failure comes back with its
 * class (by name), message, number, cause and value. When a worker dies, only the call that it
 * was running fails, with tw_error_worker_lost, and a new worker takes its place. A pool
 * belongs to its thread's reactor, and ends with it.
 * After Python's multiprocessing.Pool and concurrent.futures.ProcessPoolExecutor.
 */
#ifndef TWEED_PROCESS_POOL_H
#define TWEED_PROCESS_POOL_H

#include <sys/types.h>

#include <tweed/results.h>

TW_BEGIN

/* --- what workers can do ------------------------------------------------------------------ */

/* Runs in a worker, on its only thread. `argument` is lent. The value, failure or Deferred
 * (tw_wait()) that it returns is taken; for a Deferred the worker runs a reactor of its own. */
typedef tw_value tw_process_function(tw_value argument);

struct tw_process_entry {
    const char *name; /* static */
    tw_process_function *function;
    struct tw_process_entry *next; /* tweed's */
};
/* Give a function a name, in the program and so in its workers: TW_PROCESS_FUNCTION(f) at file
 * level names f "f"; or call tw_process_register() before tw_process_worker(), with an `entry`
 * in static storage. */
TW_API void tw_process_register(struct tw_process_entry *entry);
#define TW_PROCESS_FUNCTION(function_)                                                       \
    static struct tw_process_entry tw_process_entry_##function_ = { #function_, (function_), \
                                                                    NULL };                  \
    __attribute__((__constructor__)) static void tw_process_register_##function_(void)       \
    {                                                                                        \
        tw_process_register(&tw_process_entry_##function_);                                  \
    }                                                                                        \
    struct tw_process_entry

/* The same for a class of errors of the program's, so that failures arrive with that class. A
 * class that was not registered arrives as its nearest known parent, with its name in front of
 * the message. */
struct tw_process_error {
    const tw_error_class *error_class;
    struct tw_process_error *next; /* tweed's */
};
TW_API void tw_process_register_error(struct tw_process_error *error);
#define TW_PROCESS_ERROR(class_)                                                         \
    static struct tw_process_error tw_process_error_##class_ = { &(class_), NULL };      \
    __attribute__((__constructor__)) static void tw_process_register_error_##class_(void) \
    {                                                                                    \
        tw_process_register_error(&tw_process_error_##class_);                           \
    }                                                                                    \
    struct tw_process_error

/* Call this first in main(). In a spawned worker it does the worker's work and returns true at
 * its end: return from main() then. In any other process it returns false. Without it workers
 * can only be forked. */
TW_API bool tw_process_worker(int argc, char **argv);

/* --- a pool ------------------------------------------------------------------------------- */

typedef struct tw_process_pool tw_process_pool;

/*
 * How workers are started. In each case a worker has this process's standard output and error,
 * an empty standard input, no other descriptor, and default signals except SIGINT, which it
 * ignores; it ends when this process ends, even if that is killed.
 *   TW_WORKERS_SPAWN  this program is executed again, with nothing of its memory. Always safe;
 *                     takes about a millisecond; needs tw_process_worker() in main()
 *   TW_WORKERS_FORK   a copy of this process as it is now, with all its memory. Only before threads
 *                     start: once there are some (which Linux tells), workers are spawned, or
 *                     refused if main() has not called tw_process_worker()
 *   TW_WORKERS_AUTO   spawn when tw_process_worker() was called, else fork
 */
enum tw_workers { TW_WORKERS_AUTO, TW_WORKERS_FORK, TW_WORKERS_SPAWN };

/* Zero is the default everywhere. */
struct tw_process_pool_options {
    size_t workers; /* 0: as many as there are processors */
    enum tw_workers start;
    const char *init;         /* the name of a function that each worker calls first */
    tw_value init_argument;   /* taken */
    size_t tasks_per_worker;  /* calls before a worker is replaced; 0: any number */
    size_t argument_limit;    /* bytes of one argument as sent; 0: 64 MiB; at most 1 GiB */
    size_t result_limit;      /* the same for one result */
    bool cancel_lets_run;     /* a cancel only drops the result, and does not kill the worker */
};

/* Make a pool and start its workers (in a coroutine: at the end of the turn). `options` may be
 * NULL. Returns NULL with errno EINVAL, ENOMEM, ENOTSUP (to be spawned, but tw_process_worker()
 * was not called), EDEADLK (to be forked, but there are threads), or the system's errno. */
TW_API TW_MUST_USE tw_process_pool *tw_process_pool_new(
    const struct tw_process_pool_options *options);

/* Accept no more calls; those that were accepted are done, then the workers end. */
TW_API void tw_process_pool_close(tw_process_pool *pool);
/* Accept no more calls and kill the workers; calls that are not done fail with
 * tw_error_cancelled. */
TW_API void tw_process_pool_terminate(tw_process_pool *pool);
/* Fires with none when all workers have ended; tw_error_misuse before close or terminate. */
#define tw_process_pool_join(pool) tw_process_pool_join_at(TW_HERE, (pool))
TW_API TW_MUST_USE tw_deferred *tw_process_pool_join_at(const char *where,
                                                        tw_process_pool *pool);
/* Terminates, waits for the workers' ends, frees. NULL is fine. */
TW_API void tw_process_pool_free(tw_process_pool *pool);

struct tw_process_pool_counts {
    size_t workers;         /* processes now */
    size_t working, queued; /* calls sent to workers; calls not yet sent */
    uint64_t started, lost; /* workers so far; those that died by themselves */
};
TW_API struct tw_process_pool_counts tw_process_pool_counts(const tw_process_pool *pool);
/* Write the process ids of at most `size` workers; returns how many workers there are. */
TW_API size_t tw_process_pool_pids(const tw_process_pool *pool, pid_t *pids, size_t size);

/* --- work --------------------------------------------------------------------------------- */

/*
 * Call a function by its name in some worker; `argument` is taken. First come, first served. Fires
 * with its result, or fails with the failure that it returned, or with
 *   tw_error_worker_lost  the worker died: number is its exit status, or the signal, negative. Also
 *                         when workers die one after another without any result: new ones are then
 *                         started more and more slowly, and at last queued calls fail
 *   tw_error_timeout      the call took longer than `timeout`; its worker was killed
 *   tw_error_toolarge     argument or result are above their limit, which is the number
 *   tw_error_misuse       no such function; a value that cannot travel; a pool that is closed, or
 *                         has no way to start workers
 *   tw_error_cancelled    see tw_process_pool_terminate()
 * A cancel takes the call out of the queue; if it has begun, its worker is killed.
 */
#define tw_process_submit(pool, name, argument) \
    tw_process_submit_at(TW_HERE, (pool), (name), (argument), 0)
/* timeout: seconds from the moment that the call begins in its worker; 0: none. */
#define tw_process_submit_timeout(pool, name, argument, timeout) \
    tw_process_submit_at(TW_HERE, (pool), (name), (argument), (timeout))
TW_API TW_MUST_USE tw_deferred *tw_process_submit_at(const char *where, tw_process_pool *pool,
                                                     const char *name, tw_value argument,
                                                     double timeout);

/* Zero is the default everywhere; NULL for it. */
struct tw_process_map_options {
    /* Calls sent to a worker as one; 0: 1. Larger chunks make short calls cheaper, but when a
     * worker dies, the finished calls of its chunk fail with it. */
    size_t chunk;
    double timeout; /* seconds for each call; 0: none */
};

/* Call a function for each item of a list (taken). Fires with the list of results in order,
 * failures among them. A cancel cancels all, as with tw_map(): it fires with the results so
 * far. */
#define tw_process_map(pool, name, arguments, options) \
    tw_process_map_at(TW_HERE, (pool), (name), (arguments), (options))
TW_API TW_MUST_USE tw_deferred *tw_process_map_at(
    const char *where, tw_process_pool *pool, const char *name, tw_value arguments,
    const struct tw_process_map_options *options);

/* The same with results one by one: in the order of the arguments (imap), or as they come
 * (imap_unordered); see results.h. The pool may be freed before the results. NULL when there is
 * no memory. */
TW_API TW_MUST_USE tw_results *tw_process_imap(tw_process_pool *pool, const char *name,
                                               tw_value arguments,
                                               const struct tw_process_map_options *options);
TW_API TW_MUST_USE tw_results *tw_process_imap_unordered(
    tw_process_pool *pool, const char *name, tw_value arguments,
    const struct tw_process_map_options *options);

TW_END
#endif
