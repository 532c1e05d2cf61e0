/* SPDX-License-Identifier: MIT */
/*
 * log.h - events of the library and of programs, handed to one observer.
 *
 * Events go to the observer that the program installs. Until the program has called
 * tw_log_observe() or tw_log_to(), be it with NULL for no observer, critical events (a failure
 * that nobody handles, a second fire, misuse) are written to standard error, as Twisted does
 * before logging begins; all others are dropped. tweed prints nothing else by itself.
 *
 * The first reactor sends libevent's warnings to the observer, too; otherwise libevent would
 * write them to standard error. A program with an event_set_log_callback() of its own installs
 * it again after the first reactor.
 */
#ifndef TWEED_LOG_H
#define TWEED_LOG_H

#include <stdio.h>

#include <tweed/value.h>

TW_BEGIN

enum tw_log_level { TW_LOG_DEBUG, TW_LOG_INFO, TW_LOG_WARNING, TW_LOG_ERROR, TW_LOG_CRITICAL };

/* Everything is lent for the call. */
struct tw_log_event {
    enum tw_log_level level;
    const char *module;  /* "reactor", "web.client", ... */
    const char *message; /* one line, no newline */
    const char *where;   /* file:line, or NULL */
    tw_value failure;    /* or none */
};

/* Called on the thread that logs; must not call back into tweed but to log. */
typedef void tw_log_observer(const struct tw_log_event *event, void *arg);

/* Install the process's observer, before threads start; NULL for no observer. Events below
 * `level` are not made at all. */
TW_API void tw_log_observe(tw_log_observer *observer, void *arg, enum tw_log_level level);

/* Write events as lines to `file` (lent, must stay open): the usual choice of a program. */
TW_API void tw_log_to(FILE *file, enum tw_log_level level);

TW_API void tw_log(enum tw_log_level level, const char *module, const char *format, ...)
    TW_PRINTF(3, 4);
/* `failure` is lent. `context` (may be NULL) says what was being done. */
TW_API void tw_log_problem(enum tw_log_level level, const char *module, tw_value failure,
                           const char *context);

/* An errback: logs the failure at TW_LOG_ERROR with `text` (a string, may be NULL) as context
 * and returns none, so the chain goes on with callbacks. Twisted's addErrback(log.err). */
TW_API tw_value tw_log_failure(tw_value failure, void *text);

TW_END
#endif
