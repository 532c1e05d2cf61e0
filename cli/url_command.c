/* SPDX-License-Identifier: MIT */
/*
 * url_command.c - `tweed url`: what a URL means, its canonical form, its query, its data.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/url.h>

#include "cli/tool.h"
#include "spider/text/base64.h"
#include "spider/text/canon.h"
#include "spider/text/charset.h"
#include "spider/text/data_url.h"
#include "spider/text/page_url.h"
#include "spider/text/query.h"

static const struct tool_option url_options[] = {
    { "base", 'b', TOOL_TEXT, "BASE", "resolve relative to this URL" },
    { "url", 0, TOOL_TEXT, "URL", NULL },
    { "charset", 0, TOOL_TEXT, "NAME", "the query is in that charset, as in a page of it" },
    { "canonical", 'c', TOOL_FLAG, NULL, "the form by which duplicates are known" },
    { "keep-fragment", 0, TOOL_FLAG, NULL, "with what follows the #" },
    { "keep-blank", 0, TOOL_TEXT, "BOOL", "false: without pairs that have no value" },
    { "separator", 0, TOOL_TEXT, "CHARACTER", "between a query's pairs; & by default" },
    { "get", 0, TOOL_TEXT, "NAME", "the value of that parameter" },
    { "set", 0, TOOL_PAIRS, "NAME=VALUE", "give a parameter this value" },
    { "keep", 0, TOOL_LIST, "NAME", "keep only these parameters" },
    { "drop", 0, TOOL_LIST, "NAME", "drop these parameters" },
    { "all", 0, TOOL_FLAG, NULL, "keep repeated parameters too" },
    { "data", 0, TOOL_FLAG, NULL, "what a data: URL holds" },
    { NULL, 0, 0, NULL, NULL },
};

/* --- the parts ----------------------------------------------------------------------------- */

static void put(const struct tool_question *question, struct twi_json *object, const char *key,
                const char *text)
{
    twi_json_put_string(question->arena, object, key, text);
}

static struct twi_json *span_json(const struct tool_question *question, struct twi_span span)
{
    return twi_json_string(question->arena, span.text, span.length);
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
                                   struct twi_span input)
{
    struct twi_json *error = tool_refuse(question, "url", "%s", why);

    twi_json_put(error, "input", span_json(question, input));
    return error;
}

/* --- the query ----------------------------------------------------------------------------- */

static bool keeps_blank(const struct tool_question *question)
{
    const char *text = tool_text(question, "keep-blank");

    return text == NULL || (strcmp(text, "false") != 0 && strcmp(text, "0") != 0);
}

/* That of --charset; UTF-8 without it, and if there is none of that name. */
static const struct twi_charset *url_charset(const struct tool_question *question)
{
    const char *label = tool_text(question, "charset");
    const struct twi_charset *charset = label != NULL ? twi_charset_find(twi_span_of(label))
                                                      : NULL;

    return charset != NULL ? charset : twi_charset_utf8();
}

static struct twi_span in_charset(const struct tool_question *question, struct twi_span text)
{
    return twi_in_charset(question->arena, url_charset(question), text);
}

/* 0 if it is more or less than one character. */
static char url_separator(const struct tool_question *question)
{
    const char *text = tool_text(question, "separator");

    if (text == NULL)
        return '&';
    return text[0] != 0 && text[1] == 0 ? text[0] : 0;
}

static struct twi_json *answer_value(const struct tool_question *question, struct twi_span url,
                                     const struct tool_given *name)
{
    struct twi_json *answer = twi_json_new(question->arena, TWI_JSON_OBJECT), *value;
    struct twi_span wanted = { name->text, name->length }, found;

    if (twi_query_get(question->arena, url, url_separator(question),
                      in_charset(question, wanted), &found) &&
        (found.length > 0 || keeps_blank(question)))
        value = span_json(question,
                          twi_charset_decode(question->arena, url_charset(question), found));
    else
        value = twi_json_new(question->arena, TWI_JSON_NULL);
    twi_json_put(answer, "value", value);
    return answer;
}

static size_t count_given(const struct tool_given *given)
{
    size_t count = 0;

    for (; given != NULL; given = tool_find_next(given))
        count += given->name != NULL || given->text != NULL;
    return count;
}

static struct twi_span set_parameters(const struct tool_question *question,
                                      struct twi_span url)
{
    const struct tool_given *given = tool_find(question, "set");
    size_t count = count_given(given), used = 0;
    struct twi_query_value *values = twi_arena_alloc(question->arena,
                                                     (count + 1) * sizeof *values);

    if (given == NULL || values == NULL)
        return url;
    for (; given != NULL; given = tool_find_next(given)) {
        struct twi_span name = { given->name, given->name_length },
                        value = { given->text, given->length };
        if (name.text == NULL)
            continue;
        values[used++] = (struct twi_query_value){
            .name = in_charset(question, name),
            .value = value.text != NULL ? in_charset(question, value) : twi_span_of(""),
            .is_absent = value.text == NULL,
        };
    }
    return twi_query_set(question->arena, url, url_separator(question), values, used);
}

static struct twi_span *names_given(const struct tool_question *question, const char *option,
                                    size_t *ret_count)
{
    const struct tool_given *given = tool_find(question, option);
    struct twi_span *names = twi_arena_alloc(question->arena,
                                             (count_given(given) + 1) * sizeof *names);
    size_t count = 0;

    for (; given != NULL && names != NULL; given = tool_find_next(given))
        if (given->text != NULL)
            names[count++] = (struct twi_span){ given->text, given->length };
    *ret_count = count;
    return names;
}

static struct twi_span pick_parameters(const struct tool_question *question,
                                       struct twi_span url)
{
    struct twi_query_clean clean = {
        .keeps = tool_find(question, "keep") != NULL,
        .keep_repeated = tool_flag(question, "all", false),
        .keep_fragment = tool_flag(question, "keep-fragment", false),
    };

    if (!clean.keeps && tool_find(question, "drop") == NULL)
        return url;
    clean.keep = names_given(question, "keep", &clean.keep_count);
    clean.drop = names_given(question, "drop", &clean.drop_count);
    return twi_query_clean(question->arena, url, url_separator(question), &clean);
}

/* --- other answers ------------------------------------------------------------------------- */

static struct twi_json *answer_data(const struct tool_question *question, struct twi_span text)
{
    struct twi_json *answer = twi_json_new(question->arena, TWI_JSON_OBJECT), *parameters;
    struct twi_text base64 = { .arena = question->arena };
    struct twi_data_url url;
    const char *why = twi_data_url_read(question->arena, text, &url);

    if (why != NULL)
        return url_refuse(question, why, text);
    twi_json_put(answer, "type", span_json(question, url.type));
    parameters = twi_json_new(question->arena, TWI_JSON_OBJECT);
    twi_json_put(answer, "parameters", parameters);
    for (struct twi_data_parameter *at = url.parameters; at != NULL; at = at->next)
        twi_json_put(parameters,
                     twi_arena_copy(question->arena, at->name.text, at->name.length),
                     span_json(question, at->value));
    twi_base64_encode(&base64, url.data.text, url.data.length);
    put(question, answer, "base64", twi_text_string(&base64));
    return answer;
}

static struct twi_json *answer_canonical(const struct tool_question *question,
                                         const struct tw_url *url)
{
    const struct twi_canon_options options = {
        .keep_fragment = tool_flag(question, "keep-fragment", false),
        .drop_blank = !keeps_blank(question),
        .separator = url_separator(question),
    };
    const char *href = twi_canon_url(question->arena, url, &options), *why = "out of memory";
    struct tw_url *canonical;
    struct twi_json *answer;

    if (href == NULL)
        return NULL;
    if (tw_url_parse(href, strlen(href), NULL, &canonical, &why) < 0)
        return url_refuse(question, why, twi_span_of(href));
    answer = url_describe(question, canonical);
    tw_url_free(canonical);
    return answer;
}

static struct twi_json *answer_parts(const struct tool_question *question,
                                     struct twi_span text)
{
    const struct tool_given *given = tool_find(question, "base");
    const char *why = "out of memory";
    struct tw_url *base = NULL, *url;
    struct twi_span base_text = { NULL, 0 };
    struct twi_json *answer;

    if (given != NULL)
        base_text = (struct twi_span){ given->text, given->length };
    if (given != NULL &&
        twi_page_url_parse(question->arena, NULL, base_text, NULL, &base, &why) < 0)
        return url_refuse(question, why, base_text);
    if (twi_page_url_parse(question->arena, url_charset(question), text, base, &url, &why) <
        0) {
        answer = url_refuse(question, why, text);
    } else {
        answer = tool_flag(question, "canonical", false) ? answer_canonical(question, url)
                                                         : url_describe(question, url);
        tw_url_free(url);
    }
    tw_url_free(base);
    return answer;
}

/* --- the question -------------------------------------------------------------------------- */

static struct twi_json *answer_edited(const struct tool_question *question,
                                      struct twi_span text)
{
    struct twi_span edited = pick_parameters(question, set_parameters(question, text));
    struct twi_json *answer;

    if (tool_find(question, "base") != NULL || tool_flag(question, "canonical", false))
        return answer_parts(question, edited);
    answer = twi_json_new(question->arena, TWI_JSON_OBJECT);
    twi_json_put(answer, "href", span_json(question, edited));
    return answer;
}

static struct twi_json *url_answer(const struct tool_question *question)
{
    const struct tool_given *given = tool_find(question, "url"),
                            *name = tool_find(question, "get");
    struct twi_span text = { question->input, question->input_length };

    if (given != NULL)
        text = (struct twi_span){ given->text, given->length };
    if (text.text == NULL)
        return tool_refuse(question, "usage", "no URL");
    if (url_separator(question) == 0)
        return tool_refuse(question, "usage", "separator: not one ASCII character");
    text = twi_without_surrogates(question->arena, text);
    if (tool_flag(question, "data", false))
        return answer_data(question, text);
    if (name != NULL)
        return answer_value(question, text, name);
    if (tool_find(question, "set") != NULL || tool_find(question, "keep") != NULL ||
        tool_find(question, "drop") != NULL)
        return answer_edited(question, text);
    return answer_parts(question, text);
}

static const struct tool url_tool = {
    .name = "url",
    .usage = "[OPTION...] URL...",
    .purpose = "Show the parts of URLs, as the WHATWG standard reads them, as a line of JSON\n"
               "each; or their canonical form, their query, what a data: URL holds.",
    .options = url_options,
    .operand = "URL",
    .answer = url_answer,
};

int cli_url(int argc, char **argv)
{
    return tool_run(&url_tool, argc, argv);
}
