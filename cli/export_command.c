/* SPDX-License-Identifier: MIT */
/*
 * export_command.c - `tweed export`: items as a feed.
 */
#include "config.h"

#include <string.h>

#include <tweed/failure.h>

#include "cli/tool.h"
#include "spider/job/feed_sqlite.h"
#include "spider/text/compress.h"
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

/* Items on their way from the input to the output. */
struct exporter {
    const struct tool_question *question;
    struct twi_feed_writer *writer;
    struct twi_text *out;
    struct twi_arena scratch; /* an item that is read */
    size_t line;
    struct twi_json *error;
};

static void item_write(struct exporter *exporter, const struct twi_json *item)
{
    struct twi_feed_writer *writer = exporter->writer;

    if (item->kind == TWI_JSON_OBJECT)
        twi_feed_item(writer, item, exporter->out);
    else
        exporter->error = tool_refuse(exporter->question, "items", "item %zu is no object",
                                      writer->items + 1);
}

static void write_list(struct exporter *exporter, const struct twi_json *list)
{
    if (list->kind != TWI_JSON_LIST)
        exporter->error = tool_refuse(exporter->question, "usage", "items: not a list");
    for (const struct twi_json *item = list->first; item != NULL && exporter->error == NULL;
         item = item->next)
        item_write(exporter, item);
}

static bool is_blank_line(const char *line, size_t length)
{
    while (length > 0 && memchr(" \t\r", line[length - 1], 3) != NULL)
        length--;
    return length == 0;
}

/* A line, or a database's item. False: no more, please. */
static bool item_line_write(const char *line, size_t length, void *arg)
{
    struct exporter *exporter = arg;
    struct twi_json_error wrong;
    const struct twi_json *item;

    exporter->line++;
    if (is_blank_line(line, length))
        return true;
    twi_arena_reset(&exporter->scratch);
    item = twi_json_read(&exporter->scratch, line, length, &wrong);
    if (item == NULL)
        exporter->error = tool_refuse(exporter->question, "items", "line %zu, byte %zu: %s",
                                      exporter->line, wrong.at + 1, wrong.why);
    else
        item_write(exporter, item);
    return exporter->error == NULL && !exporter->scratch.failed &&
           !exporter->out->arena->failed;
}

/* An item a line; empty lines are none. */
static void write_lines(struct exporter *exporter, const char *at, size_t length)
{
    const char *end = at + length;
    bool goes_on = true;

    while (at < end && goes_on) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = (size_t)((newline != NULL ? newline : end) - at);
        goes_on = item_line_write(at, line, exporter);
        at += line + (newline != NULL);
    }
}

static bool is_items_database(const char *data, size_t length)
{
    static const char head[] = "SQLite format 3"; /* and the NUL behind it */

    return length >= sizeof head && memcmp(data, head, sizeof head) == 0;
}

static void item_rows_write(struct exporter *exporter, const char *data, size_t length)
{
    tw_value failure;

    if (twi_feed_sqlite_read(data, length, item_line_write, exporter, &failure) == 0)
        return;
    exporter->error = tool_refuse(exporter->question, "items", "%s",
                                  tw_failure_message(failure));
    tw_release(failure);
}

/* A feed of jsonl or SQLite, compressed or not. */
static void write_input(struct exporter *exporter)
{
    const struct tool_question *question = exporter->question;
    struct twi_text text = { .arena = question->arena };
    enum twi_coding coding = twi_coding_of(question->input, question->input_length);
    const char *why = NULL, *data = question->input;
    size_t length = question->input_length;

    if (coding != TWI_CODING_NONE) {
        why = twi_decompress(coding, data, length, 0, &text);
        data = twi_text_string(&text);
        length = text.length;
    }
    if (why != NULL)
        exporter->error = tool_refuse(question, "items", "%s", why);
    else if (is_items_database(data, length))
        item_rows_write(exporter, data, length);
    else
        write_lines(exporter, data, length);
}

/* --- the answer ---------------------------------------------------------------------------- */

static struct twi_json *write_items(const struct tool_question *question,
                                    struct twi_feed_writer *writer, struct twi_text *out)
{
    const struct tool_given *items = tool_find(question, "items");
    struct exporter exporter = { .question = question, .writer = writer, .out = out };

    if (items == NULL && !question->has_input)
        return tool_refuse(question, "usage", "no items");
    /* The columns of CSV are kept by the writer as long as the answer. */
    twi_arena_init(&exporter.scratch, question->arena->limit);
    writer->scratch = &exporter.scratch;
    twi_feed_begin(writer, out);
    if (items != NULL)
        write_list(&exporter, items->value);
    else
        write_input(&exporter);
    twi_feed_end(writer, out);
    if (exporter.scratch.failed)
        question->arena->failed = true;
    twi_arena_free(&exporter.scratch);
    return exporter.error;
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
        "Turn the items of FILE, JSON lines or a database, into a feed of another format.",
    .options = export_options,
    .answer = export_answer,
    .show = export_show,
};

int cli_export(int argc, char **argv)
{
    return tool_run(&export_tool, argc, argv);
}
