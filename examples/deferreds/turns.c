/* SPDX-License-Identifier: MIT */
/* ./turns - at most two at a time by a semaphore; a queue between who makes and who takes. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_clock *virtual_clock;

static tw_value leave(void *name)
{
    printf("%g: %s leaves\n", tw_clock_seconds(virtual_clock), (const char *)name);
    return tw_none();
}

static tw_deferred *use_bathroom(void *name)
{
    printf("%g: %s enters\n", tw_clock_seconds(virtual_clock), (const char *)name);
    return tw_defer_later(virtual_clock, 10, leave, name);
}

static tw_value got(tw_value value, void *name)
{
    printf("%s got %d\n", (const char *)name, (int)tw_integer_of(value));
    return tw_none();
}

int main(void)
{
    static char anna[] = "Anna", bert[] = "Bert", carl[] = "Carl";
    char *const names[] = { anna, bert, carl };
    tw_semaphore *bathrooms = tw_semaphore_new(2);
    tw_queue *queue = tw_queue_new(TW_UNLIMITED, TW_UNLIMITED);

    virtual_clock = tw_clock_virtual_new();
    for (int i = 0; i < 3; i++)
        tw_deferred_unref(tw_semaphore_run(bathrooms, use_bathroom, names[i]));
    tw_clock_advance(virtual_clock, 20);
    tw_semaphore_free(bathrooms);

    tw_queue_put(queue, tw_integer(1)); /* waits for somebody */
    for (int i = 0; i < 3; i++) {
        tw_deferred *d = tw_queue_get(queue);
        tw_add_callback(d, got, names[i]);
        tw_deferred_unref(d);
    }
    tw_queue_put(queue, tw_integer(2)); /* somebody waits for it */
    tw_queue_put(queue, tw_integer(3));
    tw_queue_free(queue);
    tw_clock_free(virtual_clock);
    return 0;
}
