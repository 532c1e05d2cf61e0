/* SPDX-License-Identifier: MIT */
/* ./first - a result that comes later: one side promises and fires, the other adds callbacks. */
#include <stdio.h>

#include <tweed/tweed.h>

/* The side that makes the result. Its reference lives in a slot. */
struct oven {
    tw_deferred *bread;
};

static tw_deferred *bake(struct oven *oven)
{
    return tw_promise(&oven->bread, NULL, NULL);
}

static void ready(struct oven *oven)
{
    tw_fire(&oven->bread, tw_string("rye bread"));
}

/* The side that wants it. */
static tw_value slice(tw_value bread, void *arg)
{
    int *slices = arg;

    return tw_bytes_format("%d slices of %s", *slices, tw_bytes_data(bread));
}

static tw_value print(tw_value result, void *arg)
{
    printf("%s%s\n", (const char *)arg, tw_bytes_data(result));
    return result;
}

int main(void)
{
    struct oven oven;
    int slices = 8;
    char first[] = "first: ", then[] = "then: ", late[] = "late: ";
    tw_deferred *bread = bake(&oven);

    tw_add_callback(bread, print, first);
    tw_add_callback(bread, slice, &slices);
    tw_add_callback(bread, print, then);
    printf("nothing yet\n");
    ready(&oven);
    tw_add_callback(bread, print, late); /* it has fired: runs at once */
    tw_deferred_unref(bread);
    return 0;
}
