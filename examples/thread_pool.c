/* SPDX-License-Identifier: MIT */
/* ./thread_pool FILE... - count the lines of many files at once. Reading blocks, so each file is
 * read on a thread of the pool; main() waits for all results and prints them in order. */
#include <errno.h>
#include <stdio.h>

#include <tweed/tweed.h>

/* On a thread of the pool: may block, must not touch the reactor or Deferreds. */
static tw_value count_lines(void *path)
{
    FILE *file = fopen(path, "r");
    int64_t lines = 0;
    int c;

    if (file == NULL)
        return tw_fail_errno(&tw_error_system, errno);
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return tw_integer(lines);
}

int main(int argc, char **argv)
{
    tw_deferred *counts[argc];
    tw_value results;
    int failed = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: thread_pool FILE...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        counts[i - 1] = tw_defer_to_thread(count_lines, argv[i]);
    results = tw_block_on(tw_deferred_list(counts, (size_t)argc - 1, TW_CONSUME_ERRORS));
    for (int i = 1; i < argc; i++) {
        tw_value lines = tw_list_at(results, (size_t)i - 1);
        if (tw_is_failure(lines))
            printf("%s: %s\n", argv[i], tw_failure_message(lines));
        else
            printf("%s: %lld lines\n", argv[i], (long long)tw_integer_of(lines));
        failed |= tw_is_failure(lines);
    }
    tw_release(results);
    return failed;
}
