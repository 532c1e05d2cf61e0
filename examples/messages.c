/* SPDX-License-Identifier: MIT */
/* ./messages - a Queue, a Pipe and a Manager's dict between processes. Two children take numbers
 * from a queue and put squares into a dict. Both live in the parent, who needs no locks; what is
 * asked and answered are messages (netstrings) over a pipe to each child. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/tweed.h>

enum { CHILDREN = 2, ITEMS = 8, PIPE = 3 };

static void say(tw_framing_protocol *self, int item, int square)
{
    char text[32];

    tw_framing_send(self, text, (size_t)snprintf(text, sizeof text, "%d %d", item, square));
}

/* Python's `left, right = message.split()`. */
static void parse(const char *data, size_t length, int *item, int *square)
{
    char text[32];

    snprintf(text, sizeof text, "%.*s", (int)length, data);
    if (sscanf(text, "%d %d", item, square) != 2)
        *item = *square = 0;
}

/* --- a child: each answer asks for the next item ---------------------------------------- */

static void child_begins(tw_protocol *protocol)
{
    say((tw_framing_protocol *)protocol, 0, 0);
}

static void child_works(tw_framing_protocol *self, const char *data, size_t length)
{
    int item, none;

    parse(data, length, &item, &none);
    say(self, item, item * item);
}

static void child_stops(tw_protocol *protocol, tw_value reason)
{
    (void)protocol, (void)reason;
    tw_reactor_stop();
}

/* --- the parent ------------------------------------------------------------------------- */

static int queue = 1, dict[ITEMS + 1], children = CHILDREN;

static void serve(tw_framing_protocol *self, const char *data, size_t length)
{
    int item, square;

    parse(data, length, &item, &square);
    if (item > 0 && item <= ITEMS)
        dict[item] = square;
    if (queue <= ITEMS)
        say(self, queue++, 0);
    else
        tw_transport_lose(self->protocol.transport); /* no more */
}

static void child_ended(tw_process *process, tw_value reason, void *arg)
{
    (void)process, (void)arg;
    printf("child: exit status %d\n", tw_process_exit_status(reason));
    if (--children == 0)
        tw_reactor_stop();
}

static tw_protocol *messages(const tw_protocol_class *protocol_class,
                             const struct tw_framing_class *framing_class)
{
    tw_protocol *protocol = tw_protocol_new(protocol_class);

    if (protocol == NULL)
        abort();
    ((tw_framing_protocol *)protocol)->framing_class = framing_class;
    return protocol;
}

int main(int argc, char **argv)
{
    static const struct tw_framing_class works = { TW_NETSTRING, 32, child_works, NULL };
    static const struct tw_framing_class serves = { TW_NETSTRING, 32, serve, NULL };
    static const tw_protocol_class server = { "server", sizeof(tw_framing_protocol),
                                              TW_FRAMING_PROTOCOL };
    static const tw_protocol_class worker = { "worker", sizeof(tw_framing_protocol),
                                              TW_FRAMING_PROTOCOL,
                                              .connection_made = child_begins,
                                              .connection_lost = child_stops };
    static const struct tw_process_protocol child = { .ended = child_ended };

    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        tw_pipe_open(PIPE, PIPE, messages(&worker, &works), NULL);
        return tw_reactor_run();
    }
    for (int i = 0; i < CHILDREN; i++) {
        struct tw_child_fd pipe = { PIPE, TW_PIPE_BOTH_WAYS, -1, messages(&server, &serves) };
        struct tw_process_options options = { .executable = "/proc/self/exe",
                                              .argv = TW_ARGV(argv[0], "child"),
                                              .fds = &pipe,
                                              .fd_count = 1 };
        if (tw_spawn_process(&options, &child, NULL, NULL) < 0)
            return 1;
    }
    tw_reactor_run();
    for (int i = 1; i <= ITEMS; i++)
        printf("%d: %d\n", i, dict[i]);
    return 0;
}
