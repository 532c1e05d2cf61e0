/* SPDX-License-Identifier: MIT */
/* tweed's reactor: call_later and friends by number, add_reader, call_soon, call_from_thread. */
#define HAVE_POST
#define HAVE_WAKE
#include <tweed/tweed.h>

#define RESET(i) rearm(i, 30)
static void rearm(long i, double seconds);
#include "cases.h"

static int64_t *timers;
static tw_reactor *reactor;

static void timer_fired(void *arg)
{
    (void)arg;
    fired++;
}

static void t_make(long n)
{
    timers = calloc((size_t)n, sizeof *timers);
}

static void t_arm(long i, double seconds)
{
    timers[i] = tw_call_later(seconds, timer_fired, NULL);
}

static void rearm(long i, double seconds)
{
    if (tw_call_reset(timers[i], seconds) < 0)
        t_arm(i, seconds);
}

static void t_del(long i)
{
    tw_call_cancel(timers[i]);
}

static void readable(int fd, void *slot)
{
    io_ready((int)(intptr_t)slot, fd);
}

static int fds[20000];

static void io_add(int slot, int fd)
{
    fds[slot] = fd;
    tw_reactor_add_reader(fd, readable, (void *)(intptr_t)slot);
}

static void io_del(int slot)
{
    tw_reactor_remove_reader(fds[slot]);
}

static void was_posted(void *arg)
{
    (void)arg;
    posted++;
}

static void post(void)
{
    tw_call_soon(was_posted, NULL);
}

static void was_woken(void *arg)
{
    (void)arg;
    on_wake();
}

static void wake_post(void)
{
    tw_reactor_call_from_thread(reactor, was_woken, NULL);
}

static void be_init(void)
{
    reactor = tw_reactor_current();
}

static void run_until(long *what, long target)
{
    while (*(volatile long *)what < target)
        tw_reactor_iterate(-1);
}
