/* ./streams PORT PATH... - HTTP by hand over streams: write a request, read its answer line by
 * line. All at once, each printed when it is there: asyncio's open_connection() and as_completed().
 */
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

static unsigned port;

static tw_value fetch(void *path)
{
    tw_value opened = tw_await(tw_open_connection("127.0.0.1", port, NULL)), status, line,
             body;
    tw_stream *stream = tw_stream_of(opened);
    int headers = 0;

    if (tw_is_failure(opened))
        return opened;
    tw_stream_write_format(stream, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n",
                           (const char *)path);
    tw_await(tw_stream_drain(stream));
    status = tw_await(tw_stream_read_line(stream));
    while (tw_bytes_length(line = tw_await(tw_stream_read_line(stream))) > 0)
        headers++;
    body = tw_await(tw_stream_read_to_end(stream, 0));
    tw_stream_close(stream);
    if (tw_is_failure(body))
        return body;
    return tw_bytes_format("%s, %d headers, %zu bytes", tw_bytes_data(status), headers,
                           tw_bytes_length(body));
}

static tw_value fetch_all(void *arg)
{
    char **paths = arg;
    tw_deferred *fetches[100];
    size_t count = 0;
    tw_as_completed *completed;
    tw_value next;

    while (paths[count] != NULL && count < 100) {
        fetches[count] = tw_inline_callbacks(fetch, paths[count]);
        count++;
    }
    completed = tw_as_completed_new(fetches, count);
    while (!tw_is_none(next = tw_await(tw_as_completed_next(completed)))) {
        const char *path = paths[tw_integer_of(tw_list_at(next, 0))];
        tw_value result = tw_list_at(next, 1);
        printf("%s: %s\n", path,
               tw_is_failure(result) ? tw_failure_message(result) : tw_bytes_data(result));
    }
    tw_as_completed_free(completed);
    return tw_none();
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    port = (unsigned)atoi(argv[1]);
    tw_release(tw_block_on(tw_inline_callbacks(fetch_all, argv + 2)));
    return 0;
}
