/* SPDX-License-Identifier: MIT */
/* ./shared_port REACTORS [PORT] - a web server with a reactor on each of several threads, all
 * listening at the same port: the kernel shares the connections out, the threads share nothing.
 * Ends by Ctrl-C and says who answered how much. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

struct worker {
    pthread_t thread;
    pthread_barrier_t *started;
    tw_reactor *reactor;
    int number, listening;
    unsigned port, answered;
};

static tw_value hello(tw_request *request, void *arg)
{
    struct worker *worker = arg;

    worker->answered++;
    tw_request_set_header(request, "Content-Type", "text/plain; charset=utf-8");
    return tw_bytes_format("hello from reactor %d\n", worker->number);
}

static void listen_there(struct worker *worker)
{
    struct tw_listen_options options = { .port = worker->port, .reuse_port = true };
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener;

    tw_site_handle(site, "/", hello, worker, NULL);
    worker->listening = tw_site_listen(site, &options, &listener, NULL);
    tw_site_unref(site); /* the listener's from here on */
    if (worker->listening == 0)
        worker->port = tw_listener_port(listener);
}

static void *work(void *arg)
{
    struct worker *worker = arg;

    listen_there(worker);
    worker->reactor = tw_reactor_ref(tw_reactor_current());
    pthread_barrier_wait(worker->started);
    if (worker->listening == 0)
        tw_reactor_run();
    return NULL;
}

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 0;
    struct worker *workers = count > 0 ? calloc((size_t)count, sizeof *workers) : NULL;
    pthread_barrier_t started;

    if (workers == NULL || pthread_barrier_init(&started, NULL, (unsigned)count) != 0) {
        fprintf(stderr, "usage: shared_port REACTORS [PORT]\n");
        return 2;
    }
    workers[0].port = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    listen_there(&workers[0]); /* the first is this thread's, and chooses the port */
    for (int i = 1; i < count; i++) {
        workers[i] = (struct worker){ .started = &started,
                                      .number = i,
                                      .port = workers[0].port };
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    pthread_barrier_wait(&started);
    printf("listening at http://127.0.0.1:%u/\n", workers[0].port);
    fflush(stdout);
    if (workers[0].listening == 0)
        tw_reactor_run(); /* until SIGINT or SIGTERM */
    for (int i = 1; i < count; i++) {
        tw_reactor_call_from_thread(workers[i].reactor, stop, NULL);
        pthread_join(workers[i].thread, NULL);
        tw_reactor_unref(workers[i].reactor);
    }
    for (int i = 0; i < count; i++)
        printf("reactor %d: %u\n", i, workers[i].answered);
    free(workers);
    return 0;
}
