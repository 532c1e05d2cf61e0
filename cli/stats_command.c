/* SPDX-License-Identifier: MIT */
/*
 * stats_command.c - `tweed stats`: how far a job has come, also while it is crawled.
 */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "spider/job/reader.h"
#include "spider/text/json.h"

enum { STATS_JSON, STATS_HELP };
static const struct cli_option stats_options[] = {
    { "json", 0, STATS_JSON, NULL, "an object of JSON" },
    { "help", 'h', STATS_HELP, NULL, "show this" },
    { NULL, 0, 0, NULL, NULL },
};

struct stats_question {
    const char *folder;
    bool json;
    struct twi_arena arena;
    struct twi_json *object, *list; /* what is gathered; `list`: statistics, feeds */
};

static int stats_take(const struct cli_option *option, const char *value, bool on, void *arg)
{
    (void)value;
    if (option->id == STATS_JSON)
        ((struct stats_question *)arg)->json = on;
    return 0;
}

static int stats_operand(const char *text, void *arg)
{
    struct stats_question *question = arg;

    if (question->folder != NULL) {
        cli_complain("stats", "one FOLDER at a time");
        return -1;
    }
    question->folder = text;
    return 0;
}

static const struct cli_command stats_command = {
    .name = "stats",
    .usage = "[--json] FOLDER",
    .purpose = "Show how far the crawl of a job has come: its pages by their state, items,\n"
               "feeds, and the statistics of all its runs.",
    .options = stats_options,
    .take = stats_take,
    .operand = stats_operand,
};

/* --- gathering ----------------------------------------------------------------------------- */

static void stats_put_number(struct stats_question *question, const char *key, int64_t number)
{
    twi_json_put(question->object, key, twi_json_integer(&question->arena, number));
}

static void stats_put_text(struct stats_question *question, const char *key, const char *text)
{
    twi_json_put_string(&question->arena, question->object, key,
                        twi_arena_strdup(&question->arena, text));
}

static int put_statistic(const char *key, const char *value, bool is_number, void *arg)
{
    struct stats_question *question = arg;
    struct twi_arena *arena = &question->arena;
    struct twi_json *json = twi_json_string(arena, value, strlen(value));

    if (json != NULL && is_number)
        json->kind = TWI_JSON_NUMBER;
    twi_json_put(question->list, twi_arena_strdup(arena, key), json);
    return 0;
}

static int put_feed(const struct twi_reader_feed *feed, void *arg)
{
    struct stats_question *question = arg;
    struct twi_arena *arena = &question->arena;
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);

    twi_json_put_string(arena, object, "path", twi_arena_strdup(arena, feed->path));
    twi_json_put_string(arena, object, "format", twi_arena_strdup(arena, feed->format));
    twi_json_put(object, "items", twi_json_integer(arena, feed->items));
    twi_json_put(object, "bytes", twi_json_integer(arena, feed->bytes));
    twi_json_append(question->list, object);
    return 0;
}

static void put_facts(struct stats_question *question, const struct twi_reader_facts *facts)
{
    stats_put_text(question, "spider", facts->spider);
    stats_put_text(question, "state", facts->state);
    stats_put_number(question, "process", facts->process);
    stats_put_number(question, "started", facts->started);
}

static void put_counts(struct stats_question *question, const struct twi_reader_counts *counts)
{
    stats_put_number(question, "urls", counts->urls);
    stats_put_number(question, "hosts", counts->hosts);
    stats_put_number(question, "pending", counts->pending);
    stats_put_number(question, "done", counts->done);
    stats_put_number(question, "failed", counts->failed);
    stats_put_number(question, "excluded", counts->excluded);
    stats_put_number(question, "redirected", counts->redirected);
    stats_put_number(question, "retries", counts->retries);
    stats_put_number(question, "items", counts->items);
    stats_put_number(question, "bytes", counts->bytes);
}

static int stats_gather(struct stats_question *question, struct twi_reader *reader,
                        tw_value *ret_failure)
{
    struct twi_reader_facts facts;
    struct twi_reader_counts counts;
    int r = twi_reader_facts(reader, &facts, ret_failure);

    if (r == 0)
        r = twi_reader_count(reader, &counts, ret_failure);
    if (r < 0)
        return r;
    put_facts(question, &facts);
    put_counts(question, &counts);
    question->list = twi_json_put(question->object, "feeds",
                                  twi_json_new(&question->arena, TWI_JSON_LIST));
    r = twi_reader_feeds(reader, put_feed, question, ret_failure);
    question->list = twi_json_put(question->object, "statistics",
                                  twi_json_new(&question->arena, TWI_JSON_OBJECT));
    return r < 0 ? r : twi_reader_stats(reader, put_statistic, question, ret_failure);
}

/* --- showing ------------------------------------------------------------------------------- */

static void show_members(const struct twi_json *object, struct cli_text *out)
{
    const struct twi_json *member;

    for (member = object->first; member != NULL; member = member->next)
        if (member->first == NULL && twi_json_text(member) != NULL)
            cli_text_printf(out, "%-48s %s\n", member->key, twi_json_text(member));
}

static void show_feeds(const struct twi_json *list, struct cli_text *out)
{
    const struct twi_json *feed;

    for (feed = list->first; feed != NULL; feed = feed->next)
        cli_text_printf(out, "%-48s %s items, %s bytes\n",
                        twi_json_text(twi_json_member(feed, "path")),
                        twi_json_text(twi_json_member(feed, "items")),
                        twi_json_text(twi_json_member(feed, "bytes")));
}

static int stats_print(struct stats_question *question)
{
    struct twi_text line = { .arena = &question->arena };
    struct cli_text out = { 0 };
    int status;

    if (question->json) {
        twi_json_write(&line, question->object);
        cli_text_printf(&out, "%s\n", twi_text_string(&line));
    } else {
        show_members(question->object, &out);
        show_feeds(twi_json_member(question->object, "feeds"), &out);
        cli_text_puts(&out, "\n");
        show_members(question->list, &out);
    }
    status = cli_print("stats", &out);
    cli_text_free(&out);
    return status;
}

static int stats_run(struct stats_question *question)
{
    struct twi_reader *reader = NULL;
    tw_value failure = tw_none();
    int r = twi_reader_open(question->folder, &reader, &failure), status = CLI_FAILED;

    question->object = twi_json_new(&question->arena, TWI_JSON_OBJECT);
    if (r == 0)
        r = stats_gather(question, reader, &failure);
    if (r < 0)
        cli_complain("stats", "%s", tw_failure_message(failure));
    else if (question->arena.failed)
        cli_complain("stats", "out of memory");
    else
        status = stats_print(question);
    tw_release(failure);
    twi_reader_free(reader);
    return status;
}

int cli_stats(int argc, char **argv)
{
    struct stats_question question = { .folder = NULL };
    enum cli_verdict verdict = cli_parse(&stats_command, argc, argv, &question);
    int status = CLI_USAGE;

    twi_arena_init(&question.arena, 0);
    if (verdict != CLI_RUN)
        status = cli_status_of(verdict);
    else if (question.folder == NULL)
        cli_complain("stats", "which FOLDER?");
    else
        status = stats_run(&question);
    twi_arena_free(&question.arena);
    return status;
}
