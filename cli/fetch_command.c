/* SPDX-License-Identifier: MIT */
/*
 * fetch_command.c - `tweed fetch`: one page as a spider gets it, robots.txt and settings included.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tweed/spider.h>

#include "cli/cli.h"
#include "spider/crawl/program.h"

extern char **environ;

enum { FETCH_SET, FETCH_HEAD, FETCH_URL, FETCH_HELP };
static const struct cli_option fetch_options[] = {
    { "set", 's', FETCH_SET, "NAME=VALUE", "a setting; see 'tweed settings'" },
    { "head", 'i', FETCH_HEAD, NULL, "show status and header fields in front" },
    { "url", 0, FETCH_URL, NULL, "show the URL that answered, and no page" },
    { "help", 'h', FETCH_HELP, NULL, "show this" },
    { NULL, 0, 0, NULL, NULL },
};

/* The question of this process; a callback gets nothing but its page. */
static struct fetching {
    struct twi_options options;
    const char *url;
    bool head, only_url;
    int status;
} fetching;

static int fetch_take(const struct cli_option *option, const char *value, bool on, void *arg)
{
    tw_value failure = tw_none();

    (void)arg;
    if (option->id == FETCH_HEAD)
        fetching.head = on;
    else if (option->id == FETCH_URL)
        fetching.only_url = on;
    else if (option->id == FETCH_SET &&
             twi_settings_set_pair(&fetching.options.settings, TWI_LAYER_COMMAND, "-s", value,
                                   &failure) < 0) {
        cli_complain("fetch", "%s", tw_failure_message(failure));
        tw_release(failure);
        return -1;
    }
    return 0;
}

static int fetch_operand(const char *text, void *arg)
{
    (void)arg;
    if (fetching.url != NULL) {
        cli_complain("fetch", "one URL at a time");
        return -1;
    }
    fetching.url = text;
    return 0;
}

static const struct cli_command fetch_command = {
    .name = "fetch",
    .usage = "[OPTION...] URL",
    .purpose =
        "Fetch one page as a spider does - robots.txt, settings, retries, redirects - and\n"
        "write it to standard output.",
    .options = fetch_options,
    .take = fetch_take,
    .operand = fetch_operand,
};

/* --- the page ------------------------------------------------------------------------------ */

static int fetch_print(const void *data, size_t length)
{
    return cli_write(STDOUT_FILENO, data, length) < 0 ? CLI_UNWRITABLE : CLI_OK;
}

static void head_add(tw_page *page, struct cli_text *text, const char *name)
{
    const char *value = tw_page_header(page, name);

    if (value != NULL)
        cli_text_printf(text, "%s: %s\n", name, value);
}

static int head_print(tw_page *page)
{
    static const char *const names[] = { "Content-Type", "Content-Language", "Last-Modified",
                                         "ETag",         "Cache-Control",    "Set-Cookie",
                                         "Server" };
    struct cli_text text = { 0 };
    int status;

    cli_text_printf(&text, "%s\n%d\n", tw_page_url(page), tw_page_status(page));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        head_add(page, &text, names[i]);
    cli_text_puts(&text, "\n");
    cli_make_printable(text.data, text.length);
    status = fetch_print(text.data, text.length);
    cli_text_free(&text);
    return status;
}

static void fetch_show(tw_page *page)
{
    tw_value body = tw_page_body(page);
    const char *line = tw_format(page, "%s\n", tw_page_url(page));

    if (tw_is_failure(tw_page_failure(page)))
        return;
    fetching.status = CLI_OK;
    if (fetching.only_url)
        fetching.status = fetch_print(line, strlen(line));
    else if (fetching.head)
        fetching.status = head_print(page);
    if (fetching.status == CLI_OK && !fetching.only_url)
        fetching.status = fetch_print(tw_bytes_data(body), tw_bytes_length(body));
    if (fetching.status == CLI_OK && tw_page_status(page) >= 400)
        fetching.status = CLI_FAILED;
}

static void fetch_start(tw_page *page)
{
    if (tw_visit(page, fetching.url, .any_status = true) < 0)
        tw_page_fail(page, tw_fail(&tw_error_url, "no URL: %s", fetching.url));
}

static int fetch_run(void)
{
    static const tw_spider spider = { .name = "fetch",
                                      .start = fetch_start,
                                      .parse = fetch_show };
    tw_value failure = tw_none();
    int status;

    fetching.options.quiet = true;
    fetching.status = CLI_FAILED;
    if (twi_options_settle(&fetching.options, spider.name, NULL, environ, &failure) < 0) {
        cli_complain("fetch", "%s", tw_failure_message(failure));
        tw_release(failure);
        return CLI_USAGE;
    }
    status = twi_program_run("tweed fetch", &spider, &fetching.options);
    return status == TWI_STATUS_FINISHED ? fetching.status : status;
}

int cli_fetch(int argc, char **argv)
{
    enum cli_verdict verdict;
    int status = CLI_USAGE;

    twi_options_init(&fetching.options);
    verdict = cli_parse(&fetch_command, argc, argv, NULL);
    if (verdict != CLI_RUN)
        status = cli_status_of(verdict);
    else if (fetching.url == NULL)
        cli_complain("fetch", "which URL?");
    else
        status = fetch_run();
    twi_options_free(&fetching.options);
    return status;
}
