/* SPDX-License-Identifier: MIT */
/*
 * resume_command.c - `tweed resume`: begin the program of a job again, as it was begun.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "spider/crawl/command.h"

enum { RESUME_FAILED, RESUME_HELP };
static const struct cli_option resume_options[] = {
    { "failed", 0, RESUME_FAILED, NULL, "fetch again what failed, too" },
    { "help", 'h', RESUME_HELP, NULL, "show this" },
    { NULL, 0, 0, NULL, NULL },
};

struct resuming {
    struct twi_arena arena;
    const char *job;
    struct twi_words more; /* for the program: what follows the folder */
    bool failed;
};

static int resume_take(const struct cli_option *option, const char *value, bool on, void *arg)
{
    (void)value;
    if (option->id == RESUME_FAILED)
        ((struct resuming *)arg)->failed = on;
    return 0;
}

static int resume_operand(const char *text, void *arg)
{
    struct resuming *resuming = arg;

    if (resuming->job == NULL)
        resuming->job = text;
    else if (!twi_words_add(&resuming->arena, &resuming->more, text))
        return -1;
    return 0;
}

static const struct cli_command resume_command = {
    .name = "resume",
    .usage = "[--failed] FOLDER [-- OPTION...]",
    .purpose =
        "Go on with the crawl of a job: its program is begun again as it was, where it\n"
        "was. OPTIONs are the program's, behind its own.",
    .options = resume_options,
    .take = resume_take,
    .operand = resume_operand,
};

static int resume_run(struct resuming *resuming)
{
    struct twi_command command;
    int r = twi_command_read(&resuming->arena, resuming->job, &command);
    size_t i;

    if (r == -ENOENT)
        cli_complain("resume", "%s: no job that a program began with --job", resuming->job);
    else if (r == -EINVAL)
        cli_complain("resume", "%s/command: not an account of how a job began", resuming->job);
    else if (r < 0)
        cli_complain("resume", "%s: %s", resuming->job, strerror(-r));
    if (r < 0)
        return CLI_FAILED;
    if (resuming->failed)
        twi_words_add(&resuming->arena, &command.arguments, "--failed");
    for (i = 0; i < resuming->more.count; i++)
        twi_words_add(&resuming->arena, &command.arguments, resuming->more.words[i]);
    if (chdir(command.folder) < 0) {
        cli_complain("resume", "%s: %s", command.folder, strerror(errno));
        return CLI_FAILED;
    }
    execv(command.program, (char **)(uintptr_t)command.arguments.words);
    cli_complain("resume", "%s: %s", command.program, strerror(errno));
    return CLI_FAILED;
}

int cli_resume(int argc, char **argv)
{
    struct resuming resuming = { .job = NULL };
    enum cli_verdict verdict;
    int status = CLI_USAGE;

    twi_arena_init(&resuming.arena, 0);
    verdict = cli_parse(&resume_command, argc, argv, &resuming);
    if (verdict != CLI_RUN)
        status = cli_status_of(verdict);
    else if (resuming.job == NULL)
        cli_complain("resume", "which FOLDER?");
    else
        status = resume_run(&resuming);
    twi_arena_free(&resuming.arena);
    return status;
}
