/* SPDX-License-Identifier: MIT */
/* ./c10k CONNECTIONS - so many clients at once, on one thread: each connects, says a line, is
 * answered, and stays until all are there. Prints what a connection costs the server. A second
 * process is the clients, as each needs two descriptors and a process has only so many. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/tweed.h>

static size_t wanted, open_now, most_open;
static long before, after; /* KiB in memory, with none and with all of them */

static long memory_now(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- the server: an echo ------------------------------------------------------------------- */

static void echo_made(tw_protocol *protocol)
{
    (void)protocol;
    if (++open_now > most_open)
        most_open = open_now;
    if (open_now == wanted)
        after = memory_now();
}

static void echo_received(tw_protocol *protocol, const char *data, size_t length)
{
    tw_transport_write(protocol->transport, data, length);
}

static void echo_lost(tw_protocol *protocol, tw_value reason)
{
    (void)protocol;
    (void)reason;
    open_now--;
}

static const tw_protocol_class echo = {
    .name = "echo",
    .connection_made = echo_made,
    .data_received = echo_received,
    .connection_lost = echo_lost,
};

static void clients_ended(int fd, void *arg)
{
    (void)arg;
    tw_reactor_remove_reader(fd);
    tw_reactor_stop();
}

static int serve(int clients)
{
    tw_factory *factory = tw_factory_of(&echo, NULL);
    tw_listener *listener;
    unsigned port;

    if (tw_listen(NULL, factory, &listener, NULL) < 0)
        return 1;
    tw_factory_unref(factory); /* the listener's from here on */
    before = memory_now();
    port = tw_listener_port(listener);
    if (write(clients, &port, sizeof port) != sizeof port)
        return 1;
    tw_reactor_add_reader(clients, clients_ended, NULL);
    return tw_reactor_run() < 0;
}

/* --- the clients --------------------------------------------------------------------------- */

struct client {
    tw_protocol protocol;
    tw_deferred *answered;
};

static void client_made(tw_protocol *protocol)
{
    tw_transport_write(protocol->transport, "hello\n", 6);
}

static void client_received(tw_protocol *protocol, const char *data, size_t length)
{
    (void)data;
    tw_fire(&((struct client *)protocol)->answered, tw_integer((int64_t)length));
}

static void client_lost(tw_protocol *protocol, tw_value reason)
{
    tw_fire(&((struct client *)protocol)->answered, reason);
}

static const tw_protocol_class client_class = {
    .name = "client",
    .size = sizeof(struct client),
    .connection_made = client_made,
    .data_received = client_received,
    .connection_lost = client_lost,
};

static tw_value wait_for_answer(tw_value client, void *arg)
{
    struct client *self = tw_pointer_of(client);

    (void)arg;
    return tw_wait(tw_promise(&self->answered, NULL, NULL));
}

static tw_deferred *start(const void *item, void *port)
{
    tw_deferred *client = tw_connect("127.0.0.1", *(unsigned *)port, NULL,
                                     tw_protocol_new(&client_class));

    (void)item;
    tw_add_callback(client, wait_for_answer, NULL);
    return client;
}

static int connect_all(int server)
{
    static const char item;
    size_t answered = 0;
    unsigned port;
    tw_value results;

    if (read(server, &port, sizeof port) != sizeof port)
        return 1;
    /* As many at a time as the listener's queue takes. */
    results = tw_block_on(tw_map(&item, wanted, 0, 1000, start, &port));
    for (size_t i = 0; i < tw_list_length(results); i++)
        answered += !tw_is_failure(tw_list_at(results, i));
    printf("%zu of %zu answered\n", answered, wanted);
    fflush(stdout);
    tw_release(results);
    return answered < wanted;
}

int main(int argc, char **argv)
{
    struct rlimit descriptors;
    int ends[2], status;
    pid_t clients;

    wanted = argc > 1 ? (size_t)atol(argv[1]) : 10000;
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || (clients = fork()) < 0)
        return 1;
    close(ends[clients != 0]);
    if (clients == 0)
        return connect_all(ends[1]);
    status = serve(ends[0]);
    waitpid(clients, NULL, 0);
    printf("%zu connections at once\n", most_open);
    if (after > before)
        printf("%.1f KiB for each\n", (double)(after - before) / (double)wanted);
    return status != 0 || most_open < wanted;
}
