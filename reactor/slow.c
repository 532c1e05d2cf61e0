/* SPDX-License-Identifier: MIT */
/*
 * slow.c - a call that holds the turn for long is named.
 *
 * All else on the thread waits for it. A build with --enable-debug logs it without being asked.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <tweed/log.h>

#include "base/clock.h"
#include "reactor/loop.h"

#define DEFAULT_LIMIT (TWI_SECOND / 10)

/* Four milliseconds exact is enough, and costs a quarter. */
static int64_t slow_now(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * TWI_SECOND + now.tv_nsec;
#else
    return twi_monotonic_ns();
#endif
}

void twi_slow_init(struct twi_slow *slow)
{
    slow->watched = TWI_DEBUG;
    slow->limit_ns = DEFAULT_LIMIT;
    slow->since = slow_now();
}

/* Its symbol, where the program exports it, or its place in its file for addr2line. */
static void slow_name(void (*function)(void), char *text, size_t size)
{
    Dl_info info;
    void *address;

    *(void (**)(void)) & address = function;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL)
        snprintf(text, size, "%p", address);
    else if (info.dli_sname != NULL && info.dli_saddr == address)
        snprintf(text, size, "%s()", info.dli_sname);
    else
        snprintf(text, size, "%s+0x%zx", info.dli_fname,
                 (size_t)((char *)address - (char *)info.dli_fbase));
}

static void slow_tell(const struct twi_slow *slow, const struct tw_slow_event *event)
{
    char name[300];

    if (slow->fn != NULL) {
        slow->fn(event, slow->arg);
        return;
    }
    slow_name(event->function, name, sizeof name);
    tw_log(TW_LOG_WARNING, "reactor", "%s %s held the turn for %.3f s", event->kind, name,
           event->seconds);
}

void twi_slow_begin(struct twi_slow *slow)
{
    slow->since = slow_now();
}

void twi_slow_end(struct twi_slow *slow, const char *kind, void (*function)(void))
{
    int64_t now = slow_now(), took = now - slow->since;
    struct tw_slow_event event = { kind, function, (double)took / 1e9 };

    slow->since = now;
    if (took > slow->limit_ns)
        slow_tell(slow, &event);
}

int tw_reactor_on_slow_call(double seconds, tw_slow_call *fn, void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    int64_t ns;
    int r = twi_seconds_to_ns(seconds, &ns);

    if (loop == NULL || r < 0)
        return loop == NULL ? -ENOMEM : r;
    loop->slow.fn = fn;
    loop->slow.arg = arg;
    loop->slow.limit_ns = ns > 0 ? ns : DEFAULT_LIMIT;
    loop->slow.watched = fn != NULL || TWI_DEBUG;
    loop->slow.since = slow_now();
    return 0;
}
