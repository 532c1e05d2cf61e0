/* SPDX-License-Identifier: MIT */
/* tweed: a protocol that writes back what it receives. */
#include <stdlib.h>
#include <sys/resource.h>

#include <tweed/reactor.h>
#include <tweed/tcp.h>

static void echo(tw_protocol *protocol, const char *data, size_t length)
{
    tw_transport_write(protocol->transport, data, length);
}

static const tw_protocol_class echo_class = { .name = "echo", .data_received = echo };

int main(int argc, char **argv)
{
    struct rlimit descriptors = { 20000, 20000 };
    struct tw_listen_options options = { .port = argc > 1 ? (unsigned)atoi(argv[1]) : 0 };
    tw_factory *factory = tw_factory_of(&echo_class, NULL);
    tw_listener *listener;

    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (tw_listen(&options, factory, &listener, NULL) < 0)
        return 1;
    return tw_reactor_run();
}
