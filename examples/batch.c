/* ./batch URL... - all at once, ten at a time, each with a timeout: grequests.map. Results come
 * in order; failures go through one handler and none of them stops the others. */
#include <stdio.h>

#include <tweed/tweed.h>

static const struct tw_request_options options = {
    .timeout = 2, .fail_on_error = true, /* 400 and up are failures as well */
};

static tw_value handle_failure(tw_value failure, void *url)
{
    fprintf(stderr, "%s failed: %s\n", (char *)url, tw_failure_message(failure));
    return failure;
}

static tw_deferred *start(const void *item, void *arg)
{
    char *url = *(char *const *)item;
    tw_deferred *page = tw_agent_request(tw_agent_current(), url, &options);

    (void)arg;
    tw_add_errback(page, handle_failure, url);
    return page;
}

int main(int argc, char **argv)
{
    size_t count = (size_t)argc - 1;
    tw_value results = tw_block_on(tw_map(argv + 1, count, sizeof *argv, 10, start, NULL));
    int failed = 0;

    for (size_t i = 0; i < tw_list_length(results); i++) {
        tw_value result = tw_list_at(results, i);
        if (tw_is_failure(result))
            printf("%s: none (%s)\n", argv[i + 1], tw_failure_word(result));
        else
            printf("%s: %d, %zu bytes\n", argv[i + 1], tw_response_status(result),
                   tw_bytes_length(tw_response_body(result)));
        failed += tw_is_failure(result);
    }
    tw_release(results);
    return failed > 0;
}
