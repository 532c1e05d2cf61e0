/* SPDX-License-Identifier: MIT */
/*
 * box.c - a counted pointer with a release.
 */
#include "config.h"

#include <tweed/failure.h>

#include "base/alloc.h"

struct box {
    size_t references;
    void *pointer;
    tw_release_fn *release;
};

static void box_retain(void *object)
{
    struct box *box = object;
    box->references++;
}

static void box_release(void *object)
{
    struct box *box = object;

    if (--box->references > 0)
        return;
    if (box->release != NULL)
        box->release(box->pointer);
    twi_free(box);
}

const tw_type tw_type_box = { .name = "box", .retain = box_retain, .release = box_release };

tw_value tw_box(void *pointer, tw_release_fn *release)
{
    struct box *box = twi_malloc(sizeof *box);

    if (box == NULL) {
        if (release != NULL)
            release(pointer);
        return tw_fail_memory();
    }
    *box = (struct box){ 1, pointer, release };
    return tw_value_of(&tw_type_box, box);
}

void *tw_pointer_of(tw_value value)
{
    const struct box *box = tw_value_object(value, &tw_type_box);

    if (box != NULL)
        return box->pointer;
    return tw_value_object(value, &tw_type_pointer);
}
