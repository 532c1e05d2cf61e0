/* SPDX-License-Identifier: MIT */
/* ./own_http HOST PORT PATH... - HTTP by hand over streams: a coroutine for each path writes its
 * request and reads the answer line by line until the end; what is done first is shown first. */
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

static const char *host;
static unsigned port;
static int failed;

/* Fires with a line to print. */
static tw_value fetch(void *path)
{
    tw_value opened = tw_await(tw_open_connection(host, port, NULL)), status, line;
    tw_stream *stream = tw_stream_of(opened);
    size_t lines = 0;

    tw_stream_write_format(stream, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", (char *)path, host);
    status = tw_await(tw_stream_read_line(stream));
    while (tw_is(line = tw_await(tw_stream_read_line(stream)), &tw_type_bytes)) {
        lines++;
        tw_drop(&line);
    }
    if (stream == NULL)
        return opened;
    if (tw_is_failure(line))
        return line;
    return tw_bytes_format("%s: %s, %zu lines", (char *)path, tw_bytes_data(status), lines);
}

static void show(tw_value result, const char *path)
{
    if (!tw_is_failure(result)) {
        puts(tw_bytes_data(result));
        return;
    }
    printf("%s: %s\n", path, tw_failure_word(result));
    failed++;
}

static tw_value fetch_all(void *arg)
{
    char **paths = arg;
    size_t count = 0;
    tw_deferred *pages[100];
    tw_results *results;
    tw_value next;

    for (; paths[count] != NULL && count < 100; count++)
        pages[count] = tw_inline_callbacks(fetch, paths[count]);
    results = tw_as_completed(pages, count);
    while (tw_is(next = tw_await(tw_results_next(results)), &tw_type_list)) {
        show(tw_list_at(next, 1), paths[tw_integer_of(tw_list_at(next, 0))]);
        tw_drop(&next);
    }
    tw_results_free(results);
    return next;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: own_http HOST PORT PATH...\n");
        return 2;
    }
    host = argv[1];
    port = (unsigned)atoi(argv[2]);
    tw_release(tw_block_on(tw_inline_callbacks(fetch_all, argv + 3)));
    return failed > 0;
}
