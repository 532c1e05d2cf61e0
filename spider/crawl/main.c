/* SPDX-License-Identifier: MIT */
/*
 * main.c - a spider as a program: its command line, signals, progress, the summary at the end.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/log.h>
#include <tweed/reactor.h>
#include <tweed/version.h>

#include "spider/crawl/command.h"
#include "spider/crawl/crawl.h"
#include "spider/crawl/options.h"
#include "spider/crawl/program.h"
#include "spider/crawl/progress.h"
#include "spider/text/json.h"

extern char **environ;

struct program {
    const char *name;
    const tw_spider *spider;
    struct twi_options *options;
    struct tw_feed *feeds;
    size_t feed_count;
    tw_crawl *crawl;
    struct twi_progress progress;
    FILE *log;
    struct twi_arena arena;
    struct twi_json *summary; /* of --json */
    bool is_stopping;
    int status;
};

/* --- the log -------------------------------------------------------------------------------
 * */

static enum tw_log_level log_level(enum tw_crawl_log_level level)
{
    switch (level) {
    case TW_CRAWL_LOG_DEBUG:
        return TW_LOG_DEBUG;
    case TW_CRAWL_LOG_WARNING:
        return TW_LOG_WARNING;
    case TW_CRAWL_LOG_ERROR:
        return TW_LOG_ERROR;
    default:
        return TW_LOG_INFO;
    }
}

static int program_open_log(struct program *program)
{
    const struct tw_settings *settings = &program->options->settings.values;
    enum tw_log_level level = log_level(settings->log_level);

    program->log = stderr;
    if (settings->log != NULL && *settings->log == '\0') {
        tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
        return 0;
    }
    if (settings->log != NULL) {
        program->log = fopen(settings->log, "ae");
        if (program->log == NULL) {
            fprintf(stderr, "%s: %s: %s\n", program->name, settings->log, strerror(errno));
            return -1;
        }
    }
    if (settings->log == NULL && program->options->quiet)
        level = TW_LOG_WARNING;
    twi_progress_begin(&program->progress, program->log, level, settings->log_json,
                       settings->log == NULL && !program->options->quiet &&
                           !program->options->json);
    return 0;
}

/* --- feeds ---------------------------------------------------------------------------------
 * */

/* -o adds to the spider's own, -O takes their place. */
static int program_set_feeds(struct program *program)
{
    const struct twi_feed_option *option;
    size_t own = 0, count = 0, most = sizeof program->spider->feeds / sizeof(struct tw_feed);
    bool replaces = false;

    while (own < most && program->spider->feeds[own].path != NULL)
        own++;
    for (option = program->options->feeds; option != NULL; option = option->next) {
        replaces |= option->overwrite;
        count++;
    }
    program->feeds = calloc(own + count + 1, sizeof *program->feeds);
    if (program->feeds == NULL)
        return -1;
    if (!replaces && own > 0) {
        memcpy(program->feeds, program->spider->feeds, own * sizeof *program->feeds);
        program->feed_count = own;
    }
    for (option = program->options->feeds; option != NULL; option = option->next) {
        program->feeds[program->feed_count].path = option->path;
        program->feeds[program->feed_count++].overwrite = option->overwrite;
    }
    if (program->feed_count > 32) {
        fprintf(stderr, "%s: more than 32 feeds\n", program->name);
        return -1;
    }
    return 0;
}

/* --- the end -------------------------------------------------------------------------------
 * */

static void take_statistic(const char *key, int64_t number, const char *text, void *arg)
{
    struct program *program = arg;

    if (program->options->json && text != NULL)
        twi_json_put_string(&program->arena, program->summary,
                            twi_arena_strdup(&program->arena, key), text);
    else if (program->options->json)
        twi_json_put(program->summary, twi_arena_strdup(&program->arena, key),
                     twi_json_integer(&program->arena, number));
    else if (!program->options->quiet && text != NULL)
        fprintf(stderr, "  %-48s %s\n", key, text);
    else if (!program->options->quiet)
        fprintf(stderr, "  %-48s %lld\n", key, (long long)number);
}

static void program_print_json(struct program *program)
{
    struct twi_text text = { .arena = &program->arena };

    twi_json_write(&text, program->summary);
    puts(twi_text_string(&text));
}

static int status_of(const char *why)
{
    if (strcmp(why, "finished") == 0 || strncmp(why, "closespider_", 12) == 0)
        return TWI_STATUS_FINISHED;
    return strcmp(why, "disk_full") == 0 ? TWI_STATUS_FULL : TWI_STATUS_STOPPED;
}

static tw_value program_ended(tw_value result, void *arg)
{
    struct program *program = arg;

    program->crawl = NULL;
    twi_progress_end(&program->progress);
    if (tw_is_failure(result)) {
        program->status = tw_failure_number(result) == ENOSPC ? TWI_STATUS_FULL
                                                              : TWI_STATUS_FAILED;
        fprintf(stderr, "%s: %s\n", program->name, tw_failure_message(result));
    } else {
        program->status = status_of(tw_bytes_data(result));
        if (!program->options->quiet && !program->options->json)
            fprintf(stderr, "%s: %s\n", program->name, tw_bytes_data(result));
    }
    if (program->options->json)
        program_print_json(program);
    tw_reactor_stop();
    return tw_none();
}

/* --- running -------------------------------------------------------------------------------
 * */

/* The first asks for the end; the second does not wait for it. */
static void program_signalled(int number, void *arg)
{
    struct program *program = arg;

    if (program->crawl == NULL)
        return;
    if (program->is_stopping)
        fprintf(stderr, "%s: stopped at once\n", program->name);
    else
        fprintf(stderr, "%s: stopping; once more to stop at once\n", program->name);
    program->is_stopping = true;
    (void)number;
    tw_crawl_stop(program->crawl, "shutdown");
}

static void program_keep_command(const struct program *program)
{
    const char *job = program->options->job;
    int r = job == NULL ? 0 : twi_command_keep(job);

    if (r < 0)
        tw_log(TW_LOG_WARNING, "spider", "'tweed resume' will not know the job: %s",
               strerror(-r));
}

static void program_start(void *arg)
{
    struct program *program = arg;
    const struct tw_crawl_options options = {
        .job = program->options->job,
        .arguments = program->options->arguments.words,
        .retry_failed = program->options->failed,
        .feeds = program->feeds,
        .feed_count = program->feed_count,
        .statistic = take_statistic,
        .arg = program,
    };
    tw_deferred *done;

    tw_reactor_on_signal(SIGINT, program_signalled, program);
    tw_reactor_on_signal(SIGTERM, program_signalled, program);
    done = twi_crawl_run(program->spider, &options, &program->options->settings,
                         &program->crawl);
    if (program->crawl != NULL) {
        twi_progress_watch(&program->progress, program->crawl);
        program_keep_command(program);
    }
    tw_add_both(done, program_ended, program);
    tw_deferred_unref(done);
}

static int program_run(struct program *program)
{
    program->status = TWI_STATUS_FAILED;
    program->summary = twi_json_new(&program->arena, TWI_JSON_OBJECT);
    if (program_open_log(program) < 0 || program_set_feeds(program) < 0)
        return TWI_STATUS_FAILED;
    if (tw_call_when_running(program_start, program) < 0 || tw_reactor_run() < 0)
        fprintf(stderr, "%s: out of memory\n", program->name);
    return program->status;
}

int twi_program_run(const char *name, const tw_spider *spider, struct twi_options *options)
{
    struct program program = { .name = name, .spider = spider, .options = options };
    int status;

    twi_arena_init(&program.arena, 0);
    status = program_run(&program);
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    if (program.log != NULL && program.log != stderr)
        fclose(program.log);
    free(program.feeds);
    twi_arena_free(&program.arena);
    return status;
}

/* --- the command line ----------------------------------------------------------------------
 * */

static int show_mistake(const char *name, int error, tw_value failure)
{
    fprintf(stderr, "%s: %s\n", name,
            tw_is_failure(failure) ? tw_failure_message(failure) : strerror(-error));
    tw_release(failure);
    return error == -EINVAL ? TWI_STATUS_USAGE : TWI_STATUS_FAILED;
}

static int show_help(const char *name)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_options_help(NULL, name, "crawl, and write the items that are found", &text);
    fputs(twi_text_string(&text), stdout);
    twi_arena_free(&arena);
    return TWI_STATUS_FINISHED;
}

static int spider_run(const char *name, const tw_spider *spider, struct twi_options *options,
                      int argc, char **argv)
{
    enum twi_options_verdict verdict;
    tw_value failure = tw_none();
    int r = twi_options_read(options, NULL, argc, argv, &verdict, &failure);

    if (r < 0)
        return show_mistake(name, r, failure);
    if (verdict == TWI_OPTIONS_HELP)
        return show_help(name);
    if (verdict == TWI_OPTIONS_VERSION) {
        printf("%s (tweed %s)\n", name, tw_version());
        return TWI_STATUS_FINISHED;
    }
    r = twi_options_settle(options, spider->name, &spider->settings, environ, &failure);
    if (r < 0)
        return show_mistake(name, r, failure);
    return twi_program_run(name, spider, options);
}

int tw_spider_main(int argc, char **argv, const tw_spider *spider)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : spider->name;
    struct twi_options options;
    int status;

    twi_options_init(&options);
    status = spider_run(name, spider, &options, argc - 1, argv + 1);
    twi_options_free(&options);
    return status;
}
