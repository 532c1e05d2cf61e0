/* SPDX-License-Identifier: MIT */
/* ./inline_callbacks URL... - getpages.c in straight lines: each page has a coroutine that waits
 * for it. The Twisted program under inlineCallbacks. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value task(void *url)
{
    tw_value page = tw_await(tw_get_page(url)); /* the others go on meanwhile */

    if (tw_is_failure(page)) {
        fprintf(stderr, "%s: %s: %s\n", (char *)url, tw_failure_word(page),
                tw_failure_message(page));
        return tw_integer(1);
    }
    printf("%s: %zu bytes\n", (char *)url, tw_bytes_length(page));
    return tw_integer(0);
}

int main(int argc, char **argv)
{
    tw_deferred *tasks[argc];
    tw_value results;
    int failed = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: inline_callbacks URL...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        tasks[i - 1] = tw_inline_callbacks(task, argv[i]);
    results = tw_block_on(tw_deferred_list(tasks, (size_t)argc - 1, 0));
    for (size_t i = 0; i < tw_list_length(results); i++)
        failed += tw_integer_of(tw_list_at(results, i)) != 0;
    tw_release(results);
    return failed > 0;
}
