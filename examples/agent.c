/* SPDX-License-Identifier: MIT */
/* ./agent URL... - an agent with settings of its own, a handler for each response, and a counter
 * that stops the loop: Tornado's AsyncHTTPClient with handle_response. */
#include <stdio.h>

#include <tweed/tweed.h>

static int left, status;

static tw_value handle_response(tw_value response, void *url)
{
    if (tw_is_failure(response)) {
        fprintf(stderr, "%s: %s\n", (char *)url, tw_failure_message(response));
        status = 1;
    } else {
        const char *type = tw_response_header(response, "Content-Type");
        printf("%s: %d %s, %s, %zu bytes\n", (char *)url, tw_response_status(response),
               tw_response_reason(response), type != NULL ? type : "no type",
               tw_bytes_length(tw_response_body(response)));
    }
    if (--left == 0)
        tw_reactor_stop();
    return tw_none();
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: agent URL...\n");
        return 2;
    }

    struct tw_agent_options settings = { .max_per_host = 10, .idle_timeout = 5 };
    struct tw_fetch_options options = { .user_agent = "example/1", .timeout = 20 };
    tw_agent *agent = tw_agent_new(&settings);

    left = argc - 1;
    for (int i = 1; i < argc; i++) {
        tw_deferred *request = tw_agent_request(agent, argv[i], &options);
        tw_add_both(request, handle_response, argv[i]);
        tw_deferred_unref(request);
    }
    if (left > 0)
        tw_reactor_run();
    tw_agent_unref(agent);
    return status;
}
