/* SPDX-License-Identifier: MIT */
/* ./chat [PORT] - a chat: one coroutine for each guest, whose first line is a name. Each line
 * is told to all guests; one who reads too slowly makes nobody wait but is left behind. */
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

enum { MOST = 100, BEHIND = 65536 };

static tw_stream *guests[MOST];

static void tell_all(const char *who, const char *what)
{
    for (int i = 0; i < MOST; i++) {
        tw_transport *transport = tw_stream_transport(guests[i]);

        if (transport != NULL && tw_transport_unsent(transport) < BEHIND)
            tw_stream_write_format(guests[i], "%s %s\n", who, what);
    }
}

static tw_value listen_to(tw_stream *guest, const char *name)
{
    tw_value line;

    while (tw_is(line = tw_await(tw_stream_read_line(guest)), &tw_type_bytes)) {
        char says[300];

        snprintf(says, sizeof says, "says: %s", tw_bytes_data(line));
        tell_all(name, says);
        tw_drop(&line);
    }
    return line;
}

static tw_value welcome(tw_stream *guest, void *arg)
{
    tw_value name, end;
    int seat = 0;

    (void)arg;
    tw_stream_write_text(guest, "your name?\n");
    name = tw_await(tw_stream_read_line(guest));
    if (!tw_is(name, &tw_type_bytes))
        return name;
    while (guests[seat] != NULL) /* there is one: connections are limited */
        seat++;
    guests[seat] = guest;
    tell_all(tw_bytes_data(name), "comes in");
    end = listen_to(guest, tw_bytes_data(name));
    tell_all(tw_bytes_data(name), "leaves");
    guests[seat] = NULL;
    return end;
}

int main(int argc, char **argv)
{
    struct tw_stream_server_options options = {
        .listen.port = argc > 1 ? (unsigned)atoi(argv[1]) : 0,
        .max_connections = MOST,
        .limit = 200, /* of a line */
        .timeout = 600,
    };
    tw_stream_server *server;
    tw_value failure;

    if (tw_start_server(&options, welcome, NULL, &server, &failure) < 0) {
        fprintf(stderr, "chat: %s\n", tw_failure_message(failure));
        tw_release(failure);
        return 1;
    }
    printf("listening at 127.0.0.1 %u\n", tw_listener_port(tw_stream_server_listener(server)));
    fflush(stdout);
    tw_reactor_run(); /* until a signal */
    tw_deferred_unref(tw_stream_server_stop(server, TW_CANCEL_HANDLERS));
    return 0;
}
