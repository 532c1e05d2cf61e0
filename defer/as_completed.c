/* SPDX-License-Identifier: MIT */
/*
 * as_completed.c - the results of Deferreds in the order in which they come.
 */
#include <tweed/deferred_list.h>

#include "defer/deferred.h"
#include "defer/results.h"

struct children {
    tw_results *results; /* each child without a result holds a reference, too */
    size_t count;
    tw_deferred *children[]; /* not counted; NULL: has a result */
};

static void children_cancel(void *arg)
{
    struct children *children = arg;

    for (size_t i = 0; i < children->count; i++)
        twi_cancel_child(children->children[i], "as-completed");
}

static const struct twi_results_source children_ops = { children_cancel, twi_free };

static void completed_child_done(void *arg, size_t index, tw_value *result)
{
    struct children *children = arg;
    tw_results *results = children->results;

    children->children[index] = NULL;
    twi_results_put(results, index, tw_retain(*result));
    if (tw_is_failure(*result)) {
        tw_release(*result);
        *result = tw_none();
    }
    twi_results_serve(results);
    twi_results_unref(results);
}

static struct children *children_new(size_t count)
{
    struct children *children = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof children->children[0], &size) &&
        !__builtin_add_overflow(size, sizeof *children, &size))
        children = twi_malloc(size);
    if (children == NULL)
        return NULL;
    children->count = count;
    children->results = twi_results_new(count, false, &children_ops, children);
    if (children->results == NULL) {
        twi_free(children);
        return NULL;
    }
    return children;
}

tw_results *tw_as_completed(tw_deferred *const *deferreds, size_t count)
{
    struct children *children = children_new(count);

    for (size_t i = 0; i < count && children != NULL; i++) {
        children->children[i] = deferreds[i];
        twi_results_ref(children->results);
    }
    for (size_t i = 0; i < count; i++) {
        if (children != NULL)
            twi_deferred_tap(deferreds[i], completed_child_done, children, i);
        tw_deferred_unref(deferreds[i]);
    }
    return children != NULL ? children->results : NULL;
}
