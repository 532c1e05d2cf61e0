/* SPDX-License-Identifier: MIT */
/*
 * check_reactors.c - several reactors, each on its thread, share a port and nothing else.
 */
#include "config.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/tcp.h>

#include "net/connect/attempt.h"
#include "net/transport/transport.h"
#include "tests/test.h"

enum { REACTORS = 3, CLIENTS = 4, ROUNDS = 50 };

static unsigned port;
static atomic_int done, failed;

struct caller {
    tw_protocol protocol;
    int rounds;
};

static void answer(tw_protocol *protocol, const char *data, size_t length)
{
    tw_transport_write(protocol->transport, data, length);
}

static const tw_protocol_class echo_class = { .name = "echo", .data_received = answer };

static void call(tw_protocol *protocol)
{
    tw_transport_write(protocol->transport, "x", 1);
}

static void called(tw_protocol *protocol, const char *data, size_t length)
{
    struct caller *caller = (struct caller *)protocol;

    (void)data;
    (void)length;
    if (++caller->rounds < ROUNDS)
        call(protocol);
    else
        tw_transport_lose(protocol->transport);
}

static void call_over(tw_protocol *protocol, tw_value reason)
{
    if (((struct caller *)protocol)->rounds != ROUNDS ||
        !tw_failure_is(reason, &tw_error_connection_done))
        atomic_fetch_add(&failed, 1);
    atomic_fetch_add(&done, 1);
}

static const tw_protocol_class caller_class = {
    .name = "caller",
    .size = sizeof(struct caller),
    .connection_made = call,
    .data_received = called,
    .connection_lost = call_over,
};

static void connected(int error, struct twi_socket *socket, void *arg)
{
    tw_protocol *protocol = tw_protocol_new(&caller_class);

    (void)arg;
    if (error == 0 && protocol == NULL)
        twi_socket_close(socket);
    if (error < 0 || protocol == NULL ||
        twi_socket_adopt(socket, NULL, protocol, NULL, NULL) < 0) {
        atomic_fetch_add(&failed, 1);
        atomic_fetch_add(&done, 1);
    }
}

static void dial(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct twi_attempt *attempt;

    if (twi_attempt_start((struct sockaddr *)&address, sizeof address, NULL, connected, NULL,
                          &attempt) < 0) {
        atomic_fetch_add(&failed, 1);
        atomic_fetch_add(&done, 1);
    }
}

static void serve(void)
{
    double deadline = test_deadline();

    for (int i = 0; i < CLIENTS; i++)
        dial();
    while (atomic_load(&done) < REACTORS * CLIENTS && test_before(deadline))
        tw_reactor_iterate(0.01);
}

/* Each listens before any dials: a connection goes to whichever the system chooses. */
static pthread_barrier_t all_listen;

static void *run(void *arg)
{
    struct tw_listen_options options = { .port = port, .reuse_port = true };
    tw_factory *factory = tw_factory_of(&echo_class, NULL);
    tw_listener *listener = NULL;

    (void)arg;
    if (tw_listen(&options, factory, &listener, NULL) < 0)
        atomic_fetch_add(&failed, 1);
    pthread_barrier_wait(&all_listen);
    serve();
    tw_listener_close(listener);
    tw_factory_unref(factory);
    tw_reactor_uninstall();
    return NULL;
}

START_TEST(reactors_share_a_port)
{
    struct tw_listen_options options = { .reuse_port = true };
    tw_factory *factory = tw_factory_of(&echo_class, NULL);
    tw_listener *first = NULL;
    pthread_t threads[REACTORS];

    ck_assert_ptr_nonnull(factory);
    ck_assert_int_eq(tw_listen(&options, factory, &first, NULL), 0);
    port = tw_listener_port(first);
    atomic_store(&done, 0);
    atomic_store(&failed, 0);
    pthread_barrier_init(&all_listen, NULL, REACTORS + 1);
    for (int i = 0; i < REACTORS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run, NULL), 0);
    tw_listener_close(first);
    pthread_barrier_wait(&all_listen);
    for (int i = 0; i < REACTORS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all_listen);
    tw_factory_unref(factory);
    tw_reactor_uninstall();
    ck_assert_int_eq(atomic_load(&failed), 0);
    ck_assert_int_eq(atomic_load(&done), REACTORS * CLIENTS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reactors");

    TEST_ADD(suite, reactors_share_a_port);
    return test_run(suite);
}
