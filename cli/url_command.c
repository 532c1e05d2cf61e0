/* SPDX-License-Identifier: MIT */
/*
 * url_command.c - `tweed url`: what a URL means.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/url.h>

#include "cli/cli.h"
#include "cli/json.h"

struct url_settings {
    const char *base;
    const char **urls;
    size_t count;
};

enum { OPTION_BASE };

static const struct cli_option url_options[] = {
    { "base", 'b', OPTION_BASE, "BASE", "resolve relative to this URL" },
    { NULL, 0, 0, NULL, NULL },
};

static int url_take_option(const struct cli_option *option, const char *value, bool on,
                           void *arg)
{
    struct url_settings *settings = arg;

    (void)option;
    (void)on;
    settings->base = value;
    return 0;
}

static int url_take_operand(const char *text, void *arg)
{
    struct url_settings *settings = arg;

    settings->urls = cli_realloc(settings->urls,
                                 (settings->count + 1) * sizeof *settings->urls);
    settings->urls[settings->count++] = text;
    return 0;
}

static const struct cli_command url_command = {
    .name = "url",
    .usage = "[--base BASE] URL...",
    .purpose =
        "Show the parts of URLs, as the WHATWG standard reads them, as a line of JSON each.",
    .options = url_options,
    .take = url_take_option,
    .operand = url_take_operand,
};

static void url_describe(struct cli_text *json, const struct tw_url *url)
{
    char port[16] = "", host[4096];

    if (url->port >= 0)
        snprintf(port, sizeof port, "%d", url->port);
    cli_json_open(json, '{');
    cli_json_member(json, "href", url->href);
    cli_json_member(json, "origin", url->origin);
    cli_json_member(json, "protocol", url->protocol);
    cli_json_member(json, "username", url->username);
    cli_json_member(json, "password", url->password);
    cli_json_key(json, "host");
    if (snprintf(host, sizeof host, "%s%s%s", url->hostname, *port ? ":" : "", port) <
        (int)sizeof host)
        cli_json_string(json, host);
    else
        cli_json_string(json, url->hostname);
    cli_json_member(json, "hostname", url->hostname);
    cli_json_member(json, "port", port);
    cli_json_member(json, "pathname", url->pathname);
    cli_json_member(json, "search", url->search);
    cli_json_member(json, "hash", url->hash);
    cli_json_close(json, '}');
    cli_json_end_line(json);
}

static void describe_error(struct cli_text *json, const char *input, const char *why)
{
    cli_json_open(json, '{');
    cli_json_member(json, "error", "url");
    cli_json_member(json, "message", why);
    cli_json_member(json, "input", input);
    cli_json_close(json, '}');
    cli_json_end_line(json);
}

/* NULL, described in `json`, when it is none. */
static struct tw_url *url_parse(const char *text, const struct tw_url *base,
                                struct cli_text *json)
{
    const char *why = "out of memory";
    struct tw_url *url;

    if (tw_url_parse(text, strlen(text), base, &url, &why) == 0)
        return url;
    describe_error(json, text, why);
    return NULL;
}

static int describe_all(const struct url_settings *settings, struct cli_text *json)
{
    struct tw_url *base = NULL;
    int status = CLI_OK;
    size_t i;

    if (settings->base != NULL) {
        base = url_parse(settings->base, NULL, json);
        if (base == NULL)
            return CLI_FAILED;
    }
    for (i = 0; i < settings->count; i++) {
        struct tw_url *url = url_parse(settings->urls[i], base, json);
        if (url != NULL)
            url_describe(json, url);
        else
            status = CLI_FAILED;
        tw_url_free(url);
    }
    tw_url_free(base);
    return status;
}

int cli_url(int argc, char **argv)
{
    struct url_settings settings = { 0 };
    struct cli_text json = { 0 };
    enum cli_verdict verdict = cli_parse(&url_command, argc, argv, &settings);
    int status = cli_status_of(verdict);

    if (verdict == CLI_RUN && settings.count == 0) {
        cli_complain("url", "no URL given; see 'tweed help url'");
    } else if (verdict == CLI_RUN) {
        status = describe_all(&settings, &json);
        if (cli_print("url", &json) != CLI_OK)
            status = CLI_FAILED;
    }
    cli_text_free(&json);
    free(settings.urls);
    return status;
}
