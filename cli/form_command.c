/* SPDX-License-Identifier: MIT */
/*
 * form_command.c - `tweed form`: the request that a form makes.
 */
#include "config.h"

#include <string.h>

#include "cli/document.h"
#include "spider/text/form.h"

static const struct tool_option form_options[] = {
    { "url", 0, TOOL_TEXT, "URL", "where the page came from" },
    { "name", 0, TOOL_TEXT, "NAME", "the form of this name" },
    { "id", 0, TOOL_TEXT, "ID", "the form of this id" },
    { "css", 0, TOOL_TEXT, "SELECTOR", "the form that this finds, or finds a part of" },
    { "xpath", 0, TOOL_TEXT, "EXPRESSION", "the same by XPath" },
    { "number", 0, TOOL_TEXT, "N", "the form of this number, from 0" },
    { "set", 0, TOOL_PAIRS, "NAME=VALUE", "send this instead of the page's values" },
    { "unset", 0, TOOL_LIST, "NAME", "send nothing of this name" },
    { "click", 0, TOOL_PAIRS, "ATTRIBUTE=VALUE", "by the button with this attribute" },
    { "no-click", 0, TOOL_FLAG, NULL, "by no button" },
    { "method", 0, TOOL_TEXT, "METHOD", "instead of the form's" },
    { "action", 0, TOOL_TEXT, "URL", "instead of the form's" },
    { "type", 0, TOOL_TEXT, "TYPE", "html, which is the default, xml or xhtml" },
    { "charset", 0, TOOL_TEXT, "NAME", "how its bytes are decoded, and data encoded" },
    { "content-type", 0, TOOL_TEXT, "VALUE", "the header that came with it" },
    { NULL, 0, 0, NULL, NULL },
};

/* --- the question -------------------------------------------------------------------------- */

/* The pairs of an option, and the names of another, which are absent. */
static struct twi_form_pair *pairs_of(const struct tool_question *question, const char *name,
                                      const char *absent)
{
    struct twi_form_pair *first = NULL, **end = &first;

    for (const struct tool_given *given = question->first; given != NULL;
         given = given->next) {
        bool is_absent = absent != NULL && strcmp(given->option->name, absent) == 0;
        if ((!is_absent && strcmp(given->option->name, name) != 0) ||
            (is_absent ? given->text : given->name) == NULL)
            continue;
        *end = twi_arena_zeroed(question->arena, sizeof **end);
        if (*end == NULL)
            break;
        (*end)->is_absent = given->text == NULL || is_absent;
        (*end)->name = is_absent ? (struct twi_span){ given->text, given->length }
                                 : (struct twi_span){ given->name, given->name_length };
        (*end)->value = given->text != NULL ? (struct twi_span){ given->text, given->length }
                                            : (struct twi_span){ "", 0 };
        end = &(*end)->next;
    }
    return first;
}

static const struct twi_step *node_of(const struct tool_question *question)
{
    const char *css = tool_text(question, "css"), *xpath = tool_text(question, "xpath");
    struct twi_step *step;

    if (css == NULL && xpath == NULL)
        return NULL;
    step = twi_arena_zeroed(question->arena, sizeof *step);
    if (step == NULL)
        return NULL;
    step->kind = xpath != NULL ? TWI_STEP_XPATH : TWI_STEP_CSS;
    step->text = xpath != NULL ? xpath : css;
    step->length = strlen(step->text);
    return step;
}

static bool form_read_number(const struct tool_question *question, size_t *number)
{
    const char *text = tool_text(question, "number");
    int64_t value = 0;

    if (text != NULL && !cli_read_integer(text, 0, INT32_MAX, &value))
        return false;
    *number = (size_t)value;
    return true;
}

static void form_read_options(const struct tool_question *question,
                              struct twi_form_options *options)
{
    const struct tool_given *click = tool_find(question, "click");

    options->name = tool_text(question, "name");
    options->id = tool_text(question, "id");
    options->node = node_of(question);
    options->set = pairs_of(question, "set", "unset");
    options->click = pairs_of(question, "click", NULL);
    options->no_click = tool_flag(question, "no-click", false) ||
                        (click != NULL && !click->on && options->click == NULL);
    options->method = tool_text(question, "method");
    options->action = tool_text(question, "action");
}

/* --- the answer ---------------------------------------------------------------------------- */

static struct twi_json *form_json(const struct tool_question *question,
                                  const struct twi_form_request *request)
{
    struct twi_json *answer = twi_json_new(question->arena, TWI_JSON_OBJECT);

    twi_json_put_string(question->arena, answer, "method", request->method);
    twi_json_put_string(question->arena, answer, "url", request->url);
    twi_json_put_string(question->arena, answer, "type", request->type);
    twi_json_put_string(question->arena, answer, "body", request->body);
    return answer;
}

static struct twi_json *form_make(const struct tool_question *question,
                                  const struct document_page *page)
{
    struct twi_form_options options = { .url = page->url,
                                        .base = page->base,
                                        .charset = page->charset };
    struct twi_selector selector = { .tree = &page->tree };
    struct twi_form_request request;
    struct twi_select_error error;
    struct twi_json *answer;

    if (!form_read_number(question, &options.number))
        return tool_refuse(question, "usage", "number: not a number from 0");
    form_read_options(question, &options);
    answer = twi_form_request_make(&selector, &options, question->arena, &request, &error)
                 ? form_json(question, &request)
                 : tool_refuse(question, error.word, "%s", error.message);
    twi_selector_close(&selector);
    return answer;
}

static struct twi_json *form_answer(const struct tool_question *question)
{
    struct document_page page;
    struct twi_json *answer = document_page_read(question, &page);

    if (answer == NULL)
        answer = form_make(question, &page);
    document_page_free(&page);
    return answer;
}

static void form_show(const struct twi_json *answer, struct twi_text *text)
{
    const char *body = twi_json_member(answer, "body")->kind == TWI_JSON_STRING
                           ? twi_json_text(twi_json_member(answer, "body"))
                           : NULL;

    twi_text_puts(text, twi_json_text(twi_json_member(answer, "method")));
    twi_text_putc(text, ' ');
    twi_text_puts(text, twi_json_text(twi_json_member(answer, "url")));
    twi_text_putc(text, '\n');
    if (body != NULL) {
        twi_text_puts(text, body);
        twi_text_putc(text, '\n');
    }
}

static const struct tool form_tool = {
    .name = "form",
    .usage = "[OPTION...] [FILE|URL]",
    .purpose = "Show the request that sending a form of a page makes.",
    .options = form_options,
    .answer = form_answer,
    .show = form_show,
};

int cli_form(int argc, char **argv)
{
    return tool_run(&form_tool, argc, argv);
}
