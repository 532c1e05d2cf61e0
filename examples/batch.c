/* SPDX-License-Identifier: MIT */
/* ./batch URL... - all at once, ten at a time, each with a timeout: grequests.map(). Results come
 * in order; failures go through one handler, and none of them stops the others. */
#include <stdio.h>

#include <tweed/tweed.h>

static const struct tw_fetch_options options = { .timeout = 1 };

static tw_value handle_failure(tw_value failure, void *url)
{
    printf("%s failed: %s\n", (char *)url, tw_failure_message(failure));
    return tw_none();
}

static tw_deferred *start(const void *item, void *arg)
{
    char *url = *(char *const *)item;
    tw_deferred *response = tw_agent_request(tw_agent_current(), url, &options);

    (void)arg;
    tw_add_errback(response, handle_failure, url);
    return response;
}

int main(int argc, char **argv)
{
    size_t count = (size_t)argc - 1;

    if (argc < 2) {
        fprintf(stderr, "usage: batch URL...\n");
        return 2;
    }
    tw_value responses = tw_block_on(tw_map(argv + 1, count, sizeof *argv, 10, start, NULL));
    for (size_t i = 0; i < tw_list_length(responses); i++) {
        tw_value response = tw_list_at(responses, i);
        if (tw_is_none(response))
            printf("%s: none\n", argv[i + 1]);
        else
            printf("%s: %d, %zu bytes\n", argv[i + 1], tw_response_status(response),
                   tw_bytes_length(tw_response_body(response)));
    }
    tw_release(responses);
    return 0;
}
