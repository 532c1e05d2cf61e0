/* SPDX-License-Identifier: MIT */
/*
 * deferred_list.h - many Deferreds as one.
 *
 * Each function takes over your references of the `count` Deferreds in the array (NULLs count as
 * tw_error_memory; the array itself stays yours) and returns a new Deferred.
 *
 * A cancel of the new Deferred, or its timeout, cancels every Deferred that it still waits for
 * and starts nothing more; it fires when all of them have ended, by the same rules as ever. So
 * a list or map (tw_pool_map() and tw_process_map() too) always gives its list of results:
 * those that came in time, and tw_error_cancelled for each one that was cancelled or never
 * started. gather and race fail; after a timeout with tw_error_timeout. A Deferred that refuses
 * to be cancelled is logged, and waited for.
 *
 * A failure that is an item of a list's result, or the cause of tw_error_first, no longer
 * belongs to its Deferred: it is reported as unhandled only if the result is released before
 * anybody has looked at that item (tw_list_at()).
 * After Twisted's DeferredList, gatherResults and race.
 */
#ifndef TWEED_DEFERRED_LIST_H
#define TWEED_DEFERRED_LIST_H

#include <tweed/results.h>

TW_BEGIN

enum tw_list_flags {
    /* Fire with the list [value, index] of the first success. */
    TW_FIRE_ON_ONE_CALLBACK = 1,
    /* Fail with tw_error_first at the first failure; its index is the number. */
    TW_FIRE_ON_ONE_ERRBACK = 2,
    /* Each Deferred's own failure becomes none once it is in the list, and is never reported as
     * unhandled. */
    TW_CONSUME_ERRORS = 4,
    /* Once fired, cancel the others. */
    TW_CANCEL_REST = 8
};

/* Fires with a list of all results in the order given; an item is a value, or the failure
 * (tw_is_failure()). Never fails without TW_FIRE_ON_ONE_ERRBACK. With a `count` of 0 it fires
 * at once with an empty list; with TW_FIRE_ON_ONE_CALLBACK, where Twisted would wait for ever,
 * it fails with tw_error_misuse. */
#define tw_deferred_list(deferreds, count, flags) \
    tw_deferred_list_at(TW_HERE, (deferreds), (count), (flags))
TW_API TW_MUST_USE tw_deferred *tw_deferred_list_at(const char *where,
                                                    tw_deferred *const *deferreds,
                                                    size_t count, unsigned flags);

/* Fires with the list of values, or fails with tw_error_first at the first failure; children's
 * failures are consumed. gatherResults(consumeErrors=True). */
#define tw_gather(deferreds, count) tw_gather_at(TW_HERE, (deferreds), (count))
TW_API TW_MUST_USE tw_deferred *tw_gather_at(const char *where, tw_deferred *const *deferreds,
                                             size_t count);

/* Fires with the list [index, value] of the first success and cancels the others; when all fail,
 * fails with tw_error_group whose value is the list of failures by index. */
#define tw_race(deferreds, count) tw_race_at(TW_HERE, (deferreds), (count))
TW_API TW_MUST_USE tw_deferred *tw_race_at(const char *where, tw_deferred *const *deferreds,
                                           size_t count);

/* Their results one by one, as they come; see results.h. NULL when there is no memory. */
TW_API TW_MUST_USE tw_results *tw_as_completed(tw_deferred *const *deferreds, size_t count);

/* Call start(item, arg) for each of `count` items, at most `limit` of the returned Deferreds
 * pending at a time; `items` lent until done: item i is `(const char *)items + i * item_size`.
 * Fires with the list of results in order, failures among them, which count as handled. With a
 * limit of 0 it fails with tw_error_misuse. */
typedef tw_deferred *tw_map_start(const void *item, void *arg);
#define tw_map(items, count, item_size, limit, start, arg) \
    tw_map_at(TW_HERE, (items), (count), (item_size), (limit), (start), (arg))
TW_API TW_MUST_USE tw_deferred *tw_map_at(const char *where, const void *items, size_t count,
                                          size_t item_size, size_t limit, tw_map_start *start,
                                          void *arg);

TW_END
#endif
