/* SPDX-License-Identifier: MIT */
/* ./producer_consumer - a queue with room for two between one who makes and two who use; join()
 * waits until all is done, a priority queue has an order of its own. */
#include <stdio.h>

#include <tweed/tweed.h>

enum { THINGS = 6, CONSUMERS = 2 };

static tw_queue *queue;

static tw_value produce(void *arg)
{
    (void)arg;
    for (int i = 0; i < THINGS; i++) {
        printf("made %d\n", i);
        tw_await(tw_queue_put_wait(queue, tw_integer(i))); /* waits while two wait */
    }
    return tw_none();
}

static tw_value consume(void *name)
{
    for (;;) {
        tw_value thing = tw_await(tw_queue_get(queue));

        if (tw_failure_is(thing, &tw_error_queue_closed))
            break;
        tw_sleep(*(char *)name == 'A' ? 1 : 1.7);
        printf("%s used %d\n", (const char *)name, (int)tw_integer_of(thing));
        tw_queue_task_done(queue);
    }
    printf("%s goes home\n", (const char *)name);
    return tw_none();
}

static tw_value work(void *arg)
{
    static char names[CONSUMERS][2] = { "A", "B" };
    tw_deferred *consumers[CONSUMERS];

    (void)arg;
    for (int i = 0; i < CONSUMERS; i++)
        consumers[i] = tw_inline_callbacks(consume, names[i]);
    tw_await(tw_inline_callbacks(produce, NULL));
    tw_await(tw_queue_join(queue));
    printf("all done\n");
    tw_queue_close(queue, false);
    tw_await(tw_gather(consumers, CONSUMERS));
    return tw_none();
}

static void by_priority(void)
{
    tw_queue *errands = tw_queue_new_ordered(TW_PRIORITY, TW_UNLIMITED, 1);
    tw_value errand;

    tw_queue_put_priority(errands, 2, tw_string("water the plants"));
    tw_queue_put_priority(errands, 1, tw_string("put out the fire"));
    tw_queue_put_priority(errands, 2, tw_string("feed the cat"));
    while (tw_queue_try_get(errands, &errand) == 0) {
        printf("%s\n", tw_bytes_data(errand));
        tw_release(errand);
    }
    tw_queue_free(errands);
}

int main(void)
{
    queue = tw_queue_new(2, TW_UNLIMITED);
    tw_release(tw_block_on(tw_inline_callbacks(work, NULL)));
    tw_queue_free(queue);
    by_priority();
    return 0;
}
