/* SPDX-License-Identifier: MIT */
/*
 * tls_pair.c - a client and a server of TLS, in memory and virtual time.
 */
#include "config.h"

#include "tests/tls_pair.h"

#include <string.h>
#include <tweed/reactor.h>
#include <tweed/testing.h>

#include "tests/certificates.h"
#include "tests/test.h"
#include "tests/tls_ends.h"

struct record client, server;
tw_tls_context *client_tls, *server_tls;
tw_listener *listener;
static const tw_protocol_class *server_class;

static tw_protocol *build(tw_factory *factory)
{
    return recorder_new(server_class, tw_factory_data(factory));
}

void listen_on(const tw_protocol_class *protocol_class, tw_tls_context *tls)
{
    static const struct tw_factory_class factory_class = { .build = build };
    tw_factory *factory = tw_factory_new(&factory_class, &server);
    struct tw_listen_options options = { .port = 443, .tls = tls };

    server_class = protocol_class;
    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
}

void begin_class(const tw_protocol_class *protocol_class)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    client_tls = context_new(
        (struct tw_tls_options){ .ca_file = test_ca_file(), .alpn = "h2,http/1.1" });
    server_tls = context_new((struct tw_tls_options){
        .server = true, .alpn = "http/1.1", .cert_file = test_leaf_file() });
    listen_on(protocol_class, server_tls);
}

void begin(void)
{
    begin_class(&recorder_class);
}

void end(void)
{
    tw_listener_close(listener);
    tw_tls_context_unref(client_tls);
    tw_tls_context_unref(server_tls);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&client);
    record_free(&server);
}

tw_deferred *dial_class(const tw_protocol_class *protocol_class)
{
    struct tw_connect_options options = { .tls = client_tls, .server_name = "a.test" };

    return tw_connect("127.0.0.1", 443, &options, recorder_new(protocol_class, &client));
}

void connect_class(const tw_protocol_class *protocol_class)
{
    tw_value result = tw_block_on(dial_class(protocol_class));

    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    ck_assert_ptr_eq(tw_pointer_of(result), client.protocol);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&server), "made");
}

void connect_both(void)
{
    connect_class(&recorder_class);
}

tw_transport *client_transport(void)
{
    return client.protocol->transport;
}

tw_transport *server_transport(void)
{
    return server.protocol->transport;
}

void lose_client(void)
{
    tw_transport_lose(client_transport());
}

void lose_server(void)
{
    tw_transport_lose(server_transport());
}

void lose_in_data(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    if (record->protocol != NULL)
        tw_transport_lose(record->protocol->transport);
}
