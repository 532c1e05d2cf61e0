/* SPDX-License-Identifier: MIT */
/*
 * text_command.c - `tweed text`: markup taken out of a text.
 */
#include "config.h"

#include <string.h>

#include "cli/tool.h"
#include "spider/text/charset.h"
#include "spider/text/markup.h"

static const struct tool_option text_options[] = {
    { "op", 'o', TOOL_TEXT, "OP",
      "strip-tags, drop-tags, strip-comments, unescape or unquote" },
    { "only", 0, TOOL_LIST, "TAG", "of strip-tags and drop-tags: these tags" },
    { "keep", 0, TOOL_LIST, "NAME", "all but these tags, or references, which stay" },
    { "with", 'w', TOOL_TEXT, "TEXT", "of strip-tags: in the place of a tag" },
    { "keep-illegal", 0, TOOL_FLAG, NULL, "references to no character stay" },
    { "charset", 0, TOOL_TEXT, "NAME", "of the input; else it is found out" },
    { "content-type", 0, TOOL_TEXT, "VALUE", "the header that came with it" },
    { "url", 0, TOOL_TEXT, "URL", NULL },
    { NULL, 0, 0, NULL, NULL },
};

/* The texts of a list, in lower case; NULL when the arena failed. */
static struct twi_span *names_of(const struct tool_question *question, const char *option,
                                 size_t *ret_count)
{
    const struct tool_given *first = tool_find(question, option), *given;
    struct twi_span *names;
    size_t count = 0, used = 0;

    for (given = first; given != NULL; given = tool_find_next(given))
        count++;
    names = twi_arena_alloc(question->arena, (count + 1) * sizeof *names);
    for (given = first; given != NULL && names != NULL; given = tool_find_next(given)) {
        char *name = given->text != NULL
                         ? twi_arena_copy(question->arena, given->text, given->length)
                         : NULL;
        for (size_t i = 0; name != NULL && i < given->length; i++)
            name[i] = twi_lower(name[i]);
        if (name != NULL)
            names[used++] = (struct twi_span){ name, given->length };
    }
    *ret_count = used;
    return names;
}

static struct twi_tag_names tags_of(const struct tool_question *question, const char *option)
{
    struct twi_tag_names tags = { 0 };

    tags.names = names_of(question, option, &tags.count);
    return tags;
}

static void text_strip_tags(const struct tool_question *question, struct twi_span text,
                            struct twi_text *out)
{
    const struct tool_given *with = tool_find(question, "with");

    twi_strip_tags(out, text, tags_of(question, "only"), tags_of(question, "keep"),
                   with != NULL ? (struct twi_span){ with->text, with->length }
                                : twi_span_of(""));
}

static void text_drop_tags(const struct tool_question *question, struct twi_span text,
                           struct twi_text *out)
{
    twi_drop_tags(out, text, tags_of(question, "only"));
}

static void text_strip_comments(const struct tool_question *question, struct twi_span text,
                                struct twi_text *out)
{
    (void)question;
    twi_strip_comments(out, text);
}

static struct twi_unescape_options unescape_options(const struct tool_question *question)
{
    struct twi_unescape_options options = {
        .keep_illegal = tool_flag(question, "keep-illegal", false),
    };

    options.keep = names_of(question, "keep", &options.keep_count);
    return options;
}

static void text_unescape(const struct tool_question *question, struct twi_span text,
                          struct twi_text *out)
{
    struct twi_unescape_options options = unescape_options(question);

    twi_unescape(out, text, &options);
}

static void text_unquote(const struct tool_question *question, struct twi_span text,
                         struct twi_text *out)
{
    struct twi_unescape_options options = unescape_options(question);

    twi_unquote(out, text, &options);
}

static const struct text_op {
    const char *name;
    void (*run)(const struct tool_question *question, struct twi_span text,
                struct twi_text *out);
    const char *options[3]; /* those of the list that it has */
} ops[] = {
    { "strip-tags", text_strip_tags, { "only", "keep", "with" } },
    { "drop-tags", text_drop_tags, { "only" } },
    { "strip-comments", text_strip_comments, { NULL } },
    { "unescape", text_unescape, { "keep", "keep-illegal" } },
    { "unquote", text_unquote, { "keep", "keep-illegal" } },
};

static const struct text_op *find_op(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof ops / sizeof *ops; i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    return NULL;
}

/* An option that the operation does not have; NULL: none was given. */
static const char *foreign_option(const struct tool_question *question,
                                  const struct text_op *op)
{
    static const char *const names[] = { "only", "keep", "with", "keep-illegal" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool has = false;
        for (size_t k = 0; k < 3 && op->options[k] != NULL; k++)
            has |= strcmp(op->options[k], names[i]) == 0;
        if (!has && tool_find(question, names[i]) != NULL)
            return names[i];
    }
    return NULL;
}

static struct twi_span decoded_input(const struct tool_question *question)
{
    const char *type = tool_text(question, "content-type");
    struct twi_span input = { question->input, question->input_length };
    struct twi_charset_detected found;

    if (question->is_text)
        return input;
    found = twi_charset_detect(input, tool_text(question, "charset"),
                               type != NULL ? type : question->content_type);
    return twi_charset_decode(question->arena, found.charset,
                              twi_span_from(input, found.mark));
}

static struct twi_json *text_answer(const struct tool_question *question)
{
    const char *name = tool_text(question, "op"), *foreign;
    const struct text_op *op = find_op(name);
    struct twi_text out = { .arena = question->arena };
    struct twi_json *answer;

    if (op == NULL)
        return tool_refuse(question, "usage", "op: %s", name != NULL ? name : "not given");
    foreign = foreign_option(question, op);
    if (foreign != NULL)
        return tool_refuse(question, "usage", "%s: not of %s", foreign, name);
    if (tool_find(question, "only") != NULL && tool_find(question, "keep") != NULL)
        return tool_refuse(question, "usage", "only, keep: one of them");
    if (!question->has_input)
        return tool_refuse(question, "usage", "no text");
    op->run(question, decoded_input(question), &out);
    answer = twi_json_new(question->arena, TWI_JSON_OBJECT);
    twi_json_put(answer, "text",
                 twi_json_string(question->arena, twi_text_string(&out), out.length));
    return answer;
}

static void text_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *result = twi_json_member(answer, "text");

    twi_text_add(text, result->text, result->length);
}

static const struct tool text_tool = {
    .name = "text",
    .usage = "--op OP [OPTION...] [FILE]",
    .purpose = "Take markup out of a text: tags, elements, comments, character references.",
    .options = text_options,
    .answer = text_answer,
    .show = text_show,
};

int cli_text_command(int argc, char **argv)
{
    return tool_run(&text_tool, argc, argv);
}
