/* SPDX-License-Identifier: MIT */
/*
 * url_command.c - `tweed url`: shows the parts of a URL.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/url.h>

#include "cli/tool.h"

static const struct tool_option url_options[] = {
    { "base", 'b', TOOL_TEXT, "BASE", "resolve relative to this URL" },
    { "url", 0, TOOL_TEXT, "URL", NULL },
    { NULL, 0, 0, NULL, NULL },
};

static void put(const struct tool_question *question, struct twi_json *object, const char *key,
                const char *text)
{
    twi_json_put_string(question->arena, object, key, text);
}

static void describe_host(const struct tool_question *question, struct twi_json *object,
                          const struct tw_url *url, const char *port)
{
    struct twi_text host = { .arena = question->arena };

    twi_text_puts(&host, url->hostname);
    if (*port != 0)
        twi_text_putc(&host, ':');
    twi_text_puts(&host, port);
    put(question, object, "host", twi_text_string(&host));
}

static struct twi_json *url_describe(const struct tool_question *question,
                                     const struct tw_url *url)
{
    struct twi_json *object = twi_json_new(question->arena, TWI_JSON_OBJECT);
    char port[16] = "";

    if (url->port >= 0)
        snprintf(port, sizeof port, "%d", url->port);
    put(question, object, "href", url->href);
    put(question, object, "origin", url->origin);
    put(question, object, "protocol", url->protocol);
    put(question, object, "username", url->username);
    put(question, object, "password", url->password);
    describe_host(question, object, url, port);
    put(question, object, "hostname", url->hostname);
    put(question, object, "port", port);
    put(question, object, "pathname", url->pathname);
    put(question, object, "search", url->search);
    put(question, object, "hash", url->hash);
    return object;
}

static struct twi_json *url_refuse(const struct tool_question *question, const char *why,
                                   const char *input, size_t length)
{
    struct twi_json *error = tool_refuse(question, "url", "%s", why);

    twi_json_put(error, "input", twi_json_string(question->arena, input, length));
    return error;
}

static struct twi_json *url_answer(const struct tool_question *question)
{
    const struct tool_given *given = tool_find(question, "url");
    const char *base_text = tool_text(question, "base"), *why = "out of memory";
    const char *text = given != NULL ? given->text : question->input;
    size_t length = given != NULL ? given->length : question->input_length;
    struct tw_url *base = NULL, *url;
    struct twi_json *answer;

    if (text == NULL)
        return tool_refuse(question, "usage", "no URL");
    if (base_text != NULL && tw_url_parse(base_text, strlen(base_text), NULL, &base, &why) < 0)
        return url_refuse(question, why, base_text, strlen(base_text));
    if (tw_url_parse(text, length, base, &url, &why) < 0) {
        answer = url_refuse(question, why, text, length);
    } else {
        answer = url_describe(question, url);
        tw_url_free(url);
    }
    tw_url_free(base);
    return answer;
}

static const struct tool url_tool = {
    .name = "url",
    .usage = "[--base BASE] URL...",
    .purpose =
        "Show the parts of URLs, as the WHATWG standard reads them, as a line of JSON each.",
    .options = url_options,
    .operand = "URL",
    .answer = url_answer,
};

int cli_url(int argc, char **argv)
{
    return tool_run(&url_tool, argc, argv);
}
