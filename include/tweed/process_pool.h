/* SPDX-License-Identifier: MIT */
/*
 * process_pool.h - functions that run in other processes, results as Deferreds.
 *
 * For what keeps a processor busy, or may crash: each worker is a process that calls functions of
 * this program by their names, with values as arguments and values as results.
 *
 *     static tw_value square(tw_value number)
 *     {
 *         return tw_integer(tw_integer_of(number) * tw_integer_of(number));
 *     }
 *     TW_PROCESS_FUNCTION(square);
 *
 *     int main(int argc, char **argv)
 *     {
 *         tw_process_pool *pool;
 *         if (tw_process_worker(argc, argv))
 *             return 0;                              // it was a worker, and is done
 *         pool = tw_process_pool_new(NULL);
 *         tw_deferred *result = tw_process_submit(pool, "square", tw_integer(7));
 *
 * None, integers, doubles, bytes, lists and failures can travel. A failure comes back with its
 * class (by name), message, number, cause and value. A worker that dies fails what it was doing,
 * with tw_error_worker_lost, and nothing else; another takes its place. A pool belongs to its
 * thread's reactor, and ends with it.
 * After Python's multiprocessing.Pool and concurrent.futures.ProcessPoolExecutor.
 */
#ifndef TWEED_PROCESS_POOL_H
#define TWEED_PROCESS_POOL_H

#include <sys/types.h>

#include <tweed/results.h>

TW_BEGIN

/* --- what workers can do ------------------------------------------------------------------ */

/* Runs in a worker, on its only thread. `argument` is lent; what it returns is given: a value, a
 * failure, or a Deferred (tw_wait()), for which the worker then runs a reactor of its own. */
typedef tw_value tw_process_function(tw_value argument);

struct tw_process_entry {
    const char *name; /* static */
    tw_process_function *function;
    struct tw_process_entry *next; /* tweed's */
};
/* Give a function a name, in the program and so in its workers: at file level,
 * TW_PROCESS_FUNCTION(f) names f "f"; or by a call before tw_process_worker(), with static
 * storage. */
TW_API void tw_process_register(struct tw_process_entry *entry);
#define TW_PROCESS_FUNCTION(function_)                                                       \
    static struct tw_process_entry tw_process_entry_##function_ = { #function_, (function_), \
                                                                    NULL };                  \
    __attribute__((__constructor__)) static void tw_process_register_##function_(void)       \
    {                                                                                        \
        tw_process_register(&tw_process_entry_##function_);                                  \
    }                                                                                        \
    struct tw_process_entry

/* The same for a class of errors of the program's, so that failures keep it on their way. One that
 * is not known arrives as its nearest parent that is, its name in front of the message. */
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

/* Call it first in main(): true in a worker that was spawned, when its work is done; return then.
 * Without it workers can only be forked. */
TW_API bool tw_process_worker(int argc, char **argv);

/* --- a pool ------------------------------------------------------------------------------- */

typedef struct tw_process_pool tw_process_pool;

/*
 * How a worker comes to be. Either way it has standard output and error of this process, null
 * input, no other descriptor, default signals but for SIGINT, which it ignores; and it ends when
 * this process does, even killed.
 *   TW_WORKERS_SPAWN  this program is executed again: nothing of its memory is there. Always safe;
 *                     takes about a millisecond; needs tw_process_worker() in main()
 *   TW_WORKERS_FORK   a copy of this process as it is now, with all its memory. Only before threads
 *                     start: once there are some (Linux tells), workers are spawned, or, without
 *                     tw_process_worker() in main(), refused
 *   TW_WORKERS_AUTO   spawn when tw_process_worker() was called, else fork
 */
enum tw_workers { TW_WORKERS_AUTO, TW_WORKERS_FORK, TW_WORKERS_SPAWN };

/* Zero is the default everywhere. */
struct tw_process_pool_options {
    size_t workers; /* 0: as many as there are processors */
    enum tw_workers start;
    const char *init;         /* the name of a function that each worker calls first */
    tw_value init_argument;   /* taken */
    size_t tasks_per_worker;  /* then another takes its place; 0: any number */
    size_t argument_limit;    /* bytes of one argument as sent; 0: 64 MiB; at most 1 GiB */
    size_t result_limit;      /* and of one result */
    bool cancel_lets_run;     /* a cancel only drops the result, and does not kill the worker */
};

/* Starts the workers (in a coroutine: at the end of the turn). `options` may be NULL. NULL with
 * errno EINVAL, ENOMEM, ENOTSUP (to be spawned, but tw_process_worker() was not called), EDEADLK
 * (to be forked, but there are threads), or what the system said. */
TW_API tw_process_pool *tw_process_pool_new(const struct tw_process_pool_options *options);

/* No more work is accepted; what is there is done, then the workers end. */
TW_API void tw_process_pool_close(tw_process_pool *pool);
/* Kill the workers; all that is not done fails with tw_error_cancelled. No more is accepted. */
TW_API void tw_process_pool_terminate(tw_process_pool *pool);
/* Fires with none when all workers have ended; tw_error_misuse before close or terminate. */
#define tw_process_pool_join(pool) tw_process_pool_join_at(TW_HERE, (pool))
TW_API tw_deferred *tw_process_pool_join_at(const char *where, tw_process_pool *pool);
/* Terminates, waits for the workers' ends, frees. NULL is fine. */
TW_API void tw_process_pool_free(tw_process_pool *pool);

struct tw_process_pool_counts {
    size_t workers;         /* processes now */
    size_t working, queued; /* calls sent to workers, and not yet */
    uint64_t started, lost; /* workers, ever; those that died by themselves */
};
TW_API struct tw_process_pool_counts tw_process_pool_counts(const tw_process_pool *pool);
/* Write the numbers of at most `size` workers; return how many there are. */
TW_API size_t tw_process_pool_pids(const tw_process_pool *pool, pid_t *pids, size_t size);

/* --- work --------------------------------------------------------------------------------- */

/*
 * Call a function by its name in some worker; `argument` is taken. First come, first served. Fires
 * with its result, or fails with what it failed with, or with
 *   tw_error_worker_lost  the worker died: number is its exit status, or the signal, negative. Also
 *                         when workers die one after another without any result: new ones are then
 *                         started more and more slowly, and what is queued fails after some
 *   tw_error_timeout      it took longer than `timeout`; the worker was killed
 *   tw_error_toolarge     argument or result are above their limit; number is that
 *   tw_error_misuse       no such function; a value that cannot travel; a pool that is closed, or
 *                         has no way to start workers
 *   tw_error_cancelled    see tw_process_pool_terminate()
 * A cancel takes the call out of the queue; one that has begun takes its worker with it.
 */
#define tw_process_submit(pool, name, argument) \
    tw_process_submit_at(TW_HERE, (pool), (name), (argument), 0)
/* timeout: seconds, from its begin; 0: none. */
#define tw_process_submit_timeout(pool, name, argument, timeout) \
    tw_process_submit_at(TW_HERE, (pool), (name), (argument), (timeout))
TW_API tw_deferred *tw_process_submit_at(const char *where, tw_process_pool *pool,
                                         const char *name, tw_value argument, double timeout);

/* Zero is the default everywhere; NULL for it. */
struct tw_process_map_options {
    size_t
        chunk; /* calls sent to a worker as one; 0: 1. More for short ones: they are cheaper,
                     * but a worker that dies takes what it has done of its chunk with it */
    double timeout; /* seconds for each call; 0: none */
};

/* Call a function for each item of a list (taken). Fires with the list of results in order,
 * failures among them. A cancel cancels all, and it fires with what was there, as tw_map(). */
#define tw_process_map(pool, name, arguments, options) \
    tw_process_map_at(TW_HERE, (pool), (name), (arguments), (options))
TW_API tw_deferred *tw_process_map_at(const char *where, tw_process_pool *pool,
                                      const char *name, tw_value arguments,
                                      const struct tw_process_map_options *options);

/* The same, results one by one: in the order of the arguments (imap), or as they come (imap
 * unordered); see results.h. The pool may go before them. NULL when there is no memory. */
TW_API tw_results *tw_process_imap(tw_process_pool *pool, const char *name, tw_value arguments,
                                   const struct tw_process_map_options *options);
TW_API tw_results *tw_process_imap_unordered(tw_process_pool *pool, const char *name,
                                             tw_value arguments,
                                             const struct tw_process_map_options *options);

TW_END
#endif
