/* SPDX-License-Identifier: MIT */
/* ./streaming URL - read a page piece by piece, and stop when it is enough: its first ten lines.
 * However long the page is, no more of it is in memory than one piece. */
#include <stdio.h>

#include <tweed/tweed.h>

enum { ENOUGH = 10 };

struct head {
    int lines;
    tw_deferred *response;
};

static int print_lines(const char *data, size_t length, void *arg)
{
    struct head *head = arg;

    for (size_t i = 0; i < length && head->lines < ENOUGH; i++) {
        putchar(data[i]);
        head->lines += data[i] == '\n';
    }
    if (head->lines == ENOUGH)
        tw_cancel(head->response); /* closes its connection */
    return 0;
}

static tw_value finish(tw_value result, void *arg)
{
    struct head *head = arg;
    bool cut = tw_is_failure(result) && tw_failure_is(result, &tw_error_cancelled);

    tw_reactor_stop();
    return cut && head->lines == ENOUGH ? tw_none() : result;
}

static tw_value print_failure(tw_value failure, void *status)
{
    fprintf(stderr, "%s: %s\n", tw_failure_word(failure), tw_failure_message(failure));
    *(int *)status = 1;
    return tw_none();
}

int main(int argc, char **argv)
{
    struct head head = { 0 };
    struct tw_fetch_options options = { .fail_on_error = true,
                                        .on_body = print_lines,
                                        .stream_arg = &head };
    int status = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }
    head.response = tw_agent_request(tw_agent_current(), argv[1], &options);
    tw_add_both(head.response, finish, &head);
    tw_add_errback(head.response, print_failure, &status);
    tw_reactor_run();
    tw_deferred_unref(head.response);
    return status;
}
