/* SPDX-License-Identifier: MIT */
/*
 * sockets.c - see sockets.h.
 */
#include "config.h"

#include "tests/sockets.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

struct record server, client;
tw_listener *listener;
const tw_protocol_class *server_class;

void connected(int error, struct twi_socket *socket, void *arg)
{
    tw_protocol *protocol = arg;

    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(twi_socket_adopt(socket, NULL, protocol, NULL, NULL), 0);
}

static tw_protocol *build(tw_factory *factory)
{
    return recorder_new(server_class, tw_factory_data(factory));
}

tw_factory *server_factory(void)
{
    static const struct tw_factory_class factory_class = { .build = build };

    return tw_factory_new(&factory_class, &server);
}

void dial(tw_protocol *protocol)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)tw_listener_port(listener)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct twi_attempt *attempt = NULL;

    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, NULL,
                                       connected, protocol, &attempt),
                     0);
}

void begin_on(const char *backend, const tw_protocol_class *server_protocol,
              const tw_protocol_class *client_protocol)
{
    struct tw_reactor_options options = { .backend = backend };
    tw_factory *factory = server_factory();

    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    server_class = server_protocol;
    ck_assert_ptr_nonnull(factory);
    ck_assert_int_eq(tw_listen(NULL, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
    if (client_protocol != NULL) {
        dial(recorder_new(client_protocol, &client));
        UNTIL(client.protocol != NULL && server.protocol != NULL);
    }
}

void end(void)
{
    tw_listener_close(listener);
    if (client.protocol != NULL)
        tw_transport_abort(client.protocol->transport);
    if (server.protocol != NULL)
        tw_transport_abort(server.protocol->transport);
    UNTIL(twi_transport_count() == 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    record_free(&server);
    record_free(&client);
}

void write_text(struct record *record, const char *text)
{
    ck_assert_int_eq(tw_transport_write(record->protocol->transport, text, strlen(text)), 0);
}

void echo(struct record *record, const char *data, size_t length)
{
    tw_transport_write(record->protocol->transport, data, length);
}

int raw_client(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)tw_listener_port(listener)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void reset(int fd)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}
