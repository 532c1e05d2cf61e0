/* SPDX-License-Identifier: MIT */
/* ./thread_callbacks NUMBER... - callbacks on work that runs on the thread pool: several on one
 * Deferred, each with an argument of its own; an errback for what goes wrong. */
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

static tw_value fibonacci(void *text)
{
    int64_t a = 0, b = 1;
    long n = strtol(text, NULL, 10);

    if (n < 0 || n > 90)
        return tw_fail(&tw_error, "%ld is not between 0 and 90", n);
    while (n-- > 0) {
        int64_t next = a + b;
        a = b;
        b = next;
    }
    return tw_integer(a);
}

static tw_value print(tw_value result, void *text)
{
    printf("fib(%s) = %lld\n", (char *)text, (long long)tw_integer_of(result));
    return result; /* to the next callback */
}

static tw_value add(tw_value result, void *sum)
{
    *(int64_t *)sum += tw_integer_of(result);
    return tw_none();
}

static tw_value print_error(tw_value failure, void *text)
{
    printf("fib(%s): %s\n", (char *)text, tw_failure_message(failure));
    return tw_none(); /* dealt with: the chain goes on without an error */
}

int main(int argc, char **argv)
{
    tw_deferred *work[argc];
    int64_t sum = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: thread_callbacks NUMBER...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        work[i - 1] = tw_defer_to_thread(fibonacci, argv[i]);
        tw_add_callback(work[i - 1], print, argv[i]);
        tw_add_callback(work[i - 1], add, &sum);
        tw_add_errback(work[i - 1], print_error, argv[i]);
    }
    tw_release(tw_block_on(tw_deferred_list(work, (size_t)argc - 1, 0)));
    printf("sum: %lld\n", (long long)sum);
    return 0;
}
