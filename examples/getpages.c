/* SPDX-License-Identifier: MIT */
/* ./getpages URL... - fetch all pages at once: getPage, callbacks, a DeferredList that stops the
 * reactor when the last one is there. The Twisted program, line for line. */
#include <stdio.h>

#include <tweed/tweed.h>

static int failed;

static tw_value page_came(tw_value page, void *url)
{
    printf("%s: %zu bytes\n", (char *)url, tw_bytes_length(page));
    return page;
}

static tw_value page_failed(tw_value failure, void *url)
{
    fprintf(stderr, "%s: %s: %s\n", (char *)url, tw_failure_word(failure),
            tw_failure_message(failure));
    failed++;
    return tw_none();
}

static tw_value all_done(tw_value results, void *arg)
{
    (void)arg;
    tw_reactor_stop();
    return results;
}

int main(int argc, char **argv)
{
    tw_deferred *pages[argc];

    if (argc < 2) {
        fprintf(stderr, "usage: getpages URL...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        pages[i - 1] = tw_get_page(argv[i]);
        tw_add_callback(pages[i - 1], page_came, argv[i]);
        tw_add_errback(pages[i - 1], page_failed, argv[i]);
    }
    tw_deferred *all = tw_deferred_list(pages, (size_t)argc - 1, 0);
    tw_add_both(all, all_done, NULL);
    tw_deferred_unref(all);
    tw_reactor_run();
    return failed > 0;
}
