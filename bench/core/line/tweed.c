/* SPDX-License-Identifier: MIT */
/* tweed: a line protocol that sends each line back. */
#include <stdlib.h>
#include <sys/resource.h>

#include <tweed/line.h>
#include <tweed/reactor.h>
#include <tweed/tcp.h>

static void line_received(tw_line_protocol *protocol, const char *line, size_t length)
{
    tw_line_send(protocol, line, length);
}

static const struct tw_line_class lines = { .delimiter = "\n",
                                            .line_received = line_received };

static void connection_made(tw_protocol *protocol)
{
    ((tw_line_protocol *)protocol)->line_class = &lines;
}

static const tw_protocol_class line_class = {
    .name = "line",
    .size = sizeof(tw_line_protocol),
    .connection_made = connection_made,
    TW_LINE_PROTOCOL,
};

int main(int argc, char **argv)
{
    struct rlimit descriptors = { 20000, 20000 };
    struct tw_listen_options options = { .port = argc > 1 ? (unsigned)atoi(argv[1]) : 0 };
    tw_factory *factory = tw_factory_of(&line_class, NULL);
    tw_listener *listener;

    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (tw_listen(&options, factory, &listener, NULL) < 0)
        return 1;
    return tw_reactor_run();
}
