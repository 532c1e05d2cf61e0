/* SPDX-License-Identifier: MIT */
/*
 * log.c - events to the observer.
 */
#include "config.h"

#include <stdarg.h>

#include <tweed/failure.h>
#include <tweed/log.h>

#include "base/failure.h"
#include "base/log.h"

enum { MESSAGE_SIZE = 1024, FAILURE_SIZE = 768 };

static void write_line(const struct tw_log_event *event, void *file);
static void write_first(const struct tw_log_event *event, void *unused);

/* Until the program installs an observer, or says that there is none, critical events must be
 * seen. */
static tw_log_observer *observer = write_first;
static void *observer_arg;
static enum tw_log_level lowest = TW_LOG_CRITICAL;

static const char *const level_names[] = {
    [TW_LOG_DEBUG] = "debug", [TW_LOG_INFO] = "info",         [TW_LOG_WARNING] = "warning",
    [TW_LOG_ERROR] = "error", [TW_LOG_CRITICAL] = "critical",
};

void tw_log_observe(tw_log_observer *wanted, void *arg, enum tw_log_level level)
{
    observer = wanted;
    observer_arg = arg;
    lowest = level;
}

void twi_log_at_exit(void (*fn)(void))
{
    tw_log_observer *said = observer;
    enum tw_log_level level = lowest;

    if (observer != NULL)
        observer = write_first;
    lowest = TW_LOG_CRITICAL;
    fn();
    observer = said;
    lowest = level;
}

/* The coroutines that the failure came through. */
static void write_trail(tw_value failure, FILE *file)
{
    const struct twi_trail_step *steps;
    size_t left_out, count = twi_failure_trail(failure, &steps, &left_out);

    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s%s in %s", i == 0 ? ", awaited at " : ", ", steps[i].where,
                steps[i].name);
    if (count > 0 && left_out > 0)
        fprintf(file, " and %zu more", left_out);
}

static void write_line(const struct tw_log_event *event, void *file)
{
    const char *glue = ": ";

    fprintf(file, "%s [%s] %s", level_names[event->level], event->module, event->message);
    for (tw_value f = event->failure; tw_is_failure(f); f = tw_failure_cause(f)) {
        char text[FAILURE_SIZE];
        tw_value_format(f, text, sizeof text);
        fprintf(file, "%s%s", glue, text);
        write_trail(f, file);
        glue = "; because ";
    }
    if (event->where != NULL)
        fprintf(file, " (%s)", event->where);
    fputc('\n', file);
}

static void write_first(const struct tw_log_event *event, void *unused)
{
    (void)unused;
    fputs("tweed: ", stderr);
    write_line(event, stderr);
}

void tw_log_to(FILE *file, enum tw_log_level level)
{
    tw_log_observe(file != NULL ? write_line : NULL, file, level);
}

static bool log_wanted(enum tw_log_level level)
{
    return observer != NULL && level >= lowest;
}

void tw_log(enum tw_log_level level, const char *module, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    struct tw_log_event event = { .level = level, .module = module, .message = message };
    va_list args;

    if (!log_wanted(level))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    observer(&event, observer_arg);
}

void tw_log_problem(enum tw_log_level level, const char *module, tw_value failure,
                    const char *context)
{
    struct tw_log_event event = {
        .level = level,
        .module = module,
        .message = context != NULL ? context : "failure",
        .failure = tw_lend(failure),
    };

    if (log_wanted(level))
        observer(&event, observer_arg);
}

tw_value tw_log_failure(tw_value failure, void *text)
{
    tw_log_problem(TW_LOG_ERROR, "defer", failure, text);
    return tw_none();
}
