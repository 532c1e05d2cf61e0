/* SPDX-License-Identifier: MIT */
/*
 * check_tcp.c - connections of the system: their bytes and their ends, on every backend.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/sockets.h"

/* --- talking ------------------------------------------------------------------------ */

START_TEST(an_echo_comes_back)
{
    begin_on(backends[_i], &recorder_class, &recorder_class);
    server.on_data = echo;
    for (int i = 0; i < 10; i++) {
        write_text(&client, "hello");
        UNTIL(client.data.length == 5 * (size_t)(i + 1));
    }
    tw_transport_lose(client.protocol->transport);
    UNTIL(client.protocol == NULL && server.protocol == NULL);
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

static void fill(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 31 + i / 251);
}

enum { BIG = 4 * 1024 * 1024 };

/* More than the system buffers, both ways at once, with a clean end behind it. */
START_TEST(big_transfers_arrive_whole)
{
    char *big = malloc(BIG);

    begin_on(backends[_i], &recorder_class, &recorder_class);
    fill(big, BIG);
    tw_transport_write(client.protocol->transport, big, BIG);
    tw_transport_write_value(server.protocol->transport, tw_bytes(big, BIG));
    UNTIL(client.data.length == BIG && server.data.length == BIG);
    tw_transport_write(client.protocol->transport, big, BIG);
    tw_transport_lose(client.protocol->transport);
    UNTIL(server.protocol == NULL);
    ck_assert_uint_eq(server.data.length, 2 * BIG);
    ck_assert(memcmp(server.data.data, big, BIG) == 0);
    ck_assert(memcmp(server.data.data + BIG, big, BIG) == 0);
    ck_assert(memcmp(client.data.data, big, BIG) == 0);
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
    free(big);
}
END_TEST

START_TEST(a_paused_reader_stops_the_writer)
{
    char *big = malloc(BIG);

    begin_on(backends[_i], &recorder_class, &recorder_class);
    fill(big, BIG);
    tw_transport_pause(server.protocol->transport);
    for (int i = 0; i < 4; i++)
        tw_transport_write(client.protocol->transport, big, BIG);
    for (int i = 0; i < 100; i++)
        tw_reactor_iterate(0);
    ck_assert_uint_eq(server.data.length, 0);
    ck_assert_uint_gt(tw_transport_unsent(client.protocol->transport), 0);
    tw_transport_resume(server.protocol->transport);
    UNTIL(server.data.length >= BIG);
    tw_transport_pause(server.protocol->transport);
    tw_transport_resume(server.protocol->transport);
    UNTIL(server.data.length == 4 * BIG);
    end();
    free(big);
}
END_TEST

static void pause_at_once(struct record *record, const char *data, size_t length)
{
    (void)data;
    (void)length;
    tw_transport_pause(record->protocol->transport);
}

START_TEST(after_a_pause_nothing_is_delivered_and_nothing_is_lost)
{
    begin_on(backends[_i], &recorder_class, &recorder_class);
    server.on_data = pause_at_once;
    for (size_t i = 1; i <= 5; i++) {
        write_text(&client, "x");
        if (i == 5)
            tw_transport_lose(client.protocol->transport);
        UNTIL(server.data.length == i);
        for (int turns = 0; turns < 5; turns++)
            tw_reactor_iterate(0);
        ck_assert_uint_eq(server.data.length, i);
        ck_assert_ptr_nonnull(server.protocol);
        tw_transport_resume(server.protocol->transport);
    }
    UNTIL(server.protocol == NULL);
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(own_buffers_are_read_into)
{
    begin_on(backends[_i], &recorder_buffered_class, &recorder_class);
    server.buffer_size = 7;
    server.buffer = malloc(7);
    write_text(&client, "a text that needs more than one buffer");
    UNTIL(server.data.length == 38);
    ck_assert_uint_eq(server.largest, 7);
    server.buffer_size = 0;
    write_text(&client, "another text");
    UNTIL(server.data.length == 50);
    ck_assert_uint_eq(server.largest, 12);
    end();
}
END_TEST

static int file_error = 1;
static void file_done(int error, void *arg)
{
    (void)arg;
    file_error = error;
}

START_TEST(a_file_is_sent_between_bytes)
{
    char name[] = "tweed-check-XXXXXX", *big = malloc(BIG);
    int fd = mkstemp(name);

    begin_on(backends[_i], &recorder_class, &recorder_class);
    fill(big, BIG);
    file_error = 1;
    unlink(name);
    ck_assert_int_eq(write(fd, big, BIG), BIG);
    write_text(&client, "<");
    ck_assert_int_eq(tw_transport_write_file(client.protocol->transport, fd, 1000, BIG - 1000,
                                             file_done, NULL),
                     0);
    write_text(&client, ">");
    tw_transport_lose(client.protocol->transport);
    UNTIL(server.protocol == NULL);
    ck_assert_int_eq(file_error, 0);
    ck_assert_uint_eq(server.data.length, BIG - 1000 + 2);
    ck_assert(memcmp(server.data.data + 1, big + 1000, BIG - 1000) == 0);
    ck_assert_int_eq(server.data.data[0], '<');
    ck_assert_int_eq(server.data.data[server.data.length - 1], '>');
    close(fd);
    free(big);
    end();
}
END_TEST

START_TEST(a_file_cut_short_breaks_the_connection)
{
    char name[] = "tweed-check-XXXXXX";
    int fd = mkstemp(name);

    begin_on(backends[_i], &recorder_class, &recorder_class);
    file_error = 1;
    unlink(name);
    ck_assert_int_eq(write(fd, "short", 5), 5);
    tw_transport_write_file(client.protocol->transport, fd, 0, 10, file_done, NULL);
    UNTIL(server.protocol == NULL && client.protocol == NULL);
    ck_assert_int_eq(file_error, -EIO);
    ck_assert_str_eq(record_text(&client), "made lost:connection_lost released");
    close(fd);
    end();
}
END_TEST

/* --- ends --------------------------------------------------------------------------- */

static void answer_and_shut(struct record *record)
{
    write_text(record, "answer");
    tw_transport_lose_write(record->protocol->transport);
}

START_TEST(a_half_closed_connection_carries_the_answer)
{
    begin_on(backends[_i], &recorder_half_class, &recorder_half_class);
    server.on_eof = answer_and_shut;
    write_text(&client, "question");
    tw_transport_lose_write(client.protocol->transport);
    UNTIL(client.protocol == NULL && server.protocol == NULL);
    ck_assert_str_eq(record_data(&server), "question");
    ck_assert_str_eq(record_data(&client), "answer");
    ck_assert_str_eq(record_text(&client), "made shut eof lost:connection_done released");
    ck_assert_str_eq(record_text(&server), "made eof lost:connection_done released");
    end();
}
END_TEST

START_TEST(what_is_written_is_sent_before_the_peers_end_closes)
{
    begin_on(backends[_i], &recorder_class, &recorder_half_class);
    server.on_data = echo;
    write_text(&client, "question");
    tw_transport_lose_write(client.protocol->transport);
    UNTIL(client.protocol == NULL || client.data.length == 8);
    ck_assert_str_eq(record_data(&client), "question");
    UNTIL(server.protocol == NULL);
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(an_abort_resets_the_peer)
{
    begin_on(backends[_i], &recorder_class, &recorder_class);
    write_text(&client, "never sent");
    tw_transport_abort(client.protocol->transport);
    UNTIL(client.protocol == NULL && server.protocol == NULL);
    ck_assert_str_eq(record_text(&client), "made lost:connection_aborted released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_lost released");
    ck_assert_str_eq(record_data(&server), "");
    end();
}
END_TEST

/* The reset has come before the data is read: no further event tells of it. */
START_TEST(a_reset_behind_data_is_noticed)
{
    int fd;

    begin_on(backends[_i], &recorder_class, NULL);
    fd = raw_client();
    UNTIL(server.protocol != NULL);
    ck_assert_int_eq(send(fd, "data", 4, 0), 4);
    reset(fd);
    UNTIL(server.protocol == NULL);
    ck_assert_str_eq(record_data(&server), "data");
    ck_assert_str_eq(record_text(&server), "made lost:connection_lost released");
    end();
}
END_TEST

START_TEST(an_end_behind_data_is_noticed)
{
    int fd;

    begin_on(backends[_i], &recorder_class, NULL);
    server.on_data = echo;
    fd = raw_client();
    UNTIL(server.protocol != NULL);
    ck_assert_int_eq(send(fd, "data", 4, 0), 4);
    shutdown(fd, SHUT_WR);
    UNTIL(server.protocol == NULL);
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    close(fd);
    end();
}
END_TEST

/* A server that answers early and closes resets what is still being sent to it. */
START_TEST(what_came_before_a_broken_write_is_delivered)
{
    char *big = malloc(BIG);
    int fd;

    begin_on(backends[_i], &recorder_class, NULL);
    fd = raw_client();
    UNTIL(server.protocol != NULL);
    fill(big, BIG);
    tw_transport_write(server.protocol->transport, big, BIG);
    tw_reactor_iterate(0);
    ck_assert_int_eq(send(fd, "too much!", 9, 0), 9);
    close(fd);
    UNTIL(server.protocol == NULL);
    ck_assert_str_eq(record_data(&server), "too much!");
    ck_assert_str_eq(record_text(&server), "made lost:connection_lost released");
    end();
    free(big);
}
END_TEST

static size_t descriptors_open(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* No turn passes between what the peer does and the look. */
START_TEST(a_look_tells_what_has_come)
{
    tw_transport *transport;
    int peer;

    begin_on(backends[_i], &recorder_class, &recorder_class);
    transport = client.protocol->transport;
    peer = tw_transport_fd(server.protocol->transport);
    ck_assert(tw_transport_quiet(transport));
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    ck_assert(!tw_transport_quiet(transport));
    UNTIL(client.data.length == 1);
    ck_assert(tw_transport_quiet(transport));
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    ck_assert(!tw_transport_quiet(transport));
    UNTIL(client.protocol == NULL);
    end();
}
END_TEST

START_TEST(resets_leave_no_descriptor)
{
    size_t before;

    begin_on(backends[_i], &recorder_class, NULL);
    before = descriptors_open();
    for (int i = 0; i < 1500; i++) {
        int fd = raw_client();
        if (i % 3 > 0)
            ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
        if (i % 3 > 1)
            tw_reactor_iterate(0);
        reset(fd);
        tw_reactor_iterate(0);
    }
    server.protocol = NULL;
    UNTIL(twi_transport_count() == 0);
    ck_assert_uint_eq(descriptors_open(), before);
    end();
}
END_TEST

/* A server that speaks first: its greeting comes with the news that the connection stands. */
START_TEST(a_greeting_that_is_there_at_once_is_read)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    struct twi_attempt *attempt;
    int listening, fd;

    begin_on(backends[_i], &recorder_class, NULL);
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    getsockname(listening, (struct sockaddr *)&address, &length);
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, NULL,
                                       connected, recorder_new(&recorder_class, &client),
                                       &attempt),
                     0);
    fd = accept(listening, NULL, NULL);
    ck_assert_int_eq(send(fd, "welcome", 7, 0), 7);
    if (_i == 0)
        close(fd);
    UNTIL(client.data.length == 7);
    if (_i != 0)
        close(fd);
    UNTIL(client.protocol == NULL);
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    close(listening);
    end();
}
END_TEST

START_TEST(a_transport_sends_files_without_signals)
{
    char name[] = "tweed-check-XXXXXX", *big = calloc(1, BIG);
    int fd = mkstemp(name), peer;

    begin_on(backends[_i], &recorder_class, NULL);
    signal(SIGPIPE, SIG_DFL);
    unlink(name);
    ck_assert_int_eq(write(fd, big, BIG), BIG);
    peer = raw_client();
    UNTIL(server.protocol != NULL);
    tw_transport_write_file(server.protocol->transport, fd, 0, BIG, file_done, NULL);
    tw_reactor_iterate(0);
    tw_transport_pause(server.protocol->transport);
    reset(peer);
    UNTIL(server.protocol == NULL);
    ck_assert_int_lt(file_error, 0);
    close(fd);
    free(big);
    end();
}
END_TEST

/* The address of a peer is kept packed. */
START_TEST(a_peers_address_keeps_its_scope)
{
    static const struct {
        const char *text;
        uint32_t scope;
        const char *told;
    } rows[] = {
        { "fe80::1:2:3:4", 4000000000, "[fe80::1:2:3:4%4000000000]:80" },
        { "fe80::1", 1, "[fe80::1%lo]:80" },
        { "fe80::1", 0, "[fe80::1]:80" },
        { "2001:db8:1:2::3", 0, "[2001:db8:1:2::3]:80" },
    };

    begin_on(NULL, &recorder_class, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_in6 peer = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
        struct twi_socket socket = { .fd = -1 };
        struct sockaddr_storage told;
        tw_transport *transport;
        socklen_t length;
        char text[80];
        int fds[2];

        ck_assert_int_eq(inet_pton(AF_INET6, rows[i].text, &peer.sin6_addr), 1);
        peer.sin6_scope_id = rows[i].scope;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        socket.fd = fds[0];
        ck_assert_int_eq(twi_socket_adopt(&socket,
                                          (const struct sockaddr *)(const void *)&peer, NULL,
                                          NULL, &transport),
                         0);
        ck_assert_int_eq(tw_transport_peer_address(transport, &told, &length), 0);
        ck_assert_uint_eq(length, sizeof peer);
        ck_assert_mem_eq(&told, &peer, sizeof peer);
        tw_transport_peer(transport, text, sizeof text);
        ck_assert_str_eq(text, rows[i].told);
        tw_transport_abort(transport);
        tw_reactor_iterate(0);
        close(fds[1]);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tcp");

    TEST_ADD_ROWS(suite, an_echo_comes_back, backends);
    TEST_ADD_ROWS(suite, big_transfers_arrive_whole, backends);
    TEST_ADD_ROWS(suite, a_paused_reader_stops_the_writer, backends);
    TEST_ADD_ROWS(suite, after_a_pause_nothing_is_delivered_and_nothing_is_lost, backends);
    TEST_ADD_ROWS(suite, own_buffers_are_read_into, backends);
    TEST_ADD_ROWS(suite, a_file_is_sent_between_bytes, backends);
    TEST_ADD_ROWS(suite, a_file_cut_short_breaks_the_connection, backends);
    TEST_ADD_ROWS(suite, a_half_closed_connection_carries_the_answer, backends);
    TEST_ADD_ROWS(suite, what_is_written_is_sent_before_the_peers_end_closes, backends);
    TEST_ADD_ROWS(suite, an_abort_resets_the_peer, backends);
    TEST_ADD_ROWS(suite, a_reset_behind_data_is_noticed, backends);
    TEST_ADD_ROWS(suite, an_end_behind_data_is_noticed, backends);
    TEST_ADD_ROWS(suite, a_look_tells_what_has_come, backends);
    TEST_ADD_ROWS(suite, what_came_before_a_broken_write_is_delivered, backends);
    TEST_ADD_ROWS(suite, resets_leave_no_descriptor, backends);
    TEST_ADD_ROWS(suite, a_greeting_that_is_there_at_once_is_read, backends);
    TEST_ADD_ROWS(suite, a_transport_sends_files_without_signals, backends);
    TEST_ADD(suite, a_peers_address_keeps_its_scope);
    return test_run(suite);
}
