/* SPDX-License-Identifier: MIT */
/*
 * fetch-many.c URL N C - fetch URL N times, at most C at once, as a user of the agent would.
 *
 * Prints "ok=N bytes=B": the pages that came and the bytes of their bodies. BENCH_CA names the
 * certificate to trust; with BENCH_GZIP pages are asked for compressed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <tweed/tweed.h>

static tw_agent *agent;
static struct tw_fetch_options options;
static const char *url;
static long to_start, under_way, ok;
static unsigned long long bytes;

static tw_value page_done(tw_value response, void *arg);

static void start_one(void)
{
    tw_deferred *page = tw_agent_request(agent, url, &options);

    to_start--;
    under_way++;
    tw_add_both(page, page_done, NULL);
    tw_deferred_unref(page);
}

static tw_value page_done(tw_value response, void *arg)
{
    (void)arg;
    under_way--;
    if (tw_response_status(response) == 200) {
        ok++;
        bytes += tw_bytes_length(tw_response_body(response));
    } else if (tw_is_failure(response)) {
        fprintf(stderr, "fetch-many: %s\n", tw_failure_message(response));
    }
    if (to_start > 0)
        start_one();
    else if (under_way == 0)
        tw_reactor_stop();
    return tw_none();
}

/* Thousands of connections need as many descriptors. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct tw_tls_options trust = { .ca_file = getenv("BENCH_CA") };
    long at_once = argc == 4 ? atol(argv[3]) : 0;

    if (at_once < 1 || atol(argv[2]) < 1) {
        fprintf(stderr, "usage: %s URL N C\n", argv[0]);
        return 2;
    }
    raise_limit();
    url = argv[1];
    to_start = atol(argv[2]);
    options.no_decode = getenv("BENCH_GZIP") == NULL;
    if (trust.ca_file != NULL && tw_is_failure(tw_tls_context_new(&trust, &options.tls)))
        return 1;
    agent = tw_agent_new(&(struct tw_agent_options){
        .max_per_host = at_once, .max_total = at_once, .proxy = "" });
    while (to_start > 0 && under_way < at_once)
        start_one();
    tw_reactor_run();
    printf("ok=%ld bytes=%llu\n", ok, bytes);
    tw_agent_unref(agent);
    tw_tls_context_unref(options.tls);
    return 0;
}
