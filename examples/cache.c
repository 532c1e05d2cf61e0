/* SPDX-License-Identifier: MIT */
/* ./cache URL... - a page is fetched once, however many ask for it: a lock around a cache. Then
 * three workers and a queue of pages. */
#include <stdio.h>
#include <string.h>

#include <tweed/tweed.h>

static struct {
    char *url;
    tw_value page;
} cache[16];
static size_t cached;
static tw_lock *lock;
static tw_queue *queue;

/* Without the lock, who asks while the page is on its way would fetch it again. */
static size_t page_size(const char *who, char *url)
{
    tw_value page = tw_none();

    tw_await(tw_lock_acquire(lock));
    for (size_t i = 0; i < cached; i++)
        if (strcmp(cache[i].url, url) == 0)
            page = tw_lend(cache[i].page);
    if (tw_is_none(page)) {
        page = tw_await(tw_get_page(url));
        printf("fetched %s\n", url);
        if (!tw_is_failure(page) && cached < sizeof cache / sizeof cache[0]) {
            cache[cached].url = url;
            cache[cached++].page = tw_retain(page);
        }
    }
    printf("%s: %zu bytes\n", who, tw_bytes_length(page));
    tw_lock_release(lock);
    return tw_bytes_length(page);
}

static tw_value parse(void *url)
{
    return tw_integer((int64_t)page_size("parse", url));
}

static tw_value use(void *url)
{
    return tw_integer((int64_t)page_size("use", url));
}

static tw_value worker(void *total)
{
    tw_value url;

    /* until the queue is closed and empty */
    while (!tw_is_failure(url = tw_await(tw_queue_get(queue))))
        *(size_t *)total += page_size("worker", tw_pointer_of(url));
    return tw_none();
}

int main(int argc, char **argv)
{
    tw_deferred *both[2], *workers[3];
    size_t total = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: cache URL...\n");
        return 2;
    }
    lock = tw_lock_new();
    both[0] = tw_inline_callbacks(parse, argv[1]);
    both[1] = tw_inline_callbacks(use, argv[1]);
    tw_release(tw_block_on(tw_gather(both, 2)));

    queue = tw_queue_new(TW_UNLIMITED, TW_UNLIMITED);
    for (int i = 1; i < argc; i++)
        tw_queue_put(queue, tw_pointer(argv[i]));
    tw_queue_close(queue, false);
    for (int i = 0; i < 3; i++)
        workers[i] = tw_inline_callbacks(worker, &total);
    tw_release(tw_block_on(tw_gather(workers, 3)));
    printf("all: %zu bytes\n", total);

    for (size_t i = 0; i < cached; i++)
        tw_release(cache[i].page);
    tw_queue_free(queue);
    tw_lock_free(lock);
    return 0;
}
