/* SPDX-License-Identifier: MIT */
/*
 * check_listen.c - listening and connecting: addresses, refusals, want of descriptors and memory.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/sockets.h"

/* --- listening ---------------------------------------------------------------------- */

START_TEST(a_connection_knows_its_addresses)
{
    char text[64], expected[64];
    struct sockaddr_storage address;
    socklen_t length;

    begin_on(NULL, &recorder_class, &recorder_class);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", tw_listener_port(listener));
    tw_listener_address(listener, text, sizeof text);
    ck_assert_str_eq(text, expected);
    tw_transport_peer(client.protocol->transport, text, sizeof text);
    ck_assert_str_eq(text, expected);
    tw_transport_local(server.protocol->transport, text, sizeof text);
    ck_assert_str_eq(text, expected);
    tw_transport_local(client.protocol->transport, text, sizeof text);
    tw_transport_peer(server.protocol->transport, expected, sizeof expected);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(tw_transport_peer_address(client.protocol->transport, &address, &length),
                     0);
    ck_assert_uint_eq(length, sizeof(struct sockaddr_in));
    ck_assert_int_ge(tw_transport_fd(client.protocol->transport), 0);
    ck_assert_int_eq(tw_transport_set_nodelay(client.protocol->transport, false), 0);
    ck_assert_int_eq(tw_transport_set_keepalive(client.protocol->transport, true), 0);
    end();
}
END_TEST

static const struct {
    struct tw_listen_options options;
    int r;
    const tw_error_class *error;
    const char *text;
} bad_listens[] = {
    { { .address = "not.a.literal" }, -EINVAL, &tw_error_url, "not.a.literal:0: not an" },
    { { .port = 65536 }, -EINVAL, &tw_error_url, "127.0.0.1:65536: not an address" },
    { { .address = "unix:" }, -EINVAL, &tw_error_url, "unix:: not an address" },
    { { .address = "unix:/no/such/folder/socket" },
      -ENOENT,
      &tw_error_system,
      "unix:/no/such/folder/socket: No such file" },
    { { .address = "192.0.2.1", .port = 9 },
      -EADDRNOTAVAIL,
      &tw_error_system,
      "192.0.2.1:9: Cannot assign" },
};

START_TEST(what_cannot_be_listened_on_is_refused)
{
    tw_factory *factory = server_factory();
    tw_value failure = tw_none();

    listener = NULL;
    ck_assert_int_eq(tw_listen(&bad_listens[_i].options, factory, &listener, &failure),
                     bad_listens[_i].r);
    ck_assert_ptr_null(listener);
    ck_assert(tw_failure_is(failure, bad_listens[_i].error));
    ck_assert_msg(strncmp(tw_failure_message(failure), bad_listens[_i].text,
                          strlen(bad_listens[_i].text)) == 0,
                  "%s", tw_failure_message(failure));
    if (bad_listens[_i].error == &tw_error_system)
        ck_assert_int_eq(tw_failure_number(failure), -bad_listens[_i].r);
    tw_release(failure);
    tw_factory_unref(factory);
    tw_reactor_uninstall();
}
END_TEST

START_TEST(a_port_is_taken_once_or_shared)
{
    struct tw_listen_options options = { .reuse_port = true };
    tw_factory *factory = server_factory();
    tw_listener *first, *second, *third = NULL;

    ck_assert_int_eq(tw_listen(&options, factory, &first, NULL), 0);
    options.port = tw_listener_port(first);
    ck_assert_int_eq(tw_listen(&options, factory, &second, NULL), 0);
    ck_assert_uint_eq(tw_listener_port(first), tw_listener_port(second));
    options.reuse_port = false;
    ck_assert_int_eq(tw_listen(&options, factory, &third, NULL), -EADDRINUSE);
    tw_listener_close(first);
    tw_factory_unref(factory);
    tw_reactor_uninstall(); /* closes the second */
}
END_TEST

START_TEST(a_paused_listener_accepts_later)
{
    begin_on(NULL, &recorder_class, NULL);
    tw_listener_pause(listener);
    dial(recorder_new(&recorder_class, &client));
    UNTIL(client.protocol != NULL);
    for (int i = 0; i < 5; i++)
        tw_reactor_iterate(0);
    ck_assert_ptr_null(server.protocol);
    tw_listener_resume(listener);
    UNTIL(server.protocol != NULL);
    end();
}
END_TEST

static void close_listener(struct record *record)
{
    (void)record;
    tw_listener_close(listener);
    listener = NULL;
}

START_TEST(a_listener_may_be_closed_by_its_connection)
{
    begin_on(NULL, &recorder_class, NULL);
    server.on_made = close_listener;
    dial(recorder_new(&recorder_class, &client));
    UNTIL(server.protocol != NULL && client.protocol != NULL);
    server.on_data = echo;
    write_text(&client, "still here");
    UNTIL(client.data.length == 10);
    end();
}
END_TEST

START_TEST(ipv6_is_spoken)
{
    struct tw_listen_options options = { .address = "::1" };
    struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct sockaddr_storage peer;
    tw_factory *factory;
    struct twi_attempt *attempt;
    char text[64], expected[64];
    socklen_t length;

    begin_on(NULL, &recorder_class, NULL);
    tw_listener_close(listener);
    listener = NULL;
    factory = server_factory();
    if (tw_listen(&options, factory, &listener, NULL) ==
        0) { /* not everywhere is there IPv6 */
        tw_listener_address(listener, text, sizeof text);
        snprintf(expected, sizeof expected, "[::1]:%u", tw_listener_port(listener));
        ck_assert_str_eq(text, expected);
        address.sin6_port = htons((uint16_t)tw_listener_port(listener));
        ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, NULL,
                                           connected, recorder_new(&recorder_class, &client),
                                           &attempt),
                         0);
        UNTIL(client.protocol != NULL && server.protocol != NULL);
        tw_transport_peer(client.protocol->transport, text, sizeof text);
        ck_assert_str_eq(text, expected);
        tw_transport_peer_address(server.protocol->transport, &peer, &length);
        ck_assert_uint_eq(length, sizeof(struct sockaddr_in6));
    }
    tw_factory_unref(factory);
    end();
}
END_TEST

START_TEST(unix_sockets_carry_as_well)
{
    char path[64], address[80], text[80];
    struct tw_listen_options options = { .address = address, .mode = 0600 };
    struct sockaddr_un peer = { .sun_family = AF_UNIX };
    struct twi_attempt *attempt;
    tw_factory *factory;
    struct stat status;
    tw_listener *stale;
    int fd;

    begin_on(backends[_i], &recorder_class, NULL);
    tw_listener_close(listener);
    factory = server_factory();
    snprintf(path, sizeof path, "tweed-check-%d.socket", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    unlink(path);
    /* A socket that a dead process has left is taken over, a living one's is not. */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(peer.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&peer, sizeof peer), 0);
    close(fd);
    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    ck_assert_int_eq(tw_listen(&options, factory, &stale, NULL), -EADDRINUSE);
    UNTIL(strstr(record_text(&server), "released") != NULL); /* it was asked for life */
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    server.on_data = echo;
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&peer, sizeof peer, NULL, connected,
                                       recorder_new(&recorder_class, &client), &attempt),
                     0);
    UNTIL(client.protocol != NULL && server.protocol != NULL);
    write_text(&client, "by path");
    UNTIL(client.data.length == 7);
    tw_transport_peer(client.protocol->transport, text, sizeof text);
    ck_assert_str_eq(text, address);
    tw_transport_peer(server.protocol->transport, text, sizeof text);
    ck_assert_str_eq(text, address);
    tw_listener_address(listener, text, sizeof text);
    ck_assert_str_eq(text, address);
    ck_assert_int_eq(tw_transport_set_nodelay(client.protocol->transport, true), -ENOTSUP);
    tw_factory_unref(factory);
    end();
    ck_assert_int_lt(stat(path, &status), 0);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
    char path[64], address[80];
    struct tw_listen_options options = { .address = address };
    tw_factory *factory = test_given(tw_factory_of(&recorder_class, NULL));
    tw_listener *none = NULL;
    int fd;

    snprintf(path, sizeof path, "tweed-check-%d.file", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_lt(tw_listen(&options, factory, &none, NULL), 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(path);
    tw_factory_unref(factory);
}
END_TEST

START_TEST(a_lock_file_says_whose_a_path_is)
{
    char path[64], lock[80], address[80], text[32] = "", number[32];
    struct tw_listen_options options = { .address = address, .lock_file = true };
    tw_factory *factory = test_given(tw_factory_of(&recorder_class, NULL));
    tw_listener *first = NULL, *second = NULL;
    int fd;

    snprintf(path, sizeof path, "tweed-check-%d.locked", (int)getpid());
    snprintf(lock, sizeof lock, "%s.lock", path);
    snprintf(address, sizeof address, "unix:%s", path);
    /* The lock file of a dead process is ignored. */
    fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "123456789\n", 10), 10);
    close(fd);
    ck_assert_int_eq(tw_listen(&options, factory, &first, NULL), 0);
    fd = open(lock, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    close(fd);
    snprintf(number, sizeof number, "%d\n", (int)getpid());
    ck_assert_str_eq(text, number);
    /* The socket alone is gone: the path is the first one's still. */
    unlink(path);
    ck_assert_int_eq(tw_listen(&options, factory, &second, NULL), -EADDRINUSE);
    tw_listener_close(first);
    ck_assert_int_lt(access(lock, F_OK), 0);
    ck_assert_int_eq(tw_listen(&options, factory, &second, NULL), 0);
    tw_listener_close(second);
    options.address = "unix:/no/such/folder/socket";
    ck_assert_int_eq(tw_listen(&options, factory, &second, NULL), -ENOENT);
    tw_factory_unref(factory);
}
END_TEST

static const struct {
    mode_t mask;
    int mode;
    mode_t expected;
} modes[] = {
    { 0077, 0, 0700 },    { 0022, 0, 0755 }, { 0007, 0, 0770 },
    { 0077, 0666, 0666 }, { 0, 0600, 0600 },
};

START_TEST(a_unix_socket_keeps_the_umask_unless_it_has_a_mode)
{
    char path[64], address[80];
    struct tw_listen_options options = { .address = address, .mode = modes[_i].mode };
    tw_factory *factory = server_factory();
    mode_t before = umask(modes[_i].mask);
    tw_listener *made;
    struct stat status;

    snprintf(path, sizeof path, "tweed-check-%d.mode", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    ck_assert_int_eq(tw_listen(&options, factory, &made, NULL), 0);
    umask(before);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, modes[_i].expected);
    tw_listener_close(made);
    tw_factory_unref(factory);
}
END_TEST

START_TEST(an_abstract_name_leaves_no_file)
{
    char address[64], text[64];
    struct tw_listen_options options = { .address = address };
    struct sockaddr_un peer = { .sun_family = AF_UNIX };
    struct twi_attempt *attempt;
    tw_factory *factory;
    socklen_t length;

    begin_on(NULL, &recorder_class, NULL);
    tw_listener_close(listener);
    listener = NULL;
    factory = server_factory();
    snprintf(address, sizeof address, "unix:@tweed-check-%d", (int)getpid());
    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    strcpy(peer.sun_path + 1, address + 6);
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address + 5));
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&peer, length, NULL, connected,
                                       recorder_new(&recorder_class, &client), &attempt),
                     0);
    UNTIL(client.protocol != NULL && server.protocol != NULL);
    tw_transport_peer(client.protocol->transport, text, sizeof text);
    ck_assert_str_eq(text, address);
    tw_factory_unref(factory);
    end();
}
END_TEST

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int hoard[64], hoarded;
static struct rlimit full_limit;

/* Use up all descriptors. */
static void take_descriptors(void)
{
    struct rlimit low;
    int next = dup(0);

    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &full_limit), 0);
    low = full_limit;
    low.rlim_cur = (rlim_t)next + 8;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (hoarded = 0; hoarded < 64 && (hoard[hoarded] = dup(0)) >= 0; hoarded++)
        continue;
}

static void give_descriptors_back(void)
{
    while (hoarded > 0)
        close(hoard[--hoarded]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &full_limit), 0);
}

START_TEST(without_descriptors_accepting_pauses_and_recovers)
{
    int waiting;
    double cpu;

    begin_on(backends[_i], &recorder_class, NULL);
    waiting = raw_client();
    take_descriptors();
    cpu = cpu_seconds();
    for (int i = 0; i < 3; i++)
        tw_reactor_iterate(0.1);
    ck_assert(cpu_seconds() - cpu < 0.05);
    ck_assert_ptr_null(server.protocol);
    give_descriptors_back();
    UNTIL(server.protocol != NULL);
    close(waiting);
    end();
}
END_TEST

/* Time jumps here, from one attempt to the next. */
START_TEST(without_descriptors_for_long_connections_are_turned_away)
{
    struct tw_reactor_options options = { .virtual_time = true };
    tw_factory *factory = server_factory();
    int waiting;
    char byte;

    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    ck_assert_int_eq(tw_listen(NULL, factory, &listener, NULL), 0);
    waiting = raw_client();
    take_descriptors();
    for (int i = 0; i < 40; i++)
        tw_reactor_iterate(1);
    ck_assert_int_eq(recv(waiting, &byte, 1, MSG_DONTWAIT), 0);
    give_descriptors_back();
    close(waiting);
    waiting = raw_client();
    server_class = &recorder_class;
    UNTIL(server.protocol != NULL);
    close(waiting);
    tw_factory_unref(factory);
    end();
}
END_TEST

/* Here not even the reserve's place can be had again. */
START_TEST(a_lost_reserve_is_regained_with_the_next_connection)
{
    struct tw_reactor_options options = { .virtual_time = true };
    tw_factory *factory = server_factory();
    struct rlimit none;
    int waiting, second;
    char byte;

    memset(&server, 0, sizeof server);
    server_class = &recorder_class;
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    ck_assert_int_eq(tw_listen(NULL, factory, &listener, NULL), 0);
    waiting = raw_client();
    take_descriptors();
    none = full_limit;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 40; i++)
        tw_reactor_iterate(1);
    ck_assert_int_lt(recv(waiting, &byte, 1, MSG_DONTWAIT), 0);
    give_descriptors_back();
    UNTIL(server.protocol != NULL);
    second = raw_client();
    take_descriptors();
    for (int i = 0; i < 40; i++)
        tw_reactor_iterate(1);
    ck_assert_int_eq(recv(second, &byte, 1, MSG_DONTWAIT), 0);
    give_descriptors_back();
    close(second);
    close(waiting);
    tw_factory_unref(factory);
    end();
}
END_TEST

START_TEST(a_listener_may_be_closed_while_it_waits_for_descriptors)
{
    int waiting;

    begin_on(NULL, &recorder_class, NULL);
    waiting = raw_client();
    take_descriptors();
    tw_reactor_iterate(0);
    give_descriptors_back();
    tw_listener_close(listener);
    listener = NULL;
    close(waiting);
    end();
}
END_TEST

static void stop_reactor(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

START_TEST(a_shutdown_stops_listening_and_loses_connections)
{
    begin_on(backends[_i], &recorder_class, &recorder_class);
    tw_call_later(0, stop_reactor, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(record_text(&client), "made lost:connection_lost released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_lost released");
    tw_listener_pause(listener);
    tw_listener_resume(listener);
    end();
}
END_TEST

/* --- connecting --------------------------------------------------------------------- */

static int attempt_error = 1;
static void note_error(int error, struct twi_socket *socket, void *arg)
{
    (void)arg;
    attempt_error = error;
    if (error == 0)
        twi_socket_close(socket);
}

static const struct {
    int error;
    const tw_error_class *error_class;
} attempt_rows[] = {
    { -ECONNREFUSED, &tw_error_connect_refused },
    { ENETUNREACH, &tw_error_connect_no_route },
    { -EADDRINUSE, &tw_error_connect_bind },
    { -ETIMEDOUT, &tw_error_connect_timeout },
    { -EMFILE, &tw_error_connect },
    { -ENOMEM, &tw_error_memory },
};

START_TEST(a_failed_attempt_has_its_class)
{
    tw_value failure = twi_attempt_failure(attempt_rows[_i].error, "127.0.0.1:1");

    ck_assert_ptr_eq(tw_failure_class(failure), attempt_rows[_i].error_class);
    if (attempt_rows[_i].error != -ENOMEM)
        ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "127.0.0.1:1: "));
    tw_release(failure);
}
END_TEST

START_TEST(a_refused_attempt_says_so_later)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct tw_connect_options bad = { .local_address = "::1" };
    struct tw_connect_options good = { .local_address = "127.0.0.2" };
    struct twi_attempt *attempt = NULL;

    begin_on(backends[_i], &recorder_class, NULL);
    address.sin_port = htons((uint16_t)tw_listener_port(listener));
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, &bad,
                                       note_error, NULL, &attempt),
                     -EINVAL);
    attempt_error = 1;
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, &good,
                                       note_error, NULL, &attempt),
                     0);
    ck_assert_int_eq(attempt_error, 1);
    UNTIL(attempt_error == 0);
    tw_listener_close(listener);
    listener = NULL;
    attempt_error = 1;
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, &good,
                                       note_error, NULL, &attempt),
                     0);
    UNTIL(attempt_error != 1);
    ck_assert_int_eq(attempt_error, -ECONNREFUSED);
    attempt_error = 1;
    ck_assert_int_eq(twi_attempt_start((struct sockaddr *)&address, sizeof address, NULL,
                                       note_error, NULL, &attempt),
                     0);
    twi_attempt_cancel(attempt);
    twi_attempt_cancel(NULL);
    for (int i = 0; i < 5; i++)
        tw_reactor_iterate(0);
    ck_assert_int_eq(attempt_error, 1);
    end();
}
END_TEST

/* --- out of memory ------------------------------------------------------------------ */

static void adopt(int error, struct twi_socket *socket, void *arg)
{
    int *state = arg;
    tw_protocol *protocol;

    *state = error;
    if (error < 0)
        return;
    protocol = recorder_new(&recorder_class, &client);
    if (protocol == NULL) {
        twi_socket_close(socket);
        *state = -ENOMEM;
    } else {
        *state = twi_socket_adopt(socket, NULL, protocol, NULL, NULL);
    }
}

/* Does a small exchange work? Whatever fails, both sides must end. */
static bool an_exchange(void *arg)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct twi_attempt *attempt;
    tw_factory *factory;
    int state = 1;
    bool ok = false;

    (void)arg;
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    server_class = &recorder_class;
    factory = server_factory();
    listener = NULL;
    if (factory != NULL && tw_listen(NULL, factory, &listener, NULL) == 0) {
        address.sin_port = htons((uint16_t)tw_listener_port(listener));
        if (twi_attempt_start((struct sockaddr *)&address, sizeof address, NULL, adopt, &state,
                              &attempt) == 0) {
            server.on_data = echo;
            for (int i = 0; i < 100 && state == 1; i++)
                tw_reactor_iterate(0.01);
            if (client.protocol != NULL)
                tw_transport_write(client.protocol->transport, "hello", 5);
            for (int i = 0; i < 100 && client.protocol != NULL && client.data.length < 5; i++)
                tw_reactor_iterate(0.01);
            ok = state == 0 && strcmp(record_data(&client), "hello") == 0;
        }
    }
    tw_listener_close(listener);
    tw_factory_unref(factory);
    tw_reactor_uninstall();
    ck_assert_uint_eq(twi_transport_count(), 0);
    record_free(&server);
    record_free(&client);
    return ok;
}

START_TEST(an_exchange_survives_every_failed_allocation)
{
    tw_reactor_uninstall();
    ck_assert_uint_gt(test_each_alloc_failure(an_exchange, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listen");

    TEST_ADD(suite, a_connection_knows_its_addresses);
    TEST_ADD_ROWS(suite, what_cannot_be_listened_on_is_refused, bad_listens);
    TEST_ADD(suite, a_port_is_taken_once_or_shared);
    TEST_ADD(suite, a_paused_listener_accepts_later);
    TEST_ADD(suite, a_listener_may_be_closed_by_its_connection);
    TEST_ADD(suite, ipv6_is_spoken);
    TEST_ADD_ROWS(suite, unix_sockets_carry_as_well, backends);
    TEST_ADD(suite, a_file_that_is_no_socket_is_left_alone);
    TEST_ADD(suite, a_lock_file_says_whose_a_path_is);
    TEST_ADD_ROWS(suite, a_unix_socket_keeps_the_umask_unless_it_has_a_mode, modes);
    TEST_ADD(suite, an_abstract_name_leaves_no_file);
    TEST_ADD_ROWS(suite, without_descriptors_accepting_pauses_and_recovers, backends);
    TEST_ADD(suite, without_descriptors_for_long_connections_are_turned_away);
    TEST_ADD(suite, a_lost_reserve_is_regained_with_the_next_connection);
    TEST_ADD(suite, a_listener_may_be_closed_while_it_waits_for_descriptors);
    TEST_ADD_ROWS(suite, a_shutdown_stops_listening_and_loses_connections, backends);
    TEST_ADD_ROWS(suite, a_failed_attempt_has_its_class, attempt_rows);
    TEST_ADD_ROWS(suite, a_refused_attempt_says_so_later, backends);
    TEST_ADD(suite, an_exchange_survives_every_failed_allocation);
    return test_run(suite);
}
