/* SPDX-License-Identifier: MIT */
/* tweed: a coroutine for each connection that writes back what it reads. */
#include <stdlib.h>
#include <sys/resource.h>

#include <tweed/inline_callbacks.h>
#include <tweed/reactor.h>
#include <tweed/stream.h>

static tw_value echo(tw_stream *stream, void *arg)
{
    (void)arg;
    for (;;) {
        tw_value data = tw_await(tw_stream_read(stream, 65536));

        if (tw_bytes_length(data) == 0)
            return data;
        tw_stream_write(stream, tw_bytes_data(data), tw_bytes_length(data));
        tw_drop(&data);
    }
}

int main(int argc, char **argv)
{
    struct rlimit descriptors = { 20000, 20000 };
    struct tw_stream_server_options options = {
        .listen.port = argc > 1 ? (unsigned)atoi(argv[1]) : 0,
    };
    tw_stream_server *server;

    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (tw_start_server(&options, echo, NULL, &server, NULL) < 0)
        return 1;
    return tw_reactor_run();
}
