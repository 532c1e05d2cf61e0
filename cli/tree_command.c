/* SPDX-License-Identifier: MIT */
/*
 * tree_command.c - `tweed tree`: how a page is understood.
 */
#include "config.h"

#include <string.h>

#include "cli/document.h"

static const struct tool_option tree_options[] = {
    { "fragment", 0, TOOL_TEXT, "CONTEXT", "read it as what stands inside this element" },
    { "scripting", 0, TOOL_FLAG, NULL, "as a browser that runs scripts" },
    { "charset", 0, TOOL_TEXT, "NAME", "how its bytes are decoded" },
    { "content-type", 0, TOOL_TEXT, "VALUE", "the header that came with it" },
    { "url", 0, TOOL_TEXT, "URL", "where it came from" },
    { NULL, 0, 0, NULL, NULL },
};

/* A fragment is read inside its context, as the parser knows none. */
static bool tree_read_fragment(const struct tool_question *question, const char *context,
                               struct twi_span input, struct twi_tree *tree)
{
    const char *space = strrchr(context, ' ');
    struct twi_text text = { .arena = question->arena };

    twi_text_putc(&text, '<');
    twi_text_puts(&text, space != NULL ? space + 1 : context);
    twi_text_putc(&text, '>');
    twi_text_add(&text, input.text, input.length);
    return !question->arena->failed && twi_tree_read_html(tree, question->arena, text.data,
                                                          text.length, TWI_HTML_FRAGMENT);
}

static struct twi_json *tree_answer(const struct tool_question *question)
{
    struct twi_json *answer = twi_json_new(question->arena, TWI_JSON_OBJECT);
    struct twi_text outline = { .arena = question->arena };
    const char *context = tool_text(question, "fragment");
    struct twi_tree tree;
    const struct twi_charset *charset;
    struct twi_span input;
    bool is_read;

    if (!question->has_input)
        return tool_refuse(question, "usage", "no input");
    input = document_text(question, &charset);
    is_read = context != NULL
                  ? tree_read_fragment(question, context, input, &tree)
                  : twi_tree_read_html(&tree, question->arena, input.text, input.length, 0);
    if (!is_read)
        return document_too_large(question);
    twi_tree_write_outline(&tree, context != NULL ? twi_tree_root(&tree) : 0, &outline);
    twi_json_put(answer, "tree",
                 twi_json_string(question->arena, twi_text_string(&outline), outline.length));
    return answer;
}

static void tree_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *tree = twi_json_member(answer, "tree");

    twi_text_add(text, tree->text, tree->length);
}

static const struct tool tree_tool = {
    .name = "tree",
    .usage = "[OPTION...] [FILE|URL]",
    .purpose =
        "Show how a page is understood: its tree, in the notation of the html5lib tests.",
    .options = tree_options,
    .answer = tree_answer,
    .show = tree_show,
};

int cli_tree(int argc, char **argv)
{
    return tool_run(&tree_tool, argc, argv);
}
