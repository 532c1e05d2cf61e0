/* SPDX-License-Identifier: MIT */
/* ./one_by_one URL... - fetch pages one after another, waiting for each: the slow way that the
 * other examples beat. tw_block_on() runs the reactor until one Deferred is done. */
#include <stdio.h>

#include <tweed/tweed.h>

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: one_by_one URL...\n");
        return 2;
    }
    tw_log_to(stderr, TW_LOG_WARNING);
    for (int i = 1; i < argc; i++) {
        tw_value page = tw_block_on(tw_get_page(argv[i]));
        if (tw_is_failure(page)) {
            fprintf(stderr, "%s: %s\n", argv[i], tw_failure_message(page));
            failed = 1;
        } else {
            printf("%s: %zu bytes\n", argv[i], tw_bytes_length(page));
        }
        tw_release(page);
    }
    return failed;
}
