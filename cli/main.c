/* SPDX-License-Identifier: MIT */
/*
 * main.c - the `tweed` command: which subcommand is meant.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tweed/version.h>

#include "cli/cli.h"

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} subcommands[] = {
    { "get", cli_get, "fetch URLs, many at once" },
    { "serve", cli_serve, "serve a directory, or echo requests, over HTTP" },
    { "url", cli_url, "show the parts of a URL" },
};
#define COUNT (sizeof subcommands / sizeof *subcommands)

static int tweed_show_help(void)
{
    struct cli_text text = { 0 };
    size_t i;
    int status;

    cli_text_puts(&text, "usage: tweed COMMAND [OPTION...] [ARGUMENT...]\n\n");
    for (i = 0; i < COUNT; i++)
        cli_text_printf(&text, "  %-10s%s\n", subcommands[i].name, subcommands[i].help);
    cli_text_puts(&text, "\n  --help    show this, or with a command, its options\n"
                         "  --version show the version\n\nSee also: man tweed\n");
    status = cli_print(NULL, &text);
    cli_text_free(&text);
    return status;
}

static int show_version(void)
{
    struct cli_text text = { 0 };
    int status;

    cli_text_printf(&text, "tweed %s\n", tw_version());
    status = cli_print(NULL, &text);
    cli_text_free(&text);
    return status;
}

static bool is_any(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

/* A shell can start us without one of the standard descriptors. A connection must not take its
 * place, or what is written there goes to a server: what is put there fails every use. */
static void fill_standard_descriptors(void)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            _exit(CLI_FAILED);
    }
}

int main(int argc, char **argv)
{
    int status = CLI_USAGE;
    size_t i;

    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error that is reported */
    if (argc < 2) {
        cli_complain(NULL, "no command given; see 'tweed --help'");
        return CLI_USAGE;
    }
    if (is_any(argv[1], "--help", "-h", "help"))
        return tweed_show_help();
    if (is_any(argv[1], "--version", "-V", "version"))
        return show_version();
    for (i = 0; i < COUNT && strcmp(argv[1], subcommands[i].name) != 0; i++)
        ;
    if (i < COUNT)
        status = subcommands[i].run(argc - 2, argv + 2);
    else
        cli_complain(NULL, "unknown %s '%s'; see 'tweed --help'",
                     argv[1][0] == '-' ? "option" : "command", argv[1]);
    cli_release_kept();
    return status;
}
