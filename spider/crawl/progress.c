/* SPDX-License-Identifier: MIT */
/*
 * progress.c - events as lines of text or JSON; on a terminal one more line that is written
 * over.
 */
#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tweed/reactor.h>

#include "spider/crawl/engine.h"
#include "spider/crawl/progress.h"
#include "spider/text/json.h"

#define EVERY 0.5 /* seconds between two looks */

static const char *const level_names[] = { "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL" };

/* --- events --------------------------------------------------------------------------------
 * */

static void line_clear(struct twi_progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

static void time_now(char text[32])
{
    time_t now = time(NULL);
    struct tm parts;

    localtime_r(&now, &parts);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%S%z", &parts);
}

static void event_write_json(struct twi_progress *progress, const struct tw_log_event *event)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    struct twi_json *line;
    char now[32];

    time_now(now);
    twi_arena_init(&arena, 0);
    line = twi_json_new(&arena, TWI_JSON_OBJECT);
    twi_json_put_string(&arena, line, "time", now);
    twi_json_put_string(&arena, line, "level", level_names[event->level]);
    twi_json_put_string(&arena, line, "module", event->module);
    twi_json_put_string(&arena, line, "message", event->message);
    if (tw_is_failure(event->failure))
        twi_json_put_string(&arena, line, "failure", tw_failure_message(event->failure));
    twi_json_write(&text, line);
    fprintf(progress->log, "%s\n", twi_text_string(&text));
    twi_arena_free(&arena);
}

static void event_write(const struct tw_log_event *event, void *arg)
{
    struct twi_progress *progress = arg;
    char now[32];

    line_clear(progress);
    if (progress->is_json) {
        event_write_json(progress, event);
    } else {
        time_now(now);
        fprintf(progress->log, "%s %s: %s", now, level_names[event->level], event->message);
        if (tw_is_failure(event->failure) &&
            strstr(event->message, tw_failure_message(event->failure)) == NULL)
            fprintf(progress->log, ": %s", tw_failure_message(event->failure));
        fputc('\n', progress->log);
    }
    fflush(progress->log);
}

void twi_progress_begin(struct twi_progress *progress, FILE *log, enum tw_log_level level,
                        bool is_json, bool wants_line)
{
    memset(progress, 0, sizeof *progress);
    progress->log = log;
    progress->is_json = is_json;
    progress->shows = wants_line && isatty(STDERR_FILENO);
    tw_log_observe(event_write, progress, level);
}

/* --- the line ------------------------------------------------------------------------------
 * */

static void progress_left(const struct twi_progress *progress, size_t pending)
{
    double seconds = progress->rate > 0 ? (double)pending / progress->rate : 0;

    if (pending == 0 || seconds <= 0)
        return;
    if (seconds < 90)
        fprintf(stderr, ", %.0f s left", seconds);
    else if (seconds < 5400)
        fprintf(stderr, ", %.0f min left", seconds / 60);
    else
        fprintf(stderr, ", %.0f h left", seconds / 3600);
}

static void progress_show(struct twi_progress *progress)
{
    tw_crawl *crawl = progress->crawl;
    int64_t pages = twi_stats_get(&crawl->stats, "response_received_count");
    size_t pending = twi_schedule_pending(crawl->schedule);
    double now = (double)(pages - progress->pages) / EVERY;

    progress->rate = progress->rate == 0 ? now : progress->rate * 0.9 + now * 0.1;
    progress->pages = pages;
    fprintf(stderr, "\r\033[K%lld pages, %lld items, %.1f pages/s, %zu wait, %lld errors",
            (long long)pages, (long long)crawl->items, progress->rate, pending,
            (long long)crawl->errors);
    progress_left(progress, pending);
    if (crawl->is_paused)
        fputs(" (paused)", stderr);
    if (crawl->is_full)
        fputs(" (the disk is full)", stderr);
    fflush(stderr);
    progress->is_shown = true;
}

static void progress_tick(void *arg)
{
    struct twi_progress *progress = arg;

    progress_show(progress);
    progress->timer = tw_call_later(EVERY, progress_tick, progress);
}

void twi_progress_watch(struct twi_progress *progress, tw_crawl *crawl)
{
    progress->crawl = crawl;
    if (progress->shows)
        progress->timer = tw_call_later(EVERY, progress_tick, progress);
}

void twi_progress_end(struct twi_progress *progress)
{
    if (progress->timer > 0)
        tw_call_cancel(progress->timer);
    progress->timer = 0;
    line_clear(progress);
}
