/* SPDX-License-Identifier: MIT */
/*
 * runspider_command.c - `tweed runspider`: compiles a spider, unless that was done before, and
 * becomes it, so that signals go straight to it.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/compile.h"

struct runspider {
    const char *path;
    bool anew, only_compile;
};

enum { OPTION_ANEW, OPTION_COMPILE };
static const struct cli_option runspider_options[] = {
    { "rebuild", 0, OPTION_ANEW, NULL, "compile even if nothing has changed" },
    { "compile", 'c', OPTION_COMPILE, NULL, "only compile; print the program's path" },
    { NULL, 0, 0, NULL, NULL },
};

static int runspider_take(const struct cli_option *option, const char *value, bool on,
                          void *arg)
{
    struct runspider *run = arg;

    (void)value;
    if (option->id == OPTION_ANEW)
        run->anew = on;
    else
        run->only_compile = on;
    return 0;
}

static int runspider_operand(const char *text, void *arg)
{
    ((struct runspider *)arg)->path = text;
    return 0;
}

static const struct cli_command runspider_command = {
    .name = "runspider",
    .usage = "[OPTION...] FILE.c [OPTION OF THE SPIDER...]",
    .purpose = "Compile a spider and run it; what is unchanged is not compiled again.\n"
               "'tweed runspider FILE.c --help' shows the options of the spider.",
    .options = runspider_options,
    .take = runspider_take,
    .operand = runspider_operand,
};

/* "dir/books.c" runs as "dir/books". */
static void run_become(const char *program, const char *path, char **argv)
{
    size_t length = strlen(path);

    if (length > 2 && strcmp(path + length - 2, ".c") == 0)
        length -= 2;
    argv[0] = cli_keep(path, length);
    signal(SIGPIPE, SIG_DFL); /* main() ignores it; that would be inherited */
    execv(program, argv);
    cli_complain("runspider", "%s: %s", program, strerror(errno));
}

/* Everything behind the file is the spider's. */
static int count_own(int argc, char **argv)
{
    int count = 0;

    while (count < argc && argv[count][0] == '-' && strcmp(argv[count], "--") != 0)
        count++;
    if (count < argc && strcmp(argv[count], "--") == 0)
        count++;
    return count < argc ? count + 1 : count;
}

int cli_runspider(int argc, char **argv)
{
    struct runspider run = { 0 };
    struct cli_text program = { 0 };
    int own = count_own(argc, argv), status;
    enum cli_verdict verdict = cli_parse(&runspider_command, own, argv, &run);

    if (verdict != CLI_RUN)
        return cli_status_of(verdict);
    if (run.path == NULL) {
        cli_complain("runspider", "no file given; see 'tweed help runspider'");
        return CLI_USAGE;
    }
    status = compile_program(&(struct compile_options){ "runspider", run.path, run.anew },
                             &program);
    if (status == CLI_OK && run.only_compile) {
        cli_text_puts(&program, "\n");
        status = cli_print("runspider", &program);
    } else if (status == CLI_OK) {
        run_become(program.data, run.path, argv + own - 1);
        status = CLI_FAILED;
    }
    cli_text_free(&program);
    return status;
}
