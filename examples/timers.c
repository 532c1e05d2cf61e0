/* SPDX-License-Identifier: MIT */
/* ./timers - calls in the next turn, later, at a time, moved, cancelled, from another thread; and
 * the end. */
#include <pthread.h>
#include <stdio.h>

#include <tweed/tweed.h>

static void say(void *text)
{
    printf("%s\n", (const char *)text);
}

static void stop(void *arg)
{
    (void)arg;
    printf("stop\n");
    tw_reactor_stop();
}

static void *other_thread(void *reactor)
{
    /* The one thing that another thread may do. */
    tw_reactor_call_from_thread(reactor, say, "from another thread");
    return NULL;
}

static void start_thread(void *arg)
{
    pthread_t thread;

    (void)arg;
    if (pthread_create(&thread, NULL, other_thread, tw_reactor_current()) == 0)
        pthread_join(thread, NULL);
}

int main(void)
{
    double now = tw_clock_seconds(tw_reactor_clock());
    double at = now + 0.03; /* a time of the reactor's clock */
    int64_t moved, cancelled;

    tw_call_soon(say, "soon");
    tw_call_later(0.02, say, "later");
    tw_call_later(at - now, say, "at a time");
    moved = tw_call_later(100, say, "moved");
    cancelled = tw_call_later(0.01, say, "never said");
    tw_call_reset(moved, 0.04);
    tw_call_cancel(cancelled);
    tw_call_when_running(start_thread, NULL);
    tw_call_later(0.06, stop, NULL);
    return tw_reactor_run() < 0;
}
