/* SPDX-License-Identifier: MIT */
/*
 * why_command.c - `tweed why`: what became of a URL in a job, and why.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "spider/crawl/visit.h"
#include "spider/job/reader.h"
#include "spider/text/canon.h"

enum { WHY_JOB, WHY_METHOD, WHY_HELP };
static const struct cli_option why_options[] = {
    { "job", 'j', WHY_JOB, "FOLDER", "the job (the working directory)" },
    { "request", 'X', WHY_METHOD, "METHOD", "of the request (GET)" },
    { "help", 'h', WHY_HELP, NULL, "show this" },
    { NULL, 0, 0, NULL, NULL },
};

struct why_question {
    const char *folder, *url, *method;
    struct twi_arena arena;
    struct twi_reader *reader;
    struct cli_text out;
    size_t found;
    tw_value failure;
};

static int why_take(const struct cli_option *option, const char *value, bool on, void *arg)
{
    struct why_question *question = arg;

    (void)on;
    if (option->id == WHY_JOB)
        question->folder = value;
    else if (option->id == WHY_METHOD)
        question->method = value;
    return 0;
}

static int why_operand(const char *text, void *arg)
{
    struct why_question *question = arg;

    if (question->url != NULL) {
        cli_complain("why", "one URL at a time");
        return -1;
    }
    question->url = text;
    return 0;
}

static const struct cli_command why_command = {
    .name = "why",
    .usage = "[--job FOLDER] URL",
    .purpose =
        "Say what became of a URL in the crawl of a job: where it was found, each try,\n"
        "each answer, the line of robots.txt that excluded it.",
    .options = why_options,
    .take = why_take,
    .operand = why_operand,
};

/* --- telling ------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [TWI_RECORD_DONE] = "done",
    [TWI_RECORD_FAILED] = "failed",
    [TWI_RECORD_EXCLUDED] = "excluded",
    [TWI_RECORD_REDIRECT] = "redirected",
    [TWI_RECORD_RETRY] = "tried, to be tried again",
    [TWI_RECORD_PART] = "read, its items on their way",
};

static void time_text(int64_t ms, char text[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, 40, "%Y-%m-%d %H:%M:%SZ", &parts);
}

static int why_tell_entry(const struct twi_reader_entry *entry, void *arg)
{
    struct why_question *question = arg;
    char at[40];

    time_text(entry->at, at);
    cli_text_printf(&question->out, "  %s  %s", at, kind_names[entry->kind]);
    if (entry->status != 0)
        cli_text_printf(&question->out, ", status %d", entry->status);
    if (entry->kind == TWI_RECORD_DONE)
        cli_text_printf(&question->out, ", %lld bytes, %d ms, %lld items",
                        (long long)entry->bytes, entry->ms, (long long)entry->items);
    if (entry->note != NULL)
        cli_text_printf(&question->out, ": %s", entry->note);
    if (entry->due > 0) {
        time_text(entry->due, at);
        cli_text_printf(&question->out, ", not before %s", at);
    }
    cli_text_puts(&question->out, "\n");
    question->found++;
    return 0;
}

static int tell_parent(const struct twi_reader_url *url, void *arg)
{
    struct why_question *question = arg;

    if (strcmp(url->origin, "start:") == 0)
        cli_text_puts(&question->out, "  found at the start");
    else
        cli_text_printf(&question->out, "  found on %s%s", url->origin, url->path);
    return 0;
}

static int why_tell_url(const struct twi_reader_url *url, void *arg)
{
    struct why_question *question = arg;
    size_t before = question->found;
    int r;

    cli_text_printf(&question->out, "%s%s\n", url->origin, url->path);
    r = twi_reader_url(question->reader, url->parent, tell_parent, question,
                       &question->failure);
    if (r < 0)
        return r;
    cli_text_printf(&question->out, ", depth %u, priority %d, number %lld\n", url->depth,
                    url->priority, (long long)url->id);
    if (url->info != NULL)
        cli_text_printf(&question->out, "  asked for with %s\n", url->info);
    question->found++;
    r = twi_reader_history(question->reader, url->id, why_tell_entry, question,
                           &question->failure);
    if (r == 0 && question->found == before + 1)
        cli_text_puts(&question->out, "  waits to be fetched\n");
    return r;
}

/* --- asking -------------------------------------------------------------------------------- */

static int why_key(struct why_question *question, const struct twi_reader_facts *facts,
                   uint64_t *ret_key)
{
    struct tw_url *url;
    const char *why = "", *canonical;

    if (tw_url_parse(question->url, strlen(question->url), NULL, &url, &why) < 0) {
        cli_complain("why", "%s: %s", question->url, why);
        return -EINVAL;
    }
    canonical = twi_canon_url(&question->arena, url, NULL);
    tw_url_free(url);
    if (canonical == NULL)
        return -ENOMEM;
    *ret_key = twi_visit_key((struct twi_visit_keys){ facts->key0, facts->key1 },
                             question->method, canonical, NULL, 0);
    return 0;
}

static int why_ask(struct why_question *question)
{
    struct twi_reader_facts facts;
    uint64_t key = 0;
    int r = twi_reader_open(question->folder, &question->reader, &question->failure);

    if (r == 0)
        r = twi_reader_facts(question->reader, &facts, &question->failure);
    if (r == 0)
        r = why_key(question, &facts, &key);
    if (r == 0)
        r = twi_reader_find(question->reader, key, why_tell_url, question, &question->failure);
    return r;
}

static int why_run(struct why_question *question)
{
    int r = why_ask(question), status = CLI_FAILED;

    if (r < 0 && tw_is_failure(question->failure))
        cli_complain("why", "%s", tw_failure_message(question->failure));
    else if (r == 0 && question->found == 0)
        cli_complain("why",
                     "%s: never found in this crawl, or not wanted: no link that was "
                     "followed leads there",
                     question->url);
    else if (r == 0)
        status = cli_print("why", &question->out);
    tw_release(question->failure);
    twi_reader_free(question->reader);
    cli_text_free(&question->out);
    return status;
}

int cli_why(int argc, char **argv)
{
    struct why_question question = { .folder = ".", .method = "GET" };
    enum cli_verdict verdict = cli_parse(&why_command, argc, argv, &question);
    int status = CLI_USAGE;

    twi_arena_init(&question.arena, 0);
    if (verdict != CLI_RUN)
        status = cli_status_of(verdict);
    else if (question.url == NULL)
        cli_complain("why", "which URL?");
    else
        status = why_run(&question);
    twi_arena_free(&question.arena);
    return status;
}
