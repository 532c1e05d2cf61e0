/* SPDX-License-Identifier: MIT */
/*
 * results.h - a tw_results, for the sources of its results.
 */
#ifndef DEFER_RESULTS_H
#define DEFER_RESULTS_H

#include <tweed/results.h>

struct twi_results_source {
    /* The user wants no more results: give up the pending ones. Called once; the results still
     * exist. */
    void (*cancel)(void *source);
    /* Nobody holds the results any more. NULL: nothing to do. */
    void (*release)(void *source);
};

/* Make it for `count` results, in order or as they come. Returns one reference, the user's;
 * NULL when there is no memory. */
tw_results *twi_results_new(size_t count, bool ordered, const struct twi_results_source *ops,
                            void *source);
tw_results *twi_results_ref(tw_results *results);
void twi_results_unref(tw_results *results);

/* The result (taken) at `index` has come. The caller holds a reference, and calls
 * twi_results_serve() when its own state is in order. */
void twi_results_put(tw_results *results, size_t index, tw_value result);
void twi_results_serve(tw_results *results);
/* The number of results that have come. */
size_t twi_results_arrived(const tw_results *results);
/* True if the user has freed it: nothing new is to be started. */
bool twi_results_ended(const tw_results *results);

#endif
