/* SPDX-License-Identifier: MIT */
/*
 * check_server_limits.c - how long a client may take, how much it may leave unread, and how many
 * there may be.
 */
#include "config.h"

#include "net/transport/memory.h"
#include "tests/site.h"

/* --- handlers --------------------------------------------------------------------------- */

static tw_request *waiting;

static tw_value hello(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_answer(request, 200, "text/plain", tw_string("hello"));
    return tw_none();
}

static tw_value wait_for_test(tw_request *request, void *arg)
{
    (void)arg;
    waiting = request;
    return tw_none();
}

static tw_value large(tw_request *request, void *arg)
{
    char *data;
    tw_value bytes = tw_bytes_new(20000, &data);

    (void)arg;
    if (data != NULL)
        memset(data, 'x', 20000);
    tw_request_answer(request, 200, "text/plain", bytes);
    return tw_none();
}

static void begin(const struct tw_site_options *options)
{
    waiting = NULL;
    site_begin(options);
    ck_assert_int_eq(tw_site_handle(site, "/hello", hello, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/echo", hello, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/wait", wait_for_test, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/large", large, NULL, NULL), 0);
}

/* --- time -------------------------------------------------------------------------------- */

static const struct {
    const char *what, *first, *then;
    double every; /* `then` is sent again and again */
    double closed_after, still_open;
    int status; /* 0: no answer */
} waits[] = {
    { "nothing is sent", "", NULL, 0, 15.1, 14.9, 0 },
    { "idle after an answer", GET("/hello"), NULL, 0, 15.1, 14.9, 200 },
    { "a head that stops", "GET / HT", NULL, 0, 12.2, 9.9, 408 },
    { "a head that trickles", "GET / HTTP/1.1\r\nX: ", "x", 1, 12.2, 9.9, 408 },
    { "a carriage return", "\r", NULL, 0, 12.2, 9.9, 408 },
    { "empty lines that trickle", "\r\n", "\r\n", 4.95, 12.2, 9.9, 408 },
    { "half an empty line after an answer", GET("/hello") "\r", NULL, 0, 12.2, 9.9, 200 },
    { "a body that stops", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nx",
      NULL, 0, 12.2, 9.9, 408 },
    { "a body that trickles",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nx", "xxxxxxxxxx", 0.5,
      12.2, 9.9, 408 },
    { "a body that is fast enough",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nx",
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0.5, 0, 60,
      0 },
    { "a handler that takes its time", GET("/wait"), NULL, 0, 0, 1000, 0 },
};

START_TEST(a_client_has_its_time)
{
    double now = 0;
    const char *text;

    begin(NULL);
    wire = site_connect();
    send_text(waits[_i].first);
    while (now < waits[_i].still_open) {
        double step = waits[_i].then == NULL ? waits[_i].still_open : waits[_i].every;

        tw_testing_advance(step);
        now += step;
        if (waits[_i].then != NULL && now < waits[_i].still_open)
            send_text(waits[_i].then);
    }
    ck_assert_msg(site->connections == 1, "%s", waits[_i].what);
    if (waits[_i].closed_after > 0) {
        tw_testing_advance(waits[_i].closed_after - now + 0.5);
        ck_assert_msg(is_closed(), "%s", waits[_i].what);
    }
    text = answered();
    if (waits[_i].status == 0)
        ck_assert_str_eq(text, "");
    else
        ck_assert_msg(strlen(text) > 12 && atoi(text + 9) == waits[_i].status, "%s: %s",
                      waits[_i].what, text);
    if (waiting != NULL)
        tw_request_finish(waiting);
    site_end();
}
END_TEST

START_TEST(many_connections_share_the_queues)
{
    tw_string_transport *others[50];

    begin(NULL);
    for (unsigned i = 0; i < 50; i++) {
        others[i] = site_connect();
        tw_testing_advance(0.5);
    }
    /* The first 20 or so have been closed by now, in order. */
    ck_assert_uint_eq(site->connections, 30);
    tw_testing_advance(20);
    ck_assert_uint_eq(site->connections, 0);
    for (unsigned i = 0; i < 50; i++)
        tw_string_transport_free(others[i]);
    site_end();
}
END_TEST

/* --- over memory: a client that does not read -------------------------------------------- */

struct client {
    tw_protocol protocol;
};
static tw_protocol *client;
static struct twi_buf client_data;

static void client_made(tw_protocol *protocol)
{
    client = protocol;
}

static void client_received(tw_protocol *protocol, const char *data, size_t length)
{
    (void)protocol;
    ck_assert_int_eq(twi_buf_append(&client_data, data, length), 0);
}

static void client_lost(tw_protocol *protocol, tw_value reason)
{
    (void)protocol;
    (void)reason;
    client = NULL;
}

static const tw_protocol_class client_class = {
    .name = "client",
    .size = sizeof(struct client),
    .connection_made = client_made,
    .data_received = client_received,
    .connection_lost = client_lost,
};

START_TEST(a_client_that_does_not_read_is_not_read)
{
    struct tw_listen_options listen = { .port = 80 };
    tw_listener *listener;
    static char text[16384];

    begin(NULL);
    ck_assert_int_eq(tw_site_listen(site, &listen, &listener, NULL), 0);
    ck_assert_int_eq(twi_memory_connect("127.0.0.1", 80, tw_protocol_new(&client_class), NULL),
                     0);
    tw_testing_settle();
    ck_assert_ptr_nonnull(client);
    tw_transport_pause(client->transport);
    text[0] = '\0';
    for (unsigned i = 0; i < 20; i++)
        strcat(text, GET("/large"));
    for (unsigned i = 0; i < 5; i++) {
        tw_transport_write(client->transport, text, strlen(text));
        tw_testing_settle();
    }
    ck_assert_uint_lt(client_data.length, 400000);
    tw_transport_resume(client->transport);
    tw_testing_settle();
    ck_assert_uint_eq(count_text(twi_buf_text(&client_data), "HTTP/1.1 200 OK"), 100);
    tw_transport_lose(client->transport);
    tw_testing_settle();
    tw_listener_close(listener);
    twi_buf_free(&client_data);
    site_end();
}
END_TEST

START_TEST(a_site_has_room_for_so_many_connections)
{
    struct tw_site_options options = { .max_connections = 1 };
    struct tw_listen_options listen = { .port = 80 };
    tw_listener *listener;

    begin(&options);
    ck_assert_int_eq(tw_site_listen(site, &listen, &listener, NULL), 0);
    ck_assert_int_eq(twi_memory_connect("127.0.0.1", 80, tw_protocol_new(&client_class), NULL),
                     0);
    tw_testing_settle();
    ck_assert_int_eq(twi_memory_connect("127.0.0.1", 80, tw_protocol_new(&client_class), NULL),
                     0);
    tw_testing_settle();
    ck_assert_uint_eq(site->connections, 1);
    tw_testing_advance(20);
    tw_listener_close(listener);
    twi_buf_free(&client_data);
    site_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server_limits");

    TEST_ADD_ROWS(suite, a_client_has_its_time, waits);
    TEST_ADD(suite, many_connections_share_the_queues);
    TEST_ADD(suite, a_client_that_does_not_read_is_not_read);
    TEST_ADD(suite, a_site_has_room_for_so_many_connections);
    return test_run(suite);
}
