/* SPDX-License-Identifier: MIT */
/*
 * main.c - the `tweed` command: finds the subcommand.
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
    { "page", cli_page, "say what charset a page is in, and its base" },
    { "robots", cli_robots, "say whether a robots.txt allows a URL" },
    { "serve", cli_serve, "serve a directory, or echo requests, over HTTP" },
    { "tree", cli_tree, "show how a page is understood" },
    { "sitemap", cli_sitemap, "list the URLs of a sitemap or feed" },
    { "text", cli_text_command, "take markup out of a text" },
    { "select", cli_select, "find parts of a page by CSS, XPath or regular expression" },
    { "links", cli_links, "list the links of a page" },
    { "form", cli_form, "show the request that a form makes" },
    { "url", cli_url, "show the parts of a URL, or its canonical form" },
    { "crawl", cli_crawl, "crawl sites without a line of C" },
    { "fetch", cli_fetch, "fetch one page as a spider does" },
    { "resume", cli_resume, "go on with the crawl of a job" },
    { "stats", cli_stats, "show how far a job has come" },
    { "why", cli_why, "say what became of a URL in a job, and why" },
    { "genspider", cli_genspider, "write a spider to begin with" },
    { "runspider", cli_runspider, "compile a spider in C, and run it" },
    { "settings", cli_settings, "show the settings of spiders, and where they come from" },
    { "warc", cli_warc, "list the records of a web archive, or print one" },
    { "export", cli_export, "turn items into CSV, XML or JSON" },
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
    cli_text_puts(&text, "\n  help [COMMAND [OPTION]]\n"
                         "            show this, a command's options, or one of them\n"
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

static bool is_either(const char *text, const char *a, const char *b)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

/* A shell can start us without one of the standard descriptors. A connection must not take its
 * place, since output would then go to a server: we fill the place with a descriptor that fails
 * every use. */
static void fill_standard_descriptors(void)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            _exit(CLI_FAILED);
    }
}

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(name, subcommands[i].name) == 0)
            return &subcommands[i];
    cli_complain(NULL, "unknown %s '%s'; see 'tweed --help'",
                 name[0] == '-' ? "option" : "command", name);
    return NULL;
}

/* "help", or "help COMMAND OPTION" as "COMMAND --help OPTION". */
static int help(int argc, char **argv)
{
    static char option[] = "--help";
    const struct subcommand *subcommand;
    char *arguments[] = { option, NULL };

    if (argc == 0)
        return tweed_show_help();
    if (argc > 2) {
        cli_complain(NULL, "help wants a command and an option, not '%s' too", argv[2]);
        return CLI_USAGE;
    }
    arguments[1] = argc == 2 ? argv[1] : NULL;
    subcommand = find_subcommand(argv[0]);
    return subcommand == NULL ? CLI_USAGE : subcommand->run(argc, arguments);
}

int main(int argc, char **argv)
{
    const struct subcommand *subcommand;
    int status;

    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error that is reported */
    if (argc < 2) {
        cli_complain(NULL, "no command given; see 'tweed --help'");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 2, argv + 2);
    if (is_either(argv[1], "--help", "-h"))
        return tweed_show_help();
    if (is_either(argv[1], "--version", "-V") || strcmp(argv[1], "version") == 0)
        return show_version();
    subcommand = find_subcommand(argv[1]);
    status = subcommand == NULL ? CLI_USAGE : subcommand->run(argc - 2, argv + 2);
    cli_release_kept();
    return status;
}
