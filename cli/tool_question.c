/* SPDX-License-Identifier: MIT */
/*
 * tool_question.c - a question of --batch: its members are options, and the input.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/tool.h"
#include "spider/text/base64.h"

#define refuse(question, ...) tool_refuse(question, "usage", __VA_ARGS__)

/* --- the input ----------------------------------------------------------------------------- */

static void question_set_input(struct tool_question *question, const char *data, size_t length,
                               bool is_text)
{
    question->has_input = true;
    question->is_text = is_text;
    question->input = data;
    question->input_length = length;
}

static struct twi_json *take_base64(struct tool_question *question,
                                    const struct twi_json *member)
{
    struct twi_text bytes = { .arena = question->arena };

    if (!twi_base64_decode(&bytes, member->text, member->length))
        return refuse(question, "base64: no such digit");
    question_set_input(question, twi_text_string(&bytes), bytes.length, false);
    return NULL;
}

static struct twi_json *take_file(struct tool_question *question,
                                  const struct twi_json *member)
{
    struct cli_text text = { 0 };
    int r = strlen(member->text) == member->length ? cli_text_read(&text, member->text)
                                                   : -EINVAL;
    const char *copy;

    if (r < 0) {
        cli_text_free(&text);
        return tool_refuse(question, "file", "%s: %s", member->text, strerror(-r));
    }
    copy = twi_arena_copy(question->arena, text.data, text.length);
    if (copy != NULL)
        question_set_input(question, copy, text.length, false);
    cli_text_free(&text);
    return NULL;
}

/* --- options ------------------------------------------------------------------------------- */

static struct twi_json *give_text(struct tool_question *question,
                                  const struct tool_option *option,
                                  const struct twi_json *value)
{
    struct tool_given *given;

    if (twi_json_text(value) == NULL && option->kind != TOOL_VALUE)
        return refuse(question, "%s: not a string", option->name);
    given = tool_give(question, option);
    if (given == NULL)
        return NULL;
    given->on = value->kind != TWI_JSON_FALSE;
    given->text = twi_json_text(value);
    given->length = value->kind == TWI_JSON_STRING ? value->length
                    : given->text != NULL          ? strlen(given->text)
                                                   : 0;
    given->value = value;
    return NULL;
}

static struct twi_json *give_pair(struct tool_question *question,
                                  const struct tool_option *option, const char *name,
                                  size_t name_length, const struct twi_json *value)
{
    struct twi_json *error = give_text(question, option, value);

    if (error != NULL || question->arena->failed)
        return error;
    question->last->name = name;
    question->last->name_length = name_length;
    question->last->on = true;
    if (value->kind == TWI_JSON_NULL)
        question->last->text = NULL;
    return NULL;
}

/* "NAME=VALUE", as on the command line. */
static struct twi_json *take_joined_pair(struct tool_question *question,
                                         const struct tool_option *option,
                                         const struct twi_json *item)
{
    const char *equals = memchr(item->text, '=', item->length);
    size_t name_length = equals != NULL ? (size_t)(equals - item->text) : 0;
    struct twi_json *value;

    if (equals == NULL)
        return refuse(question, "%s: no = between a name and a value", option->name);
    value = twi_json_string(question->arena, equals + 1, item->length - name_length - 1);
    return value != NULL ? give_pair(question, option, item->text, name_length, value) : NULL;
}

static struct twi_json *take_pair(struct tool_question *question,
                                  const struct tool_option *option,
                                  const struct twi_json *item, bool is_member)
{
    const struct twi_json *name = item->first, *value;

    if (is_member)
        return give_pair(question, option, item->key, item->key_length, item);
    if (item->kind == TWI_JSON_STRING)
        return take_joined_pair(question, option, item);
    value = name != NULL ? name->next : NULL;
    if (item->kind != TWI_JSON_LIST || value == NULL || value->next != NULL ||
        name->kind != TWI_JSON_STRING)
        return refuse(question, "%s: not a list of a name and a value", option->name);
    return give_pair(question, option, name->text, name->length, value);
}

static struct twi_json *take_member(const struct tool *tool, struct tool_question *question,
                                    const char *name, const struct twi_json *value,
                                    bool in_step);

static struct twi_json *take_step(const struct tool *tool, struct tool_question *question,
                                  const struct tool_option *option,
                                  const struct twi_json *step)
{
    if (step->kind != TWI_JSON_OBJECT || step->first == NULL || step->first->next != NULL)
        return refuse(question, "%s: a step is an object with one member", option->name);
    return take_member(tool, question, step->first->key, step->first, true);
}

static struct twi_json *take_each(const struct tool *tool, struct tool_question *question,
                                  const struct tool_option *option,
                                  const struct twi_json *value)
{
    bool is_object = value->kind == TWI_JSON_OBJECT;
    struct twi_json *error = NULL;

    if (value->kind == TWI_JSON_FALSE && option->kind == TOOL_PAIRS)
        return give_text(question, option, value);
    if (option->kind == TOOL_LIST && value->kind < TWI_JSON_LIST)
        return give_text(question, option, value);
    if (option->kind == TOOL_PAIRS && value->kind == TWI_JSON_STRING)
        return take_joined_pair(question, option, value);
    if (value->kind != TWI_JSON_LIST && !(is_object && option->kind == TOOL_PAIRS))
        return refuse(question, "%s: not a list", option->name);
    if (value->first == NULL) { /* an empty list is not "as if absent" */
        struct tool_given *given = tool_give(question, option);
        if (given != NULL)
            given->value = value;
    }
    for (const struct twi_json *item = value->first; item != NULL && error == NULL;
         item = item->next) {
        if (option->kind == TOOL_LIST)
            error = give_text(question, option, item);
        else if (option->kind == TOOL_PAIRS)
            error = take_pair(question, option, item, is_object);
        else
            error = take_step(tool, question, option, item);
    }
    return error;
}

static struct twi_json *take_flag(struct tool_question *question,
                                  const struct tool_option *option,
                                  const struct twi_json *value, bool reversed)
{
    struct tool_given *given;

    if (value->kind != TWI_JSON_TRUE && value->kind != TWI_JSON_FALSE)
        return refuse(question, "%s: neither true nor false", option->name);
    given = tool_give(question, option);
    if (given != NULL)
        given->on = (value->kind == TWI_JSON_TRUE) != reversed;
    return NULL;
}

/* A member's name with "-" for "_". */
static const char *option_name(struct tool_question *question, const char *member)
{
    char *name = twi_arena_strdup(question->arena, member);

    for (char *at = name; at != NULL && *at != 0; at++)
        if (*at == '_')
            *at = '-';
    return name;
}

static struct twi_json *take_option(const struct tool *tool, struct tool_question *question,
                                    const char *member, const struct twi_json *value)
{
    const char *name = option_name(question, member);
    const struct tool_option *option = name != NULL ? tool_find_option(tool, name) : NULL;
    bool reversed = false;

    if (option == NULL && name != NULL && strncmp(name, "no-", 3) == 0) {
        option = tool_find_option(tool, name + 3);
        reversed = true;
    }
    if (question->arena->failed)
        return NULL;
    if (option == NULL || (reversed && option->kind != TOOL_FLAG))
        return refuse(question, "%s: no such member", member);
    if (option->kind == TOOL_FLAG)
        return take_flag(question, option, value, reversed);
    if (option->kind == TOOL_TEXT || option->kind == TOOL_VALUE)
        return give_text(question, option, value);
    return take_each(tool, question, option, value);
}

static struct twi_json *take_member(const struct tool *tool, struct tool_question *question,
                                    const char *name, const struct twi_json *value,
                                    bool in_step)
{
    static const struct {
        const char *name;
        struct twi_json *(*take)(struct tool_question *question,
                                 const struct twi_json *member);
    } inputs[] = { { "base64", take_base64 }, { "file", take_file } };

    if (value->kind == TWI_JSON_NULL)
        return NULL;
    if (!in_step && strcmp(name, "text") == 0 && value->kind == TWI_JSON_STRING) {
        question_set_input(question, value->text, value->length, true);
        return NULL;
    }
    for (size_t i = 0; !in_step && i < sizeof inputs / sizeof *inputs; i++) {
        if (strcmp(name, inputs[i].name) == 0)
            return value->kind == TWI_JSON_STRING ? inputs[i].take(question, value)
                                                  : refuse(question, "%s: not a string", name);
    }
    return take_option(tool, question, name, value);
}

struct twi_json *tool_question_read(const struct tool *tool, struct tool_question *question,
                                    const char *line, size_t length)
{
    struct twi_json_error wrong;
    struct twi_json *object = twi_json_read(question->arena, line, length, &wrong),
                    *error = NULL;

    if (object == NULL)
        return refuse(question, "no JSON: %s, at byte %zu", wrong.why, wrong.at);
    if (object->kind != TWI_JSON_OBJECT)
        return refuse(question, "a question is an object");
    for (const struct twi_json *member = object->first; member != NULL && error == NULL;
         member = member->next)
        error = take_member(tool, question, member->key, member, false);
    return error;
}
