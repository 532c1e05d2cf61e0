/* SPDX-License-Identifier: MIT */
/*
 * export_command.c - `tweed export`: items as a feed.
 */
#include "config.h"

#include <string.h>

#include "cli/tool.h"
#include "spider/text/feed_write.h"

static const struct tool_option export_options[] = {
    { "format", 'f', TOOL_TEXT, "FORMAT", "csv, xml, json or jsonl" },
    { "fields", 0, TOOL_VALUE, "A,B", "only these members, in this order" },
    { "headers", 0, TOOL_FLAG, NULL, "--no-headers: no row of names in CSV" },
    { "join", 0, TOOL_TEXT, "TEXT", "between the members of a list in CSV (,)" },
    { "items", 0, TOOL_VALUE, NULL, NULL },
    { NULL, 0, 0, NULL, NULL },
};

/* --- fields -------------------------------------------------------------------------------- */

static void field_add(const struct tool_question *question, struct twi_feed_writer *writer,
                      const char *name, size_t length, const struct twi_json *heading)
{
    size_t size = sizeof *writer->fields;
    struct twi_feed_field *fields = twi_arena_grow(question->arena, (void *)writer->fields,
                                                   writer->count * size,
                                                   (writer->count + 1) * size);

    if (fields == NULL)
        return;
    fields[writer->count++] = (struct twi_feed_field){
        .name = name,
        .name_length = length,
        .heading = heading != NULL ? heading->text : name,
        .heading_length = heading != NULL ? heading->length : length,
    };
    writer->fields = fields;
}

/* "A,B", ["A","B"] or {"A":"heading"}. */
static struct twi_json *read_fields(const struct tool_question *question,
                                    const struct tool_given *given,
                                    struct twi_feed_writer *writer)
{
    const struct twi_json *list = given->value, *member;
    const char *at = given->text;

    if (at != NULL) {
        for (;;) {
            size_t length = strcspn(at, ",");
            field_add(question, writer, at, length, NULL);
            if (at[length] == 0)
                return NULL;
            at += length + 1;
        }
    }
    for (member = list->first; member != NULL; member = member->next) {
        if (member->kind != TWI_JSON_STRING)
            return tool_refuse(question, "usage", "fields: not a name");
        if (list->kind == TWI_JSON_OBJECT)
            field_add(question, writer, member->key, member->key_length, member);
        else
            field_add(question, writer, member->text, member->length, NULL);
    }
    return NULL;
}

/* --- items --------------------------------------------------------------------------------- */

static struct twi_json *item_write(const struct tool_question *question,
                                   struct twi_feed_writer *writer, const struct twi_json *item,
                                   struct twi_text *out)
{
    if (item->kind != TWI_JSON_OBJECT)
        return tool_refuse(question, "items", "item %zu is no object", writer->items + 1);
    twi_feed_item(writer, item, out);
    return NULL;
}

static struct twi_json *write_list(const struct tool_question *question,
                                   struct twi_feed_writer *writer, const struct twi_json *list,
                                   struct twi_text *out)
{
    struct twi_json *error = NULL;

    if (list->kind != TWI_JSON_LIST)
        return tool_refuse(question, "usage", "items: not a list");
    for (const struct twi_json *item = list->first; item != NULL && error == NULL;
         item = item->next)
        error = item_write(question, writer, item, out);
    return error;
}

static bool is_blank_line(const char *line, size_t length)
{
    while (length > 0 && memchr(" \t\r", line[length - 1], 3) != NULL)
        length--;
    return length == 0;
}

/* An item a line; empty lines are none. */
static struct twi_json *write_lines(const struct tool_question *question,
                                    struct twi_feed_writer *writer, struct twi_text *out)
{
    const char *at = question->input, *end = at + question->input_length;
    struct twi_json *error = NULL;
    size_t number = 1;

    for (; at < end && error == NULL; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        struct twi_json_error wrong;
        const struct twi_json *item;
        if (!is_blank_line(at, length)) {
            item = twi_json_read(question->arena, at, length, &wrong);
            if (item == NULL)
                return tool_refuse(question, "items", "line %zu, byte %zu: %s", number,
                                   wrong.at + 1, wrong.why);
            error = item_write(question, writer, item, out);
        }
        at += length + (newline != NULL);
    }
    return error;
}

/* --- the answer ---------------------------------------------------------------------------- */

static struct twi_json *write_items(const struct tool_question *question,
                                    struct twi_feed_writer *writer, struct twi_text *out)
{
    const struct tool_given *items = tool_find(question, "items");
    struct twi_json *error;

    if (items == NULL && !question->has_input)
        return tool_refuse(question, "usage", "no items");
    twi_feed_begin(writer, out);
    error = items != NULL ? write_list(question, writer, items->value, out)
                          : write_lines(question, writer, out);
    twi_feed_end(writer, out);
    return error;
}

static struct twi_json *export_answer(const struct tool_question *question)
{
    const char *format = tool_text(question, "format");
    const struct tool_given *fields = tool_find(question, "fields");
    struct twi_feed_writer writer = { .no_headers = !tool_flag(question, "headers", true),
                                      .join = tool_text(question, "join") };
    struct twi_text out = { .arena = question->arena };
    struct twi_json *answer, *error = NULL;

    if (format == NULL)
        return tool_refuse(question, "usage", "no format: csv, xml, json or jsonl");
    if (!twi_feed_kind_named(format, &writer.kind))
        return tool_refuse(question, "usage", "format: '%s' is none of csv, xml, json, jsonl",
                           format);
    if (fields != NULL)
        error = read_fields(question, fields, &writer);
    if (error == NULL)
        error = write_items(question, &writer, &out);
    if (error != NULL)
        return error;
    answer = twi_json_new(question->arena, TWI_JSON_OBJECT);
    twi_json_put(answer, "output",
                 twi_json_string(question->arena, twi_text_string(&out), out.length));
    return answer;
}

static void export_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *output = twi_json_member(answer, "output");

    twi_text_add(text, output->text, output->length);
}

static const struct tool export_tool = {
    .name = "export",
    .usage = "--format FORMAT [OPTION...] [FILE]",
    .purpose =
        "Turn items, a JSON object on each line of FILE, into a feed of another format.",
    .options = export_options,
    .answer = export_answer,
    .show = export_show,
};

int cli_export(int argc, char **argv)
{
    return tool_run(&export_tool, argc, argv);
}
