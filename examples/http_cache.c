/* SPDX-License-Identifier: MIT */
/* ./http_cache URL [FOLDER] - a page four times, with a cache in memory or in a folder: from the
 * server, validated, without asking, and a page that is not there. */
#include <stdio.h>

#include <tweed/tweed.h>

static const char *const sources[] = { [TW_SOURCE_SERVER] = "from the server",
                                       [TW_SOURCE_CACHE] = "from the cache",
                                       [TW_SOURCE_STALE] = "from the cache",
                                       [TW_SOURCE_REVALIDATED] = "still the same" };

static int fetch(tw_agent *agent, const char *url, enum tw_cache_mode mode)
{
    struct tw_fetch_options options = { .cache_mode = mode };
    tw_value response = tw_block_on(tw_agent_request(agent, url, &options));
    int status = tw_is_failure(response);

    if (tw_is_failure(response))
        printf("%s: %s\n", tw_failure_word(response), tw_failure_message(response));
    else
        printf("%zu bytes, %s\n", tw_bytes_length(tw_response_body(response)),
               sources[tw_response_source(response)]);
    tw_release(response);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: http_cache URL [FOLDER]\n");
        return 2;
    }

    struct tw_cache_options where = { .folder = argc > 2 ? argv[2] : NULL };
    tw_cache *cache = tw_cache_new(&where);
    struct tw_agent_options settings = { .cache = cache };
    tw_agent *agent = tw_agent_new(&settings);
    int failed = fetch(agent, argv[1], TW_CACHE_RELOAD);

    failed |= fetch(agent, argv[1], TW_CACHE_NO_CACHE);
    failed |= fetch(agent, argv[1], TW_CACHE_FORCE_CACHE);
    tw_cache_remove(cache, argv[1]);
    failed |= fetch(agent, argv[1], TW_CACHE_ONLY_IF_CACHED);
    tw_agent_unref(agent);
    tw_cache_unref(cache);
    return failed;
}
