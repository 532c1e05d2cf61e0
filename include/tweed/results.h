/* SPDX-License-Identifier: MIT */
/*
 * results.h - many results one by one: as they come, or in their order.
 *
 * tw_as_completed() makes them of Deferreds, tw_pool_imap() of coroutines, tw_process_imap() of
 * calls in other processes.
 *
 *     tw_results *results = tw_as_completed(pages, count);
 *     for (;;) {
 *         tw_value next = tw_await(tw_results_next(results));    // [index, result]
 *         if (tw_is_none(next))
 *             break;
 *         ...
 *     }
 *     tw_results_free(results);
 *
 * After Python's asyncio.as_completed() and multiprocessing.Pool.imap().
 */
#ifndef TWEED_RESULTS_H
#define TWEED_RESULTS_H

#include <tweed/deferred.h>

TW_BEGIN

typedef struct tw_results tw_results;

/* Fires with the next list [index, result] that has not been handed out, or with none when all
 * have been. The result may be a failure, and counts as handled. Fails with tw_error_memory
 * when there is no memory for the list; the next call then gives this result. */
#define tw_results_next(results) tw_results_next_at(TW_HERE, (results))
TW_API TW_MUST_USE tw_deferred *tw_results_next_at(const char *where, tw_results *results);

/* Cancels all that is pending; a tw_results_next() that still waits fails with
 * tw_error_abandoned. */
TW_API void tw_results_free(tw_results *results);

TW_END
#endif
