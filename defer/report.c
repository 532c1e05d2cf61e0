/* SPDX-License-Identifier: MIT */
/*
 * report.c - mistakes that nobody would notice otherwise: unhandled failures, firing twice.
 */
#include "defer/deferred.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/log.h>

#include "base/log.h"
#include "base/thread_end.h"

void tw_deferred_set_hooks(const struct tw_deferred_hooks *hooks)
{
    static const struct tw_deferred_hooks none;
    twi_defer.hooks = hooks != NULL ? *hooks : none;
}

static const char *report_place(const char *where)
{
    return where != NULL ? where : "?";
}

void twi_report_unhandled(tw_deferred *deferred, tw_value failure)
{
    const struct tw_deferred_hooks *hooks = &twi_defer.hooks;
    char text[512];

    if (hooks->unhandled != NULL) {
        hooks->unhandled(deferred, tw_lend(failure), hooks->arg);
        return;
    }
    if ((deferred->state & TWI_FIRED) != 0)
        snprintf(text, sizeof text, "unhandled failure in Deferred made at %s, fired at %s",
                 report_place(deferred->where), report_place(deferred->fired_at));
    else
        snprintf(text, sizeof text, "unhandled failure in Deferred made at %s",
                 report_place(deferred->where));
    tw_log_problem(TW_LOG_CRITICAL, "deferred", tw_lend(failure), text);
}

static void unread_report(const char *where, tw_value failure)
{
    const struct tw_deferred_hooks *hooks = &twi_defer.hooks;
    char text[512];

    if (hooks->unhandled != NULL) {
        hooks->unhandled(NULL, failure, hooks->arg);
        return;
    }
    snprintf(text, sizeof text, "unhandled failure among the results of Deferreds, made at %s",
             report_place(where));
    tw_log_problem(TW_LOG_CRITICAL, "deferred", failure, text);
}

struct unread {
    const char *where;
    tw_value failure;
};

static void unread_report_out(void *arg)
{
    const struct unread *unread = arg;

    unread_report(unread->where, unread->failure);
}

void twi_report_unread(const char *where, tw_value failure)
{
    struct unread unread = { where, tw_lend(failure) };

    twi_coroutine_call_out(unread_report_out, &unread);
}

void twi_report_refusal(const char *where, const char *whose, int error)
{
    tw_log(TW_LOG_ERROR, "deferred", "%s cannot cancel the Deferred made at %s: %s", whose,
           report_place(where), strerror(-error));
}

struct second_fire {
    tw_deferred *deferred;
    tw_value result;
    const char *where;
    int r;
};

static void fired_again_out(void *arg)
{
    struct second_fire *fire = arg;

    fire->r = twi_deferred_fired_again(fire->deferred, fire->result, fire->where);
}

int twi_deferred_fired_again(tw_deferred *deferred, tw_value result, const char *where)
{
    struct second_fire fire = { deferred, result, where, 0 };
    const struct tw_deferred_hooks *hooks = &twi_defer.hooks;
    int r = -EALREADY;

    if (twi_on_coroutine()) {
        twi_coroutine_call_out(fired_again_out, &fire);
        return fire.r;
    }
    if ((deferred->state & TWI_SWALLOW) != 0) {
        deferred->state &= ~TWI_SWALLOW;
        r = 0;
    } else if (hooks->fired_twice != NULL) {
        hooks->fired_twice(deferred, tw_lend(result), hooks->arg);
    } else {
        tw_log(TW_LOG_CRITICAL, "deferred",
               "Deferred made at %s, fired at %s, is fired again at %s",
               report_place(deferred->where), report_place(deferred->fired_at),
               report_place(where));
    }
    tw_release(result);
    return r;
}

/* --- leaks -------------------------------------------------------------------------------- */

#if TWI_DEBUG
enum { LEAKS_NAMED = 20 };

/* Deferreds of before a fork() are the parent's. */
static int64_t forked_ns;

struct leaks {
    const char *whose_end;
    size_t count;
};

static void leak_name(void *object, void *arg)
{
    const tw_deferred *deferred = object;
    struct leaks *leaks = arg;
    char text[512];

    if (deferred->references == 0 || deferred->made_ns < forked_ns ||
        leaks->count++ >= LEAKS_NAMED)
        return;
    tw_deferred_format(deferred, text, sizeof text);
    tw_log(TW_LOG_CRITICAL, "deferred", "left at the end of the %s, with %u references: %s",
           leaks->whose_end, deferred->references, text);
}

static void leaks_name_all(const char *whose_end)
{
    struct leaks leaks = { whose_end, 0 };

    twi_store_each(&twi_defer.deferreds, leak_name, &leaks);
    if (leaks.count > LEAKS_NAMED)
        tw_log(TW_LOG_CRITICAL, "deferred", "left at the end of the %s: %zu more Deferreds",
               whose_end, leaks.count - LEAKS_NAMED);
}

static void leaks_of_thread(void)
{
    leaks_name_all("thread");
}

static void leaks_of_program(void)
{
    leaks_name_all("program");
}

static void leaks_at_exit(void)
{
    twi_log_at_exit(leaks_of_program);
}

static void leaks_forked(void)
{
    forked_ns = twi_monotonic_ns();
}

/* The thread that runs main() ends the program, and with it no thread's destructors. */
static void leaks_watch_exit(void)
{
    atexit(leaks_at_exit);
    pthread_atfork(NULL, NULL, leaks_forked);
}

void twi_leaks_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local struct twi_thread_end thread_end;

    if (thread_end.fn != NULL)
        return;
    pthread_once(&once, leaks_watch_exit);
    twi_thread_end_call(&thread_end, TWI_THREAD_SLABS, leaks_of_thread);
}
#endif
